"""LaTeX table of the means of a report, with published figures of the same set."""

from collections.abc import Sequence

from srntt.evaluate import Evaluation, protocol_named
from srntt.report._measured import measured, shown_metric, taken_metrics
from srntt.report._published import published

_SPECIAL = {
    "\\": r"\textbackslash{}",
    **{mark: f"\\{mark}" for mark in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
}


def latex(evaluations: Sequence[Evaluation]) -> str:
    """Format a table for the package booktabs: a row for each evaluation, then a row for each published method.

    Published rows have PSNR-Y and SSIM-Y only, and protocol and source in place of the references. Best values are not
    highlighted, because protocols differ between rows.
    """
    first = evaluations[0]
    protocol = protocol_named(first.protocol)
    names = taken_metrics(evaluations)
    titles = [shown_metric(name).title for name in names]
    rows = [
        [item.method, item.references, *(_shown(item.mean().get(name), shown_metric(name).digits) for name in names)]
        for item in evaluations
    ]
    others = published(protocol.data.name, protocol.scale)
    figures = [{"psnr_y": _shown(one.psnr, 2), "ssim_y": _shown(one.ssim, 3)} for one in others]
    rows_of_others = [
        [one.method, f"{one.source}; protocol {one.protocol or 'not stated'}", *(known.get(n, "--") for n in names)]
        for one, known in zip(others, figures, strict=True)
    ]
    about = [f"Protocol {first.protocol}: {protocol.description}.", *measured(evaluations)]
    lines = [
        "% \\usepackage{booktabs}",
        *(f"% {_one_line(text)}" for text in about),
        rf"\begin{{tabular}}{{ll{'r' * len(names)}}}",
        r"\toprule",
        _row(["Method", "References", *titles]),
        r"\midrule",
        *map(_row, rows),
    ]
    if rows_of_others:
        lines += [r"\midrule", r"\multicolumn{2}{l}{Published} \\", *map(_row, rows_of_others)]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def _row(cells: Sequence[str]) -> str:
    return " & ".join("".join(_SPECIAL.get(mark, mark) for mark in _one_line(cell)) for cell in cells) + r" \\"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _shown(value: float | None, digits: int) -> str:
    return "--" if value is None else f"{value:.{digits}f}"
