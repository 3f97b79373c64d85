"""Model files: what is saved is loaded; whatever else comes is refused with the reason, before it costs anything."""

import errno
import json
import os
import pickle
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from tiny import tiny_network

from srntt._safetensors import MAX_HEADER_BYTES, read_tensors, write_tensors
from srntt.errors import InputError, ModelError, OutputError
from srntt.models import ARCHITECTURES, fingerprint, load_model, save_model
from srntt.models.paper import ContentExtractor, PaperConfig, PaperSRNTT
from srntt.train.critics import Discriminator


@pytest.fixture(scope="module")
def extractor():
    torch.manual_seed(0)
    network = ContentExtractor()
    for buffer in network.buffers():
        if buffer.is_floating_point():
            buffer.uniform_(0.5, 1.5)
    return network


@pytest.fixture
def folder(extractor, tmp_path):
    return save_model(extractor, tmp_path / "model")


def _same(one, other):
    return all(torch.equal(tensor, other.state_dict()[name]) for name, tensor in one.state_dict().items())


@pytest.mark.parametrize("name", ["model", "model.safetensors"])
def test_what_is_saved_is_loaded(name, extractor, tmp_path):
    path = save_model(extractor, tmp_path / name, card="# Trained on nothing\n")
    found = load_model(path)
    assert isinstance(found, ContentExtractor)
    assert _same(extractor, found)
    assert not found.training
    if path.is_dir():
        assert sorted(file.name for file in path.iterdir()) == ["README.md", "config.json", "model.safetensors"]
        assert (path / "README.md").read_text() == "# Trained on nothing\n"
        assert _same(extractor, load_model(path / "model.safetensors"))


def test_config_is_saved_with_the_model(tmp_path):
    model = PaperSRNTT(PaperConfig(scale=8, gated=True, phi="torchvision"))
    found = load_model(save_model(model, tmp_path / "model"))
    assert isinstance(found, PaperSRNTT)
    assert found.config == model.config
    assert json.loads((tmp_path / "model" / "config.json").read_text()) == {
        "format": "srntt-model",
        "version": 2,
        "architecture": "paper",
        "config": {"scale": 8, "gated": True, "phi": "torchvision"},
    }


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_makes_the_round(architecture, tmp_path):
    own = ARCHITECTURES[architecture]
    model = own.network(own.config())
    found = load_model(save_model(model, tmp_path / "model.safetensors"))
    assert type(found) is own.network
    assert _same(model, found)


def test_half_floats_halve_the_file_and_load_as_floats(extractor, tmp_path):
    whole = save_model(extractor, tmp_path / "whole.safetensors")
    extractor.body.norm.running_var.fill_(1e6)  # which float16 does not reach
    half = save_model(extractor, tmp_path / "half.safetensors", half=True)
    assert half.stat().st_size < 0.52 * whole.stat().st_size
    found = load_model(half)
    assert isinstance(found, ContentExtractor)
    assert found.head.weight.dtype == torch.float32
    torch.testing.assert_close(found.head.weight, extractor.head.weight, rtol=1e-3, atol=1e-6)
    assert torch.equal(found.body.norm.running_var, extractor.body.norm.running_var)


def test_files_are_readable_by_others_as_the_umask_says(extractor, tmp_path):
    path = save_model(extractor, tmp_path / "model.safetensors")
    (tmp_path / "plain").touch()
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_nothing_is_overwritten_unasked(extractor, folder, tmp_path):
    with pytest.raises(OutputError, match="exists"):
        save_model(extractor, folder)
    save_model(extractor, folder, overwrite=True)
    (tmp_path / "empty").mkdir()
    save_model(extractor, tmp_path / "empty")
    single = save_model(extractor, tmp_path / "model.safetensors")
    with pytest.raises(OutputError, match="exists"):
        save_model(extractor, single)


def test_a_model_that_is_not_finite_is_not_saved(tmp_path):
    broken = ContentExtractor()
    torch.nn.init.constant_(broken.head.bias, torch.nan)
    with pytest.raises(ModelError, match=r"head\.bias has values that are not finite"):
        save_model(broken, tmp_path / "model.safetensors")
    torch.nn.init.constant_(broken.head.bias, 1e6)
    with pytest.raises(ModelError, match="not finite"):
        save_model(broken, tmp_path / "model.safetensors", half=True)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_what_was_there(extractor, tmp_path, monkeypatch):
    path = save_model(extractor, tmp_path / "model.safetensors")
    before = path.read_bytes()

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space left"):
        save_model(ContentExtractor(), path, overwrite=True)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["model.safetensors"]


def test_other_networks_are_not_saved(tmp_path):
    with pytest.raises(InputError, match="Discriminator is of no architecture"):
        save_model(Discriminator(32), tmp_path / "model")


class _Payload:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


@pytest.mark.parametrize("suffix", ["pth", "pt", "pt2", "ckpt", "bin", "pkl", "npz", "PTH", "safetensors"])
def test_pickles_are_refused_by_name_and_by_content(suffix, tmp_path):
    path, marker = tmp_path / f"model.{suffix}", tmp_path / "ran"
    path.write_bytes(pickle.dumps(_Payload(marker)))
    with pytest.raises(ModelError, match=r"safetensors only.*srntt weights convert"):
        load_model(path)
    torch.save({"weight": torch.zeros(1)}, path)
    with pytest.raises(ModelError, match=r"safetensors only.*srntt weights convert"):
        load_model(path)
    assert not marker.exists()


@pytest.mark.parametrize("length", [640, 896, 1152, 1408])
def test_a_header_whose_length_looks_like_a_pickle_is_read(length, tmp_path):
    """640 is 80 02 in little-endian bytes: the two that a pickle of protocol 2 begins with."""
    path = tmp_path / "x.safetensors"
    for padding in range(length - 120, length, 4):
        write_tensors(path, {"a": torch.ones(1)}, {"note": "x" * padding})
        if int.from_bytes(path.read_bytes()[:8], "little") == length:
            break
    assert path.read_bytes()[:1] == b"\x80"
    assert read_tensors(path, {"a": (1,)})["a"].item() == 1


def test_a_pickle_in_a_model_folder_is_no_way_around(folder):
    (folder / "model.safetensors").rename(folder / "model.pth")
    with pytest.raises(ModelError, match=r"model\.safetensors: No such file"):
        load_model(folder)


_PAPER = {"scale": 4, "gated": False, "phi": "caffe"}


def _with_config(folder, change):
    config = json.loads((folder / "config.json").read_text())
    change(config)
    tensors = load_file(folder / "model.safetensors")
    save_file(tensors, folder / "model.safetensors", {"config": json.dumps(config)})
    (folder / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(version=3), "version 3; this srntt reads"),
        (lambda c: c.update(version=0), "version 0; this srntt reads"),
        (lambda c: c.update(format="onnx"), "'onnx'"),
        (lambda c: c.update(architecture="os.system"), "no architecture called 'os.system'; there are"),
        (lambda c: c.update(architecture=["paper"]), "no architecture called"),
        (lambda c: c.update(extra=1), "exactly the keys"),
        (lambda c: c.pop("config"), "exactly the keys"),
        (lambda c: c.update(config=[]), "exactly the keys"),
        (lambda c: c["config"].update(width=3), "unknown config keys width"),
        (lambda c: c.update(architecture="paper"), "lacks gated, phi, scale"),
        (lambda c: c.update(architecture="paper", config=_PAPER | {"scale": 5}), "scale is 5"),
        (lambda c: c.update(architecture="paper", config=_PAPER | {"scale": 4.0}), "scale is 4.0"),
        (lambda c: c.update(architecture="paper", config=_PAPER | {"gated": 1}), "gated is 1"),
        (lambda c: c.update(architecture="paper", config=_PAPER), "that its architecture has not"),
    ],
)
def test_configs_are_taken_at_their_word_or_not_at_all(change, message, folder):
    _with_config(folder, change)
    with pytest.raises(ModelError, match=message):
        load_model(folder)


@pytest.mark.parametrize(("version", "added"), [(1, ("scale", "base", "candidates", "agreement")), (2, ("agreement",))])
def test_an_older_light_model_has_the_defaults_of_what_was_not_yet_asked(version, added, tmp_path):
    folder = save_model(tiny_network(), tmp_path / "tiny")

    def as_older(config):
        config["version"] = version
        for name in added:
            del config["config"][name]

    _with_config(folder, as_older)
    assert load_model(folder).config == tiny_network().config
    _with_config(folder, lambda config: config["config"].pop("channels"))
    with pytest.raises(ModelError, match="the config lacks channels"):
        load_model(folder)


@pytest.mark.parametrize("config", ["", "[]", "{", "[" * 60_000, "1" * 5000, '"' + "x" * 70_000 + '"', "null"])
def test_configs_that_are_none_are_refused(config, folder):
    tensors = load_file(folder / "model.safetensors")
    save_file(tensors, folder / "model.safetensors")
    (folder / "config.json").write_text(config)
    with pytest.raises(ModelError):
        load_model(folder)


def test_parts_of_different_models_are_refused(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"version": 7}))
    with pytest.raises(ModelError, match="belong to different models"):
        load_model(folder)


def test_a_file_without_config_is_no_model(folder):
    save_file(load_file(folder / "model.safetensors"), folder / "model.safetensors")
    assert isinstance(load_model(folder), ContentExtractor)  # config.json is enough in a folder
    with pytest.raises(ModelError, match="has no config in its metadata"):
        load_model(folder / "model.safetensors")
    (folder / "config.json").unlink()
    with pytest.raises(ModelError, match=r"config\.json"):
        load_model(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop("head.bias"), r"lacks head\.bias"),
        (lambda t: t.update({"head.extra": torch.zeros(1)}), r"that its architecture has not: head\.extra"),
        (lambda t: t.update({"head.bias": torch.zeros(65)}), r"head\.bias has shape \(65,\), expected \(64,\)"),
        (lambda t: t.update({"head.bias": torch.zeros(64, dtype=torch.float64)}), r"head\.bias is F64; supported:"),
        (lambda t: t.update({"head.bias": torch.zeros(64, dtype=torch.int64)}), r"head\.bias is I64, expected"),
        (lambda t: t.update({"head.bias": torch.full((64,), torch.nan)}), r"head\.bias has values that are not finite"),
    ],
)
def test_tensors_fit_to_the_last_one_or_nothing_is_loaded(change, message, folder):
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(ModelError, match=message):
        load_model(folder)


def _header(content, data=b""):
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    return struct.pack("<Q", len(text)) + text + data


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"1234567",
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", MAX_HEADER_BYTES + 1) + b" " * (MAX_HEADER_BYTES + 1),
        struct.pack("<Q", 100) + b"{}",
        _header(b"{"),
        _header(b"\xff" * 10),
        _header([]),
        _header({"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}),
        _header({"a": {"dtype": "F32", "shape": [5], "data_offsets": [0, 16]}}, bytes(16)),
        _header({"a": {"dtype": "F32", "shape": [2**62, 4], "data_offsets": [0, 16]}}, bytes(16)),
        _header({"a": {"dtype": "F32", "shape": [-4], "data_offsets": [0, 16]}}, bytes(16)),
        _header({"a": {"dtype": "F32", "shape": [4], "data_offsets": [16, 0]}}, bytes(16)),
        _header({"a": {"dtype": "pickle", "shape": [4], "data_offsets": [0, 16]}}, bytes(16)),
        _header({"__metadata__": {"config": 1}}),
    ],
)
def test_headers_that_lie_are_refused(content, tmp_path):
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(ModelError):
        load_model(tmp_path / "model.safetensors")


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_damage_goes_unnoticed_or_ends_otherwise_than_in_a_model_error(data, tmp_path_factory):
    """Truncated anywhere: refused. Any byte of the header changed: refused, or the same tensors come out."""
    path = tmp_path_factory.mktemp("damage") / "model.safetensors"
    tensors = {"one": torch.arange(6.0).reshape(2, 3), "two": torch.ones(1)}
    write_tensors(path, tensors, {"config": "{}"})
    whole = path.read_bytes()
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    with pytest.raises(ModelError):
        read_tensors(path, shapes)
    header = 8 + int.from_bytes(whole[:8], "little")
    damaged = bytearray(whole)
    damaged[data.draw(st.integers(0, header - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(damaged)
    try:
        found = read_tensors(path, shapes)
    except ModelError:
        return
    assert {name: tensor.shape for name, tensor in found.items()} == shapes


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_fifos_folders_and_nothing_are_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "fifo.safetensors")
    with pytest.raises(ModelError, match="not a regular file"):
        load_model(tmp_path / "fifo.safetensors")
    (tmp_path / "folder").mkdir()
    with pytest.raises(ModelError, match=r"model\.safetensors: No such file"):
        load_model(tmp_path / "folder")
    with pytest.raises(ModelError, match="No such file"):
        load_model(tmp_path / "nothing.safetensors")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_a_config_that_is_a_fifo_is_refused_at_once(folder):
    (folder / "config.json").unlink()
    os.mkfifo(folder / "config.json")
    with pytest.raises(ModelError, match=r"config\.json is not a file"):
        load_model(folder)


def test_the_size_is_judged_before_anything_is_read(tmp_path):
    path = tmp_path / "huge.safetensors"
    content = _header({"a": {"dtype": "F32", "shape": [1 << 28], "data_offsets": [0, 1 << 30]}})
    with path.open("wb") as file:
        file.write(content)
        file.truncate(len(content) + (1 << 30))  # sparse: costs no disk
    with pytest.raises(ModelError, match=f"a model has {1 << 30} at most"):
        load_model(path)


def test_numpy_agrees_on_what_was_written(extractor, tmp_path):
    """An independent reading of the format: length, JSON, raw values."""
    content = save_model(extractor, tmp_path / "model.safetensors").read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    start, end = header["to_rgb.bias"]["data_offsets"]
    values = np.frombuffer(content[8 + length :][start:end], "<f4")
    np.testing.assert_array_equal(values, extractor.to_rgb.bias.detach())


def test_a_file_that_may_not_be_read_is_named(extractor, tmp_path, monkeypatch):
    path = save_model(extractor, tmp_path / "x.safetensors")
    original = Path.open

    def forbidden(self, *args, **kwargs):  # root may read anything: no mode would do
        if self == path:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return original(self, *args, **kwargs)

    monkeypatch.setattr(Path, "open", forbidden)
    with pytest.raises(ModelError, match=r"Cannot read .*x\.safetensors: Permission denied\. Change its permissions"):
        load_model(path)


def test_the_fingerprint_depends_on_weights_and_configuration() -> None:
    first, configured, biased = tiny_network(), tiny_network(), tiny_network()
    assert fingerprint(configured) == fingerprint(first)
    configured.config = replace(configured.config, agreement=0.3)
    with torch.no_grad():
        biased.tail.bias[0] += 1  # pyright: ignore[reportOptionalSubscript]
    assert len({fingerprint(model) for model in (first, configured, biased)}) == 3
