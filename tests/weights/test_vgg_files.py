"""VGG19 weight files: names, families, and what is refused."""

import pytest
import torch
from safetensors.torch import save_file

from srntt.errors import InputError, ModelError
from srntt.features import VGG19Features
from srntt.weights import load_vgg19, save_vgg19
from srntt.weights._vgg_files import read_vgg19, torchvision_names


@pytest.fixture
def ours():
    torch.manual_seed(0)
    return VGG19Features().state_dict()


@pytest.fixture
def theirs(ours):
    return {name: ours[our] for name, our in torchvision_names().items() if our in ours}


def test_torchvision_counts_relu_and_pooling():
    names = torchvision_names()
    assert names["features.0.weight"] == "conv1_1.weight"
    assert names["features.5.bias"] == "conv2_1.bias"
    assert names["features.10.weight"] == "conv3_1.weight"
    assert names["features.19.weight"] == "conv4_1.weight"
    assert names["features.28.bias"] == "conv5_1.bias"
    assert len(names) == 26


def test_what_is_saved_is_loaded_with_its_family(ours, tmp_path):
    save_vgg19(tmp_path / "vgg.safetensors", ours, "torchvision")
    features = load_vgg19(tmp_path / "vgg.safetensors")
    assert features.family == "torchvision"
    for name, tensor in features.state_dict().items():
        torch.testing.assert_close(tensor, ours[name], rtol=0, atol=0)


def test_torchvision_names_are_translated(ours, theirs, tmp_path):
    save_file(theirs | {"classifier.0.bias": torch.zeros(3)}, tmp_path / "vgg.safetensors")
    features = load_vgg19(tmp_path / "vgg.safetensors", family="torchvision")
    for name, tensor in features.state_dict().items():
        torch.testing.assert_close(tensor, ours[name], rtol=0, atol=0)


def test_deeper_layers_are_left_in_the_file(ours, tmp_path):
    save_vgg19(tmp_path / "vgg.safetensors", ours, "caffe")
    assert set(load_vgg19(tmp_path / "vgg.safetensors", last="relu2_1").state_dict()) == {
        f"{conv}.{part}" for conv in ("conv1_1", "conv1_2", "conv2_1") for part in ("weight", "bias")
    }


def test_half_floats_are_loaded_as_floats(ours, tmp_path):
    save_vgg19(tmp_path / "vgg.safetensors", {name: tensor.half() for name, tensor in ours.items()}, "caffe")
    assert load_vgg19(tmp_path / "vgg.safetensors").get_submodule("conv1_1").weight.dtype == torch.float32


def test_the_deepest_layer_within_reach_is_read(ours, tmp_path):
    extra = {"conv3_2.weight": torch.zeros(256, 256, 3, 3), "conv3_2.bias": torch.zeros(256)}
    save_vgg19(tmp_path / "vgg.safetensors", ours | extra, "caffe")
    tensors, family = read_vgg19(tmp_path / "vgg.safetensors")
    assert (set(tensors), family) == (set(ours), "caffe")


def test_a_file_that_does_not_say_its_family_is_not_guessed_at(theirs, tmp_path):
    save_file(theirs, tmp_path / "vgg.safetensors")
    with pytest.raises(ModelError, match="does not state the origin of its weights"):
        load_vgg19(tmp_path / "vgg.safetensors")


def test_a_file_that_says_another_family_is_refused(ours, tmp_path):
    save_vgg19(tmp_path / "vgg.safetensors", ours, "caffe")
    with pytest.raises(ModelError, match="contains caffe weights according to its metadata; torchvision was requested"):
        load_vgg19(tmp_path / "vgg.safetensors", family="torchvision")


def test_a_shallow_file_says_what_is_missing_and_where_to_get_it(ours, tmp_path):
    save_vgg19(tmp_path / "vgg.safetensors", ours, "caffe")
    with pytest.raises(ModelError, match=r"not contain the layers up to relu5_1: conv3_2.weight.*weights get vgg19"):
        load_vgg19(tmp_path / "vgg.safetensors", last="relu5_1")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"conv1_1.weight": torch.zeros(64, 1, 3, 3)},
            r"conv1_1.weight has shape \(64, 1, 3, 3\), expected \(64, 3, 3, 3\)",
        ),
        ({"conv2_1.bias": torch.zeros(128, dtype=torch.float64)}, "conv2_1.bias is F64; supported: F32"),
        ({"conv3_1.bias": torch.full((256,), torch.inf)}, "conv3_1.bias has values that are not finite"),
    ],
)
def test_wrong_tensors_are_refused_by_name(change, message, ours, tmp_path):
    save_file(ours | change, tmp_path / "vgg.safetensors", {"family": "caffe"})
    with pytest.raises(ModelError, match=message):
        load_vgg19(tmp_path / "vgg.safetensors")


def test_what_could_not_be_loaded_is_not_saved(ours, tmp_path):
    with pytest.raises(ModelError, match="not finite"):
        save_vgg19(tmp_path / "vgg.safetensors", ours | {"conv1_1.bias": torch.full((64,), torch.nan)}, "caffe")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["weights.pth", "weights.mat"])
def test_other_formats_are_refused_with_the_way_to_convert_them(name, tmp_path):
    (tmp_path / name).write_bytes(b"x" * 100)
    with pytest.raises(ModelError, match=r"safetensors only.*srntt weights get vgg19 --from"):
        load_vgg19(tmp_path / name, family="caffe")


def test_unknown_family_is_refused(ours, tmp_path):
    save_file(ours, tmp_path / "vgg.safetensors", {"family": "keras"})
    with pytest.raises(ModelError, match="'keras'"):
        load_vgg19(tmp_path / "vgg.safetensors")
    with pytest.raises((InputError, TypeError)):
        load_vgg19(tmp_path / "vgg.safetensors", family="keras")


def test_what_is_no_vgg19_is_refused(ours, tmp_path):
    save_file({name: tensor for name, tensor in ours.items() if name != "conv2_2.bias"}, tmp_path / "vgg.safetensors")
    with pytest.raises(ModelError, match=r"conv2_2\.bias missing"):
        read_vgg19(tmp_path / "vgg.safetensors", family="caffe")
