"""A report says what was measured; a method is warm before it is timed."""

import json
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from cli.conftest import run as run  # the command line as a function
from evaluate.pictures import PAIRS, bicubic, scene, write_pairs
from PIL import Image

import srntt
from srntt.data import read_pairs
from srntt.evaluate import Evaluation, PreparedReference, Upscaled, score_pairs
from srntt.evaluate._origin import commit, folder_name, pixels_sha256
from srntt.evaluate._upscale import warmed
from srntt.upscale import Upscaler


def test_the_report_names_data_and_weights_and_no_more_of_the_machine(run, model: Path, tmp_path: Path) -> None:
    data = write_pairs(tmp_path / "Streets & <Towns>")
    requested = ("--data", data, "--model", model, "--refs", "none", "--peer", "bicubic", "--report", tmp_path / "out")
    ran = run("evaluate", *requested, "--json")
    assert ran.code == 0, ran.err
    ours, peer = json.loads(ran.out)
    assert ours["data"] == peer["data"]
    assert (ours["data"]["folder"], ours["data"]["pictures"]) == ("Streets & <Towns>", 2)
    upscaler = Upscaler.from_pretrained(model)
    assert ours["weights"]["sha256"] == upscaler.encode_references([]).fingerprint
    assert ours["weights"]["architecture"] == "Lite"
    assert "channels" in ours["weights"]["config"]
    assert "weights" not in peer
    assert ours["images"][0]["target_sha256"] == pixels_sha256(scene(50, 61, 0)[:48, :60])
    text = (tmp_path / "out" / "report.md").read_text()
    short = ours["data"]["sha256"][:10]
    assert f"Data Streets &amp; &lt;Towns&gt;: 2 pictures, SHA-256 {short}." in text
    page = (tmp_path / "out" / "report.html").read_text()
    for content in (text, page):
        assert f"weights {ours['weights']['sha256'][:10]}." in content
        assert str(data) not in content
    assert f"SHA-256 {short}" in page


def test_the_hash_of_the_data_is_of_pixels_and_names(tmp_path: Path) -> None:
    def digest(folder: Path) -> str | None:
        return Evaluation("pairs", "x", "none", score_pairs(bicubic, read_pairs(folder), "none", PAIRS)).data_sha256

    folder = write_pairs(tmp_path / "a")
    before = digest(folder)
    index = json.loads((folder / "index.json").read_text())
    (folder / "index.json").write_text(json.dumps(index[::-1]))
    Image.fromarray(scene(50, 61, 0)).save(folder / "target.png", compress_level=0)
    assert digest(folder) == before
    Image.fromarray(scene(50, 61, 9)).save(folder / "target.png")
    assert digest(folder) != before


def test_a_commit_only_from_a_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(srntt, "__file__", str(tmp_path / "src" / "srntt" / "__init__.py"))
    commit.cache_clear()
    assert commit() is None
    (tmp_path / ".git").mkdir()  # no repository, for all its name
    (tmp_path / "pyproject.toml").touch()
    commit.cache_clear()
    assert commit() is None
    monkeypatch.setenv("PATH", str(tmp_path))  # no git
    commit.cache_clear()
    assert commit() is None
    commit.cache_clear()


def test_a_folder_is_named_by_its_last_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "se\nt").mkdir()
    monkeypatch.chdir(tmp_path / "se\nt")
    assert folder_name(Path()) == "se?t"


def test_the_first_picture_is_timed_warm(tmp_path: Path) -> None:
    seen: list[tuple[tuple[int, ...], list[type]]] = []

    def slow_at_first(low_res: np.ndarray, references: Sequence[PreparedReference]) -> Upscaled:
        time.sleep(0 if seen else 0.5)
        seen.append((low_res.shape, [type(reference) for reference in references]))
        return bicubic(low_res, references)

    pictures = read_pairs(write_pairs(tmp_path))
    Image.fromarray(scene(240, 200, 0)).save(tmp_path / "target.png")
    scores = score_pairs(warmed(slow_at_first), pictures, "all", PAIRS)
    assert [shape for shape, _ in seen] == [(32, 32, 3), (60, 50, 3), (12, 15, 3)]
    assert seen[0][1] == [np.ndarray] * 2  # the references, too
    assert max(score.seconds for score in scores) < 0.4


def test_a_method_that_knows_its_seconds_is_believed() -> None:
    def reported(low_res: np.ndarray, references: Sequence[PreparedReference]) -> Upscaled:
        return Upscaled(bicubic(low_res, references).picture, seconds=123.0)

    assert warmed(reported)(scene(8, 8, 0), []).seconds == 123.0
