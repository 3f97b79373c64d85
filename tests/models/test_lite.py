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
        assert model(low_res, textures).shape == (1, 3, 4 * size[0], 4 * size[1])


def test_an_untrained_network_without_its_tail_is_bicubic():
    model, low_res = Lite(_SMALL), torch.rand(1, 3, 8, 9)
    torch.nn.init.zeros_(model.tail.weight)
    torch.nn.init.zeros_(model.tail.bias)
    torch.testing.assert_close(model(low_res, _textures(8, 9)), enlarge(low_res, 4))


def test_a_shut_gate_lets_nothing_of_the_reference_through():
    model, low_res = Lite(_SMALL), torch.rand(1, 3, 8, 9)
    torch.nn.init.constant_(model.fusion.gate[2].bias, -200.0)
    with_textures, gate = model.with_gate(low_res, _textures(8, 9))
    torch.testing.assert_close(with_textures, model(low_res))
    assert gate.max() < 1e-6
    torch.nn.init.constant_(model.fusion.gate[2].bias, 200.0)
    opened, gate = model.with_gate(low_res, _textures(8, 9))
    assert gate.min() > 0.999
    assert (opened - model(low_res)).abs().max() > 1e-3


def test_candidates_are_weighed_against_each_other_whatever_their_order():
    model, low_res, textures = Lite(_SMALL), torch.rand(2, 3, 8, 9), _textures(8, 9, 3)
    textures = Textures(*(x.repeat(2, 1, 1, 1, 1) for x in textures))
    output, share = model.with_gate(low_res, textures)
    order = [2, 0, 1]
    turned, turned_share = model.with_gate(low_res, Textures(*(x[:, order] for x in textures)))
    torch.testing.assert_close(turned, output)
    torch.testing.assert_close(turned_share, share[:, order])
    assert share.shape == (2, 3, 8, 9)
    assert 0 < share.min() <= share.sum(1).max() < 1
    one = model.with_gate(low_res, Textures(*(x[:, :1] for x in textures)))[1]
    assert (one > share[:, :1]).all()  # it has competitors no longer


def test_equal_candidates_bring_what_one_of_them_brings_when_all_are_trusted():
    model, low_res, textures = Lite(_SMALL), torch.rand(1, 3, 8, 9), _textures(8, 9)
    torch.nn.init.constant_(model.fusion.gate[2].bias, 50.0)
    thrice = Textures(*(x.repeat(1, 3, 1, 1, 1) for x in textures))
    torch.testing.assert_close(model(low_res, thrice), model(low_res, textures))


def test_a_model_file_brings_back_the_same_model(tmp_path):
    model = Lite(_SMALL).eval()
    loaded = load_model(save_model(model, tmp_path / "model"))
    low_res, textures = torch.rand(1, 3, 5, 4), _textures(5, 4)
    assert torch.equal(model(low_res, textures), loaded(low_res, textures))


@pytest.mark.parametrize("config", [{"channels": 4}, {"content_blocks": 65}, {"descriptor": 1000}])
def test_sizes_out_of_bounds_are_refused(config):
    with pytest.raises(InputError, match=f"{next(iter(config))} of a light model is"):
        LiteConfig(**config)
