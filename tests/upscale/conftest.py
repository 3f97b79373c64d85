"""The shipped model, and a part of the shipped photograph."""

from pathlib import Path

import pytest
from PIL import Image

from srntt.upscale import Upscaler

_EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "motorcycle"


@pytest.fixture(scope="module")
def upscaler():
    return Upscaler.from_pretrained("lite-rec", device="cpu")


@pytest.fixture(scope="module")
def unaligned():
    return Upscaler.from_pretrained("lite-rec", device="cpu", align="off")


@pytest.fixture(scope="module")
def truth():
    """A part of the shipped photograph with much detail."""
    return Image.open(_EXAMPLE / "truth.png").convert("RGB").crop((240, 160, 560, 400))


@pytest.fixture(scope="module")
def low_res(truth):
    return truth.resize((truth.width // 4, truth.height // 4), Image.Resampling.BICUBIC)
