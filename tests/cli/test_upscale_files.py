"""``srntt upscale`` on files as people have them: pages, bands, ranges, masks in alpha, folders as outputs."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from cli.pictures import contents, pixels
from PIL import Image

from srntt.image import load, save


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    """Three pages of 16 bits, as ImageJ writes them, 2.5 pixels a micrometre."""
    pages = np.stack([pixels(14, 20, seed=k)[:, :, 0] for k in range(3)]).astype(np.uint16) * 257
    options = {"imagej": True, "resolution": (2.5, 2.5), "metadata": {"unit": "um", "axes": "ZYX"}}
    tifffile.imwrite(tmp_path / "stack.tif", pages, **options)
    return tmp_path / "stack.tif"


def opened(path: Path) -> tifffile.TiffFile:
    return tifffile.TiffFile(io.BytesIO(path.read_bytes()))


def test_every_page_is_upscaled(run, stack: Path, folder: Path, model: Path) -> None:
    ran = run("upscale", stack, "-r", folder / "sharp.jpg", "--model", model)
    assert ran.code == 0, ran.err
    assert "pages: 3; the figures above are for the first" in ran.out
    large = opened(folder / "stack_x4.tif")
    assert large.asarray().shape == (3, 56, 80)
    assert large.imagej_metadata["images"] == 3
    assert large.pages[0].tags["XResolution"].value == (10, 1)
    for number in range(1, 4):  # each is what it would be by itself
        one = folder / f"{number}.tif"
        requested = ("--page", number, "-o", one, "--model", model)
        assert run("upscale", stack, "-r", folder / "sharp.jpg", *requested).code == 0
        np.testing.assert_array_equal(load(one).color, load(folder / "stack_x4.tif", page=number).color)


def test_pages_in_json_and_in_other_formats(run, stack: Path, model: Path) -> None:
    ran = run("upscale", stack, "--model", model, "--json")
    assert [line for line in ran.err.splitlines() if line.startswith("page ")] == [f"page {n} of 3" for n in (1, 2, 3)]
    report = json.loads(ran.out)
    assert report["pages"] == 3
    assert any("first of 3 pages" in note for note in report["notes"]) is False
    before = contents(stack.parent)
    for more, code in (
        (("-o", stack.parent / "x.png"), 2),
        (("--map", stack.parent / "map.png", "-r", stack.parent / "x.png"), 2),
        (("--page", 4), 2),
    ):
        ran = run("upscale", stack, *more, "--model", model, "--overwrite")
        assert (ran.code, "page" in ran.err or "There is no" in ran.err) == (code, True), ran.err
    assert contents(stack.parent) == before
    assert run("upscale", stack, "--page", 2, "-o", stack.parent / "x.png", "--model", model).code == 0


def test_bands_are_upscaled_with_the_matches_of_the_colours(run, folder: Path, model: Path) -> None:
    grey = pixels(14, 20)[:, :, :1]
    bands = np.concatenate([grey, grey, grey, grey, 255 - grey], axis=2)  # five, of which the first four are equal
    tifffile.imwrite(folder / "bands.tif", bands, photometric="minisblack", planarconfig="contig")
    ran = run("upscale", folder / "bands.tif", "-r", folder / "sharp.jpg", "--model", model)
    assert ran.code == 0, ran.err
    assert "note: 2 bands beyond colour upscaled as grey" in ran.out
    large = opened(folder / "bands_x4.tif").asarray()
    options = ("--self-ensemble", "-o", folder / "mean.tif", "--model", model)
    assert run("upscale", folder / "bands.tif", "-r", folder / "sharp.jpg", *options).code == 0
    np.testing.assert_array_equal(load(folder / "mean.tif").bands, large[:, :, 3:])
    assert large.shape == (56, 80, 5)
    luma = np.rint(large[:, :, :3] @ np.array([0.299, 0.587, 0.114]))
    assert np.abs(luma - large[:, :, 3]).max() <= 1  # grey by the same matches is the grey of the colours
    assert (large[:, :, 3] != large[:, :, 4]).any()


def test_a_range_comes_back_in_its_type(run, folder: Path, model: Path) -> None:
    values = np.linspace(-1000, 3000, 280).reshape(14, 20).astype(np.int16)
    tifffile.imwrite(folder / "height.tif", values)
    refused = run("upscale", folder / "height.tif", "--model", model)
    assert (refused.code, "--range LOW,HIGH" in refused.err) == (1, True)
    for requested in ("auto", "-1000,3000"):
        ran = run("upscale", folder / "height.tif", "--range", requested, "--model", model, "--overwrite")
        assert ran.code == 0, ran.err
        large = opened(folder / "height_x4.tif").asarray()
        assert (large.dtype, large.shape) == (np.int16, (56, 80))
        small = large.reshape(14, 4, 20, 4).mean((1, 3))
        assert np.abs(small - values).mean() < 200
    for wrong in ("5", "5,1", "a,b"):
        ran = run("upscale", folder / "height.tif", "--range", wrong, "--model", model)
        assert (ran.code, f"--range {wrong}" in ran.err) == (2, True)


def test_a_mask_in_alpha_destroys_no_colours(run, folder: Path, model: Path) -> None:
    mask = np.where(np.indices((14, 20)).sum(0) % 4 < 2, 0, 255).astype(np.uint8)
    Image.fromarray(np.dstack([pixels(14, 20), mask])).save(folder / "texture.png")
    run("upscale", folder / "small.png", "-o", folder / "plain.png", "--model", model)
    for requested, same in (("auto", True), ("straight", True), ("bleed", False)):
        out = folder / f"{requested}.png"
        ran = run("upscale", folder / "texture.png", "--alpha", requested, "-o", out, "--model", model)
        assert ran.code == 0, ran.err
        assert np.array_equal(load(out).color, load(folder / "plain.png").color) == same
    assert "note: alpha: straight" in run("upscale", folder / "texture.png", "--model", model).out


def test_a_folder_as_output_gets_the_default_name(run, folder: Path, model: Path) -> None:
    (folder / "out").mkdir()
    assert run("upscale", folder / "small.png", "-o", folder / "out", "--model", model).code == 0
    assert list(contents(folder / "out")) == ["small_x4.png"]
    again = run("upscale", folder / "small.png", "-o", folder / "out", "--model", model)
    assert (again.code, "exists already" in again.err) == (2, True)


def test_a_folder_that_is_not_there_is_made_if_it_is_named_as_one(run, folder: Path, model: Path) -> None:
    ran = run("upscale", folder / "small.png", "-o", f"{folder}/new/one/", "--model", model)
    assert ran.code == 0, ran.err
    assert list(contents(folder / "new" / "one")) == ["small_x4.png"]
    refused = run("upscale", folder / "small.png", "-o", f"{folder}/small.png/", "--model", model)
    assert (refused.code, "the folder cannot be created" in refused.err) == (2, True), refused.err


def test_copies_of_a_reference_change_nothing(run, folder: Path, model: Path) -> None:
    copies = []
    for number in range(5):
        copies += ["-r", folder / f"copy{number}.jpg"]
        copies[-1].write_bytes((folder / "sharp.jpg").read_bytes())
    run("upscale", folder / "small.png", "-r", folder / "sharp.jpg", "-o", folder / "one.png", "--model", model)
    ran = run(
        *("upscale", folder / "small.png", "-r", folder / "sharp.jpg", *copies, "-o", folder / "six.png"),
        *("--model", model),
    )
    assert "note: 5 of 6 references skipped, because their files are duplicates" in ran.out
    assert (folder / "one.png").read_bytes() == (folder / "six.png").read_bytes()


def test_lossless_stays_lossless(run, folder: Path, model: Path) -> None:
    save(load(folder / "small.png"), folder / "small.webp", quality="lossless")
    assert run("upscale", folder / "small.webp", "--model", model).code == 0
    assert load(folder / "small_x4.webp").metadata.lossless
    refused = run("upscale", folder / "small.png", "-o", folder / "x.jpg", "--quality", "lossless", "--model", model)
    assert (refused.code, "is lossy" in refused.err) == (2, True)
