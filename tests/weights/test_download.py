"""VGG19 into the cache: from a server (none is asked here) or a file; checked, cut, kept whole or not at all."""

import hashlib
import io
import pickle
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from srntt.errors import InputError, ModelError, OutputError
from srntt.features import VGG19Features
from srntt.weights import (
    _download,
    find_vgg19,
    get_vgg19,
    load_vgg19,
    save_vgg19,
    torchvision_names,
    vgg19_path,
    weights_cache_dir,
)


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
    """A small stand-in for torchvision's file: its bytes, with size and sum as those that are expected."""
    torch.save(theirs, tmp_path / "published.pth", _use_new_zipfile_serialization=False)
    content = (tmp_path / "published.pth").read_bytes()
    monkeypatch.setattr(_download, "VGG19_BYTES", len(content))
    monkeypatch.setattr(_download, "VGG19_SHA256", hashlib.sha256(content).hexdigest())
    return content


def _serves(content, asked=None):
    def open_url(url):
        if asked is not None:
            asked.append(url)
        return io.BytesIO(content)

    return open_url


def _holds(path, expected):
    found = load_vgg19(path).state_dict()
    return found.keys() == expected.keys() and all(torch.equal(found[name], expected[name]) for name in found)


def test_the_published_sum_begins_as_the_name_of_the_file_says():
    name = _download.VGG19_URL.rsplit("/")[-1]
    assert name == f"vgg19-{_download.VGG19_SHA256[:8]}.pth"
    assert len(_download.VGG19_SHA256) == 64
    # 38 float32 tensors of VGG19, and what the file format needs beside them.
    assert 0 < _download.VGG19_BYTES - 4 * 143_667_240 < 10_000


def test_download_is_checked_cut_and_kept(published, ours, cache):
    asked, steps = [], []
    path = get_vgg19(open_url=_serves(published, asked), progress=lambda done, total: steps.append((done, total)))
    assert asked == ["https://download.pytorch.org/models/vgg19-dcbb9e9d.pth"]
    assert path == vgg19_path("torchvision") == find_vgg19("torchvision") == cache / "vgg19-torchvision.safetensors"
    assert _holds(path, ours)
    assert load_vgg19(path).family == "torchvision"
    assert steps[-1] == (len(published), len(published))
    assert [file.name for file in cache.iterdir()] == [path.name]


@pytest.mark.parametrize(
    "change", [lambda c: c[:-1], lambda c: c + b"x", lambda c: c[:100] + b"x" + c[101:], lambda c: b""]
)
def test_another_file_than_the_published_one_is_not_kept(change, published, cache):
    with pytest.raises(ModelError, match=r"SHA-256 .* expected .* Nothing was kept"):
        get_vgg19(open_url=_serves(change(published)))
    assert list(cache.iterdir()) == []


def test_no_more_is_fetched_than_the_file_has(published, cache):
    class Endless(io.RawIOBase):
        given = 0

        def read(self, count=-1):
            self.given += count
            return bytes(count)

    source = Endless()
    with pytest.raises(ModelError, match="Nothing was kept"):
        get_vgg19(open_url=lambda url: source)
    assert source.given == len(published) + 1


def test_a_broken_connection_keeps_nothing(published, cache):
    class Broken(io.RawIOBase):
        def read(self, count=-1):
            raise TimeoutError("timed out")

    with pytest.raises(OutputError, match=r"timed out.*--from FILE"):
        get_vgg19(open_url=lambda url: Broken())
    assert list(cache.iterdir()) == []


def test_only_torchvisions_weights_are_downloaded():
    with pytest.raises(InputError, match="Only torchvision's"):
        get_vgg19(family="caffe", open_url=_serves(b""))


def test_what_was_not_fetched_says_how_to(cache):
    with pytest.raises(ModelError, match=r"srntt weights get vgg19`"):
        find_vgg19("torchvision")
    with pytest.raises(ModelError, match=r"srntt weights get vgg19 --from imagenet-vgg-verydeep-19.mat`"):
        find_vgg19("caffe")


def test_cache_follows_the_xdg_rules(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert weights_cache_dir() == tmp_path / "srntt"
    for relative in ("", "somewhere"):
        monkeypatch.setenv("XDG_CACHE_HOME", relative)
        assert weights_cache_dir() == Path.home() / ".cache" / "srntt"


@pytest.mark.parametrize("new_format", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("wrap", [lambda t: t, nn.Parameter], ids=["tensors", "parameters"])
def test_both_formats_of_pth_are_read(new_format, wrap, ours, theirs, tmp_path):
    path = tmp_path / "vgg.pth"
    torch.save(
        OrderedDict((name, wrap(tensor.clone())) for name, tensor in theirs.items()),
        path,
        _use_new_zipfile_serialization=new_format,
    )
    assert _holds(get_vgg19(path, family="torchvision"), ours)


class _Payload:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return open, (str(self.marker), "w")


@pytest.mark.parametrize("new_format", [True, False], ids=["zip", "legacy"])
def test_a_hostile_pth_is_refused_by_name_and_not_run(new_format, theirs, tmp_path, cache):
    path, marker = tmp_path / "vgg.pth", tmp_path / "ran"
    torch.save(dict(theirs) | {"payload": _Payload(marker)}, path, _use_new_zipfile_serialization=new_format)
    with pytest.raises(ModelError, match=r"asks for (_?io\.open|__builtin__\.open|builtins\.open)"):
        get_vgg19(path, family="torchvision")
    path.write_bytes(pickle.dumps(_Payload(marker)))
    with pytest.raises(ModelError, match="asks for"):
        get_vgg19(path, family="torchvision")
    assert not marker.exists()
    assert not cache.exists()


def test_a_file_that_is_not_the_published_one_must_say_its_family(theirs, tmp_path):
    torch.save(theirs, tmp_path / "vgg.pth")
    with pytest.raises(ModelError, match=r"is not torchvision's vgg19-dcbb9e9d.pth.*say whose"):
        get_vgg19(tmp_path / "vgg.pth")
    assert get_vgg19(tmp_path / "vgg.pth", family="caffe").name == "vgg19-caffe.safetensors"


def test_the_published_file_given_as_a_file_is_known(published, ours, tmp_path):
    assert get_vgg19(tmp_path / "published.pth") == vgg19_path("torchvision")
    assert _holds(vgg19_path("torchvision"), ours)


def test_safetensors_are_taken_with_either_names(ours, theirs, tmp_path):
    save_vgg19(tmp_path / "ours.safetensors", ours, "caffe")
    assert _holds(get_vgg19(tmp_path / "ours.safetensors"), ours)
    save_file(dict(theirs), tmp_path / "theirs.safetensors")
    assert _holds(get_vgg19(tmp_path / "theirs.safetensors", family="torchvision"), ours)
    with pytest.raises(ModelError, match="does not say whose"):
        get_vgg19(tmp_path / "theirs.safetensors")


@pytest.mark.parametrize("name", ["vgg.h5", "vgg.npz", "vgg"])
def test_other_formats_are_refused(name, tmp_path):
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(ModelError, match=r"read from \.pth, \.mat and \.safetensors"):
        get_vgg19(tmp_path / name)
    with pytest.raises(ModelError, match="is no file"):
        get_vgg19(tmp_path / "absent.pth")
