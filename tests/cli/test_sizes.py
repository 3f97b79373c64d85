"""``--scale``, ``--width``, ``--height``, ``--fit``; ``--strength``, ``--protect``: upscale and batch."""

import json
from pathlib import Path

import numpy as np
import pytest
from cli.pictures import contents, size_and_mode
from PIL import Image

from srntt.image import load


@pytest.mark.parametrize(
    ("tokens", "name", "size"),
    [
        (["--scale", "2"], "small_x2.png", (40, 28)),
        (["--scale", "1.5"], "small_x1.5.png", (30, 21)),
        (["--scale", "6"], "small_x6.png", (120, 84)),
        (["--width", "50"], "small_50x35.png", (50, 35)),
        (["--height", "28"], "small_40x28.png", (40, 28)),
        (["--fit", "100x35"], "small_50x35.png", (50, 35)),
    ],
)
def test_sizes(run, folder: Path, model: Path, tokens: list[str], name: str, size: tuple[int, int]) -> None:
    ran = run("upscale", folder / "small.png", *tokens, "--model", model, "--json")
    assert ran.code == 0, ran.err
    report = json.loads(ran.out)
    assert (report["width"], report["height"]) == size
    assert report["output"] == str(folder / name)
    assert size_and_mode(folder / name)[:2] == size


def test_resolution_follows_the_size(run, folder: Path, model: Path) -> None:
    with Image.open(folder / "small.png") as opened:
        opened.save(folder / "dpi.png", dpi=(100, 100))
    assert run("upscale", folder / "dpi.png", "--scale", "2", "--model", model).code == 0
    with Image.open(folder / "dpi_x2.png") as large:
        assert large.info["dpi"] == pytest.approx((200, 200), rel=0.01)


def test_strength_and_protection(run, folder: Path, model: Path) -> None:
    Image.fromarray(np.full((5, 5), 255, np.uint8)).save(folder / "mask.png")
    given = ("upscale", folder / "small.png", "--model", model, "--overwrite")
    with_reference = (*given, "--ref", folder / "sharp.jpg", "-o", folder / "large.png")
    assert run(*given, "-o", folder / "alone.png").code == 0
    alone = load(folder / "alone.png").color
    for tokens in (["--strength", "0"], ["--protect", "0,0,20,14"], ["--protect", folder / "mask.png"]):
        ran = run(*with_reference, *tokens)
        assert ran.code == 0, ran.err
        assert np.array_equal(load(folder / "large.png").color, alone)


def test_batch_has_them_too(run, folder: Path, model: Path) -> None:
    for name in ("in", "refs"):
        (folder / name).mkdir()
    (folder / "small.png").rename(folder / "in" / "small.png")
    (folder / "sharp.jpg").rename(folder / "refs" / "sharp.jpg")
    options = ("--fit", "50x50", "--strength", "0.5", "--protect", "0,0,10,10", "--model", model)
    ran = run("batch", folder / "in", "--refs", folder / "refs", "-o", folder / "out", *options)
    assert ran.code == 0, ran.err
    alone = ("upscale", folder / "in" / "small.png", "--ref", folder / "refs", "-o", folder / "large.png")
    assert run(*alone, *options).code == 0
    assert size_and_mode(folder / "out" / "small.png")[:2] == (50, 35)
    assert np.array_equal(load(folder / "out" / "small.png").color, load(folder / "large.png").color)


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        (["--scale", "0.5"], "scale 0.5: give 1 or more"),
        (["--scale", "40"], "upscaled 40 times; this model supports 1 to 16 times"),
        (["--fit", "big"], "--fit big: give WIDTHxHEIGHT"),
        (["--scale", "2", "--width", "50"], "exclude each other"),
        (["--strength", "0.5"], "apply to references. Give some"),
        (["--ref", "{folder}/sharp.jpg", "--strength", "2"], "strength 2.0: give 0"),
        (["--ref", "{folder}/sharp.jpg", "--protect", "1,2,3"], "There is no 1,2,3"),
        (["--ref", "{folder}/sharp.jpg", "--protect-invert"], "needs --protect"),
    ],
)
def test_what_cannot_be_is_refused(run, folder: Path, model: Path, tokens: list[str], message: str) -> None:
    before = contents(folder)
    ran = run("upscale", folder / "small.png", *(token.format(folder=folder) for token in tokens), "--model", model)
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err
    assert contents(folder) == before
