"""benchmarks/any_size.py: what it draws, tells and judges, from a report."""

import importlib
import xml.etree.ElementTree as ElementTree
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"

_SCRIPTS = ("performance_tables", "draw_sizes", "any_size")


@pytest.fixture
def scripts(monkeypatch) -> SimpleNamespace:
    """The scripts of benchmarks/, which is no package."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    return SimpleNamespace(**{name: importlib.import_module(name) for name in _SCRIPTS})


def _case(megapixels: float, **other) -> dict:
    return {
        "output": [1000, int(megapixels * 1000)], "megapixels": megapixels, "references": 2, "tile": 96,
        "peak_bytes": 1e9 * megapixels, "predicted_bytes": 1.1e9 * megapixels, "peak_over_predicted": 1 / 1.1,
        "cpu_seconds": 10 * megapixels, "matcher": "fast", **other,
    }  # fmt: skip


def _report(*sweep, **parts) -> dict:
    def part(cases, memory=None):
        return {"cases": cases, "memory": memory, "reference": [2000, 3000]}

    large = {name: part([case], "2GB") for name, case in parts.items()}
    return {"sweep": part(sweep), **large}


def test_what_grows_in_proportion_is_a_straight_line(scripts):
    report = _report(*(_case(size) for size in (0.25, 1.0, 4.0, 16.0)), _case(0.25, references=8))
    root = ElementTree.fromstring(scripts.draw_sizes.draw(report))
    lines = [path for path in root.iter() if path.get("class") in ("measured", "predicted")]
    assert [path.get("class") for path in lines] == ["measured", "predicted", "measured"]
    for line in lines:
        points = [tuple(map(float, point.split())) for point in (line.get("d") or "")[1:].split(" L")]
        assert len(points) == 4
        slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in pairwise(points)]
        assert slopes == pytest.approx([slopes[0]] * 3, abs=0.01)
        assert slopes[0] < 0  # up, for SVG counts down the page


def test_the_document_gets_a_line_for_every_case_and_stays_the_same_the_second_time(scripts):
    document = scripts.performance_tables.DOCUMENT.read_text("utf-8")
    report = _report(_case(1.0), _case(2.0, refused="too little"), large=_case(1.5))
    filled = scripts.any_size.filled(document, report)
    assert "| 1000 x 1000 | 2 of 3000 x 2000 | 1000 MB | 91% | 10 | 96 | fast |" in filled
    assert "| 1500 x 1000 | 2 of 3000 x 2000 | 1500 MB of 2GB allowed | 91% | 15 | 96 | fast |" in filled
    assert "2000 x 1000" not in filled
    assert scripts.any_size.filled(filled, report) == filled


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({}, None),
        ({"peak_bytes": 2.1e9}, "above the budget"),
        ({"peak_over_predicted": 0.8}, "80% of what was predicted"),
        ({"peak_over_predicted": 1.25}, "125% of what was predicted"),
        ({"cpu_seconds": 1201}, "1201 CPU seconds"),
        ({"refused": "it needs 9 GB"}, "refused: it needs 9 GB"),
    ],
)
def test_every_promise_that_is_broken_is_reported(scripts, other, words):
    reported = list(scripts.any_size._broken(_report(_case(1.0), **{"96": _case(1.0, **other)})))
    assert [words in line for line in reported] == ([] if words is None else [True])
