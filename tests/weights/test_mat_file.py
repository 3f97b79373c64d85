"""MatConvNet's VGG19 file, as SciPy writes it: what comes out, and what is refused."""

import tracemalloc
import zlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from srntt.errors import ModelError
from srntt.features import VGG19Features
from srntt.weights import _mat_file, get_vgg19, load_vgg19, vgg19_path
from srntt.weights._mat_file import read_mat


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def ours():
    torch.manual_seed(0)
    return VGG19Features().state_dict()


def _cell(*items):
    cell = np.empty((1, len(items)), object)
    cell[0, :] = items
    return cell


def _struct(**fields):
    struct = np.empty((1, 1), [(name, object) for name in fields])
    for name, value in fields.items():
        struct[0, 0][name] = value
    return struct


def _mat_layers(ours, old):
    layers = []
    for conv in dict.fromkeys(name.split(".")[0] for name in ours):
        kernel = (
            ours[f"{conv}.weight"].numpy().transpose(3, 2, 1, 0)
        )  # (out, in, height, width) -> (width, height, in, out)
        bias = ours[f"{conv}.bias"].numpy()[None]
        arrays = {"filters": kernel, "biases": bias} if old else {"weights": _cell(kernel, bias)}
        layers += [
            _struct(**arrays, pad=np.ones((1, 4)), type="conv", name=conv),
            _struct(type="relu", name=f"relu{conv[4:]}"),
        ]
    dense = _cell(np.zeros((7, 7, 512, 200), np.float32), np.zeros((1, 200), np.float32))
    return _cell(*layers, _struct(weights=dense, type="conv", name="fc6"))


@pytest.fixture(params=[(False, False), (True, False), (True, True)], ids=["plain", "compressed", "old"])
def mat_file(request, ours, tmp_path):
    io_module = pytest.importorskip("scipy.io", reason="writes the file as MATLAB would")
    compressed, old = request.param
    path = tmp_path / "imagenet-vgg-verydeep-19.mat"
    variables = {"meta": _struct(note="before"), "layers": _mat_layers(ours, old), "after": np.zeros((2, 2))}
    io_module.savemat(path, variables, do_compression=compressed)
    return path


def test_matconvnets_file_is_read(mat_file, ours):
    path = get_vgg19(mat_file)
    assert path == vgg19_path("caffe")
    features = load_vgg19(path)
    assert features.family == "caffe"
    for name, tensor in features.state_dict().items():
        torch.testing.assert_close(tensor, ours[name], rtol=0, atol=0)


def test_dense_layers_are_not_held_in_memory(mat_file):
    fc6 = read_mat(mat_file, "layers")[-1]
    assert fc6["weights"][0] is None  # 20 MB
    assert fc6["weights"][1].shape == (1, 200)


def test_matconvnets_file_is_not_torchvisions(mat_file):
    with pytest.raises(ModelError, match="it holds the caffe family"):
        get_vgg19(mat_file, family="torchvision")


@pytest.fixture(scope="module")
def small_mat(tmp_path_factory):
    io_module = pytest.importorskip("scipy.io", reason="writes the file as MATLAB would")
    found = []
    for compressed in (False, True):
        path = tmp_path_factory.mktemp("mat") / "x.mat"
        layers = _cell(
            _struct(weights=_cell(np.ones((3, 3, 1, 2), np.float32), np.ones((1, 2))), name="conv1_1", type="é")
        )
        io_module.savemat(path, {"layers": layers, "z": np.array([[1 + 2j]])}, do_compression=compressed)
        found.append(path)
    return found


def test_text_and_numbers_of_all_kinds_are_read(small_mat):
    for path in small_mat:
        (layer,) = read_mat(path, "layers")
        assert (layer["name"], layer["type"]) == ("conv1_1", "é")
        np.testing.assert_array_equal(layer["weights"][1], np.ones((1, 2)))
        assert read_mat(path, "z") is None
        with pytest.raises(ModelError, match="no variable called absent"):
            read_mat(path, "absent")


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_damaged_mat_files_end_in_model_errors(data, small_mat, tmp_path_factory):
    whole = data.draw(st.sampled_from([path.read_bytes() for path in small_mat]))
    damaged = bytearray(whole[: data.draw(st.integers(0, len(whole)))])
    for _ in range(data.draw(st.integers(0, 3))):
        if damaged:
            damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("damaged") / "x.mat"
    path.write_bytes(damaged)
    said = str(path)
    try:
        read_mat(path, "layers")
    except ModelError as error:
        said = str(error)
    assert str(path) in said


def test_a_mat_bomb_costs_no_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(_mat_file, "_MAX_KEPT_BYTES", 8 << 20)

    def element(kind, data):
        return kind.to_bytes(4, "little") + len(data).to_bytes(4, "little") + data + bytes(-len(data) % 8)

    def array(kind, shape, name, data):
        head = element(6, bytes([kind, 0, 0, 0, 0, 0, 0, 0]))
        sizes = b"".join(n.to_bytes(4, "little") for n in shape)
        return element(14, head + element(5, sizes) + element(1, name) + data)

    numbers = array(7, (1 << 10, 1 << 8), b"", element(7, bytes(1 << 20)))  # 1 MiB each
    content = array(1, (1, 40), b"layers", numbers * 40)
    packed = zlib.compress(content)
    assert len(packed) < 1 << 16
    header = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"
    (tmp_path / "x.mat").write_bytes(header + element(15, packed))
    del content, numbers
    tracemalloc.start()
    with pytest.raises(ModelError, match="bytes of arrays"):
        read_mat(tmp_path / "x.mat", "layers")
    assert tracemalloc.get_traced_memory()[1] < 12 << 20
    tracemalloc.stop()
