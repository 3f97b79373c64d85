"""``srntt upscale --base``."""

import json
from pathlib import Path

import pytest
from cli.pictures import pixels, size_and_mode
from PIL import Image

from srntt.image import load


@pytest.fixture
def base(folder: Path) -> Path:
    """The small picture, enlarged four times by another program."""
    file = folder / "enlarged.png"
    Image.open(folder / "small.png").resize((80, 56), Image.Resampling.LANCZOS).save(file)
    return file


def test_a_base_is_gone_on_from_and_named(run, folder: Path, base: Path) -> None:
    asked = ("upscale", folder / "small.png", "-r", folder / "sharp.jpg", "--model", "lite-rec", "--base", base)
    ran = run(*asked, "-o", folder / "large.png", "--provenance", folder / "where.npz")
    assert ran.code == 0, ran.err
    assert size_and_mode(folder / "large.png") == (80, 56, "RGB")
    assert ran.out.splitlines()[1] == f"base: {base}"
    told = json.loads(run(*asked, "-o", folder / "again.png", "--consistent", "--json").out)
    assert told["base"] == str(base)
    assert told["consistency"]["largest"] < 1.01 or told["fallbacks"]
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
    assert "Model tiny takes no base. Give one that does (lite-rec" in ran.err


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
