"""The paper's networks: parameter counts, sizes, ranges, how far an output pixel sees, what training reaches."""

import dataclasses

import pytest
import torch
from torch import nn

from srntt.errors import InputError
from srntt.models.paper import ContentExtractor, PaperConfig, PaperSRNTT, Swapped, TextureTransfer
from srntt.train.critics import Discriminator
from srntt.transfer import SwappedMaps


def _count(*modules):
    return sum(parameter.numel() for module in modules for parameter in module.parameters())


def _maps(height, width, batch=1, dtype=torch.float32):
    return SwappedMaps(
        *(torch.rand(batch, c, r * height, r * width, dtype=dtype) for r, c in ((1, 256), (2, 128), (4, 64)))
    )


def _fused(model, low_res, maps):
    similarity = torch.rand(len(low_res), 1, *low_res.shape[2:], dtype=low_res.dtype)
    return model.fuse(low_res, Swapped(maps, similarity)).picture


def test_parameter_counts_are_the_official_ones():
    extractor, transfer = ContentExtractor(), TextureTransfer()
    assert _count(extractor) == 1_518_147
    assert _count(extractor.head, extractor.body) == 1_222_528
    assert _count(transfer) == 2_865_347
    # Moving averages are arrays of the files but no parameters: 128 for each batch normalisation of 64 channels.
    for network, floats in ((extractor, 1_522_371), (transfer, 2_872_899)):
        averages = 128 * sum(isinstance(module, nn.BatchNorm2d) for module in network.modules())
        assert _count(network) + averages == floats


def test_gates_add_two_numbers_a_level_and_start_as_the_sigmoid():
    transfer = TextureTransfer(gated=True)
    assert _count(transfer) == 2_865_347 + 6
    maps, similarity = _maps(3, 4), torch.rand(1, 1, 3, 4)
    plain = TextureTransfer()
    plain.load_state_dict(transfer.state_dict(), strict=False)
    feature = torch.randn(1, 64, 3, 4)
    by_hand = SwappedMaps(
        *(
            level * torch.sigmoid(nn.functional.interpolate(similarity, level.shape[-2:], mode="bilinear"))
            for level in maps
        )
    )
    torch.testing.assert_close(transfer(feature, maps, similarity), plain(feature, by_hand))


@pytest.mark.parametrize("scale", [4, 8, 16])
def test_output_has_the_scale_and_lies_in_range(scale):
    model = PaperSRNTT(PaperConfig(scale=scale))
    out = _fused(model, torch.rand(2, 3, 3, 5), _maps(3, 5, batch=2))
    assert out.shape == (2, 3, 3 * scale, 5 * scale)
    assert 0 <= out.min() <= out.max() <= 1


def test_without_reference_the_extractor_answers():
    model = PaperSRNTT()
    low_res = torch.rand(1, 3, 4, 4)
    torch.testing.assert_close(model(low_res), model.extractor.upscale(model.extractor(low_res)))
    with pytest.raises(InputError, match="upscales 4x, not 8x"):
        PaperSRNTT(PaperConfig(scale=8))(low_res)


def test_a_reference_changes_the_output():
    model = PaperSRNTT()
    low_res, maps = torch.rand(1, 3, 4, 4), _maps(4, 4)
    for level in range(3):
        other = list(maps)
        other[level] = other[level] + 1
        assert (_fused(model, low_res, maps) - _fused(model, low_res, SwappedMaps(*other))).abs().max() > 1e-4


def test_a_transfer_may_begin_as_the_extractors_head_and_learns_from_there():
    model = PaperSRNTT()
    low_res, maps = torch.rand(2, 3, 4, 5), _maps(4, 5, batch=2)
    assert (_fused(model, low_res, maps) - model(low_res)).abs().max() > 1e-3
    model.begin_transfer()
    torch.testing.assert_close(_fused(model, low_res, maps), model(low_res), rtol=0, atol=1e-6)
    _fused(model.train(), low_res, maps).square().mean().backward()
    for level in (model.transfer.small, model.transfer.medium, model.transfer.large):
        assert level.body.norm.weight.grad.abs().max() > 0
    with pytest.raises(InputError, match="cannot begin"):
        PaperSRNTT(PaperConfig(scale=8)).begin_transfer()


def test_values_are_those_of_the_official_range():
    """In and out are [0,1] here, [-1,1] there: grey is zero to the first convolution, and tanh 0 is grey."""
    extractor = ContentExtractor()
    nn.init.zeros_(extractor.head.bias)
    assert extractor.head(torch.full((1, 3, 3, 3), 0.5) * 2 - 1).abs().max() == 0
    nn.init.zeros_(extractor.to_rgb.weight)
    nn.init.zeros_(extractor.to_rgb.bias)
    torch.testing.assert_close(extractor.upscale(torch.randn(1, 64, 2, 2)), torch.full((1, 3, 8, 8), 0.5))


def _positive(network):
    """Every input shows in the gradient: no cancelling, nothing cut off by ReLU."""
    for parameter in network.double().parameters():
        nn.init.constant_(parameter, 0.1 if parameter.ndim == 1 else 2 / parameter[0].numel())
    return network


def _columns_seen(function, *inputs):
    """Columns of the first input that the sum over a cell of the function's value depends on."""
    leaf = (inputs[0].double() + 1).requires_grad_(True)
    function(leaf, *inputs[1:]).sum().backward()
    return leaf.grad.abs().sum((0, 1, 2)).nonzero().flatten().tolist()


def test_extractor_sees_as_far_as_it_states():
    extractor = _positive(ContentExtractor())
    columns, cell = 81, 40
    seen = _columns_seen(lambda low_res: extractor(low_res)[..., cell], torch.rand(1, 3, 1, columns))
    assert seen == list(range(cell - extractor.halo, cell + extractor.halo + 1))
    pixels = slice(4 * cell, 4 * cell + 4)
    seen = _columns_seen(lambda x: extractor.raw_upscale(x)[..., pixels], torch.rand(1, 64, 1, columns))
    assert seen == list(range(cell - extractor.upscale_halo, cell + extractor.upscale_halo + 1))


@pytest.mark.parametrize("scale", [4, 16])
def test_transfer_sees_as_far_as_it_states(scale):
    model = PaperSRNTT(PaperConfig(scale=scale))
    transfer, columns, cell = _positive(model).transfer, 189, 94
    maps = SwappedMaps(*(level.double() for level in _maps(1, columns)))
    pixels = slice(scale * cell, scale * (cell + 1))
    seen = _columns_seen(lambda x: transfer.raw(x, maps)[..., pixels], torch.rand(1, 64, 1, columns))
    assert seen == list(range(cell - transfer.halo, cell + transfer.halo + 1))
    seen = _columns_seen(lambda x: transfer.raw(model.extractor(x), maps)[..., pixels], torch.rand(1, 3, 1, columns))
    assert seen == list(range(cell - model.halo, cell + model.halo + 1))


def test_training_reaches_the_transfer_alone():
    model = PaperSRNTT()
    assert not model.training
    model.train()
    assert model.transfer.training
    assert not model.extractor.training
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], 0.1)
    _fused(model, torch.rand(2, 3, 4, 4), _maps(4, 4, batch=2)).square().sum().backward()
    optimizer.step()
    changed = {
        name.split(".")[0] for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])
    }
    assert changed == {"transfer"}
    assert not model.eval().transfer.training


def test_batch_normalisation_has_the_official_epsilon():
    norms = [
        m for network in (PaperSRNTT(), Discriminator(32)) for m in network.modules() if isinstance(m, nn.BatchNorm2d)
    ]
    assert len(norms) == 33 + 59 + 10
    assert {norm.eps for norm in norms} == {1e-5}


def test_maps_that_do_not_fit_are_refused_by_name():
    with pytest.raises(
        InputError, match=r"medium map has shape \(1, 128, 6, 9\); a 4x3 content feature needs \(1, 128, 6, 8\)"
    ):
        TextureTransfer()(torch.rand(1, 64, 3, 4), _maps(3, 4)._replace(medium=torch.rand(1, 128, 6, 9)))


def test_weights_are_taken_by_gates_and_by_nothing_else():
    feature, maps, similarity = torch.rand(1, 64, 3, 4), _maps(3, 4), torch.rand(1, 1, 3, 4)
    with pytest.raises(InputError, match="has no gates"):
        TextureTransfer()(feature, maps, similarity)
    with pytest.raises(InputError, match="has gates"):
        TextureTransfer(gated=True)(feature, maps)


def test_config_allows_what_there_is():
    assert dataclasses.asdict(PaperConfig()) == {"scale": 4, "gated": False, "phi": "caffe"}
    assert PaperSRNTT(PaperConfig(scale=16)).scale == 16


@pytest.mark.parametrize(("size", "inputs"), [(32, 512), (40, 2048), (160, 12_800)])
def test_discriminator_scores_pictures_of_its_size(size, inputs):
    discriminator = Discriminator(size).eval()
    assert discriminator.dense.in_features == inputs
    picture = torch.rand(2, 3, size, size)
    score = discriminator(picture)
    assert score.shape == (2,)
    torch.testing.assert_close(discriminator(picture[1:]), score[1:])


def test_discriminator_has_the_described_layers():
    convolutions = [m for m in Discriminator(64).modules() if isinstance(m, nn.Conv2d)]
    assert [(c.in_channels, c.out_channels, c.stride[0]) for c in convolutions] == [
        (3, 32, 1), (32, 32, 2), (32, 64, 1), (64, 64, 2), (64, 128, 1), (128, 128, 2), (128, 256, 1), (256, 256, 2),
        (256, 512, 1), (512, 512, 2),
    ]  # fmt: skip
    assert all(c.bias is None and c.kernel_size == (3, 3) for c in convolutions)


def test_discriminator_refuses_other_sizes():
    with pytest.raises(InputError, match="takes 64x64"):
        Discriminator(64)(torch.rand(1, 3, 64, 63))
    with pytest.raises(InputError, match="32 to 1024"):
        Discriminator(31)
