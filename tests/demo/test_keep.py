"""The files of a result: the same as the command line's, without metadata, and gone when they should be."""

import base64
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from srntt.cli import main
from srntt.demo import OrderLimits
from srntt.demo._keep import Shelf, write_result
from srntt.demo._line import Ticket
from srntt.demo._order import Done, Order, fulfil
from srntt.upscale import Upscaler


def make(model: Path, folder: Path, *references: str) -> Done:
    order = Order(str(folder / "small.png"), tuple(str(folder / name) for name in references), "tiny")
    upscaler = Upscaler.from_pretrained(model, device="cpu")
    return fulfil(order, OrderLimits(), lambda name: upscaler, Ticket("someone", lambda ticket: None))


@pytest.fixture
def done(model: Path, files: Path) -> Done:
    return make(model, files, "sharp.png", "other.png")


def test_files_are_those_of_the_command_line(done: Done, model: Path, files: Path, tmp_path: Path) -> None:
    write_result(done, tmp_path)
    command = ["upscale", files / "small.png", "-r", files / "sharp.png", "-r", files / "other.png", "--strip"]
    outputs = ["-o", tmp_path / "cli.png", "--map", tmp_path / "map.png", "--map-kind", "similarity"]
    outputs += ["--provenance", tmp_path / "cli.npz"]
    assert main([str(word) for word in (*command, *outputs, "--model", model, "--device", "cpu")]) == 0
    for ours, theirs in (("small_x4.png", "cli.png"), ("small_x4-similarity.png", "map.png")):
        assert (tmp_path / ours).read_bytes() == (tmp_path / theirs).read_bytes()
    ours, theirs = np.load(tmp_path / "small_x4-provenance.npz"), np.load(tmp_path / "cli.npz")
    assert sorted(ours) == sorted(theirs)
    assert ours["sources"].tolist() == ["sharp.png", "other.png"]  # no path of the server's
    for name in ("reference", "y", "x", "share"):
        assert ours[name].dtype == theirs[name].dtype
        assert (ours[name] == theirs[name]).all()


def test_nothing_carries_metadata(done: Done, files: Path, tmp_path: Path) -> None:
    assert b"taken at home" in (files / "small.png").read_bytes()
    (tmp_path / "out").mkdir()
    write_result(done, tmp_path / "out")
    for file in (tmp_path / "out").iterdir():
        if file.suffix in (".png", ".webp"):
            with Image.open(file) as picture:
                assert not picture.getexif()
                assert not {"Comment", "icc_profile", "exif"} & set(picture.info)
        assert b"taken at home" not in file.read_bytes()


def test_the_page_is_reported_what_the_result_says(done: Done, tmp_path: Path) -> None:
    write_result(done, tmp_path)
    view = json.loads((tmp_path / "view.json").read_text())
    provenance = done.result.provenance
    assert provenance is not None
    assert (view["width"], view["height"], view["scale"]) == (20, 14, 4)
    assert all((tmp_path / name).is_file() for name in view["files"].values())
    for name, kind in (("reference", "u1"), ("y", "<f4"), ("x", "<f4")):
        reported = np.frombuffer(base64.b64decode(view[name]), kind).reshape(14, 20)
        assert (reported == getattr(provenance, name)).all()
    share = np.frombuffer(base64.b64decode(view["share"]), "u1").reshape(14, 20)
    np.testing.assert_allclose(share / 255, provenance.share, atol=0.5 / 255 + 1e-6)
    for reference in view["references"]:
        with Image.open(tmp_path / reference["file"]) as picture:
            assert picture.size == (reference["width"], reference["height"])
    with Image.open(tmp_path / "small_x4-before.png") as before, Image.open(tmp_path / "small_x4.png") as result:
        assert before.size == result.size == (80, 56)


def test_without_references_there_is_no_map(model: Path, files: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    write_result(make(model, files), tmp_path / "out")
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [
        "small_x4-before.png",
        "small_x4.png",
        "view.json",
    ]


def test_a_result_takes_the_place_of_the_visitor_s_last_one(done: Done, tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf", seconds=1000.0)
    first, others, second = shelf.keep("a", done), shelf.keep("b", done), shelf.keep("a", done)
    assert sorted(shelf.folder.iterdir()) == sorted([others, second])
    assert first != second
    shelf.forget("a")
    shelf.forget("nobody")
    assert list(shelf.folder.iterdir()) == [others]


def test_results_go_when_their_time_is_up(done: Done, tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf", seconds=-1.0)
    shelf.keep("a", done)
    assert list(shelf.folder.iterdir()) == []


def test_what_cannot_be_written_whole_is_not_there(done: Done, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf(tmp_path / "shelf", seconds=1000.0)
    monkeypatch.setattr("srntt.upscale.Provenance.save", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        shelf.keep("a", done)
    assert list(shelf.folder.iterdir()) == []
