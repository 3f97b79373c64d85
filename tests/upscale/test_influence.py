"""How far references are used, and where."""

import numpy as np
import pytest
import torch
from PIL import Image

from srntt.errors import InputError
from srntt.image import load
from srntt.models import open_model
from srntt.upscale import Upscaler, self_ensemble
from srntt.upscale._influence import Influence

_BOX = (10, 5, 30, 20)


@pytest.fixture(scope="module")
def results(upscaler: Upscaler, low_res, truth):
    """An output without references, one with, and a function of options for others."""
    references = upscaler.encode_references([truth])
    alone, used = upscaler.upscale(low_res), upscaler.upscale(low_res, references)
    return alone.array, used, lambda **options: upscaler.upscale(low_res, references, **options)


def test_strength_leads_from_no_reference_to_all_of_it(results) -> None:
    alone, used, upscaled = results
    none, half, all_ = (upscaled(strength=strength) for strength in (0, 0.5, 1))
    assert np.array_equal(none.array, alone)
    assert np.array_equal(all_.array, used.array)
    assert none.references[0].share == 0
    np.testing.assert_allclose(half.provenance.share, used.provenance.share / 2, atol=1e-6)
    moved = np.abs(half.array.astype(int) - alone).mean() / np.abs(used.array.astype(int) - alone).mean()
    assert 0.2 < moved < 0.8


def test_what_is_protected_is_exactly_as_without_references(results) -> None:
    alone, used, upscaled = results
    result = upscaled(protect=[_BOX])
    inside = np.zeros(alone.shape[:2], bool)
    inside[20:100, 40:160] = True
    assert np.array_equal(result.array[inside], alone[inside])
    assert (result.provenance.share[5:25, 10:40] == 0).all()
    far = np.s_[160:]  # LR pixels beyond what the network sees of the box
    assert np.abs(result.array[far].astype(int) - used.array[far]).max() <= 1
    inverted = upscaled(protect=[_BOX], protect_invert=True)
    assert np.array_equal(inverted.array[~inside], alone[~inside])
    assert not np.array_equal(inverted.array[inside], alone[inside])


@pytest.mark.slow
def test_other_sizes_and_the_self_ensemble_protect_too(upscaler: Upscaler, low_res, truth) -> None:
    small = low_res.crop((0, 0, 40, 30))
    sharp = truth.crop((0, 0, 160, 120))
    for scale, box in ((2, np.s_[12:48, 22:78]), (8, np.s_[44:196, 84:316])):  # without what resizing mixes at edges
        alone = upscaler.upscale(small, scale=scale).array[box].astype(int)
        kept = upscaler.upscale(small, [sharp], scale=scale, protect=[(10, 5, 30, 20)]).array[box]
        assert np.abs(kept - alone).max() <= 1
    alone = self_ensemble(upscaler, small).array
    kept = self_ensemble(upscaler, small, [sharp], protect=[(10, 5, 30, 20)]).array
    assert np.array_equal(kept[20:100, 40:160], alone[20:100, 40:160])


def test_places_of_masks_and_boxes(tmp_path) -> None:
    source = load(np.zeros((4, 6), np.uint8))
    mask = np.zeros((8, 12), np.uint8)
    mask[7, 11] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    placed = Influence.of(source, 0.5, [(-1, -1, 2, 2), tmp_path / "mask.png"])
    assert placed is not None
    wanted = torch.zeros(4, 6, dtype=torch.bool)
    wanted[0, 0] = wanted[3, 5] = True
    assert torch.equal(placed.protected, wanted)
    assert placed.strength.unique().tolist() == [0, 0.5]
    larger = placed.resized(8, 12)
    assert torch.equal(larger.protected, wanted.repeat_interleave(2, 0).repeat_interleave(2, 1))
    of_array = Influence.of(source, 1, [wanted.numpy()], invert=True)
    assert of_array is not None
    assert torch.equal(of_array.protected, ~wanted)
    assert Influence.of(source, 1, []) is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strength": 1.5}, "strength 1.5: give 0"),
        ({"strength": float("nan")}, "strength nan"),
        ({"protect": [(100, 0, 5, 5)]}, "The box 100,0,5,5"),
        ({"protect": [(0, 0, 0, 5)]}, "is outside the picture"),
        ({"protect": "mask.png"}, "give a list"),
        ({"protect_invert": True}, "needs a mask or a box"),
    ],
)
def test_what_cannot_be_is_refused(upscaler: Upscaler, options, message) -> None:
    with pytest.raises(InputError, match=message):
        upscaler.upscale(np.zeros((8, 8, 3), np.uint8), **options)


def test_the_network_takes_a_strength_at_each_position() -> None:
    model = open_model("lite-rec").eval()
    generator = torch.Generator().manual_seed(0)
    low_res, reference = torch.rand(1, 3, 8, 9, generator=generator), torch.rand(1, 3, 40, 44, generator=generator)
    with torch.inference_mode():
        maps = [model.encode(reference)]
        textures = model.sample(model.match(model.describe(low_res), maps), maps)
        zero, one = torch.zeros(1, 1, 8, 9), torch.ones(1, 1, 8, 9)
        assert torch.equal(model.fuse(low_res, textures, strength=zero).picture, model.fuse(low_res, None).picture)
        assert torch.equal(model.fuse(low_res, textures, strength=one).picture, model.fuse(low_res, textures).picture)
