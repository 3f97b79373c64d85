"""What people do with an upscaler: copies of references, missing files, a look at what they have."""

import errno
import os
import pickle

import numpy as np
import pytest

from srntt import References, Upscaler, load
from srntt.errors import PictureError

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 48, 3), np.uint8)
SHARP = np.random.default_rng(1).integers(0, 256, (96, 96, 3), np.uint8)
OTHER = np.random.default_rng(2).integers(0, 256, (64, 64, 3), np.uint8)


@pytest.fixture(scope="module")
def upscaler() -> Upscaler:
    return Upscaler.from_pretrained("lite-rec", device="cpu", memory="4GB")


def test_copies_of_a_reference_change_nothing(upscaler: Upscaler):
    once = upscaler.encode_references([SHARP, OTHER])
    often = upscaler.encode_references([SHARP, *[SHARP.copy()] * 19, OTHER])
    assert often.sources == once.sources
    assert "references: 19 of 21 skipped, because they are duplicates" in often.fallbacks
    np.testing.assert_array_equal(upscaler.upscale(PIXELS, often).array, upscaler.upscale(PIXELS, once).array)


def test_a_missing_file_is_a_file_that_is_not_found():
    for missing in (FileNotFoundError, PictureError):
        with pytest.raises(missing, match=r"none\.png: cannot be opened: No such file"):
            load("none.png")
    with pytest.raises(FileNotFoundError) as caught:
        load("none.png")
    for error in (caught.value, pickle.loads(pickle.dumps(caught.value))):
        assert (error.errno, error.filename, error.strerror) == (errno.ENOENT, "none.png", os.strerror(errno.ENOENT))
        assert str(error) == "none.png: cannot be opened: No such file or directory."


def test_what_there_is_shows_itself(upscaler: Upscaler, tmp_path):
    assert repr(upscaler) == "<Upscaler 'lite-rec', scale=4, device='cpu', matcher='auto', memory=4000000000>"
    references = upscaler.encode_references([SHARP, OTHER])
    shown = f"<References of 2 pictures for 'lite-rec' on cpu: plain; {references.bytes:,} bytes>"
    assert repr(references) == shown
    references.save(tmp_path / "kept.safetensors")
    assert repr(References.load(tmp_path / "kept.safetensors")) == shown
    none = "<References of 0 pictures for 'lite-rec' on no device: no views; 0 bytes>"
    assert repr(upscaler.encode_references([])) == none


def test_floats_of_any_range_come_back_in_it(upscaler: Upscaler):
    values = np.linspace(-50, 150, 40 * 48).reshape(40, 48).astype(np.float32)
    large = upscaler.upscale(values, value_range=(-50, 150)).as_input()
    assert isinstance(large, np.ndarray)
    assert (large.dtype, large.shape) == (np.float32, (160, 192))
    assert len(np.unique(large)) > 256
    assert np.abs(large.reshape(40, 4, 48, 4).mean((1, 3)) - values).mean() < 2
