"""``--base`` and ``--base-model``."""

import json
from pathlib import Path

import pytest
from cli.pictures import pixels, size_and_mode
from evaluate.pictures import write_pairs
from onnx_upscaler import repeating_file
from PIL import Image

from srntt.image import load


@pytest.fixture
def base(folder: Path) -> Path:
    """The small picture, enlarged four times by another program."""
    file = folder / "enlarged.png"
    Image.open(folder / "small.png").resize((80, 56), Image.Resampling.LANCZOS).save(file)
    return file


def test_a_base_is_gone_on_from_and_named(run, folder: Path, base: Path) -> None:
    requested = ("upscale", folder / "small.png", "-r", folder / "sharp.jpg", "--model", "lite-rec", "--base", base)
    ran = run(*requested, "-o", folder / "large.png", "--provenance", folder / "where.npz")
    assert ran.code == 0, ran.err
    assert size_and_mode(folder / "large.png") == (80, 56, "RGB")
    assert ran.out.splitlines()[1] == f"base: {base}"
    report = json.loads(run(*requested, "-o", folder / "again.png", "--consistent", "--json").out)
    assert report["base"] == str(base)
    assert report["consistency"]["largest"] < 1.01 or report["fallbacks"]
    assert not (load(folder / "again.png").color == load(base).color).all()


def test_without_a_base_there_is_none(run, folder: Path, model: Path) -> None:
    assert json.loads(run("upscale", folder / "small.png", "--model", model, "--json").out)["base"] is None


def test_a_base_of_another_size_is_refused(run, folder: Path) -> None:
    ran = run("upscale", folder / "small.png", "--model", "lite-rec", "--base", folder / "other.png")
    assert (ran.code, ran.out) == (2, "")
    assert "has 40 x 40 pixels" in ran.err
    assert "must have 80 x 56" in ran.err


def test_a_model_that_takes_none_is_refused(run, folder: Path, model: Path, base: Path) -> None:
    ran = run("upscale", folder / "small.png", "--model", model, "--base", base)
    assert ran.code == 4
    assert "Model tiny does not support a base. Give a model that does (lite-rec" in ran.err


def test_a_base_that_is_not_there_is_refused(run, folder: Path) -> None:
    ran = run("upscale", folder / "small.png", "--base", folder / "missing.png")
    assert ran.code == 2
    assert "missing.png" in ran.err


def test_a_base_is_of_one_page(run, folder: Path, base: Path) -> None:
    pages = [Image.fromarray(pixels(14, 20, seed=seed)) for seed in range(2)]
    pages[0].save(folder / "pages.tif", save_all=True, append_images=pages[1:])
    ran = run("upscale", folder / "pages.tif", "--base", base, "--model", "lite-rec")
    assert ran.code == 2
    assert "has 2 pages. Choose one with --page N" in ran.err
    assert run("upscale", folder / "pages.tif", "--page", 2, "--base", base, "--model", "lite-rec").code == 0


def test_a_base_model_makes_the_base(run, folder: Path, tmp_path: Path) -> None:
    file = repeating_file(tmp_path)
    requested = ("upscale", folder / "small.png", "--model", "lite-rec", "--base-model", file)
    ran = run(*requested, "-o", folder / "large.png")
    assert ran.code == 0, ran.err
    assert "base: repeat.onnx" in ran.out
    assert "base model: 100%" in ran.err
    two = run(*requested, "--base", folder / "other.png", "-o", folder / "two.png")
    assert two.code == 2
    assert "--base and --base-model exclude each other" in two.err
    missing = run("upscale", folder / "small.png", "--base-model", folder / "missing.onnx")
    assert (missing.code, "missing.onnx" in missing.err) == (2, True)


def test_a_batch_with_a_base_model_is_another_batch(run, folder: Path, tmp_path: Path) -> None:
    file, out = repeating_file(tmp_path), tmp_path / "out"
    (tmp_path / "in").mkdir()
    (folder / "small.png").rename(tmp_path / "in" / "small.png")
    requested = ("batch", tmp_path / "in", "-o", out, "--model", "lite-rec", "--json")
    assert json.loads(run(*requested).out)["done"] == 1
    plain = (out / "small.png").read_bytes()
    assert json.loads(run(*requested, "--resume").out)["skipped"] == 1
    based = ("--base-model", file, "--resume")
    assert json.loads(run(*requested, *based).out)["done"] == 1
    assert (out / "small.png").read_bytes() != plain
    assert json.loads(run(*requested, *based).out)["skipped"] == 1


def test_a_base_model_is_scored_alone_and_with_references(run, tmp_path: Path) -> None:
    file, data = repeating_file(tmp_path), write_pairs(tmp_path / "data")
    report = json.loads(
        run(
            "evaluate", "--data", data, "--model", "lite-rec", "--refs", "none,first", "--base-model", file, "--json"
        ).out
    )
    on = "lite-rec on repeat.onnx"
    assert [(row["model"], row["refs"]) for row in report] == [("repeat.onnx", "none"), (on, "first"), (on, "none")]
    assert len(report[0]["peer"]["weights"]) == 64
    assert report[0]["mean"]["psnr_y"] < report[1]["mean"]["psnr_y"]
