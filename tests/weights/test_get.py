"""Published files into the cache, from a server (none is asked here), a package or a file: known and whole, or none."""

import io
import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from weights.publishing import publish

from srntt.errors import MissingDependencyError, ModelError, OutputError
from srntt.features import VGG19Features
from srntt.weights import (
    WEIGHTS,
    _converters,
    _get,
    find_weights,
    get_weights,
    load_vgg19,
    save_vgg19,
    weights_cache_dir,
    weights_path,
)
from srntt.weights._vgg_files import torchvision_names


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "srntt"


@pytest.fixture(scope="module")
def ours():
    torch.manual_seed(0)
    return VGG19Features().state_dict()


@pytest.fixture(scope="module")
def theirs(ours):
    """As torchvision's file has it, with a classifier that is not wanted."""
    state = OrderedDict((name, ours[our]) for name, our in torchvision_names().items() if our in ours)
    return state | {"classifier.0.weight": torch.randn(50, 40)}


@pytest.fixture
def published(theirs, tmp_path, monkeypatch):
    """A small stand-in for torchvision's file."""
    torch.save(theirs, tmp_path / "published.pth", _use_new_zipfile_serialization=False)
    publish(monkeypatch, "vgg19-torchvision", content := (tmp_path / "published.pth").read_bytes())
    return content


@pytest.fixture
def serve(monkeypatch):
    """Answer every address with these bytes, or this response; what was asked for is in the list that it gives."""

    def answer_with(content):
        requests = []

        def answer(url, timeout):
            requests.append(url)
            return io.BytesIO(content) if isinstance(content, bytes) else content

        monkeypatch.setattr(_get, "urlopen", answer)
        return requests

    return answer_with


def _holds(path, expected):
    found = load_vgg19(path).state_dict()
    return found.keys() == expected.keys() and all(torch.equal(found[name], expected[name]) for name in found)


def test_the_table_agrees_with_the_name_of_torchvisions_file():
    (source,) = WEIGHTS["vgg19-torchvision"].sources
    assert source.url.endswith(f"/vgg19-{source.sha256[:8]}.pth")
    # 38 float32 tensors of VGG19, and what the file format needs beside them.
    assert 0 < source.size - 4 * 143_667_240 < 10_000


def test_a_download_is_checked_cut_and_kept(published, ours, cache, serve):
    requests, steps = serve(published), []
    (path,) = get_weights("vgg19", progress=lambda done, total: steps.append((done, total)))
    assert requests == ["https://download.pytorch.org/models/vgg19-dcbb9e9d.pth"]
    assert path == weights_path("vgg19-torchvision") == find_weights("vgg19-torchvision")
    assert path == cache / "vgg19-torchvision.safetensors"
    assert _holds(path, ours)
    assert load_vgg19(path).family == "torchvision"
    assert steps[-1] == (len(published), len(published))
    assert [file.name for file in cache.iterdir()] == [path.name]


@pytest.mark.parametrize(
    "change", [lambda c: c[:-1], lambda c: c + b"x", lambda c: c[:100] + b"x" + c[101:], lambda c: b""]
)
def test_another_file_than_the_published_one_is_not_kept(change, published, cache, serve):
    serve(change(published))
    with pytest.raises(ModelError, match=r"SHA-256 .* expected .* Nothing was stored"):
        get_weights("vgg19")
    assert list(cache.iterdir()) == []


def test_no_more_is_fetched_than_the_file_has(published, serve):
    class Endless(io.BufferedIOBase):
        given = 0

        def read(self, count=-1):
            self.given += count
            return bytes(count)

    source = Endless()
    serve(source)
    with pytest.raises(ModelError, match="Nothing was stored"):
        get_weights("vgg19")
    assert source.given == len(published) + 1


def test_a_broken_connection_keeps_nothing(published, cache, serve):
    class Broken(io.BufferedIOBase):
        def read(self, count=-1):
            raise TimeoutError("timed out")

    serve(Broken())
    with pytest.raises(OutputError, match=r"timed out.*--from FILE"):
        get_weights("vgg19")
    assert list(cache.iterdir()) == []


def test_what_srntt_does_not_fetch_says_where_it_is(serve):
    requests = serve(b"")
    with pytest.raises(ModelError, match=r"vlfeat\.org/.*then run `srntt weights get vgg19 --from imagenet-vgg"):
        get_weights("vgg19", family="caffe")
    assert requests == []


def test_what_was_not_fetched_says_how_to(cache):
    with pytest.raises(ModelError, match=r"srntt weights get vgg19`"):
        find_weights("vgg19-torchvision")
    with pytest.raises(ModelError, match=r"srntt weights get vgg19 --from imagenet-vgg-verydeep-19.mat`"):
        find_weights("vgg19-caffe")


def test_the_cache_follows_the_xdg_rules(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert weights_cache_dir() == tmp_path / "srntt"
    for relative in ("", "somewhere"):
        monkeypatch.setenv("XDG_CACHE_HOME", relative)
        assert weights_cache_dir() == Path.home() / ".cache" / "srntt"


class _Payload:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return open, (str(self.marker), "w")


@pytest.mark.parametrize("same_size", [False, True])
def test_an_unknown_pth_is_not_opened(same_size, theirs, tmp_path, cache, monkeypatch):
    path, marker = tmp_path / "vgg.pth", tmp_path / "ran"
    torch.save(dict(theirs) | {"payload": _Payload(marker)}, path)
    if same_size:
        content = path.read_bytes()
        publish(monkeypatch, "vgg19-torchvision", bytes(len(content)))
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("read"))
    for family in (None, "torchvision"):
        with pytest.raises(ModelError, match=r"vgg\.pth is not a published file.*not read.*dcbb9e9d.*as \.safetensors"):
            get_weights("vgg19", [path], family=family)
    assert not marker.exists()
    assert not cache.exists()


def test_even_a_known_pth_runs_nothing(tmp_path, monkeypatch):
    """Should a hash ever stand in the table by mistake."""
    torch.save({"payload": _Payload(tmp_path / "ran")}, tmp_path / "vgg.pth")
    publish(monkeypatch, "vgg19-torchvision", (tmp_path / "vgg.pth").read_bytes())
    with pytest.raises(pickle.UnpicklingError):
        get_weights("vgg19", [tmp_path / "vgg.pth"])
    assert not (tmp_path / "ran").exists()


def test_the_published_file_given_as_a_file_is_known(published, ours, tmp_path):
    assert get_weights("vgg19", [tmp_path / "published.pth"]) == [weights_path("vgg19-torchvision")]
    assert _holds(weights_path("vgg19-torchvision"), ours)
    with pytest.raises(ModelError, match=r"is vgg19-dcbb9e9d\.pth.*torchvision's training, not --family caffe"):
        get_weights("vgg19", [tmp_path / "published.pth"], family="caffe")


def test_safetensors_are_taken_with_either_names(ours, theirs, tmp_path):
    save_vgg19(tmp_path / "ours.safetensors", ours, "caffe")
    assert _holds(get_weights("vgg19", [tmp_path / "ours.safetensors"])[0], ours)
    save_file(dict(theirs), tmp_path / "theirs.safetensors")
    assert _holds(get_weights("vgg19", [tmp_path / "theirs.safetensors"], family="torchvision")[0], ours)
    with pytest.raises(ModelError, match="does not state the origin"):
        get_weights("vgg19", [tmp_path / "theirs.safetensors"])


@pytest.mark.parametrize("name", ["vgg.h5", "vgg.npz", "vgg", "vgg.mat"])
def test_other_files_are_refused(name, tmp_path):
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(ModelError, match=r"not a published file: it has 1 byte.*Give vgg19-dcbb9e9d\.pth .* or im"):
        get_weights("vgg19", [tmp_path / name])
    with pytest.raises(ModelError, match="is not a file"):
        get_weights("vgg19", [tmp_path / "absent.pth"])


def _cell(*items):
    cell = np.empty((1, len(items)), object)
    cell[0, :] = items
    return cell


def _struct(**fields):
    struct = np.empty((1, 1), [(name, object) for name in fields])
    for name, value in fields.items():
        struct[0, 0][name] = value
    return struct


@pytest.fixture
def mat_file(ours, tmp_path, monkeypatch):
    """MatConvNet's file with three blocks of VGG19."""
    io_module = pytest.importorskip("scipy.io")
    layers = []
    for conv in dict.fromkeys(name.split(".")[0] for name in ours):
        kernel = ours[f"{conv}.weight"].numpy().transpose(3, 2, 1, 0)  # (out, in, h, w) -> (w, h, in, out)
        weights = _cell(kernel, ours[f"{conv}.bias"].numpy()[None])
        layers += [_struct(weights=weights, pad=np.ones((1, 4)), type="conv", name=conv)]
        layers += [_struct(type="relu", name=f"relu{conv[4:]}")]
    dense = _cell(np.zeros((7, 7, 8, 20), np.float32), np.zeros((1, 20), np.float32))
    layers.append(_struct(weights=dense, type="conv", name="fc6"))
    path = tmp_path / "imagenet-vgg-verydeep-19.mat"
    io_module.savemat(path, {"layers": _cell(*layers), "meta": _struct(note="before")})
    publish(monkeypatch, "vgg19-caffe", path.read_bytes())
    return path


def test_matconvnets_file_is_read(mat_file, ours):
    (path,) = get_weights("vgg19", [mat_file])
    assert path == weights_path("vgg19-caffe")
    assert _holds(path, ours)
    assert load_vgg19(path).family == "caffe"


def test_matconvnets_file_is_not_torchvisions(mat_file):
    with pytest.raises(ModelError, match="its authors' training, not --family torchvision"):
        get_weights("vgg19", [mat_file], family="torchvision")


def test_without_scipy_the_extra_is_named(mat_file, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "scipy.io", None)
    with pytest.raises(MissingDependencyError, match=r"pip install '\.\[mat\]'"):
        get_weights("vgg19", [mat_file])


def test_matconvnet_kernels_are_width_height_in_out():
    kernel = np.random.default_rng(0).normal(size=(3, 3, 2, 5)).astype(np.float32)
    found = _converters.matconvnet_kernel(kernel)
    assert found.shape == (5, 2, 3, 3)
    assert found.is_contiguous()
    for out, channel, y, x in np.ndindex(5, 2, 3, 3):
        assert found[out, channel, y, x] == kernel[x, y, channel, out]


def test_a_folder_is_searched_for_the_published_names(tmp_path):
    with pytest.raises(ModelError, match=r"contains none of vgg16\.ckpt, alexnet\.ckpt"):
        get_weights("lpips", [tmp_path])
    (tmp_path / "alexnet.ckpt").write_bytes(b"x")
    with pytest.raises(ModelError, match=r"alexnet\.ckpt is not a published file"):
        get_weights("lpips", [tmp_path])


def test_torchmetrics_has_the_published_dists(monkeypatch):
    pytest.importorskip("torchmetrics")
    (path,) = get_weights("dists")
    assert path == weights_path("dists")
