"""The tables of docs/performance.md, from benchmarks/results/performance.json."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import documents
from documents import markdown

from srntt._files import write_bytes

DOCUMENT = Path(__file__).parent.parent / "docs" / "performance.md"
_METHODS = {
    "exact": "`--matcher exact`",
    "fast": "`--matcher fast`",
    "unfold_bmm": "unfold and one product, as TTSR",
    "chunked_filters": "patches as filters of convolutions, as SRNTT",
    "block_coarse": "blocks first, then near them, as MASA",
    "faiss": "faiss, exact inner products",
}
_STAGES = {
    "encode": "references encoded",
    "rest": "references aligned, and their aligned views encoded",
    "match": "matching",
    "render": "textures and network",
    "end_to_end": "end to end",
    "render_alone": "the network without references",
}


def write_tables(report: Mapping[str, Any]) -> None:
    """Write each table between its marks."""
    write_bytes(DOCUMENT, filled(DOCUMENT.read_text("utf-8"), report).encode())


def filled(document: str, report: Mapping[str, Any]) -> str:
    """The document with the tables of a complete run."""
    for name, table in tables(report).items():
        document = documents.filled(document, f"make bench: {name}", table)
    return document


def tables(report: Mapping[str, Any]) -> dict[str, str]:
    """By name, as Markdown."""
    parts = report["parts"]
    return {
        "matching": _matching(parts["matching"]),
        "growth": _growth(parts["matching"]["light"]),
        "stages": _stages(parts["upscale"]),
        "memory": _memory(parts["memory"]),
        "origin": _origin(report),
    }


def _matching(part: Mapping[str, Any]) -> str:
    rows = [["", "time", "best patch found", "similarity lost"]]
    for name, text in _METHODS.items():
        if name in part["methods"]:
            method = part["methods"][name]
            lost = max(0.0, method["similarity_lost"])
            rows.append([text, f"{method['over_exact']:.2f}", f"{method['recall']:.1%}", f"{lost:.4f}"])
    return markdown(rows)


def _growth(part: Mapping[str, Any]) -> str:
    rows = [["positions of picture and reference", "exact over fast", "same match", "`auto` takes"]]
    for case in part["cases"]:
        height, width = case["query"]
        rows.append([f"{height} x {width}", f"{case['exact_over_fast']:.1f}", f"{case['recall']:.1%}", case["chosen"]])
    growth = part["growth"]
    note = f"Time grows as positions to the {growth['exact']:.2f} (exact) and {growth['fast']:.2f} (fast).\n"
    return markdown(rows) + "\n" + note


def _stages(part: Mapping[str, Any]) -> str:
    stages = dict(part["over_yardstick"])
    stages["rest"] = stages["end_to_end"] - stages["encode"] - stages["match"] - stages["render"]
    rows = [["", "share of end to end", "yardsticks"]]
    for name, text in _STAGES.items():
        rows.append([text, f"{stages[name] / stages['end_to_end']:.0%}", f"{stages[name]:.2f}"])
    return markdown(rows)


def _memory(part: Mapping[str, Any]) -> str:
    rows = [["output", "references", "peak", "of that predicted", "time", "matcher"]]
    shown = [case for case in part["cases"] if "refused" not in case]
    first = shown[0]["seconds"]
    for case in shown:
        height, width = case["output"]
        rows.append(
            [f"{width} x {height}", str(case["references"]), f"{case['peak_bytes'] / 1e6:.0f} MB",
             f"{case['peak_over_predicted']:.0%}", f"{case['seconds'] / first:.1f}", case["matcher"]]
        )  # fmt: skip
    growth = part["growth"]
    note = (
        f"Time grows as the output's pixels to the {growth['seconds']:.2f}, memory beyond what does not grow to the "
        f"{growth['bytes']:.2f}.\n"
    )
    return markdown(rows) + "\n" + note


def _origin(report: Mapping[str, Any]) -> str:
    commit = (report["commit"] or "unknown")[:10] + (" with changes" if report["modified"] else "")
    return f"Made by `make bench` (commit {commit}, {report['threads']} threads, {report['date']}).\n"
