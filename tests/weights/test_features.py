import pytest
import torch

from srntt._safetensors import write_tensors
from srntt.errors import InputError, ModelError
from srntt.features import VGG19Features
from srntt.weights import load_features, save_vgg19, weights_cache_dir

_CPU = torch.device("cpu")
_WIDTHS = (3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    weights_cache_dir().mkdir(parents=True)


def _vgg16(layers):
    shapes = {f"conv{i}": (_WIDTHS[i + 1], _WIDTHS[i], 3, 3) for i in range(layers)}
    return {f"{name}.weight": torch.randn(shape) / 30 for name, shape in shapes.items()} | {
        f"{name}.bias": torch.zeros(shape[0]) for name, shape in shapes.items()
    }


def test_vgg16_as_deep_as_it_is_wanted():
    tensors = _vgg16(5)
    write_tensors(weights_cache_dir() / "lpips-vgg16.safetensors", tensors, {})
    network = load_features("vgg16", ["relu3_1", "relu1_1"], _CPU)
    maps = network(torch.rand(1, 3, 32, 32))
    assert [tuple(x.shape[1:]) for x in maps.values()] == [(64, 32, 32), (128, 16, 16), (256, 8, 8)]
    assert list(maps) == ["relu1_1", "relu2_1", "relu3_1"]
    assert torch.equal(network.state_dict()["conv2_2.weight"], tensors["conv3.weight"])
    assert not any(parameter.requires_grad for parameter in network.parameters())
    with pytest.raises(ModelError, match=r"lacks conv5\.bias"):
        load_features("vgg16", ["relu4_1"], _CPU)


def test_vgg19_from_a_file(tmp_path):
    save_vgg19(tmp_path / "vgg.safetensors", VGG19Features("caffe").state_dict(), "caffe")
    network = load_features(str(tmp_path / "vgg.safetensors"), ["relu2_1"], _CPU)
    assert list(network(torch.rand(1, 3, 16, 16))) == ["relu1_1", "relu2_1"]
    assert not any(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.parametrize(
    ("name", "layer", "error", "reported"),
    [
        ("vgg16", "relu1_1", ModelError, "srntt weights get lpips"),
        ("vgg19", "relu1_1", ModelError, "srntt weights get vgg19"),
        ("nowhere.safetensors", "relu1_1", ModelError, "nowhere"),
        ("vgg16", "relu6_1", InputError, r"layer 'relu6_1'; available: relu1_1"),
    ],
)
def test_what_is_missing_is_reported(name, layer, error, reported):
    with pytest.raises(error, match=reported):
        load_features(name, [layer], _CPU)
