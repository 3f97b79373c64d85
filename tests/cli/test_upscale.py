"""``srntt upscale`` when all is well."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from cli.pictures import contents, pixels, size_and_mode
from PIL import Image

from srntt.image import Picture, load, save
from srntt.models import save_model
from srntt.models.lite import Lite, LiteConfig


def test_writes_the_picture_and_says_how_it_went(run, folder: Path, model: Path) -> None:
    ran = run("upscale", folder / "small.png", "-r", folder / "sharp.jpg", "-o", folder / "large.png", "--model", model)
    assert ran.code == 0, ran.err
    assert size_and_mode(folder / "large.png") == (80, 56, "RGB")
    first, second, third, fourth = (line for line in ran.out.splitlines() if not line.startswith("caution: "))
    assert first.startswith(f"{folder}/large.png: 80x56, ")
    assert "peak memory" in first
    assert "predicted" in first
    assert second.startswith("The reference ")
    assert "(mean similarity " in second
    assert re.fullmatch(
        rf"{folder}/sharp.jpg: detail at \d+% of the places; no geometry found; searched unchanged", third
    )
    assert fourth.startswith("exact matching: predicted ")


@pytest.mark.parametrize("matcher", ["exact", "fast"])
def test_the_matcher_asked_for_is_used_and_reported(run, folder: Path, model: Path, matcher: str) -> None:
    requested = ("--model", model, "--matcher", matcher, "--device", "cpu", "--json")
    report = json.loads(run("upscale", folder / "small.png", "-r", folder / "sharp.jpg", *requested).out)
    assert (report["matcher"], report["matcher_reason"]) == (matcher, f"{matcher} matching: as requested")
    alone = json.loads(run("upscale", folder / "small.png", "-o", folder / "alone.png", *requested).out)
    assert alone["matcher"] is alone["matcher_reason"] is None


def test_results_go_to_stdout_and_progress_to_stderr(run, folder: Path, model: Path) -> None:
    ran = run("upscale", folder / "small.png", "--ref", folder / "sharp.jpg", "--model", model, "--json")
    json.loads(ran.out)
    message = [line for line in ran.err.splitlines() if not line.startswith("compiling")]  # in a new installation
    assert message.pop(0).startswith("predicted: ")
    assert message == ["reading references: 100%", "aligning references: 100%", "matching: 100%", "rendering: 100%"]


def test_json_reports_everything_but_the_pixels(run, folder: Path, model: Path) -> None:
    references = ("-r", folder / "sharp.jpg", "-r", folder / "other.png")
    map_, origin = folder / "map.png", folder / "where.npz"
    ran = run(
        *("upscale", folder / "small.png", *references, "--model", model, "--json"),
        *("--map", map_, "--provenance", origin, "--device", "cpu", "--tile", 32, "--memory", "8GB"),
    )
    report = json.loads(ran.out)
    assert report["output"] == str(folder / "small_x4.png")
    assert (report["width"], report["height"], report["model"], report["device"]) == (80, 56, "tiny", "cpu")
    assert report["tile"] == 32
    assert 0 < report["seconds"] < 60
    assert 0 < report["peak_bytes"] <= 2 * report["predicted_bytes"]
    assert -1 <= report["similarity"] <= 1
    assert [item["source"] for item in report["references"]] == [str(folder / "sharp.jpg"), str(folder / "other.png")]
    assert sum(item["share"] for item in report["references"]) == pytest.approx(report["reference_share"], abs=2e-4)
    assert report["fallbacks"] == report["notes"] == []
    with np.load(origin) as arrays:  # allow_pickle is off: nothing in it needs it
        assert arrays["sources"].tolist() == [str(folder / "sharp.jpg"), str(folder / "other.png")]
        assert arrays["reference"].shape == arrays["y"].shape == arrays["x"].shape == arrays["share"].shape == (14, 20)
        assert float((arrays["share"] > 0.25).mean()) == pytest.approx(report["reference_share"], abs=1e-4)


def test_the_map_shows_what_came_from_each_reference(run, folder: Path, model: Path) -> None:
    given = ("upscale", folder / "small.png", "-r", folder / "sharp.jpg", "--model", model)
    assert run(*given, "--map", folder / "map.png").code == 0
    width, height, mode = size_and_mode(folder / "map.png")
    assert (width, mode) == (80, "RGB")
    assert height > 56  # a legend below


def test_map_shows_the_similarity_in_blocks_of_the_scale(run, folder: Path, model: Path) -> None:
    ran = run(
        *("upscale", folder / "small.png", "-r", folder / "sharp.jpg", "--model", model),
        *("--map", folder / "map.png", "--map-kind", "similarity", "--json"),
    )
    assert size_and_mode(folder / "map.png") == (80, 56, "L")
    shown = load(folder / "map.png").color[:, :, 0]
    corners = shown[::4, ::4]
    assert np.array_equal(corners.repeat(4, 0).repeat(4, 1), shown)
    assert corners.mean() / 255 == pytest.approx(json.loads(ran.out)["similarity"], abs=0.01)
    assert corners.min() < corners.max()


def test_without_references_there_is_no_similarity(run, folder: Path, model: Path) -> None:
    ran = run("upscale", folder / "small.png", "--model", model)
    assert ran.code == 0
    assert ran.out.splitlines()[1:] == ["references: none given"]
    report = json.loads(run("upscale", folder / "small.png", "--model", model, "--json", "--overwrite").out)
    assert report["similarity"] is report["reference_share"] is report["map"] is None
    assert report["references"] == []


def test_the_reference_changes_the_picture_and_the_same_input_gives_the_same_bytes(
    run, folder: Path, model: Path
) -> None:
    for name, references in (("a", ["-r", folder / "sharp.jpg"]), ("b", ["-r", folder / "sharp.jpg"]), ("c", [])):
        run("upscale", folder / "small.png", *references, "-o", folder / f"{name}.png", "--model", model)
    written = contents(folder)
    assert written["a.png"] == written["b.png"] != written["c.png"]


def test_augmented_references_are_tried(run, folder: Path, model: Path) -> None:
    plain = run("upscale", folder / "small.png", "-r", folder / "sharp.jpg", "--model", model, "--json")
    tokens = ("-o", folder / "more.png", "--augment-refs", "--json")
    more = run("upscale", folder / "small.png", "-r", folder / "sharp.jpg", "--model", model, *tokens)
    assert more.code == 0, more.err
    assert json.loads(more.out)["similarity"] >= json.loads(plain.out)["similarity"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.png", "a_x4.png"),
        ("a.jpg", "a_x4.jpg"),
        ("A.JPEG", "A_x4.JPEG"),
        ("a.b.webp", "a.b_x4.webp"),
        ("bare", "bare_x4.png"),
    ],
)
def test_default_name_keeps_stem_and_format(run, tmp_path: Path, model: Path, name: str, expected: str) -> None:
    form = "PNG" if name == "bare" else None
    Image.fromarray(pixels(9, 11)).save(tmp_path / name, format=form)
    assert run("upscale", tmp_path / name, "--model", model).code == 0
    assert sorted(contents(tmp_path)) == sorted([name, expected])
    assert load(tmp_path / expected).width == 44


def test_default_name_has_the_scale_of_the_model(run, tmp_path: Path) -> None:
    twice = Lite(LiteConfig(scale=2, channels=8, content_blocks=1, transfer_blocks=1, descriptor=8))
    save_model(twice, tmp_path / "model")
    Image.fromarray(pixels(9, 11)).save(tmp_path / "a.png")
    assert run("upscale", tmp_path / "a.png", "--model", tmp_path / "model").code == 0
    assert load(tmp_path / "a_x2.png").width == 22


def test_default_name_is_png_where_the_format_cannot_hold_the_picture(run, tmp_path: Path, model: Path) -> None:
    Image.fromarray(pixels(4, 4_200, 3)).save(tmp_path / "wide.webp")  # four times that is more than WebP holds
    assert run("upscale", tmp_path / "wide.webp", "--model", model).code == 0
    assert size_and_mode(tmp_path / "wide_x4.png") == (16_800, 16, "RGB")


def test_16_bits_stay_16_bits_unless_requested(run, tmp_path: Path, model: Path) -> None:
    save(Picture(pixels(10, 10).astype(np.uint16) * 257), tmp_path / "deep.png")
    assert run("upscale", tmp_path / "deep.png", "--model", model).code == 0
    assert load(tmp_path / "deep_x4.png").bits == 16
    refused = run("upscale", tmp_path / "deep.png", "-o", tmp_path / "deep.jpg", "--model", model)
    assert refused.code == 2
    assert "--bits 8" in refused.err
    done = run("upscale", tmp_path / "deep.png", "-o", tmp_path / "deep.jpg", "--bits", 8, "--model", model)
    assert done.code == 0
    assert "note: 16 bits reduced to 8" in done.out


def test_grey_and_transparent_pictures_stay_so(run, tmp_path: Path, model: Path) -> None:
    Image.fromarray(pixels(10, 10)[:, :, 0]).save(tmp_path / "grey.png")
    transparent = np.dstack([pixels(10, 10), np.arange(100, dtype=np.uint8).reshape(10, 10)])
    Image.fromarray(transparent).save(tmp_path / "alpha.png")
    for name, mode in (("grey", "L"), ("alpha", "RGBA")):
        assert run("upscale", tmp_path / f"{name}.png", "--model", model).code == 0
        assert size_and_mode(tmp_path / f"{name}_x4.png") == (40, 40, mode)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 7), (3, 2000), (33, 31)])
def test_any_size(run, tmp_path: Path, folder: Path, model: Path, height: int, width: int) -> None:
    Image.fromarray(pixels(height, width)).save(tmp_path / "odd.png")
    ran = run("upscale", tmp_path / "odd.png", "-r", folder / "sharp.jpg", "--model", model)
    assert ran.code == 0, ran.err
    assert size_and_mode(tmp_path / "odd_x4.png") == (4 * width, 4 * height, "RGB")


def test_what_was_converted_is_reported(run, tmp_path: Path, model: Path) -> None:
    Image.fromarray(pixels(8, 8)).convert("CMYK").save(tmp_path / "print.jpg")
    ran = run("upscale", tmp_path / "print.jpg", "--model", model)
    assert ran.code == 0
    assert "note: CMYK converted to sRGB" in ran.out


def test_the_model_is_chosen_by_the_picture_and_reported(run, folder: Path) -> None:
    ran = run("upscale", folder / "small.png", "-o", folder / "large.png", "--device", "cpu")
    assert ran.code == 0, ran.err
    assert ran.out.splitlines()[1].startswith("model: lite-re")
    Image.open(folder / "small.png").save(folder / "worse.jpg", quality=20)
    requested = ("upscale", folder / "worse.jpg", "--json", "--overwrite")
    report = json.loads(run(*requested).out)
    assert (report["model"], report["model_reason"][:33]) == ("lite-real", "lite-real: JPEG of quality 20; --")
    named = json.loads(run(*requested, "--model", "lite-rec").out)
    assert (named["model"], named["model_reason"]) == ("lite-rec", None)
