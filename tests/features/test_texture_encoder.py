import numpy as np
import pytest
import torch
from PIL import Image

from srntt.features import TextureEncoder, texture_bands
from srntt.image import enlarge, reduce


def test_the_bands_add_up_to_the_reference():
    reference = torch.rand(1, 3, 24, 32)
    high, middle, low = texture_bands(reference, (4, 2, 1))
    assert [tuple(band.shape[2:]) for band in (high, middle, low)] == [(24, 32), (12, 16), (6, 8)]
    half = enlarge(low, 2) + middle
    torch.testing.assert_close(enlarge(half, 2) + high, reference)


@pytest.mark.parametrize("ratios", [(2, 1), (3, 1)])
def test_two_bands_add_up_too(ratios):
    reference = torch.rand(1, 3, 24, 30)
    high, low = texture_bands(reference, ratios)
    torch.testing.assert_close(enlarge(low, ratios[0]) + high, reference)
    torch.testing.assert_close(low, reduce(reference, ratios[0]))


def test_descriptors_are_unit_vectors_and_ignore_exposure():
    torch.manual_seed(0)
    encoder = TextureEncoder()
    low_res = torch.rand(1, 3, 20, 24) * 0.4 + 0.1
    plain, exposed = encoder(low_res), encoder(low_res * 1.8 + 0.05)
    torch.testing.assert_close(plain.descriptor.norm(dim=1), torch.ones(1, 20, 24))
    assert (plain.descriptor * exposed.descriptor).sum(1).min() > 0.99
    ratio = exposed.contrast / plain.contrast
    assert 1.6 < float(ratio.mean()) < 1.8  # the noise floor takes a little


def test_a_flat_picture_has_finite_descriptors():
    description = TextureEncoder()(torch.full((1, 3, 6, 5), 0.3))
    assert torch.isfinite(description.descriptor).all()


def test_nothing_beyond_the_receptive_radius_matters():
    torch.manual_seed(0)
    encoder = TextureEncoder()
    radius = encoder.receptive_radius
    low_res = torch.rand(1, 3, 2 * radius + 1, 2 * radius + 9)
    changed = low_res.clone()
    changed[..., 2 * radius + 1 :] = 0
    a, b = encoder(low_res).descriptor, encoder(changed).descriptor
    torch.testing.assert_close(a[..., : radius + 1], b[..., : radius + 1], atol=1e-5, rtol=0)
    assert (a[..., radius + 1] - b[..., radius + 1]).abs().max() > 1e-4


@pytest.mark.parametrize(("height", "width"), [(12, 4), (16, 7), (4, 12), (5, 4), (8, 9)])
def test_pictures_of_one_column_are_reduced_as_pillow_does(height, width):
    pixels = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))
    expected = [
        np.asarray(Image.fromarray(plane.numpy()).resize((width // 4, height // 4), Image.Resampling.BICUBIC))
        for plane in pixels[0]
    ]
    torch.testing.assert_close(reduce(pixels, 4)[0], torch.from_numpy(np.stack(expected)), atol=1e-5, rtol=0)
