"""The others' algorithms do what their papers say, ratios are judged as stated, and tables go where they belong."""

import importlib
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from reference.matching import slow_match

from srntt.bench import turned_pair
from srntt.match import Match
from srntt.transfer import swap

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
_SCRIPTS = ("origin", "peer_matchers", "peer_swap", "performance_tables", "check", "suite")


@pytest.fixture
def scripts(monkeypatch) -> SimpleNamespace:
    """The scripts of benchmarks/, which is no package."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    return SimpleNamespace(**{name: importlib.import_module(name) for name in _SCRIPTS})


@pytest.mark.parametrize("name", ["unfold_bmm", "chunked_filters"])
def test_what_others_find_exactly_is_the_definition(scripts, name, monkeypatch):
    monkeypatch.setattr(scripts.peer_matchers, "_FILTERS_AT_ONCE", 37)
    query, key = torch.randn(5, 9, 11), torch.randn(5, 8, 13)
    _, y, x, _ = slow_match(query, [key])
    assert torch.equal(scripts.peer_matchers.PEERS[name](query, key), (y * 13 + x).flatten())


def test_blocks_first_finds_what_moved_as_a_whole(scripts):
    """A picture moved by (5, 3): where the window of the block holds it, the position is found."""
    generator = torch.Generator().manual_seed(0)
    scene = torch.randn(6, 40, 45, generator=generator)
    query, key = scene[:, 5:30, 3:36], scene  # neither side is a multiple of a block
    y, x = torch.meshgrid(torch.arange(25), torch.arange(33), indexing="ij")
    found = scripts.peer_matchers.block_coarse(query, key).view(25, 33)
    assert torch.equal(found[1:-1, 1:-1], ((y + 5) * 45 + x + 3)[1:-1, 1:-1])  # at its border a patch is another


def test_blocks_first_misses_what_moved_apart_within_a_block(scripts):
    query, key = turned_pair(48, 16)
    _, y, x, _ = slow_match(query, [key])
    recall = (scripts.peer_matchers.block_coarse(query, key) == (y * 48 + x).flatten()).double().mean()
    assert 0.1 < recall < 0.95


@pytest.mark.parametrize("ratio", [1, 2, 4])
def test_folding_swaps_what_ours_swaps_away_from_the_edge(scripts, ratio):
    generator = torch.Generator().manual_seed(0)
    y, x = (torch.randint(1, size - 1, (7, 9), generator=generator) for size in (8, 10))
    match = Match.at(torch.zeros_like(y), y, x, torch.ones(7, 9))
    values = torch.rand(3, 8 * ratio, 10 * ratio, generator=generator)
    ours, theirs = swap([values], match, ratio=ratio), scripts.peer_swap.fold_swap(values, y, x, ratio)
    inside = (slice(None), slice(ratio, -ratio), slice(ratio, -ratio))
    torch.testing.assert_close(theirs[inside], ours[inside])


def _ratio(value, better="lower", kind="time"):
    return {"value": value, "better": better, "kind": kind}


@pytest.mark.parametrize(
    ("now", "old", "verdict"),
    [
        (_ratio(1.39), 1.0, "ok"),
        (_ratio(1.41), 1.0, "WORSE"),
        (_ratio(0.1), 1.0, "ok"),
        (_ratio(5.0, "higher"), 6.9, "ok"),
        (_ratio(5.0, "higher"), 7.1, "WORSE"),
        (_ratio(0.985, "higher", "quality"), 0.994, "ok"),
        (_ratio(0.985, "higher", "quality"), 0.996, "WORSE"),
        (_ratio(0.9, kind="memory"), 0.8, "WORSE"),
        (_ratio(0.9, kind="memory"), 0.85, "ok"),
    ],
)
def test_a_ratio_is_held_against_the_kept_one_with_its_tolerance(scripts, now, old, verdict):
    ((found, line),) = scripts.check.compared({"a": now}, {"a": {**now, "value": old}})
    assert found == verdict
    assert line.startswith("a: ")


def test_what_is_new_missing_or_above_its_prediction_is_reported(scripts):
    now = {"new": _ratio(1.0), "m, peak over predicted": _ratio(1.01, kind="memory")}
    before = {"old": _ratio(1.0), "m, peak over predicted": _ratio(1.0, kind="memory")}
    verdicts = [verdict for verdict, _ in scripts.check.compared(now, before)]
    assert verdicts == ["new", "WORSE", "missing"]


def _report():
    """A run, as the suite writes it."""
    method = {"seconds": 1.0, "over_exact": 2.5, "recall": 0.9876, "similarity_lost": 0.00123}
    light = {"query": [128, 128], "exact_over_fast": 3.5, "recall": 0.99, "chosen": "fast"}
    case = {"output": [408, 612], "megapixels": 0.25, "references": 1, "seconds": 2.0, "peak_bytes": 5 * 10**8,
            "peak_over_predicted": 0.8, "matcher": "exact"}  # fmt: skip
    stages = ("encode", "match", "render", "render_alone", "end_to_end")
    parts = {
        "matching": {"methods": {"exact": method, "fast": method, "unfold_bmm": method},
                     "light": {"cases": [light], "growth": {"exact": 1.98, "fast": 1.07}}},
        "swapping": {"seconds": {"swap": 1.0, "unfold_fold": 4.0}},
        "network": {"seconds": {"network": 1.2, "convolutions": 1.0}},
        "upscale": {"seconds": dict.fromkeys(stages, 1.0), "over_yardstick": dict.fromkeys(stages, 3.0)},
        "memory": {"cases": [case, {**case, "references": 8, "refused": "too little"}],
                   "growth": {"bytes": 0.9, "seconds": 1.1}},
    }  # fmt: skip
    return {"commit": "0123456789abcdef", "modified": False, "threads": 2, "date": "2026-01-01", "parts": parts}


def test_ratios_of_a_run(scripts):
    ratios = scripts.suite.ratios(_report()["parts"])
    assert ratios["swapping: unfold_fold over swap, time"] == _ratio(4.0, "higher")
    assert ratios["matching: unfold_bmm over exact, time"]["value"] == 2.5
    assert ratios["memory: 0.25 MP, 1 references, peak over predicted"] == _ratio(0.8, kind="memory")
    assert not any("8 references" in name for name in ratios)
    assert scripts.suite.ratios({}) == {}


def test_tables_stand_between_their_marks(scripts):
    document = scripts.performance_tables.DOCUMENT.read_text("utf-8")
    filled = scripts.performance_tables.filled(document, _report())
    assert "| unfold and one product, as TTSR | 2.50 | 98.8% | 0.0012 |" in filled
    assert "| 612 x 408 | 1 | 500 MB | 80% | 1.0 | exact |" in filled
    assert "commit 0123456789, 2 threads, 2026-01-01" in filled
    assert scripts.performance_tables.filled(filled, _report()) == filled
    assert filled.count("<!-- end -->") == document.count("<!-- end -->") == 5


def test_the_document_shows_the_run_that_was_kept(scripts):
    if not scripts.suite.KEPT.is_file():
        pytest.skip("no run has been kept yet (benchmarks/suite.py --keep)")
    document = scripts.performance_tables.DOCUMENT.read_text("utf-8")
    kept = json.loads(scripts.suite.KEPT.read_text("utf-8"))
    assert scripts.performance_tables.filled(document, kept) == document
    assert not any(verdict == "WORSE" for verdict, _ in scripts.check.compared(kept["ratios"], kept["ratios"]))
