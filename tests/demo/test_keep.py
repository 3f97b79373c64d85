"""The files of a result: the same as the command line's, without metadata, and gone when they should be."""

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from srntt.cli import main
from srntt.demo import OrderLimits
from srntt.demo._keep import Shelf, write_result
from srntt.demo._line import Ticket
from srntt.demo._order import Done, Fulfilment, Order
from srntt.errors import InputError
from srntt.upscale import Upscaler


def make(model: Path, folder: Path, *references: str, **wishes: Any) -> Done:
    order = Order((str(folder / "small.png"),), tuple(str(folder / name) for name in references), "tiny", **wishes)
    upscaler = Upscaler.from_pretrained(model, device="cpu")
    (done,) = Fulfilment(order, OrderLimits(), lambda name: upscaler, Ticket("someone", lambda ticket: None)).results()
    assert isinstance(done, Done)
    return done


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
    with Image.open(tmp_path / "small_x4-share.png") as shares:
        assert (np.asarray(shares) == done.result.share_picture().color).all()
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
    for reference, used in zip(view["references"], done.result.references, strict=True):
        assert (reference["part"], reference["description"]) == (used.share, used.description)
        with Image.open(tmp_path / reference["thumbnail"]) as picture:
            assert max(picture.size) <= 240
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


@pytest.mark.parametrize(("name", "suffix"), [("PNG", "png"), ("JPEG", "jpg"), ("TIFF", "tif")])
@pytest.mark.parametrize("metadata", [False, True])
def test_formats_and_metadata(model: Path, files: Path, tmp_path: Path, name: str, suffix: str, metadata: bool) -> None:
    (tmp_path / "out").mkdir()
    done = make(model, files, format=name, metadata=metadata, quality=50)
    notes = write_result(done, tmp_path / "out")
    assert bool(notes) == (metadata and name != "PNG"), "the comment, which is reported"
    view = json.loads((tmp_path / "out" / "view.json").read_text())
    assert view["files"]["result"] == f"small_x4.{suffix}"
    with Image.open(tmp_path / "out" / f"small_x4.{suffix}") as picture:
        assert (picture.format, picture.size) == (name, (80, 56))
        assert (picture.getexif().get(0x010F) == "a maker") is metadata
        if name != "JPEG":
            assert (np.asarray(picture) == done.result.array).all()
    with Image.open(tmp_path / "out" / view["files"]["shown"]) as shown:
        assert shown.format == ("PNG" if name == "TIFF" else name)


def test_the_quality_is_that_of_a_jpeg(model: Path, files: Path, tmp_path: Path) -> None:
    sizes = []
    for quality in (20, 95):
        (tmp_path / str(quality)).mkdir()
        write_result(make(model, files, format="JPEG", quality=quality), tmp_path / str(quality))
        sizes.append((tmp_path / str(quality) / "small_x4.jpg").stat().st_size)
    assert sizes[0] < 0.8 * sizes[1]


def test_results_stay_until_their_owner_leaves(done: Done, tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf", seconds=1000.0, most=10**9)
    kept = [shelf.keep(owner, done)[0] for owner in "aba"]
    assert len(set(kept)) == 3
    assert sorted(shelf.folder.iterdir()) == sorted(kept)
    shelf.forget("a")
    shelf.forget("nobody")
    assert list(shelf.folder.iterdir()) == [kept[1]]


def test_the_oldest_results_make_room(done: Done, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    write_result(done, tmp_path / "one")
    size = sum(file.stat().st_size for file in (tmp_path / "one").iterdir())
    shelf = Shelf(tmp_path / "shelf", seconds=1000.0, most=round(2.5 * size))
    kept = [shelf.keep(owner, done)[0] for owner in "abca"]
    assert sorted(shelf.folder.iterdir()) == sorted(kept[2:])
    alone = Shelf(tmp_path / "small", seconds=1000.0, most=size // 2)
    with pytest.raises(InputError, match=r"The files of the result have .* the limit of this page is"):
        alone.keep("a", done)
    assert list(alone.folder.iterdir()) == []


def test_results_go_when_their_time_is_up(done: Done, tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf", seconds=-1.0, most=10**9)
    shelf.keep("a", done)
    assert list(shelf.folder.iterdir()) == []


def test_what_cannot_be_written_whole_is_not_there(done: Done, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf(tmp_path / "shelf", seconds=1000.0, most=10**9)
    monkeypatch.setattr("srntt.upscale.Provenance.save", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        shelf.keep("a", done)
    assert list(shelf.folder.iterdir()) == []
