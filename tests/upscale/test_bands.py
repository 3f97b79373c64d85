"""What is done in bands of rows, so that memory stays small, gives what the whole would."""

import numpy as np
import pytest
import torch

from srntt import image
from srntt.image import Picture, enlarge
from srntt.match import MATCHERS
from srntt.models.lite import _drive as _lite_drive
from srntt.transfer import _local_frames
from srntt.upscale import Upscaler, _bands, _provenance
from srntt.upscale._bands import enlarged_alpha


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_alpha_is_enlarged_in_bands(kind, monkeypatch):
    monkeypatch.setattr(_bands, "_ALPHA_AT_ONCE", 8)
    random = np.random.default_rng(0)
    top = np.iinfo(kind).max
    alpha = random.integers(0, top, (37, 12), dtype=kind, endpoint=True)
    source = Picture(np.zeros((37, 12, 3), kind), alpha)
    whole = image.to_pixels(enlarge(source.alpha_plane()[None], 4)[0], bits=source.bits)[:, :, 0]
    difference = np.abs(enlarged_alpha(source, 4).astype(int) - whole)
    assert difference.max() <= (0 if kind == np.uint8 else 1)


@pytest.fixture(scope="module")
def upscaler():
    return Upscaler.from_pretrained("lite-rec", device="cpu", matcher="fast")


@pytest.fixture(scope="module")
def coarse():
    return np.random.default_rng(1).integers(0, 256, (30, 20, 3), dtype=np.uint8).repeat(3, 0).repeat(3, 1)


def test_candidates_and_their_origin_do_not_depend_on_the_bands_they_are_made_in(upscaler, coarse, monkeypatch):
    references = upscaler.encode_references([coarse, coarse[::-1], coarse[:, ::-1], coarse[20:]])
    whole = upscaler.upscale(coarse[:40, :32], references)
    monkeypatch.setattr(_lite_drive, "FRAMED_AT_ONCE", 3)
    monkeypatch.setattr(_local_frames, "REFINED_AT_ONCE", 100)
    monkeypatch.setattr(_provenance, "_ROWS_AT_ONCE", 7)
    cut = upscaler.upscale(coarse[:40, :32], references)
    assert whole.array.tobytes() == cut.array.tobytes()
    for name in ("reference", "y", "x", "share"):
        np.testing.assert_array_equal(getattr(whole.provenance, name), getattr(cut.provenance, name))


def test_fast_matching_reports_how_far_it_is_within_a_reference(upscaler, coarse):
    low_res = torch.from_numpy(coarse).permute(2, 0, 1) / 255
    references = list(upscaler.encode_references([coarse, coarse[::-1].copy()]))
    reported = []
    with torch.inference_mode():
        upscaler._drive.match(low_res, references, 16, MATCHERS["fast"], lambda *step: reported.append(step))
    height = low_res.shape[1]
    steps = [*range(16, height, 16), height]
    assert reported == [("match", start + step, 2 * height) for start in (0, height) for step in steps]
