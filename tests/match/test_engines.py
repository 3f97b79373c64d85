"""Which engine matches on which device, and what is said when it is not the fastest."""

import logging

import pytest
import torch

from srntt.errors import InputError
from srntt.match import _engines, _triton
from srntt.match._problem import Problem

CUDA = torch.device("cuda")


def problem_on(device: str) -> Problem:
    features = torch.ones(4, 5, 6, device=device)
    return Problem(features, (features,), 3, 0)


def no_shortage() -> None:
    """As much memory as it takes."""


@pytest.fixture(autouse=True)
def _forget():
    _engines._log_once.cache_clear()
    _engines._failure.cache_clear()


def test_each_device_has_its_engine():
    assert _engines.choose_engine("auto", problem_on("cpu"), "fp16", None) == "fused"
    assert _engines.choose_engine("auto", problem_on("meta"), "fp16", None) == "torch"
    assert _engines.choose_engine("torch", problem_on("cpu"), "fp16", None) == "torch"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("fused", "engine='fused' runs on the CPU, but the features are on meta; use engine='auto'"),
        ("triton", "engine='triton' does not run here: .* Use engine='auto'"),
    ],
)
def test_an_engine_asked_for_by_name_is_not_replaced(name: str, text: str):
    with pytest.raises(InputError, match=text):
        _engines.choose_engine(name, problem_on("meta"), "fp16", None)


def test_triton_is_used_after_its_self_test(monkeypatch, caplog):
    monkeypatch.setattr(_engines, "refusal", lambda device: None)
    monkeypatch.setattr(_engines, "_failure", lambda device: None)
    assert _engines._fastest(CUDA, no_shortage) == "triton"
    assert not caplog.records


@pytest.mark.parametrize("trouble", ["refusal", "shortage", "failure"])
def test_reason_against_triton_is_logged_once(monkeypatch, caplog, trouble: str):
    monkeypatch.setattr(_engines, "refusal", lambda device: "no refusal" if trouble == "refusal" else None)
    monkeypatch.setattr(_engines, "_failure", lambda device: "no failure" if trouble == "failure" else None)
    with caplog.at_level(logging.WARNING, "srntt"):
        for _ in range(2):
            assert _engines._fastest(CUDA, lambda: "no shortage" if trouble == "shortage" else None) == "torch"
    assert [record.getMessage() for record in caplog.records] == [
        f"Using engine='torch', which is slower than 'triton': no {trouble}"
    ]


def test_self_test_finds_what_is_wrong(monkeypatch):
    def broken(problem, precision):
        raise RuntimeError("no compiler")

    def found(best):
        return lambda problem, precision: _triton.Found(best, torch.ones(5, 6), torch.zeros(5, 6, dtype=torch.bool))

    cpu, right = torch.device("cpu"), torch.arange(30).view(5, 6)
    for search, expected in (
        (broken, "its self-test failed with RuntimeError: no compiler"),
        (found(right.flip(0)), "its self-test found wrong matches"),
        (found(right), None),
    ):
        monkeypatch.setattr(_engines, "triton_search", search)
        _engines._failure.cache_clear()
        assert _engines._failure(cpu) == expected


def test_refusal_says_what_to_install(monkeypatch):
    monkeypatch.setattr(_triton, "find_spec", lambda name: None)
    assert "pip install triton" in (_triton.refusal(CUDA) or "")
    monkeypatch.setattr(_triton, "find_spec", lambda name: object())
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    assert "with TRITON_INTERPRET=1 set, not on cpu" in (_triton.refusal(torch.device("cpu")) or "")
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    assert _triton.refusal(torch.device("cpu")) is None
