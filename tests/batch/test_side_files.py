"""Maps and provenance next to outputs: what is in them, when they are remade, and when they go."""

from pathlib import Path

import numpy as np
import pytest
from batch.pictures import pixels, shown, write_pictures
from PIL import Image

from srntt.batch import _local_folder as local_folder
from srntt.image import load

BOTH = ("map", "provenance")
FILES = [f"{name}{more}" for name in ("a.png", "b.jpg", "c.png") for more in ("", ".map.png", ".provenance.npz")]


def counts(done) -> tuple[int, int, int]:
    return done.tally.done, done.tally.skipped, len(done.tally.failed)


def test_they_report_what_the_result_tells(batch, folders, upscaler):
    write_pictures(folders.references, ["a/one.png", "a/two.png"], size=(40, 40), seed=70)
    batch(side_files=BOTH)
    assert sorted(shown(folders.outputs)) == FILES
    files = [folders.references / "a" / name for name in ("one.png", "two.png")]
    result = upscaler.upscale(folders.inputs / "a.png", upscaler.encode_references(files))
    shares = load(folders.outputs / "a.png.map.png").interleaved()
    height = result.array.shape[0]  # a legend follows, with the names of the references
    assert np.array_equal(shares[:height], result.share_picture().interleaved()[:height])
    with np.load(folders.outputs / "a.png.provenance.npz") as maps:
        assert list(maps["sources"]) == ["a/one.png", "a/two.png"]
        for name in ("reference", "y", "x", "share"):
            assert np.array_equal(maps[name], getattr(result.provenance, name))


def test_the_output_is_the_same_with_and_without_them(batch, folders):
    batch()
    alone = shown(folders.outputs)
    assert counts(batch(side_files=BOTH, overwrite=True)) == (3, 0, 0)
    both = shown(folders.outputs)
    assert {name: both[name] for name in alone} == alone


def test_asked_for_later_they_are_made_and_once_there_nothing_is(batch, folders):
    batch()
    assert counts(batch(resume=True, side_files=("map",))) == (3, 0, 0)
    assert counts(batch(resume=True, side_files=("map",))) == (0, 3, 0)
    assert counts(batch(resume=True)) == (0, 3, 0)
    assert counts(batch(resume=True, side_files=BOTH)) == (3, 0, 0)
    assert sorted(shown(folders.outputs)) == FILES


@pytest.mark.parametrize("name", ["a.png.map.png", "a.png.provenance.npz"])
@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.write_bytes(path.read_bytes()[:-1])])
def test_one_that_is_gone_or_damaged_is_made_again(batch, folders, name, change):
    batch(side_files=BOTH)
    whole = shown(folders.outputs)
    change(folders.outputs / name)
    assert counts(batch(resume=True)) == (0, 3, 0)
    assert counts(batch(resume=True, side_files=BOTH)) == (1, 2, 0)
    assert shown(folders.outputs) == whole


def test_an_output_made_anew_without_its_map_has_none(batch, folders):
    batch(side_files=BOTH)
    (folders.outputs / "a.png.provenance.npz").write_text("mine now")
    Image.fromarray(pixels(14, 20, seed=99)).save(folders.inputs / "a.png")
    assert counts(batch(resume=True)) == (1, 2, 0)
    left = shown(folders.outputs)
    assert sorted(left) == [name for name in FILES if name != "a.png.map.png"]
    assert left["a.png.provenance.npz"] == b"mine now"


def test_pictures_without_references_have_none(batch, folders):
    (folders.references / "a.refs.txt").touch()
    assert counts(batch(side_files=BOTH)) == (3, 0, 0)
    assert [name for name in shown(folders.outputs) if name.startswith("a.png")] == ["a.png"]
    assert counts(batch(side_files=BOTH, resume=True)) == (0, 3, 0)


def test_a_foreign_file_of_their_name_stays_and_fails_one_picture(batch, folders):
    folders.outputs.mkdir()
    (folders.outputs / "a.png.map.png").write_text("mine")
    done = batch(side_files=BOTH)
    assert counts(done) == (2, 0, 1)
    assert done.tally.failed[0].reason.startswith(f"{folders.outputs / 'a.png.map.png'}: exists already")
    assert shown(folders.outputs)["a.png.map.png"] == b"mine"
    assert not (folders.outputs / "a.png").exists()
    assert counts(batch(side_files=BOTH, resume=True, overwrite=True)) == (1, 2, 0)


@pytest.mark.parametrize("last", ["a.png.provenance.npz", "a.png"])
def test_a_file_that_appears_at_the_last_moment_stays_alone(batch, folders, monkeypatch, last):
    put = local_folder.put_in_place

    def appear(temporary: str, path: str, *, overwrite: bool) -> None:
        if path.endswith(f"/{last}"):
            Path(path).write_text("mine")
        put(temporary, path, overwrite=overwrite)

    with monkeypatch.context() as patch:
        patch.setattr(local_folder, "put_in_place", appear)
        assert counts(batch(side_files=BOTH)) == (2, 0, 1)
    assert [name for name in shown(folders.outputs) if name.startswith("a.png")] == [last]
    done = batch(side_files=BOTH, resume=True)
    assert counts(done) == (0, 2, 1)
    assert (folders.outputs / last).read_text() == "mine"
    (folders.outputs / last).unlink()
    assert counts(batch(side_files=BOTH, resume=True)) == (1, 2, 0)


@pytest.mark.parametrize("named", ["a.png.map.png", "a.png.provenance.npz"])
def test_dying_between_two_names_is_made_good(batch, folders, monkeypatch, named):
    batch(side_files=BOTH)
    Image.fromarray(pixels(14, 20, seed=99)).save(folders.inputs / "a.png")
    put = local_folder.put_in_place

    def die(temporary: str, path: str, *, overwrite: bool) -> None:
        put(temporary, path, overwrite=overwrite)
        if path.endswith(f"/{named}"):
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(local_folder, "put_in_place", die)
        with pytest.raises(KeyboardInterrupt):
            batch(side_files=BOTH, resume=True)
    assert counts(batch(side_files=BOTH, resume=True)) == (1, 2, 0)
    resumed = shown(folders.outputs)
    batch(side_files=BOTH, overwrite=True)
    assert shown(folders.outputs) == resumed


def test_a_picture_that_has_the_name_of_a_map_gets_another(batch, folders):
    write_pictures(folders.inputs, ["a.png.map.png"], seed=40)
    assert counts(batch(side_files=("map",))) == (4, 0, 0)
    assert sorted(name for name in shown(folders.outputs) if name.startswith("a.png")) == [
        "a.png",
        "a.png.map-2.png",
        "a.png.map-2.png.map.png",
        "a.png.map.png",
    ]
    assert counts(batch(side_files=("map",), resume=True)) == (0, 4, 0)


def test_what_was_done_twice_leaves_nothing(batch, folders):
    def twice(worker, tasks, _: object):
        """As the pictures of a machine that died after its last word may be."""
        yield from (worker(task) for task in tasks for _ in range(2))

    assert counts(batch(side_files=BOTH, work=twice)) == (3, 0, 0)
    assert sorted(shown(folders.outputs)) == FILES
    assert list((folders.outputs / ".srntt-batch" / "unfinished").iterdir()) == []
