"""VGG19: what it computes, and how far each feature sees."""

import numpy as np
import pytest
import torch

from srntt.errors import InputError
from srntt.features import LAYERS, VGG19Features
from srntt.weights import load_vgg19

FILES = {"caffe": "caffe-conv1_1-conv3_4-rgb.safetensors", "torchvision": "torchvision-conv1_1-conv3_1.safetensors"}


def _convolve(x, weight, bias):
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    height, width = x.shape[1:]
    taps = [(i, j) for i in range(3) for j in range(3)]
    return bias[:, None, None] + sum(
        np.einsum("oc,chw->ohw", weight[:, :, i, j], padded[:, i : i + height, j : j + width]) for i, j in taps
    )


def _pool(x):
    height, width = x.shape[1] // 2, x.shape[2] // 2
    x = x[:, : 2 * height, : 2 * width]
    return x.reshape(x.shape[0], height, 2, width, 2).max((2, 4))


def _described(image, state, family):
    """relu1_1, relu2_1, relu3_1 as the description has them, float64."""
    if family == "caffe":
        x = image * 255 - np.array([123.68, 116.779, 103.939])[:, None, None]
    else:
        x = (image - np.array([0.485, 0.456, 0.406])[:, None, None]) / np.array([0.229, 0.224, 0.225])[:, None, None]
    found = {}
    for name in ("conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1"):
        if name in ("conv2_1", "conv3_1"):
            x = _pool(x)
        weight, bias = (state[f"{name}.{part}"].double().numpy() for part in ("weight", "bias"))
        x = np.maximum(_convolve(x, weight, bias), 0)
        found[name.replace("conv", "relu")] = x
    return {layer: found[layer] for layer in LAYERS[:3]}


@pytest.mark.parametrize("family", FILES)
def test_real_weights_compute_the_description(family, shared_data):
    features = load_vgg19(shared_data / "vgg19" / FILES[family], family=family)
    image = np.random.default_rng(0).uniform(size=(3, 19, 22)).astype(np.float32)
    described = _described(image.astype(np.float64), features.state_dict(), family)
    found = features(torch.from_numpy(image)[None])
    assert list(found) == list(described)
    for layer, expected in described.items():
        assert found[layer].shape == (1, *expected.shape)
        np.testing.assert_allclose(found[layer][0], expected, atol=2e-6 * expected.max())
        assert (expected > 0).mean() > 0.1


def test_random_weights_compute_the_description():
    torch.manual_seed(0)
    for family in FILES:
        features = VGG19Features(family)
        image = np.random.default_rng(0).uniform(size=(3, 13, 10)).astype(np.float32)
        described = _described(image.astype(np.float64), features.state_dict(), family)
        for layer, found in features(torch.from_numpy(image)[None]).items():
            np.testing.assert_allclose(found[0], described[layer], atol=1e-5 * described[layer].max())


@pytest.mark.parametrize(
    ("last", "stride", "halo", "field"),
    [
        ("relu1_1", 1, 1, 3),
        ("relu2_1", 2, 4, 10),
        ("relu3_1", 4, 10, 24),
        ("relu4_1", 8, 30, 68),
        ("relu5_1", 16, 70, 156),
    ],
)
def test_receptive_fields_are_as_computed_by_hand(last, stride, halo, field):
    features = VGG19Features(last=last)
    assert (features.stride, features.halo, features.receptive_field) == (stride, halo, field)


@pytest.mark.parametrize("last", LAYERS[:4])
def test_a_position_depends_on_its_receptive_field_and_on_all_of_it(last):
    features = VGG19Features("torchvision", last).double()
    for parameter in features.parameters():  # positive everywhere: nothing is cut off by ReLU, more light always shows
        torch.nn.init.constant_(parameter, 0.01)
    side = features.stride * (2 * -(-features.halo // features.stride) + 3)
    lit_columns = torch.eye(side, dtype=torch.double)[:, None, None].expand(side, 3, 8, side)
    cell = side // features.stride // 2
    found = features(2 + 10 * lit_columns)[last][..., cell]
    dark = features(torch.full((1, 3, 8, side), 2.0, dtype=torch.double))[last][..., cell]
    seen = ((found - dark).abs().amax((1, 2)) > 1e-9).nonzero().flatten().tolist()
    start = features.stride * cell
    assert seen == list(range(start - features.halo, start + features.stride + features.halo))


@pytest.mark.parametrize("halo_missing", [0, 4])
def test_tiles_with_halo_agree_with_the_whole(halo_missing):
    torch.manual_seed(0)
    features = VGG19Features("torchvision").double()
    image = torch.rand(1, 3, 96, 9, dtype=torch.double)
    whole = features(image)
    halo = 12 - halo_missing  # halo rounded up to whole cells
    tile = features(image[:, :, 40 - halo : 56 + halo])
    agree = all(
        torch.allclose(
            tile[layer][:, :, halo // r : (halo + 16) // r], whole[layer][:, :, 40 // r : 56 // r], rtol=0, atol=1e-12
        )
        for layer, r in (("relu1_1", 1), ("relu2_1", 2), ("relu3_1", 4))
    )
    assert agree == (halo_missing == 0)


def test_gradients_reach_the_picture_but_not_the_weights():
    features = VGG19Features(last="relu2_1")
    image = torch.rand(1, 3, 8, 8, requires_grad=True)
    features(image)["relu2_1"].sum().backward()
    assert image.grad is not None
    assert image.grad.abs().max() > 0
    assert not any(parameter.requires_grad for parameter in features.parameters())


def test_scaling_travels_with_the_network_but_not_with_the_weights():
    features = VGG19Features(last="relu1_1")
    assert set(features.state_dict()) == {"conv1_1.weight", "conv1_1.bias"}
    assert features.to(torch.double).gain.dtype == torch.double


def test_small_pictures_are_refused_with_the_size_that_is_needed():
    assert VGG19Features()(torch.rand(1, 3, 4, 7))["relu3_1"].shape == (1, 256, 1, 1)
    with pytest.raises(InputError, match=r"7x3 has no position at relu3_1. Give a picture of at least 4x4"):
        VGG19Features()(torch.rand(1, 3, 3, 7))


@pytest.mark.parametrize(
    ("arguments", "message"), [(("keras", "relu3_1"), "caffe, torchvision"), (("caffe", "relu3_2"), "relu1_1, relu2_1")]
)
def test_unknown_names_are_refused_with_those_there_are(arguments, message):
    with pytest.raises((InputError, TypeError)) as caught:
        VGG19Features(*arguments)
    if isinstance(caught.value, InputError):
        assert message in str(caught.value)
