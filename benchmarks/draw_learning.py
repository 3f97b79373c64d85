"""Draws the learning curves of the shipped models as SVG, from the logs of their runs.

    python benchmarks/draw_learning.py

Each panel shows a term of the log.jsonl written by ``srntt train`` against steps; a run that continues another starts
at its end. Draws docs/learning-curves.svg from benchmarks/results/training.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from srntt._files import write_bytes

REPOSITORY = Path(__file__).parent.parent
LOGS = REPOSITORY / "benchmarks" / "results" / "training"
PICTURE = REPOSITORY / "docs" / "learning-curves.svg"
_WIDTH, _HEIGHT, _LEFT, _TOP, _GAP, _BELOW = 300, 180, 52, 34, 66, 62
_STYLE = (
    "text{font:12px sans-serif;fill:#57606a}.title{font-weight:bold}.grid{stroke:#8c959f;stroke-opacity:.3}"
    ".a{stroke:#0969da;fill:none;stroke-width:2}.b{stroke:#bc4c00;fill:none;stroke-width:2}"
    ".a.name{fill:#0969da;stroke:none}.b.name{fill:#bc4c00;stroke:none}"
)


@dataclass(frozen=True)
class Panel:
    """The content of a panel: successive runs of one model, and terms of their logs with their names."""

    title: str
    runs: tuple[str, ...]
    terms: dict[str, str]


PANELS = (
    Panel(
        "lite-rec, PSNR-Y", ("lite-rec-1", "lite-rec-2", "lite-rec-3"), {"first": "with a reference", "none": "without"}
    ),
    Panel("lite-gan, losses", ("lite-gan",), {"perceptual": "perceptual", "texture": "texture"}),
    Panel("lite-real, losses", ("lite-real-2", "lite-real-3"), {"perceptual": "perceptual", "texture": "texture"}),
    Panel("paper-rec, L1", ("paper-rec-1", "paper-rec-2"), {"reconstruction": "on what each step had"}),
)


def draw(panels: Sequence[Panel], logs: Path) -> str:
    """Two panels per row."""
    parts = [_panel(number, panel, logs) for number, panel in enumerate(panels)]
    width, height = 2 * (_WIDTH + _GAP) + _LEFT - 30, -(-len(parts) // 2) * (_TOP + _HEIGHT + _BELOW)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">'
        f"<title>How the shipped models learnt</title><style>{_STYLE}</style>{''.join(parts)}</svg>\n"
    )


def _panel(number: int, panel: Panel, logs: Path) -> str:
    left, top = _LEFT + number % 2 * (_WIDTH + _GAP), _TOP + number // 2 * (_TOP + _HEIGHT + _BELOW)
    curves = {name: _curve(panel.runs, term, logs) for term, name in panel.terms.items()}
    values = [y for curve in curves.values() for _, y in curve]
    last, low, high = max(x for curve in curves.values() for x, _ in curve), min(values), max(values)
    parts = [f'<text class="title" x="{left}" y="{top - 14}">{panel.title}</text>']
    for share in (0.0, 0.5, 1.0):
        y, x = top + _HEIGHT * (1 - share), left + _WIDTH * share
        parts.append(f'<path class="grid" d="M{left} {y:.1f}H{left + _WIDTH}"/>')
        parts.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{low + share * (high - low):.4g}</text>')
        parts.append(f'<text x="{x:.1f}" y="{top + _HEIGHT + 18}" text-anchor="middle">{share * last:.0f}</text>')
    for kind, (name, curve), place in zip("ab", curves.items(), (0, 1), strict=False):
        points = [(left + _WIDTH * x / last, top + _HEIGHT * (high - y) / (high - low)) for x, y in curve]
        parts.append(f'<path class="{kind}" d="M{" L".join(f"{x:.1f} {y:.1f}" for x, y in points)}"/>')
        parts.append(f'<text class="{kind} name" x="{left + 150 * place}" y="{top + _HEIGHT + 36}">{name}</text>')
    return "".join(parts)


def _curve(runs: Sequence[str], term: str, logs: Path) -> list[tuple[float, float]]:
    """(step, value); steps are counted over all runs."""
    points, before = [], 0
    for run in runs:
        entries = [json.loads(line) for line in (logs / f"{run}.jsonl").read_text("utf-8").splitlines()]
        points += [(before + entry["step"], entry[term]) for entry in entries if term in entry]
        before += entries[-1]["step"]
    return points


if __name__ == "__main__":
    write_bytes(PICTURE, draw(PANELS, LOGS).encode())
