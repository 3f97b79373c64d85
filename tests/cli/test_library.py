"""``srntt library``, and ``--library`` of upscale and batch."""

import json
from pathlib import Path

import numpy as np
import pytest
from library.album import LOW, save, write_album
from views.aligned.scenes import low_res_to_scene, scene, seen


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an album and a small picture."""
    folder = tmp_path_factory.mktemp("library")
    write_album(folder / "album")
    save(seen(scene(1), low_res_to_scene(), LOW, 8), folder / "in" / "small.png")
    return folder


@pytest.fixture
def library(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run) -> Path:
    """The default library, with the album."""
    monkeypatch.setenv("SRNTT_LIBRARY", str(tmp_path / "library.sqlite"))
    added = run("library", "add", made / "album")
    assert (added.code, added.err.count("cannot")) == (0, 0)
    assert "4 added; 4 photographs now" in added.out
    return tmp_path / "library.sqlite"


def test_add_update_list_info_remove(run, library: Path, made: Path):
    assert "4 unchanged" in run("library", "update").out
    assert [Path(line).name for line in run("library", "list").out.splitlines()] == [
        "enlarged.png",
        "near.png",
        "other.png",
        "turned.png",
    ]
    about = json.loads(run("library", "info", "--json").out)
    assert (about["photographs"], about["folders"]) == (4, [str(made / "album")])
    assert "4 files removed" in run("library", "remove", made / "album").out
    assert run("library", "list").code == 3


def test_find_states_reasons(run, library: Path, made: Path):
    found = run("library", "find", made / "in" / "small.png")
    assert found.code == 0
    assert "near.png: same scene" in found.out
    report = json.loads(run("library", "find", made / "in" / "small.png", "--json", "--best", "1").out)
    assert len(report["choices"]) == 1
    assert report["compared"] == 4


def test_nothing_found(run, library: Path, tmp_path: Path):
    save(np.zeros((20, 30, 3), np.uint8), tmp_path / "black.png")
    found = run("library", "find", tmp_path / "black.png")
    assert (found.code, "nothing sharper of the same scene" in found.err) == (3, True)


def test_upscale_uses_what_was_found(run, library: Path, made: Path, model: Path, tmp_path: Path):
    done = run("upscale", made / "in" / "small.png", "--library", "-o", tmp_path / "x.png", "--model", model, "--json")
    assert done.code == 0, done.err
    about = json.loads(done.out)
    names = {Path(choice["path"]).name for choice in about["library"]["choices"]}
    assert {Path(reference["source"]).name for reference in about["references"]} == names == {"near.png", "turned.png"}


def test_batch_uses_what_was_found(run, library: Path, made: Path, model: Path, tmp_path: Path):
    done = run("batch", made / "in", "--library", "-o", tmp_path / "out", "--model", model, "--json")
    assert done.code == 0, done.err
    about = json.loads(done.out)
    assert (about["done"], about["without_references"]) == (1, 0)
    assert about["references_encoded"] == 2
    again = run("batch", made / "in", "--library", "-o", tmp_path / "out", "--model", model, "--resume")
    assert again.code == 3


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        (("upscale", "small.png", "--library"), "There is no library"),
        (("batch", "in", "-o", "out", "--library", "--refs", "album"), "exclude each other"),
        (("library", "add", "nowhere"), "There is no nowhere"),
        (("library", "info"), "There is no library"),
    ],
)
def test_refusals(run, made: Path, tmp_path: Path, monkeypatch, tokens: tuple[str, ...], words: str):
    monkeypatch.setenv("SRNTT_LIBRARY", str(tmp_path / "none.sqlite"))
    monkeypatch.chdir(made)
    small = [str(made / "in" / "small.png") if token == "small.png" else token for token in tokens]
    refused = run(*small)
    assert refused.code == 2
    assert words in refused.err


def test_an_empty_library_is_refused(run, made: Path, tmp_path: Path):
    (tmp_path / "empty").mkdir()
    file = tmp_path / "l.sqlite"
    assert run("library", "add", tmp_path / "empty", "--library-file", file).code == 0
    refused = run("upscale", made / "in" / "small.png", "--library-file", file)
    assert refused.code == 2
    assert "contains no photographs" in refused.err
