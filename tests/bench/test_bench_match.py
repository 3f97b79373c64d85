"""The benchmark reports what it says it measures."""

import pytest
import torch

from srntt.bench import _definition, bench_device, bench_fast, bench_match
from srntt.bench._fast import _missed
from srntt.errors import InputError
from srntt.match import Match


def test_report():
    threads = torch.get_num_threads()
    report = bench_match(query_size=(7, 9), key_size=(8, 6), references=2, channels=(5, 3), threads=(1, 2), repeats=1)
    assert torch.get_num_threads() == threads
    assert [(case["channels"], case["threads"]) for case in report["cases"]] == [(5, 1), (5, 2), (3, 1), (3, 2)]
    for case in report["cases"]:
        assert (case["query"], case["key"], case["references"]) == ([7, 9], [8, 6], 2)
        assert case["seconds"].keys() == {"unfold_matmul", "pixel_matmul", "fused", "torch"}
        assert case["wrong_index"]["fused"] == case["wrong_index"]["torch"] == 0
        assert case["unfold_matmul_over_fused"] == case["seconds"]["unfold_matmul"] / case["seconds"]["fused"]


@pytest.mark.parametrize(
    "wrong",
    [{"repeats": 0}, {"references": 0}, {"channels": (4, 0)}, {"threads": (0,)}, {"query_size": (0, 8)},
     {"key_size": (8, 0)}],
)  # fmt: skip
def test_counts_below_one_are_refused(wrong):
    with pytest.raises(InputError, match="give at least 1 of each"):
        bench_match(**wrong)


@pytest.mark.parametrize("wrong", [{"channels": 0}, {"threads": 0}, {"sizes": (4,)}])
def test_nothing_to_match_fast_is_refused(wrong):
    with pytest.raises(InputError, match="at least"):
        bench_fast(**wrong)


def test_wrong_index_is_counted():
    """A constant map: the definition answers 0 everywhere, a method that answers otherwise is caught."""
    flat = torch.ones(2, 4, 5)
    found = {"right": torch.zeros(20, dtype=torch.int64), "off": torch.arange(20)}
    judgement = _definition.judged(flat, [flat], 3, found)
    assert (judgement.compared, judgement.wrong) == (20, {"right": 0, "off": 19})
    assert judgement.lost["off"] < 1e-12  # any other place is as good


def test_a_place_that_is_less_alike_is_counted_with_what_it_loses():
    query = torch.eye(3).view(3, 1, 3)
    judgement = _definition.judged(query, [query], 1, {"shifted": torch.tensor([0, 1, 1])})
    assert judgement.wrong == {"shifted": 1}
    assert judgement.lost["shifted"] == pytest.approx(1.0)


def test_large_problems_are_checked_in_part(monkeypatch):
    monkeypatch.setattr(_definition, "_AT_ONCE", 100)
    monkeypatch.setattr(_definition, "_COMPARED", 7)
    flat = torch.ones(2, 4, 5)
    judgement = _definition.judged(flat, [flat], 3, {"off": torch.ones(20, dtype=torch.int64)})
    assert (judgement.compared, judgement.wrong) == (7, {"off": 7})
    report = bench_match(query_size=(7, 9), key_size=(8, 6), channels=(5,), threads=(1,), repeats=1)
    assert set(report["cases"][0]["wrong_index"].values()) == {0}


def test_fast_report():
    report = bench_fast(sizes=(16, 32), channels=16, threads=1)
    assert [case["query"] for case in report["cases"]] == [[16, 16], [32, 32]]
    for case in report["cases"]:
        assert 0.9 <= case["recall"] <= case["recall_near"] <= 1
        assert -1e-6 <= case["similarity_lost"] <= 0.01
        assert case["exact_over_fast"] == case["exact_seconds"] / case["fast_seconds"]
        assert case["chosen"] == "exact"
    first, last = (case["fast_seconds"] for case in report["cases"])
    assert 4 ** report["growth"]["fast"] == pytest.approx(last / first)
    assert bench_fast(sizes=(16,), channels=4, threads=1)["growth"] == {"exact": None, "fast": None}


def test_what_is_missed_is_counted():
    """Of four positions one agrees, one is a step off, one two steps, one in another reference."""
    zero, similarity = torch.zeros(1, 4, dtype=torch.int64), torch.full((1, 4), 0.5)
    exact = Match.at(zero, zero, zero, similarity)
    fast = Match.at(
        torch.tensor([[0, 0, 0, 1]]), torch.tensor([[0, 1, 0, 0]]), torch.tensor([[0, 1, 2, 0]]), similarity - 0.1
    )
    missed = _missed(exact, fast)
    assert (missed["recall"], missed["recall_near"]) == (0.25, 0.5)
    assert missed["similarity_lost"] == pytest.approx(0.1)


def test_device_that_cannot_be_measured_is_refused(monkeypatch):
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    with pytest.raises(InputError, match="engine='triton' does not run here: "):
        bench_device(device="cpu")
    with pytest.raises(InputError, match="device='nonsense' is not a device of PyTorch"):
        bench_device(device="nonsense")
