"""The tables of README.md and docs/evaluation.md, from benchmarks/results/quality.json."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from documents import filled, markdown

from srntt._files import write_bytes

REPOSITORY = Path(__file__).parent.parent
MARK = "make results"
_REFERENCES = {
    "none": "no reference",
    "first": "first reference",
    "all": "all references",
    "unrelated": "an unrelated one",
}
_NAMES = {"bicubic": "bicubic", "bicubic-matlab": "bicubic", "dat-light": "DAT-light", "realesrgan": "Real-ESRGAN"}
#: Of Set5 with its own LR, PSNR-Y and SSIM-Y: DAT's repository (Chen et al., ICCV 2023); bicubic as in all papers.
_PUBLISHED = {"bicubic": "28.42 / .8104", "DAT-light": "32.57 / .8991"}


def write_tables(results: Mapping[str, Any]) -> None:
    """Write each table between its marks."""
    for document, table in tables(results).items():
        path = REPOSITORY / document
        before = path.read_text("utf-8")
        write_bytes(path, filled(before, MARK, table).encode())


def tables(results: Mapping[str, Any]) -> dict[str, str]:
    """The generated part of each document."""
    return {"README.md": quality_table(results["sets"]), "docs/evaluation.md": harness_table(results["sets"])}


def quality_table(sets: Mapping[str, Any]) -> str:
    """A row for each method, a column for each set that has pairs."""
    shown = {name: item for name, item in sets.items() if item["protocol"] == "pairs"}
    keys = list(dict.fromkeys(_key(row) for item in shown.values() for row in item["rows"]))
    keys.sort(key=lambda key: key[1] != "")  # peers first; stored rows last
    lines = [["PSNR-Y / SSIM-Y", "", *(item["title"] for item in shown.values())]]
    for key in keys:
        lines.append([*key, *(_figure(item, key) for item in shown.values())])
    return markdown(lines) + "\n" + _origin(shown)


def harness_table(sets: Mapping[str, Any]) -> str:
    """The results of this harness on Set5, and the published ones."""
    if "Set5" not in sets:
        return ""
    rows = [["Set5, PSNR-Y / SSIM-Y", "published", "here"]]
    for row in sets["Set5"]["rows"]:
        key = _key(row)
        rows.append([", ".join(filter(None, key)), _PUBLISHED.get(key[0], ""), _figure(sets["Set5"], key)])
    return markdown(rows) + "\n" + _origin({"Set5": sets["Set5"]})


def _key(row: Mapping[str, Any]) -> tuple[str, str]:
    if "peer" in row:
        return _NAMES[row["model"]], ""
    return f"`{row['model']}`", _REFERENCES[row["refs"]]


def _figure(item: Mapping[str, Any], key: tuple[str, str]) -> str:
    means = [row["mean"] for row in item["rows"] if _key(row) == key]
    return f"{means[0]['psnr_y']:.2f} / {means[0]['ssim_y']:.4f}".replace(" 0.", " .") if means else ""


def _origin(sets: Mapping[str, Any]) -> str:
    """The commit and weights; for each set separately where they differ."""
    origins: dict[str, list[str]] = {}
    for item in sets.values():
        commit = (item["commit"] or "unknown")[:10] + (" with changes" if item["modified"] else "")
        weights = ", ".join(f"{name} {digest[:10]}" for name, digest in item["weights"].items())
        origins.setdefault(f"commit {commit}, weights {weights}, {item['date']}", []).append(item["title"])
    if len(origins) == 1:
        return f"Made by `make results` ({next(iter(origins))}).\n"
    parts = "; ".join(f"{', '.join(titles)}: {text}" for text, titles in origins.items())
    return f"Made by `make results` ({parts}).\n"
