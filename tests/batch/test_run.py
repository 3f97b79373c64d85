"""Runs: what is done, what is done again and what is not, and what a bad file does to the others."""

import errno
import os
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from batch.pictures import pixels, shown, write_pictures
from PIL import Image

from srntt.batch import UpscaleOptions
from srntt.batch import _local_folder as local_folder
from srntt.batch import _worker as worker_module
from srntt.errors import MemoryBudgetError, OutputError
from srntt.image import Limits, load, read_file
from srntt.image import _load as image_load
from srntt.upscale import Upscaler, _upscaler


def counts(done: SimpleNamespace) -> tuple[int, int, int]:
    return done.tally.done, done.tally.skipped, len(done.tally.failed)


def test_folders_in_folders_out(batch, folders, upscaler):
    write_pictures(folders.inputs, ["s/deep/d.tif"])
    done = batch(recursive=True)
    assert counts(done) == (4, 0, 0)
    assert list(shown(folders.outputs)) == ["a.png", "b.jpg", "c.png", "s/deep/d.tif"]
    files = [folders.references / "x.png", folders.references / "y.jpg"]
    alone = [
        upscaler.upscale(folders.inputs / "a.png", upscaler.encode_references(order)).array
        for order in (files, files[::-1])
    ]
    array = load(folders.outputs / "a.png").interleaved()
    assert any(np.array_equal(array, expected) for expected in alone)


def test_each_output_is_on_record(batch, folders):
    made = batch().history.records["a.png"]
    assert (made.input, made.output) == ("a.png", "a.png")
    assert made.files[0].bytes == (folders.outputs / "a.png").stat().st_size
    assert (made.about["width"], made.about["height"], made.about["model"]) == (80, 56, "tiny")
    assert sorted(file["name"] for file in made.about["references"]) == ["x.png", "y.jpg"]
    assert all(0 <= file["share"] <= 1 for file in made.about["references"])


def test_resuming_does_nothing_twice(batch, folders):
    batch()
    before = shown(folders.outputs), (folders.outputs / "a.png").stat().st_mtime_ns
    assert counts(batch(resume=True)) == (0, 3, 0)
    assert (shown(folders.outputs), (folders.outputs / "a.png").stat().st_mtime_ns) == before


def change_input(folders) -> None:
    Image.fromarray(pixels(14, 20, seed=99)).save(folders.inputs / "a.png")


def truncate_output(folders) -> None:
    content = (folders.outputs / "a.png").read_bytes()
    (folders.outputs / "a.png").write_bytes(content[:-10])


def damage_output(folders) -> None:
    content = bytearray((folders.outputs / "a.png").read_bytes())
    content[-20] ^= 1
    (folders.outputs / "a.png").write_bytes(content)


def remove_output(folders) -> None:
    (folders.outputs / "a.png").unlink()


def give_it_a_reference_of_its_own(folders) -> None:
    write_pictures(folders.references, ["a.jpg"], size=(40, 40), seed=50)


@pytest.mark.parametrize(
    "change", [change_input, truncate_output, damage_output, remove_output, give_it_a_reference_of_its_own]
)
def test_what_changed_is_done_again_and_nothing_else(batch, folders, change):
    batch()
    change(folders)
    assert counts(batch(resume=True)) == (1, 2, 0)
    resumed = shown(folders.outputs)
    assert counts(batch(resume=True)) == (0, 3, 0)
    batch(overwrite=True)
    assert shown(folders.outputs) == resumed


def test_a_changed_reference_does_those_again_that_have_it(batch, folders):
    batch(best=1)
    first = {picture: shown(folders.outputs)[picture] for picture in ("a.png", "b.jpg", "c.png")}
    Image.fromarray(pixels(40, 48, seed=77)).save(folders.references / "x.png")
    done = batch(best=1, resume=True)
    resumed = shown(folders.outputs)
    assert done.tally.done + done.tally.skipped == 3
    assert done.tally.done >= 1
    assert sum(first[name] != resumed[name] for name in first) <= done.tally.done
    batch(best=1, overwrite=True)
    assert shown(folders.outputs) == resumed


def test_other_settings_do_everything_again(batch):
    batch()
    assert counts(batch(resume=True, options=UpscaleOptions(quality=50))) == (3, 0, 0)


def test_other_weights_do_everything_again(batch, monkeypatch):
    batch()
    assert counts(batch(resume=True, references=False)) == (3, 0, 0)
    monkeypatch.setattr(_upscaler, "fingerprint", lambda _: "another")
    assert counts(batch(resume=True, references=False)) == (3, 0, 0)


def test_interrupted_and_resumed_is_as_one_straight_run(batch, folders):
    def stop(tally, name: str) -> None:
        if name == "c.png":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        batch(watch=stop)
    assert list(shown(folders.outputs)) == ["a.png", "b.jpg"]
    assert counts(batch(resume=True)) == (1, 2, 0)
    resumed = shown(folders.outputs)
    batch(overwrite=True)
    assert shown(folders.outputs) == resumed


def test_a_bad_file_stops_nothing_and_is_named(batch, folders):
    whole = (folders.inputs / "a.png").read_bytes()
    (folders.inputs / "0.png").write_bytes(whole[:60])
    (folders.inputs / "empty.png").touch()
    (folders.inputs / "text.png").write_text("no picture")
    os.mkfifo(folders.inputs / "pipe.png")
    (folders.inputs / "gone.png").symlink_to("nowhere")
    done = batch()
    assert counts(done) == (3, 0, 5)
    assert [name for name, _ in done.tally.failed] == ["0.png", "empty.png", "gone.png", "pipe.png", "text.png"]
    reasons = " ".join(reason for _, reason in done.tally.failed)
    assert all(word in reasons for word in ("0 bytes", "a FIFO", "No such file", "an unknown kind"))
    assert done.tally.finished == done.tally.total == 8
    assert list(shown(folders.outputs)) == ["a.png", "b.jpg", "c.png"]


def test_a_file_that_vanishes_or_changes_meanwhile_fails_alone(batch, folders):
    def vanish(tally, name: str) -> None:
        if name == "b.jpg":
            (folders.inputs / "b.jpg").unlink(missing_ok=True)

    done = batch(watch=vanish)
    assert counts(done) == (2, 0, 1)
    assert done.tally.failed[0].name == "b.jpg"


def test_an_input_is_read_once_so_that_a_later_change_is_for_the_next_run(batch, folders, monkeypatch):
    upscale, before = Upscaler.upscale, {}

    def change_and_upscale(self, picture, *rest, **named):
        if picture.source.endswith("c.png"):
            before.update(shown(folders.inputs))
            Image.fromarray(pixels(14, 20, seed=99)).save(folders.inputs / "c.png")
        return upscale(self, picture, *rest, **named)

    with monkeypatch.context() as patch:
        patch.setattr(Upscaler, "upscale", change_and_upscale)
        assert counts(batch()) == (3, 0, 0)
    changed = shown(folders.outputs)["c.png"]
    assert counts(batch(resume=True)) == (1, 2, 0)
    assert shown(folders.outputs)["c.png"] != changed
    (folders.inputs / "c.png").write_bytes(before["c.png"])
    assert counts(batch(resume=True)) == (1, 2, 0)
    assert shown(folders.outputs)["c.png"] == changed


def test_a_reference_that_changes_meanwhile_fails_those_that_have_it(batch, folders):
    write_pictures(folders.references, ["c.png"], size=(40, 40), seed=60)

    def change(tally, name: str) -> None:
        if name == "a.png":
            for reference in ("x.png", "c.png"):
                Image.fromarray(pixels(40, 48, seed=77)).save(folders.references / reference)

    done = batch(watch=change)
    assert [name for name, _ in done.tally.failed] == ["a.png", "b.jpg"]
    reason = done.tally.failed[0].reason
    assert reason == (
        f"reference {folders.references / 'x.png'}: changed while the batch was running. Run it again with --resume."
    )


@pytest.mark.parametrize("own", [True, False])
def test_every_picture_is_read_once_and_shared_references_once_more_to_be_described(batch, folders, monkeypatch, own):
    if own:
        write_pictures(folders.references, ["a.png", "b.png", "c/1.png"], size=(40, 40), seed=60)
    reads: Counter[str] = Counter()

    def read(path: str, limits: Limits) -> bytes:
        reads[Path(path).relative_to(folders.inputs.parent).as_posix()] += 1
        return read_file(path, limits)

    monkeypatch.setattr(local_folder, "read_file", read)
    monkeypatch.setattr(image_load, "read_file", lambda *_: pytest.fail("read elsewhere"))
    assert counts(batch()) == (3, 0, 0)
    references = ["refs/a.png", "refs/b.png", "refs/c/1.png"] if own else ["refs/x.png", "refs/y.jpg"]
    inputs = ["in/a.png", "in/b.jpg", "in/c.png"]
    assert reads == {**dict.fromkeys(inputs, 1), **dict.fromkeys(references, 1 if own else 2)}


def test_a_bad_reference_of_its_own_fails_its_picture_and_a_bad_shared_one_is_left_out(batch, folders):
    (folders.references / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (folders.references / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (folders.references / "b.refs.txt").write_text("missing.png")
    done = batch()
    assert counts(done) == (1, 0, 3)
    reasons = dict(done.tally.failed)
    assert reasons["torn.png"].startswith("reference skipped: ")
    assert reasons["a.png"].startswith(f"reference {folders.references / 'a.png'}: ")
    assert reasons["b.jpg"].startswith(f"reference {folders.references / 'missing.png'}: cannot be opened")


def test_an_error_that_nobody_foresaw_fails_one_picture(batch, monkeypatch):
    upscale = Upscaler.upscale

    def sometimes(self, picture, *rest, **named):
        if picture.source.endswith("b.jpg"):
            raise ZeroDivisionError("by zero")
        return upscale(self, picture, *rest, **named)

    monkeypatch.setattr(Upscaler, "upscale", sometimes)
    done = batch()
    assert counts(done) == (2, 0, 1)
    assert done.tally.failed == [("b.jpg", "ZeroDivisionError: by zero")]


def test_foreign_files_stay(batch, folders):
    folders.outputs.mkdir()
    (folders.outputs / "a.png").write_text("mine")
    (folders.outputs / "c.png").mkdir()
    done = batch()
    assert counts(done) == (1, 0, 2)
    assert (folders.outputs / "a.png").read_text() == "mine"
    assert "a.png: exists already, and the manifest of the folder does not list it" in done.tally.failed[0].reason
    assert counts(batch(resume=True)) == (0, 1, 2)
    assert counts(batch(resume=True, overwrite=True)) == (1, 1, 1)
    assert (folders.outputs / "c.png").is_dir()


def test_a_file_that_appears_at_the_last_moment_stays_and_is_never_taken_for_ours(batch, folders, monkeypatch):
    put = local_folder.put_in_place

    def appear(temporary: str, path: str, *, overwrite: bool) -> None:
        if path.endswith("a.png"):
            Path(path).write_text("mine")
        put(temporary, path, overwrite=overwrite)

    with monkeypatch.context() as patch:
        patch.setattr(local_folder, "put_in_place", appear)
        assert counts(batch()) == (2, 0, 1)
    assert counts(batch(resume=True)) == (0, 2, 1)
    assert (folders.outputs / "a.png").read_text() == "mine"


def test_dying_between_the_record_and_the_name_loses_nothing(batch, folders, monkeypatch):
    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(local_folder, "put_in_place", die)
        with pytest.raises(KeyboardInterrupt):
            batch()
    assert shown(folders.outputs) == {}
    assert counts(batch(resume=True)) == (3, 0, 0)


def test_a_folder_of_the_outputs_that_leads_elsewhere_is_not_followed(batch, folders, tmp_path):
    write_pictures(folders.inputs, ["s/a.png"])
    folders.outputs.mkdir()
    (folders.outputs / "s").symlink_to(folders.inputs)
    before = shown(folders.inputs)
    done = batch(recursive=True, overwrite=True)
    assert counts(done) == (3, 0, 1)
    assert "a link to a place outside" in done.tally.failed[0].reason
    assert shown(folders.inputs) == before


def test_a_full_disk_ends_the_run_and_says_so(batch, folders, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(local_folder, "put_in_place", full)
    with pytest.raises(OutputError, match=r"No space left on device\. Free some space, and continue with --resume"):
        batch()
    assert shown(folders.outputs) == {}


def test_a_picture_that_its_format_cannot_hold_becomes_a_png(batch, folders):
    (folders.inputs / "b.jpg").unlink()
    holes = np.dstack([pixels(14, 20), np.tile(np.arange(20, dtype=np.uint8) * 12, (14, 1))])
    Image.fromarray(holes).save(folders.inputs / "b.bmp.png")
    (folders.inputs / "b.bmp.png").rename(folders.inputs / "b.bmp")  # what it is, its content says
    batch()
    assert list(shown(folders.outputs)) == ["a.png", "b.png", "c.png"]
    with Image.open(folders.outputs / "b.png") as output:
        assert output.mode == "RGBA"
    assert counts(batch(resume=True)) == (0, 3, 0)
    done = batch(suffix=".jpg", overwrite=True)
    assert [name for name, _ in done.tally.failed] == ["b.bmp"]
    assert "transparent" in done.tally.failed[0].reason


def test_frames_encode_their_references_once(batch, folders, monkeypatch):
    write_pictures(folders.inputs, [f"frame{n:03}.png" for n in range(7)], seed=30)
    assert batch().tally.references == {"encoded": 2, "reused": 18}
    monkeypatch.setattr(worker_module, "_CACHE_BYTES", 1)
    assert batch(overwrite=True).tally.references["encoded"] == 2


def test_out_of_memory_gives_up_kept_references_and_tries_once_more(batch, folders, monkeypatch):
    write_pictures(folders.references, ["a.png", "b.png", "c.png"], size=(40, 40), seed=60)
    upscale, calls = Upscaler.upscale, []

    def tight(self, *given, **named):
        calls.append(1)
        if len(calls) == 2:
            raise MemoryBudgetError("does not fit")
        return upscale(self, *given, **named)

    monkeypatch.setattr(Upscaler, "upscale", tight)
    done = batch()
    assert counts(done) == (3, 0, 0)
    assert done.tally.fallbacks == 1
    assert done.tally.references["encoded"] == 3


def test_without_references_it_states_so(batch):
    done = batch(references=False)
    assert counts(done) == (3, 0, 0)
    assert done.tally.without_references == 3


def test_lines_that_the_manifest_lost_are_reported_and_nothing_is_replaced(batch, folders):
    """A picture whose line was lost was reported as any other file, without the reason."""
    assert counts(batch()) == (3, 0, 0)
    manifest = folders.outputs / ".srntt-batch/manifest.jsonl"
    head, _, *rest = manifest.read_bytes().splitlines(keepends=True)
    before = {path.name: path.read_bytes() for path in folders.outputs.glob("*.png")}
    manifest.write_bytes(b"".join([head, *rest]))
    done = batch(resume=True)
    assert counts(done) == (0, 2, 1)
    assert "or lines of the manifest were lost" in done.tally.failed[0].reason
    assert {path.name: path.read_bytes() for path in folders.outputs.glob("*.png")} == before
    assert counts(batch(resume=True, overwrite=True)) == (1, 2, 0)
