from dataclasses import replace

import pytest
import torch

from srntt.errors import InputError
from srntt.image import enlarge
from srntt.models import load_model, save_model
from srntt.models.lite import Lite, LiteConfig, Textures

_SMALL = LiteConfig(channels=8, content_blocks=1, transfer_blocks=1, descriptor=16)


def _textures(height, width, count=1):
    return Textures(torch.randn(1, count, 63, height, width), torch.rand(1, count, 4, height, width))


@pytest.mark.parametrize("size", [(1, 1), (3, 50), (7, 6)])
def test_output_is_four_times_larger_with_and_without_textures(size):
    model, low_res = Lite(_SMALL), torch.rand(1, 3, *size)
    for textures in (None, _textures(*size)):
        assert model.fuse(low_res, textures).picture.shape == (1, 3, 4 * size[0], 4 * size[1])


def test_an_untrained_network_without_its_tail_is_bicubic():
    model, low_res = Lite(_SMALL), torch.rand(1, 3, 8, 9)
    torch.nn.init.zeros_(model.tail.weight)
    torch.nn.init.zeros_(model.tail.bias)
    torch.testing.assert_close(model.fuse(low_res, _textures(8, 9)).picture, enlarge(low_res, 4))


def test_a_shut_gate_lets_nothing_of_the_reference_through():
    model, low_res = Lite(_SMALL), torch.rand(1, 3, 8, 9)
    torch.nn.init.constant_(model.fusion.gate[2].bias, -200.0)
    with_textures, gate = model.fuse(low_res, _textures(8, 9))
    torch.testing.assert_close(with_textures, model(low_res))
    assert gate.max() < 1e-6
    torch.nn.init.constant_(model.fusion.gate[2].bias, 200.0)
    opened, gate = model.fuse(low_res, _textures(8, 9))
    assert gate.min() > 0.999
    assert (opened - model(low_res)).abs().max() > 1e-3


def test_candidates_are_weighed_against_each_other_whatever_their_order():
    model, low_res, textures = Lite(_SMALL), torch.rand(2, 3, 8, 9), _textures(8, 9, 3)
    textures = Textures(*(x.repeat(2, 1, 1, 1, 1) for x in textures))
    output, share = model.fuse(low_res, textures)
    order = [2, 0, 1]
    turned, turned_share = model.fuse(low_res, Textures(*(x[:, order] for x in textures)))
    torch.testing.assert_close(turned, output)
    torch.testing.assert_close(turned_share, share[:, order])
    assert share.shape == (2, 3, 8, 9)
    assert 0 < share.min() <= share.sum(1).max() < 1
    one = model.fuse(low_res, Textures(*(x[:, :1] for x in textures))).share
    assert (one > share[:, :1]).all()  # it has competitors no longer


def test_equal_candidates_bring_what_one_of_them_brings_when_all_are_trusted():
    model, low_res, textures = Lite(_SMALL), torch.rand(1, 3, 8, 9), _textures(8, 9)
    torch.nn.init.constant_(model.fusion.gate[2].bias, 50.0)
    thrice = Textures(*(x.repeat(1, 3, 1, 1, 1) for x in textures))
    torch.testing.assert_close(model.fuse(low_res, thrice).picture, model.fuse(low_res, textures).picture)


def test_a_model_file_brings_back_the_same_model(tmp_path):
    model = Lite(_SMALL).eval()
    loaded = load_model(save_model(model, tmp_path / "model"))
    low_res, textures = torch.rand(1, 3, 5, 4), _textures(5, 4)
    assert torch.equal(model.fuse(low_res, textures).picture, loaded.fuse(low_res, textures).picture)


@pytest.mark.parametrize(("scale", "channels"), [(2, 15), (3, 30), (4, 63)])
def test_factor_bands_and_channels_follow_from_the_config(scale, channels):
    model = Lite(replace(_SMALL, scale=scale))
    assert model.config.band_channels == channels
    output = model(torch.rand(2, 3, 5, 4), [torch.rand(2, 3, 8 * scale + 1, 6 * scale)])
    assert output.shape == (2, 3, 5 * scale, 4 * scale)


def test_gradients_reach_the_temperature_and_the_encoder_through_the_matches():
    model, low_res = Lite(_SMALL), torch.rand(2, 3, 6, 7)
    model(low_res, [torch.rand(2, 3, 24, 28) for _ in range(4)]).square().mean().backward()
    for parameter in (model.log_temperature, model.encoder.layers[0].weight, model.fusion.texture.weight):
        assert parameter.grad is not None
        assert parameter.grad.abs().max() > 0


def test_a_new_model_with_a_base_adds_its_residual_to_it_and_one_without_refuses_it():
    model, low_res, base = Lite(replace(_SMALL, base=True)), torch.rand(1, 3, 5, 6), torch.rand(1, 3, 20, 24)
    residual = model(low_res) - enlarge(low_res, 4)
    torch.testing.assert_close(model(low_res, base=base), base + residual)  # its base convolution begins at zero
    torch.nn.init.normal_(model.base.weight)
    torch.testing.assert_close(model(low_res, base=enlarge(low_res, 4)), model(low_res))
    assert (model(low_res, base=base) - base - residual).abs().max() > 1e-3
    with pytest.raises(InputError, match="takes no base"):
        Lite(_SMALL)(low_res, base=base)


@pytest.mark.parametrize("config", [{"channels": 4}, {"candidates": 0}, {"content_blocks": 65}, {"descriptor": 1000}])
def test_sizes_out_of_bounds_are_refused(config):
    with pytest.raises(InputError, match=f"{next(iter(config))} of a light model is"):
        LiteConfig(**config)
