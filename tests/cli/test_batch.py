"""``srntt batch``: what it says, and what it returns."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile
from cli.pictures import contents, pixels, size_and_mode
from cli.test_processes import SRNTT, environment
from PIL import Image

from srntt.batch import Tally, open_output_folder, place
from srntt.cli._batch_progress import pace
from srntt.data import Failure
from srntt.errors import InputError
from srntt.image import load


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    """A folder with a.png, b.jpg and notes.txt; beside it refs with x.png and y.png."""
    for folder, names, size in (("in", ("a.png", "b.jpg"), (14, 20)), ("refs", ("x.png", "y.png"), (40, 48))):
        (tmp_path / folder).mkdir()
        for seed, name in enumerate(names):
            Image.fromarray(pixels(*size, seed=seed)).save(tmp_path / folder / name)
    (tmp_path / "in" / "notes.txt").touch()
    return tmp_path / "in"


@pytest.fixture
def batch(run, inputs: Path, model: Path):
    """``srntt batch`` over the inputs, with or without the references."""

    def command(*tokens: object, refs: bool = True):
        references = ("-r", inputs.parent / "refs") if refs else ()
        return run("batch", inputs, *references, "-o", inputs.parent / "out", "--model", model, *tokens)

    return command


def test_says_what_was_done_and_how_fast(batch, inputs: Path) -> None:
    ran = batch()
    assert ran.code == 0, ran.err
    first, second = ran.out.splitlines()
    assert first.startswith(f"{inputs.parent / 'out'}: 2 done, 1 files of other types ignored; ")
    assert first.endswith((" pictures a second", " s for each picture"))
    assert second == "references: 2 encoded, 2 reused"
    assert size_and_mode(inputs.parent / "out" / "b.jpg") == (80, 56, "RGB")
    message = [line for line in ran.err.splitlines() if not line.startswith("compiling")]
    assert message[0] == "looking at references: 2 of 2"
    assert message[-1].startswith("2 of 2 pictures finished, ")


def test_json_reports_the_same(batch) -> None:
    report = json.loads(batch("--json").out)
    assert (report["pictures"], report["done"], report["skipped"], report["failed"], report["ignored"]) == (
        2,
        2,
        0,
        [],
        1,
    )
    assert (report["references_encoded"], report["references_reused"], report["without_references"]) == (2, 2, 0)
    assert report["pictures_per_second"] > 0
    assert report["megapixels_per_second"] == pytest.approx(report["pictures_per_second"] * 80 * 56 / 1e6, abs=2e-4)
    assert report["model"] == "tiny"


def test_one_bad_file_is_named_and_gives_1(batch, inputs: Path) -> None:
    (inputs / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    ran = batch("--json")
    assert ran.code == 1
    report = json.loads(ran.out)
    assert report["done"] == 2
    assert [item["name"] for item in report["failed"]] == ["bad.png"]
    assert f"srntt: {inputs / 'bad.png'}: is not a whole PNG" in ran.err


def test_done_already_is_nothing_to_do(batch) -> None:
    assert batch().code == 0
    ran = batch("--resume")
    assert ran.code == 3
    assert "0 done, 2 done already" in ran.out


def test_no_pictures_are_nothing_to_do(run, inputs: Path, model: Path) -> None:
    (inputs / "below").mkdir()
    ran = run("batch", inputs / "below", "-o", inputs.parent / "out", "--model", model)
    assert ran.code == 3
    assert "no pictures (use --recursive to include subfolders); 0 other files." in ran.err
    assert not (inputs.parent / "out").exists()


def test_an_earlier_run_is_neither_ignored_nor_overwritten(batch, inputs: Path) -> None:
    batch()
    before = contents(inputs.parent / "out")
    ran = batch()
    assert ran.code == 2
    assert "Continue it with --resume, or use --overwrite." in ran.err
    assert contents(inputs.parent / "out").keys() == before.keys()
    assert batch("--overwrite").code == 0


def test_dry_run_shows_the_plan_and_touches_nothing(batch, inputs: Path) -> None:
    (inputs / "bad.png").touch()
    Image.fromarray(pixels(40, 40, seed=5)).save(inputs.parent / "refs" / "b.png")
    before = contents(inputs.parent)
    ran = batch("--dry-run", "--best", 1)
    assert ran.code == 1
    lines = ran.out.splitlines()
    out = inputs.parent / "out"
    assert lines[0] in [f"a.png -> {out / 'a.png'} ({name})" for name in ("x.png", "y.png")]
    assert lines[1] == f"b.jpg -> {out / 'b.jpg'} (b.png)"
    assert lines[2].startswith(f"bad.png -> {out / 'bad.png'} ({inputs / 'bad.png'}: is empty")
    assert lines[3] == "1 files of other types ignored"
    assert contents(inputs.parent) == before
    assert not out.exists()


def test_dry_run_of_a_resume_knows_what_is_done(batch, inputs: Path) -> None:
    batch()
    (inputs.parent / "out" / "b.jpg").unlink()
    ran = batch("--dry-run", "--resume", "--json")
    assert ran.code == 0
    report = json.loads(ran.out)
    assert [(item["name"], item["done"]) for item in report["pictures"]] == [("a.png", True), ("b.jpg", False)]
    batch("--resume")
    assert batch("--dry-run", "--resume").code == 3


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        (("--best", 0), "--best"),
        (("--format", "gif"), "--format gif: this format cannot be written"),
        (("--tile", 5), "--tile 5: too small"),
        (("--memory", "lots"), "not an amount of memory"),
        (("--matcher", "quick"), "--matcher"),
        (("--quality", 101), "--quality"),
    ],
)
def test_what_makes_no_sense_is_refused_before_any_work(batch, inputs: Path, tokens: tuple, words: str) -> None:
    ran = batch(*tokens)
    assert ran.code == 2
    assert words in ran.err
    assert not list((inputs.parent / "out").glob("*.*g"))


def test_folders_and_models_that_are_not_there(run, inputs: Path, model: Path) -> None:
    out = inputs.parent / "out"
    for tokens in ((inputs / "gone", "-o", out), (inputs, "-o", out, "-r", inputs / "gone"), (inputs, "-o", inputs)):
        assert run("batch", *tokens, "--model", model).code == 2
    assert run("batch", inputs, "-o", out, "--model", "nobody").code == 4


def test_format_and_bits(batch, inputs: Path) -> None:
    deep = Image.fromarray(pixels(14, 20, 3)[:, :, 0].astype(np.uint16) * 257)
    deep.save(inputs / "deep.png")
    ran = batch("--format", "JPG", refs=False)
    assert ran.code == 1
    assert "--bits 8" in ran.err
    ran = batch("--format", "jpg", "--bits", 8, "--resume", refs=False)
    assert ran.code == 0, ran.err
    shown = sorted(path.name for path in (inputs.parent / "out").glob("*.jpg"))
    assert shown == ["a.jpg", "b.jpg", "deep.jpg"]


def test_self_ensemble_and_alignment_are_those_of_upscale(run, folder: Path, model: Path) -> None:
    for name in ("in", "refs"):
        (folder / name).mkdir()
    (folder / "small.png").rename(folder / "in" / "small.png")
    (folder / "sharp.jpg").rename(folder / "refs" / "sharp.jpg")
    options = ("--self-ensemble", "--align", "off", "--model", model, "--device", "cpu")
    ran = run("batch", folder / "in", "--refs", folder / "refs", "-o", folder / "out", *options)
    assert ran.code == 0, ran.err
    alone = ("upscale", folder / "in" / "small.png", "--ref", folder / "refs", "-o", folder / "large.png")
    assert run(*alone, *options).code == 0
    assert np.array_equal(load(folder / "out" / "small.png").color, load(folder / "large.png").color)
    lines = (folder / "out" / ".srntt-batch" / "manifest.jsonl").read_text().splitlines()
    (about,) = [event["about"] for event in map(json.loads, lines) if event.get("event") == "made"]
    assert (about["settings"]["self_ensemble"], about["settings"]["align"]) == (True, "off")
    assert [one["name"] for one in about["references"]] == ["sharp.jpg"]


def test_maps_and_provenance_next_to_outputs(batch, inputs: Path) -> None:
    assert batch("--map", "--provenance").code == 0
    sidecars = [name for name in contents(inputs.parent / "out") if not name.startswith(".")]
    assert sidecars == [f"{name}{more}" for name in ("a.png", "b.jpg") for more in ("", ".map.png", ".provenance.npz")]
    width, height, mode = size_and_mode(inputs.parent / "out" / "b.jpg.map.png")
    assert (width, mode, height > 56) == (80, "RGB", True)
    assert batch("--resume").code == 3
    (inputs.parent / "out" / "b.jpg.map.png").unlink()
    assert batch("--resume", "--provenance").code == 3
    ran = batch("--resume", "--map", "--dry-run")
    assert ran.code == 0
    assert "(done already)" in ran.out.splitlines()[0]
    assert "(done already)" not in ran.out.splitlines()[1]


def test_maps_without_references_are_refused(batch, inputs: Path) -> None:
    ran = batch("--map", refs=False)
    assert ran.code == 2
    assert "Give some with --refs" in ran.err
    assert not (inputs.parent / "out").exists()


def test_a_foreign_manifest_is_refused_by_name(batch, inputs: Path) -> None:
    state = inputs.parent / "out" / ".srntt-batch"
    state.mkdir(parents=True)
    (state / "manifest.jsonl").write_text("shopping list\n")
    ran = batch()
    assert ran.code == 2
    assert "manifest.jsonl, line 1: not written by srntt" in ran.err


def test_a_folder_in_use_is_refused(batch, inputs: Path) -> None:
    with open_output_folder(inputs.parent / "out"):
        ran = batch()
    assert ran.code == 2
    assert "is being written to by process" in ran.err


@pytest.mark.parametrize(
    ("tally", "words"),
    [
        (Tally(9), ""),
        (Tally(9, skipped=4), ""),
        (Tally(9, done=2, seconds=5.0), "2.5 s for each picture, 0:00:18 left"),
        (Tally(9, done=4, skipped=3, seconds=0.5), "8.0 pictures a second, 0:00:00 left"),
        (
            Tally(2, done=1, seconds=61.0, failed=[Failure("x", "y")], failed_pictures=1),
            "1 failed, 61.0 s for each picture",
        ),
    ],
)
def test_pace_counts_what_was_done_here(tally: Tally, words: str) -> None:
    assert pace(tally) == words


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to send")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_whole_files_and_resume_goes_on(
    batch, inputs: Path, model: Path, number: int, code: int
) -> None:
    out = inputs.parent / "out"
    batch(refs=False)
    small = contents(out)
    Image.fromarray(pixels(700, 900)).save(inputs / "large.png")
    command = [*SRNTT, "batch", inputs, "-o", out, "--model", model, "--tile", "32", "--overwrite"]
    with subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, text=True, env=environment()) as process:
        try:
            while contents(out)[".srntt-batch/manifest.jsonl"].count(b"\n") < 5:
                assert process.poll() is None
                time.sleep(0.02)
            process.send_signal(number)
            _, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == code, err
    report = "[12] of 3 pictures are done; continue with --resume"  # 1: before the second was counted
    assert re.search(report, err)
    assert "Traceback" not in err
    now = contents(out)
    assert now.keys() == small.keys()
    assert [now[name] for name in ("a.png", "b.jpg")] == [small[name] for name in ("a.png", "b.jpg")]


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_terminal_gets_a_bar(inputs: Path, model: Path) -> None:
    ours, theirs = os.openpty()
    command = [*SRNTT, "batch", inputs, "-o", inputs.parent / "out", "--model", model, "--json"]
    with subprocess.Popen(list(map(str, command)), stdout=-1, stderr=theirs, text=True, env=environment()) as process:
        os.close(theirs)
        out, _ = process.communicate(timeout=60)
    shown = os.read(ours, 1 << 16).decode()
    os.close(ours)
    assert process.returncode == 0
    assert json.loads(out)["done"] == 2
    assert "pictures" in shown
    assert "\x1b[" in shown


def test_all_pages_of_a_tiff_become_pages_where_the_output_holds_them(batch, inputs: Path) -> None:
    pages = [Image.fromarray(pixels(14, 20, seed=k)) for k in range(3)]
    pages[0].save(inputs / "stack.tif", save_all=True, append_images=pages[1:])
    report = json.loads(batch("--json", "--format", "tif").out)
    with Image.open(inputs.parent / "out" / "stack.tif") as large:
        assert large.n_frames == 3
        for number, page in enumerate(pages):
            large.seek(number)
            assert large.size == (80, 56)
            small = np.asarray(large.convert("RGB").resize(page.size, Image.Resampling.BOX), int)
            assert np.abs(small - np.asarray(page.convert("RGB"), int)).mean() < 12
    assert not [item for item in report["picture_notes"] if "pages" in item["note"]]


def test_the_notes_of_pictures_are_those_of_upscale(batch, run, inputs: Path, model: Path) -> None:
    pages = [Image.fromarray(pixels(14, 20, seed=k)) for k in range(3)]
    pages[0].save(inputs / "c.tif", save_all=True, append_images=pages[1:])
    for name in ("d.jpg", "e.jpg"):
        Image.fromarray(pixels(14, 20)).convert("CMYK").save(inputs / name)
    report = json.loads(batch("--json", "--format", "png").out)
    notes = {(item["name"], item["note"]) for item in report["picture_notes"]}
    alone = json.loads(run("upscale", inputs / "d.jpg", "--json", "--model", model).out)["notes"]
    assert {note for name, note in notes if name == "d.jpg"} == set(alone)
    assert any(name == "c.tif" and "first of 3 pages used" in note for name, note in notes)
    again = batch("--overwrite", "--format", "png").out
    assert "note: CMYK converted to sRGB by formula" in again
    assert "(d.jpg and 1 more)" in again
    assert "(c.tif)" in again


@pytest.fixture
def odd(inputs: Path) -> Path:
    """What must be told how it is to be read: heights in metres, a mask in alpha, three pages."""
    (inputs.parent / "odd").mkdir()
    tifffile.imwrite(inputs.parent / "odd" / "height.tif", np.linspace(-50, 900, 280).reshape(14, 20).astype(np.int16))
    mask = np.where(np.indices((14, 20)).sum(0) % 4 < 2, 0, 255).astype(np.uint8)
    Image.fromarray(np.dstack([pixels(14, 20), mask])).save(inputs.parent / "odd" / "texture.png")
    pages = np.stack([pixels(14, 20, seed=k)[:, :, 0] for k in range(3)])
    tifffile.imwrite(inputs.parent / "odd" / "pages.tif", pages, photometric="minisblack")
    return inputs.parent / "odd"


@pytest.mark.parametrize(("requested", "noted"), [((), True), (("--model", "lite-gan"), False)])
def test_ray_notes_that_it_does_not_choose_a_model_per_picture(
    run, inputs: Path, monkeypatch: pytest.MonkeyPatch, requested: tuple[str, ...], noted: bool
) -> None:
    def no_cluster(address: str | None) -> None:
        raise InputError("no cluster here")

    monkeypatch.setattr("srntt.batch.ray_connected", no_cluster)
    ran = run("batch", inputs, "-o", inputs.parent / "out", "--engine", "ray", *requested)
    assert "no cluster here" in ran.err
    assert ("lite-rec: --model auto applies to --engine local; name a model for --engine ray" in ran.err) == noted


RAY = pytest.param("ray", marks=[pytest.mark.slow, pytest.mark.filterwarnings("ignore")])  # Ray's own are many


@pytest.mark.parametrize("engine", ["local", RAY])
def test_inputs_are_read_as_upscale_reads_them(run, odd: Path, model: Path, engine: str) -> None:
    if engine == "ray":
        pytest.importorskip("ray")
    for number, options in enumerate([("--range", "-100,1000"), ("--alpha", "bleed"), ("--page", 2), ()]):
        out, alone = odd.parent / f"out{number}", odd.parent / f"alone{number}"
        ran = run("batch", odd, "-o", out, "--json", "--model", model, "--engine", engine, *options)
        assert ran.out, ran.err
        report = json.loads(ran.out)
        failed = {item["name"]: item["reason"] for item in report["failed"]}
        for name in ("height.tif", "texture.png", "pages.tif"):
            one = run("upscale", odd / name, "-o", f"{alone}/", *options, "--model", model)
            assert (name in failed) == (one.code != 0), one.err
            if name in failed:
                assert failed[name] in one.err
                continue
            one, many = (alone / f"{Path(name).stem}_x4{Path(name).suffix}", out / name)
            np.testing.assert_array_equal(
                load(one, value_range="auto").values(), load(many, value_range="auto").values()
            )
        assert ("height.tif" in failed) == (number != 0)
    assert load(out / "pages.tif").metadata.page == (1, 3)
    assert load(odd.parent / "out2" / "pages.tif").metadata.page == (1, 1)


def test_other_ways_to_read_are_other_outputs(run, odd: Path, model: Path) -> None:
    command = ("batch", odd, "-o", odd.parent / "out", "--json", "--model", model)
    ways = [("--range", "auto"), ("--range", "auto"), ("--range", "-50,900"), ("--range", "auto", "--page", 1), ()]
    report = [json.loads(run(*command, "--resume", *way).out) for way in ways]
    counted = [(item["done"], item["skipped"], len(item["failed"])) for item in report]
    assert counted == [(3, 0, 0), (0, 3, 0), (3, 0, 0), (3, 0, 0), (2, 0, 1)]
    assert run(*command, "--range", "9,1").code == 2


def test_notes_of_later_pages_are_reported(run, odd: Path, model: Path) -> None:
    pages = [Image.fromarray(pixels(14, 20)), Image.fromarray(pixels(14, 20)).convert("CMYK")]
    pages[0].save(odd / "colours.tif", save_all=True, append_images=[*pages[1:], *pages[1:]])
    report = json.loads(run("batch", odd, "-o", odd.parent / "out", "--json", "--model", model).out)
    notes = [item["note"] for item in report["picture_notes"] if item["name"] == "colours.tif"]
    alone = json.loads(run("upscale", odd / "colours.tif", "--json", "--model", model).out)["notes"]
    assert notes == alone
    assert sum("CMYK converted" in note for note in notes) == 1


def test_raw_files_are_named_with_what_to_do(batch, run, inputs: Path, model: Path) -> None:
    for name in ("one.DNG", "two.nef"):
        (inputs / name).write_bytes(b"II*\0")
    (inputs.parent / "refs" / "three.cr3").touch()
    advice = "skipped: a camera's raw file must be developed first with darktable, RawTherapee"
    assert f"note: one.DNG and 2 more are {advice}" in batch().out
    report = json.loads(batch("--json", "--dry-run").out)
    assert any(advice in note for note in report["notes"])
    report = json.loads(batch("--json", "--overwrite").out)
    assert report["raw"] == ["one.DNG", "two.nef", str(inputs.parent / "refs" / "three.cr3")]
    assert report["ignored"] == 1
    (inputs.parent / "raw").mkdir()
    (inputs / "one.DNG").rename(inputs.parent / "raw" / "one.DNG")
    ran = run("batch", inputs.parent / "raw", "-o", inputs.parent / "none", "--model", model)
    assert (ran.code, f"one.DNG is {advice}" in ran.err) == (3, True), ran.err


def test_the_model_is_chosen_for_each_picture(run, inputs: Path) -> None:
    Image.open(inputs / "a.png").save(inputs / "b.jpg", quality=15)
    (inputs / "a.png").unlink()
    Image.new("RGB", (20, 14), "grey").save(inputs / "c.png")
    out = inputs.parent / "auto"
    report = json.loads(run("batch", inputs, "-o", out, "--json").out)
    assert (report["model"], report["models"], report["done"]) == ("auto", {"lite-real": 1, "lite-rec": 1}, 2)
    with open_output_folder(place(str(out))) as opened:
        about = {name: record.about for name, record in opened.history.records.items()}
    assert about["b.jpg"]["model_reason"].startswith("lite-real: JPEG of quality 1")
    assert about["c.png"]["model"] == "lite-rec"
    again = run("batch", inputs, "-o", out, "--resume", "--dry-run")
    assert again.out.count("done already") == 2
    assert json.loads(run("batch", inputs, "-o", out, "--json", "--resume").out)["skipped"] == 2
    (out / "b.jpg").unlink()
    assert "model: lite-real for 1, by compression, noise and blur" in run("batch", inputs, "-o", out, "--resume").out
