"""The tables of the documents are those of benchmarks/results/quality.json, which is of the weights that ship."""

import importlib
import json
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from srntt.evaluate import Peer, PreparedReference, Upscaled
from srntt.models import fingerprint, open_model

REPOSITORY = Path(__file__).parent.parent
BENCHMARKS = REPOSITORY / "benchmarks"
RESULTS = json.loads((BENCHMARKS / "results" / "quality.json").read_text("utf-8"))


@pytest.fixture
def quality(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A script of benchmarks/, which is no package."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("quality")


@pytest.mark.parametrize("document", ["README.md", "docs/evaluation.md"])
def test_tables_are_of_the_results(quality: ModuleType, document: str) -> None:
    text = (REPOSITORY / document).read_text("utf-8")
    tables, documents = (importlib.import_module(name) for name in ("quality_tables", "documents"))
    assert documents.between(text, tables.MARK) == tables.tables(RESULTS)[document], "run `make results`"
    assert documents.filled(text, tables.MARK, "other") != text


def test_results_are_of_the_shipped_weights() -> None:
    weights = fingerprint(open_model("lite-rec"))
    made = {name: item["weights"]["lite-rec"] for name, item in RESULTS["sets"].items()}
    assert {name for name, digest in made.items() if digest != weights} == set(), "run `make results`"


def test_means_are_of_the_pictures() -> None:
    for item in RESULTS["sets"].values():
        assert item["commit"]
        for row in item["rows"]:
            assert len(row["images"]) == item["targets"]
            for metric, mean in row["mean"].items():
                assert np.mean([image[metric] for image in row["images"]]) == pytest.approx(mean)


def test_a_peer_that_is_not_here_keeps_its_row_and_commit(quality: ModuleType) -> None:
    def made(commit: str, *models: str) -> dict[str, Any]:
        rows = [{"model": model, "refs": "none", **({"peer": {}} if model != "ours" else {})} for model in models]
        return {"commit": commit, "rows": rows}

    first = quality.merged(None, made("a", "bicubic", "dat-light", "ours"))
    second = quality.merged(first, made("b", "bicubic", "ours"))
    third = quality.merged(second, made("c", "bicubic", "ours"))
    assert third["commit"] == "c"
    assert [(row["model"], row.get("commit")) for row in third["rows"]] == [
        ("dat-light", "a"),
        ("bicubic", None),
        ("ours", None),
    ]


def test_a_peers_picture_is_asked_for_once(
    quality: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def slow(low_res: np.ndarray, references: Sequence[PreparedReference]) -> Upscaled:
        calls.append(low_res)
        return Upscaled(np.full((3, 16, 16), 0.25, np.float32), seconds=4.5)

    monkeypatch.setattr(quality, "KEPT", tmp_path)
    method = quality.remembered(Peer("slow", slow, {"weights": "1"}))
    other = quality.remembered(Peer("slow", slow, {"weights": "2"}))
    black, white = np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 3), 255, np.uint8)
    answers = [
        each(picture, ()) for each, picture in [(method, black), (method, black), (method, white), (other, black)]
    ]
    assert len(calls) == 3
    assert {answer.seconds for answer in answers} == {4.5}
    assert answers[1].picture == pytest.approx(64 / 255)  # rounded, as it is scored
