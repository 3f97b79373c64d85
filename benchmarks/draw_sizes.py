"""Draws time and memory against size as SVG, from the results of ``benchmarks/any_size.py``."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

_WIDTH, _HEIGHT, _LEFT, _TOP, _GAP = 360, 260, 58, 34, 84
_STYLE = (
    "text{font:12px sans-serif;fill:#57606a}.title{font-weight:bold}.grid{stroke:#8c959f;stroke-opacity:.3}"
    ".measured{stroke:#0969da;fill:none;stroke-width:2}.dot{fill:#0969da}"
    ".predicted{stroke:#bc4c00;fill:none;stroke-width:1.5;stroke-dasharray:5 4}"
)

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class _Axis:
    """A logarithmic axis from ``low`` to ``high``, drawn from ``start`` to ``end``."""

    low: float
    high: float
    start: float
    end: float

    @classmethod
    def over(cls, values: Sequence[float], start: float, end: float) -> "_Axis":
        """An axis that covers all values, extended to powers of ten or to two or five times these."""
        ticks = [step * 10.0**power for power in range(-3, 6) for step in (1, 2, 5)]
        low = max((tick for tick in ticks if tick <= min(values)), default=ticks[0])
        high = min((tick for tick in ticks if tick >= max(values)), default=ticks[-1])
        return cls(low, high if high > low else low * 10, start, end)

    def __call__(self, value: float) -> float:
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return round(self.start + share * (self.end - self.start), 1)

    @property
    def ticks(self) -> list[float]:
        every = [step * 10.0**power for power in range(-3, 6) for step in (1, 2, 5)]
        inside = [tick for tick in every if self.low * 0.999 <= tick <= self.high * 1.001]
        return inside if len(inside) <= 8 else [tick for tick in inside if math.log10(tick) % 1 < 1e-6]


def draw(report: dict[str, Any]) -> str:
    """Two panels on logarithmic axes: CPU seconds and peak memory against the output's megapixels."""
    cases = [case for case in report["sweep"]["cases"] if "refused" not in case]
    first = cases[0]["references"]
    cases = [case for case in cases if case["references"] == first]

    def points(value: Callable[[dict[str, Any]], float]) -> Points:
        return [(case["megapixels"], value(case)) for case in cases]

    time = _panel(0, f"CPU seconds, {first} references", points(lambda case: case["cpu_seconds"]), None)
    peak = points(lambda case: case["peak_bytes"] / 1e6)
    predicted = points(lambda case: case["predicted_bytes"] / 1e6)
    memory = _panel(1, "peak memory of the process, MB", peak, predicted)
    width = 2 * (_LEFT + _WIDTH) + _GAP - _LEFT + 20
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {_TOP + _HEIGHT + 46}" role="img">'
        f"<title>Time and peak memory against the size of the output</title><style>{_STYLE}</style>"
        f"{time}{memory}</svg>\n"
    )


def _panel(number: int, title: str, measured: Points, predicted: Points | None) -> str:
    left = _LEFT + number * (_WIDTH + _GAP)
    every = [*measured, *(predicted or ())]
    across = _Axis.over([x for x, _ in every], left, left + _WIDTH)
    down = _Axis.over([y for _, y in every], _TOP + _HEIGHT, _TOP)
    parts = [f'<text class="title" x="{left}" y="{_TOP - 14}">{title}</text>']
    for tick in across.ticks:
        x = across(tick)
        parts.append(f'<path class="grid" d="M{x} {_TOP}V{_TOP + _HEIGHT}"/>')
        parts.append(f'<text x="{x}" y="{_TOP + _HEIGHT + 18}" text-anchor="middle">{tick:g}</text>')
    for tick in down.ticks:
        y = down(tick)
        parts.append(f'<path class="grid" d="M{left} {y}H{left + _WIDTH}"/>')
        parts.append(f'<text x="{left - 8}" y="{y + 4}" text-anchor="end">{tick:g}</text>')
    parts.append(f'<text x="{left + _WIDTH}" y="{_TOP + _HEIGHT + 38}" text-anchor="end">megapixels of output</text>')
    if predicted:
        parts.append(_line("predicted", predicted, across, down))
        parts.append(f'<text x="{left + 10}" y="{_TOP + 16}">measured (line), predicted (dashes)</text>')
    parts.append(_line("measured", measured, across, down))
    parts += [f'<circle class="dot" cx="{across(x)}" cy="{down(y)}" r="3.5"/>' for x, y in measured]
    return "".join(parts)


def _line(name: str, points: Points, across: _Axis, down: _Axis) -> str:
    return f'<path class="{name}" d="M{" L".join(f"{across(x)} {down(y)}" for x, y in points)}"/>'
