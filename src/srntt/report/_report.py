"""Report files and tables of an evaluation."""

import csv
import html
import io
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from srntt.errors import OutputError
from srntt.evaluate import Evaluation, protocol_named
from srntt.report._latex import latex
from srntt.report._measured import markdown, measured, not_taken, shown_metric, taken_metrics
from srntt.report._page import page
from srntt.report._published import published

REPORT_FILES = ("report.json", "report.csv", "report.md", "report.tex", "report.html")


def check_report(folder: Path, *, overwrite: bool = False) -> None:
    """Check before any work that `write_report` can write to a folder; raise OutputError if it contains a report
    already, is a file, or cannot be written to.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file. Name a folder for the report.")
    nearest = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    try:
        tempfile.TemporaryFile(dir=nearest).close()
    except OSError as error:
        raise OutputError(f"{nearest} cannot be written to: {error.strerror}. Name another folder.") from error
    there = [name for name in REPORT_FILES if (folder / name).exists()]
    if there and not overwrite:
        raise OutputError(f"{folder} contains {', '.join(there)} already. Name another folder, or use --overwrite.")


def write_report(evaluations: Sequence[Evaluation], folder: Path, *, overwrite: bool = False) -> None:
    """Write report.json (all figures), report.csv, report.md and report.tex (tables, the latter with published
    figures of the set) and report.html (a self-contained page with pictures), each atomically.

    Raises:
        OutputError: A report exists already, or the folder cannot be written to.
    """
    from srntt._safetensors import write_bytes  # imports torch

    check_report(folder, overwrite=overwrite)
    write_bytes(folder / "report.json", (as_json(evaluations) + "\n").encode())
    write_bytes(folder / "report.csv", _csv(evaluations).encode())
    write_bytes(folder / "report.md", _markdown(evaluations).encode())
    write_bytes(folder / "report.tex", latex(evaluations).encode())
    write_bytes(folder / "report.html", page(evaluations).encode())


def as_json(evaluations: Sequence[Evaluation]) -> str:
    """Serialise one evaluation as an object, several as a list of objects."""
    objects = [evaluation.as_json() for evaluation in evaluations]
    return json.dumps(objects[0] if len(objects) == 1 else objects, indent=1, allow_nan=False)


def table(evaluations: Sequence[Evaluation]) -> list[str]:
    """Format the means as a Markdown table, in lines: a row for each evaluation, a column for each metric."""
    names = taken_metrics(evaluations)
    head = ["model", "references", *(shown_metric(name).title for name in names), "seconds"]
    rows = [
        [each.method, each.references, *_values(each.mean(), names), _shown(each.seconds, 2)] for each in evaluations
    ]
    return markdown(head, rows)


def _values(values: Mapping[str, float | None], names: Sequence[str]) -> list[str]:
    return [_shown(values.get(name), shown_metric(name).digits) for name in names]


def _csv(evaluations: Sequence[Evaluation]) -> str:
    """Format the scores as CSV (RFC 4180), with a row for each picture of each evaluation."""
    names = taken_metrics(evaluations)
    others = ["seconds", "similarity", "bicubic_psnr_y"]
    text = io.StringIO(newline="")
    rows = csv.writer(text)
    rows.writerow(["protocol", "model", "peer", "references", "target", *names, *others])
    for item in evaluations:
        kind = "no" if item.peer is None else "yes"
        about = [_cell(text) for text in (item.protocol, item.model, kind, item.references)]
        for score in item.scores:
            figures = score.as_json()
            rows.writerow([*about, _cell(score.name), *(figures.get(name) for name in [*names, *others])])
    return text.getvalue()


def _cell(text: str) -> str:
    """Escape text that a spreadsheet would interpret as a formula, with an apostrophe."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _markdown(evaluations: Sequence[Evaluation]) -> str:
    first = evaluations[0]
    lines = [f"# Protocol {first.protocol}", "", f"{protocol_named(first.protocol).description}.", ""]
    lines += [html.escape(" ".join(known), quote=False), ""] if (known := measured(evaluations)) else []
    notes = ["Seconds: mean per picture, including references, after warm-up.", not_taken(evaluations)]
    lines += [*table(evaluations), "", " ".join(filter(None, notes)), ""]
    lines += _published_table(evaluations)
    names = taken_metrics(evaluations)
    for evaluation in evaluations:
        head = ["target", *(shown_metric(name).title for name in names), "seconds"]
        rows = [
            [html.escape(score.name, quote=False), *_values(score.values, names), _shown(score.seconds, 2)]
            for score in evaluation.scores
        ]
        lines += [f"## {evaluation.method}, references: {evaluation.references}", "", *markdown(head, rows), ""]
    lines += ["## Environment", "", *(f"* {name}: {value}" for name, value in first.environment.items())]
    for item in evaluations:
        lines += [f"* peer {item.model}: {', '.join(map(' '.join, item.peer.items()))}"] if item.peer else []
    return "\n".join(lines) + "\n"


def _published_table(evaluations: Sequence[Evaluation]) -> list[str]:
    """Figures of papers on the same set; those of another protocol do not compare."""
    protocol = protocol_named(evaluations[0].protocol)
    if not (figures := published(protocol.data.name, protocol.scale)):
        return []
    head = ["method", "PSNR-Y", "SSIM-Y", "protocol", "source"]
    rows = [
        [one.method, f"{one.psnr:.2f}", f"{one.ssim:.3f}", one.protocol or "not stated", one.source] for one in figures
    ]
    title = f"## Published figures on {protocol.data.name}"
    note = f"Only figures made by the same protocol ({protocol.name}) compare with those above."
    return [title, "", note, "", *markdown(head, rows), ""]


def _shown(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
