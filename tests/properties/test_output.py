"""Whatever goes in, a whole picture comes out, of the right size and kind, and depends on nothing else."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from properties.scenes import scene

from srntt.cli import main
from srntt.errors import PictureError
from srntt.upscale import Upscaler

_READ: list[str] = []
_LISTENING = [False]


@st.composite
def pictures(draw: st.DrawFn) -> np.ndarray:
    """Of any small size, channels, depth and kind of content."""
    height, width = draw(st.integers(1, 14)), draw(st.integers(1, 14))
    shape = (height, width, *draw(st.sampled_from([(), (1,), (2,), (3,), (4,)])))
    kind = draw(st.sampled_from([np.uint8, np.uint16]))
    top = int(np.iinfo(kind).max)
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    content = draw(st.sampled_from(["noise", "black", "white", "black and white", "dark"]))
    return {
        "noise": random.integers(0, top, shape, endpoint=True),
        "black": np.zeros(shape),
        "white": np.full(shape, top),
        "black and white": random.integers(0, 2, shape) * top,
        "dark": random.integers(0, 3, shape),
    }[content].astype(kind)


@pytest.mark.parametrize(
    "name", ["lite-rec", "lite-gan", *(pytest.param(name, marks=pytest.mark.slow) for name in ("lite-real", "paper"))]
)
@settings(max_examples=25, deadline=None)
@given(picture=pictures(), reference=st.none() | pictures(), consistent=st.booleans())
def test_any_picture_gives_one_of_four_times_its_size_and_of_its_kind(
    models: dict[str, Upscaler],
    name: str,
    picture: np.ndarray,
    reference: np.ndarray | None,
    consistent: bool,
):
    upscaler = models[name]
    try:
        references = None if reference is None else upscaler.encode_references([reference])
    except PictureError:  # smaller than 4 x 4, and that was said
        assert reference is not None
        assert min(reference.shape[:2]) < 4
        return
    result = upscaler.upscale(picture, references, consistent=consistent)
    height, width, *channels = picture.shape
    assert result.array.shape == (4 * height, 4 * width, *(channels or [1]))
    assert result.array.dtype == picture.dtype
    assert 0 <= result.consistency.mean <= result.consistency.largest <= 255
    assert (result.consistency.missed == 0) == (result.consistency.largest <= 1)
    assert 0 <= result.tensor.min() <= result.tensor.max() <= 1
    if result.similarity is None:
        assert result.provenance is None
    else:
        assert np.isfinite(result.similarity).all()
        assert np.abs(result.similarity).max() <= 1 + 1e-5
        assert 0 <= result.provenance.share.min() <= result.provenance.share.max() <= 1 + 1e-5
        assert np.isfinite(result.provenance.y).all()


def test_nothing_next_to_the_picture_and_its_references_is_looked_at(tmp_path: Path):
    """The truth lies there, under every name that it could be looked for; the output is the same without it."""
    truth, low_res, good = scene(0)
    alone, crowded = tmp_path / "alone", tmp_path / "crowded"
    decoys = ["truth.png", "small_HR.png", "small_gt.png", "HR/small.png", "GT/small.png", "small_x4.jpg", "refs/a.png"]
    for folder, names in ((alone, []), (crowded, decoys)):
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(truth).save(folder / name)
        folder.mkdir(exist_ok=True)
        Image.fromarray(low_res[:12, :16]).save(folder / "small.png")
        Image.fromarray(good[:60, :60]).save(folder / "sharp.png")
        command = [str(folder / "small.png"), "--ref", str(folder / "sharp.png"), "-o", str(folder / "out.png")]
        with _reading(folder) as read:
            assert main(["upscale", *command, "--device", "cpu"]) == 0
        assert read == {"small.png", "sharp.png"}
    assert (alone / "out.png").read_bytes() == (crowded / "out.png").read_bytes()


@contextmanager
def _reading(folder: Path) -> Iterator[set[str]]:
    """Names of the files in a folder that this process opens to read them meanwhile."""
    if not _LISTENING[0]:
        sys.addaudithook(_listen)  # nothing takes a hook away: it is added once, and idles
        _LISTENING[0] = True
    _READ[:] = [""]
    names: set[str] = set()
    try:
        yield names
    finally:
        opened, _READ[:] = _READ[1:], []
        names |= {os.path.relpath(path, folder) for path in opened if path.startswith(f"{folder}{os.sep}")}


def _listen(event: str, arguments: tuple) -> None:
    if not _READ or event != "open" or not isinstance(arguments[0], str | bytes | os.PathLike):
        return
    flags = arguments[2] if isinstance(arguments[2], int) else 0
    if flags & os.O_ACCMODE == os.O_RDONLY and not flags & getattr(os, "O_DIRECTORY", 0):
        _READ.append(os.path.abspath(os.fsdecode(arguments[0])))
