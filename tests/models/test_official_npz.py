"""Official weights: what the converted networks compute is what the description computes."""

import os
import pickle
import zipfile

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from models import official_oracle as oracle

from srntt.errors import InputError, ModelError
from srntt.models import convert_official, load_model, load_official
from srntt.models.paper import ContentExtractor, PaperSRNTT, Swapped, TextureTransfer
from srntt.models.paper._official import from_depth_to_space, read_official
from srntt.transfer import SwappedMaps

H, W = 5, 7


def _chw(x):
    return torch.from_numpy(np.ascontiguousarray(x.transpose(2, 0, 1), dtype=np.float32))[None]


def _hwc(x):
    return x[0].detach().numpy().transpose(1, 2, 0)


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(1).uniform(-1, 1, (H, W, 3))


@pytest.fixture(scope="module")
def maps():
    random = np.random.default_rng(2)
    return [random.uniform(0, 2, (r * H, r * W, c)) for r, c in ((1, 256), (2, 128), (4, 64))]


@pytest.fixture(scope="module")
def upscale(image, tmp_path_factory):
    """An upscale.npz of random values, and what it computes."""
    tape = oracle.Tape(seed=3)
    feature, raw = oracle.content_extractor(tape, image)
    path = tmp_path_factory.mktemp("official") / "upscale.npz"
    oracle.save_official(path, tape.arrays)
    return path, tape.arrays, feature, raw


@pytest.fixture(scope="module")
def transfer(upscale, maps, tmp_path_factory):
    """A srntt.npz of random values, and what it computes."""
    tape = oracle.Tape(seed=4)
    raw = oracle.texture_transfer(tape, upscale[2], maps)
    path = tmp_path_factory.mktemp("official") / "srntt.npz"
    oracle.save_official(path, tape.arrays)
    return path, tape.arrays, raw


def test_the_made_up_files_have_the_official_layout(upscale, transfer):
    for arrays, count, floats in ((upscale[1], 173, 1_522_371), (transfer[1], 309, 2_872_899)):
        assert len(arrays) == count
        assert sum(array.size for array in arrays) == floats
    landmarks = {
        0: (3, 3, 320, 64),
        169: (3, 3, 192, 64),
        258: (3, 3, 128, 64),
        305: (3, 3, 64, 32),
        307: (1, 1, 32, 3),
    }
    assert {index: transfer[1][index].shape for index in landmarks} == landmarks
    assert upscale[1][171].shape == (1, 1, 64, 3)


def test_content_extractor_computes_what_the_official_one_does(upscale, image):
    path, _, feature, raw = upscale
    network = ContentExtractor()
    load_official(network, path)
    found = network(_chw((image + 1) / 2))
    np.testing.assert_allclose(_hwc(found), feature, atol=2e-4)
    np.testing.assert_allclose(_hwc(network.raw_upscale(found)), raw, atol=1e-4)
    np.testing.assert_allclose(_hwc(network.upscale(found)), (np.tanh(raw) + 1) / 2, atol=1e-4)
    assert np.abs(feature).mean() > 0.3  # the comparison is of something
    assert 0.1 < np.abs(raw).mean() < 3


def test_texture_transfer_computes_what_the_official_one_does(upscale, transfer, maps):
    path, _, raw = transfer
    network = TextureTransfer()
    load_official(network, path)
    found = network.raw(_chw(upscale[2]), SwappedMaps(*map(_chw, maps)))
    np.testing.assert_allclose(_hwc(found), raw, atol=1e-4)
    assert 0.1 < np.abs(raw).mean() < 3


@pytest.mark.parametrize("scale", [8, 16])
def test_larger_scales_compute_what_is_described(scale, upscale, maps, tmp_path):
    tape = oracle.Tape(seed=scale)
    raw = oracle.texture_transfer(tape, upscale[2], maps, scale)
    oracle.save_official(tmp_path / "srntt.npz", tape.arrays)
    network = TextureTransfer(scale)
    load_official(network, tmp_path / "srntt.npz")
    found = network.raw(_chw(upscale[2]), SwappedMaps(*map(_chw, maps)))
    assert found.shape[-2:] == (scale * H, scale * W)
    np.testing.assert_allclose(_hwc(found), raw, atol=1e-4)


def test_shuffles_are_distinguished_by_the_oracle(upscale):
    """The order of channels matters to the comparison above: without the permutation it fails."""
    _, arrays, feature, raw = upscale
    network = ContentExtractor()
    load_official(network, upscale[0])
    network.up1.conv.weight.data = torch.from_numpy(arrays[167].transpose(3, 2, 0, 1).copy())
    assert np.abs(_hwc(network.raw_upscale(_chw(feature))) - raw).max() > 0.1


def test_converted_model_computes_what_both_do(upscale, transfer, image, maps, tmp_path):
    convert_official(tmp_path / "paper", upscale[0], transfer[0], card="# A card\n")
    model = load_model(tmp_path / "paper")
    assert isinstance(model, PaperSRNTT)
    assert (tmp_path / "paper" / "README.md").read_text() == "# A card\n"
    low_res = _chw((image + 1) / 2)
    swapped = Swapped(SwappedMaps(*map(_chw, maps)), low_res[:, :1])
    np.testing.assert_allclose(_hwc(model.fuse(low_res, swapped).picture), (np.tanh(transfer[2]) + 1) / 2, atol=1e-4)
    np.testing.assert_allclose(_hwc(model(low_res)), (np.tanh(upscale[3]) + 1) / 2, atol=1e-4)


def test_content_extractor_alone_is_a_model(upscale, tmp_path):
    convert_official(tmp_path / "single.safetensors", upscale[0])
    assert isinstance(load_model(tmp_path / "single.safetensors"), ContentExtractor)


def test_old_pickles_are_read(upscale, tmp_path):
    """NumPy pickled objects with protocol 2 then, which Python 3 writes with _codecs.encode for bytes."""
    oracle.save_official(tmp_path / "old.npz", upscale[1], protocol=2)
    assert b"_codecs" in zipfile.ZipFile(tmp_path / "old.npz").read("params.npy")
    for found, array in zip(read_official(tmp_path / "old.npz"), upscale[1], strict=True):
        np.testing.assert_array_equal(found, array)


def test_python_2_pickles_are_read(tmp_path):
    """Python 2 wrote bytes as str: the reason for encoding='latin1' in the official code."""
    data = np.arange(6, dtype="<f4").tobytes()
    array = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
    dtype = b"cnumpy\ndtype\nU\x02f4K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    objects = b"cnumpy\ndtype\nU\x02O8K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tb"
    inner = array + b"(K\x01K\x02K\x03\x86" + dtype + b"\x89U" + bytes([len(data)]) + data + b"tb"
    content = b"\x80\x02" + array + b"(K\x01K\x01\x85" + objects + b"\x89]" + inner + b"atb."
    found = np.load(_npz(tmp_path, content, 1), allow_pickle=True, encoding="latin1")["params"]
    np.testing.assert_array_equal(found[0], np.arange(6).reshape(2, 3))  # NumPy agrees that this is such a file
    np.testing.assert_array_equal(read_official(tmp_path / "hostile.npz")[0], np.arange(6).reshape(2, 3))


@given(st.integers(1, 5), st.integers(0, 3), st.integers(0, 1), st.integers(0, 1))
def test_depth_to_space_order(channels, c, i, j):
    c = c % channels
    order = from_depth_to_space(np.arange(4 * channels)[None])[0]
    assert order[4 * c + 2 * i + j] == (2 * i + j) * channels + c


def test_shuffling_after_reordering_is_depth_to_space():
    x = np.random.default_rng(0).normal(size=(3, 4, 12))
    shuffled = torch.nn.functional.pixel_shuffle(_chw(from_depth_to_space(x)), 2)
    np.testing.assert_allclose(_hwc(shuffled), oracle.depth_to_space(x), rtol=1e-6)


class _Payload:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def _npz(folder, content, count=173):
    import io

    member = io.BytesIO()
    np.lib.format.write_array_header_1_0(member, {"descr": "|O", "fortran_order": False, "shape": (count,)})
    oracle.save_member(folder / "hostile.npz", member.getvalue() + content)
    return folder / "hostile.npz"


@pytest.mark.parametrize("protocol", [2, 4, 5])
@pytest.mark.parametrize(
    ("payload", "named"),
    [
        (_Payload(os.system, "touch {marker}"), "posix.system"),
        (_Payload(eval, "open('{marker}', 'w')"), "eval"),
        (_Payload(exec, "open('{marker}', 'w')"), "exec"),
        (_Payload(getattr, "", "format"), "getattr"),
        (np.float32(1), "scalar"),
        (np.random.default_rng(0).bit_generator, "numpy.random|EMPTY_DICT"),
    ],
    ids=["system", "eval", "exec", "getattr", "scalar", "generator"],
)
def test_whatever_else_a_pickle_names_is_refused_by_name_and_not_run(payload, named, protocol, tmp_path):
    marker = tmp_path / "ran"
    if isinstance(payload, _Payload):
        payload = _Payload(
            payload.call[0], *(str(a).format(marker=marker) if "{" in str(a) else a for a in payload.call[1])
        )
    with pytest.raises(ModelError, match=named) as caught:
        read_official(_npz(tmp_path, pickle.dumps([payload], protocol)))
    assert "nothing was run" in str(caught.value)
    assert not marker.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x80\x02r\xff\xff\xff\x7f.", "damaged"),  # stores nothing under an index of two thousand million
        (b"\x80\x02Nr\xff\xff\xff\x7f.", "gaps"),  # the same of something
        (b"\x80\x02](K\x01" + b"0" * 10 + b".", "POP"),
        (b"\x80\x02" + b"N" * 300_000 + b".", "opcodes"),
        (b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7f", "damaged"),
        (b"\x80\x02" + b")" + b"2\x86" * 60 + b".", "DUP"),
        (b"\x80\x02)" + b"q\x00h\x00\x86" * 60 + b"}h\x00K\x01s.", "EMPTY_DICT"),  # hash of 2^60 tuples
        (b"\x80\x02K\x01K\x02\x85R.", "damaged"),
        (b"\x80\x02", "damaged"),
        (b"", "damaged"),
        (b"cnumpy\nndarray\n)R(K\x01K\x02\x85cnumpy\ndtype\nU\x02f4\x85R\x89U\x04abcdtb.", "does not have 2 values"),
        (b"cnumpy\nndarray\n)R(K\x01J\xff\xff\xff\xff\x85cnumpy\ndtype\nU\x02f4\x85R\x89U\x04abcdtb.", "shape"),
        (b"cnumpy\nndarray\n)R(K\x01K\x01\x85cnumpy\ndtype\nU\x02i4\x85R\x89U\x04abcdtb.", "float32"),
        (b"cnumpy\nndarray\n)R(K\x01K\x01\x85]\x89U\x04abcdtb.", "dtype"),
        (b"c_codecs\nencode\nX\x01\x00\x00\x00aX\x03\x00\x00\x00hex\x86R.", "latin-1"),
    ],
)
def test_malformed_pickles_are_refused(content, message, tmp_path):
    with pytest.raises(ModelError, match=message):
        read_official(_npz(tmp_path, content))


def test_bombs_are_refused_before_they_inflate(tmp_path):
    oracle.save_member(tmp_path / "bomb.npz", bytes(65 << 20))
    assert (tmp_path / "bomb.npz").stat().st_size < 100_000
    with pytest.raises(ModelError, match="official files stay under"):
        read_official(tmp_path / "bomb.npz")


def test_a_size_that_lies_is_refused(tmp_path):
    oracle.save_member(tmp_path / "lie.npz", bytes(2 << 20))
    content = (tmp_path / "lie.npz").read_bytes().replace((2 << 20).to_bytes(4, "little"), (99).to_bytes(4, "little"))
    (tmp_path / "lie.npz").write_bytes(content)
    with pytest.raises(ModelError, match="not an official"):
        read_official(tmp_path / "lie.npz")


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda p: p.write_bytes(b"no zip"), "not an official"),
        (lambda p: p.mkdir(), "is not a file"),
        (lambda p: None, "is not a file"),
        (lambda p: oracle.save_member(p, b"x", "other.npy"), "params.npy alone"),
        (lambda p: oracle.save_member(p, b"x"), "not an official"),
        (lambda p: np.savez(p, params=np.zeros(3)), "list of objects"),
    ],
    ids=["no zip", "folder", "absent", "other member", "no npy", "floats"],
)
def test_other_files_are_refused(write, message, tmp_path):
    write(tmp_path / "upscale.npz")
    with pytest.raises(ModelError, match=message):
        read_official(tmp_path / "upscale.npz")


def _changed(arrays, index, array):
    return [*arrays[:index], array, *arrays[index + 1 :]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a[:-1], "172 arrays"),
        (lambda a: _changed(a, 2, a[0]), "array 2"),
        (lambda a: _changed(a, 168, a[168][:-1]), "array 168"),
        (lambda a: _changed(a, 1, np.full_like(a[1], np.nan)), "array 1 has values that are not finite"),
        (lambda a: _changed(a, 6, -a[6]), "negative variances"),
        (lambda a: _changed(a, 1, None), "object 1 is no float array"),
    ],
)
def test_files_that_are_not_quite_official_are_refused(change, message, upscale, tmp_path):
    oracle.save_official(tmp_path / "upscale.npz", change(upscale[1]))
    with pytest.raises(ModelError, match=message):
        load_official(ContentExtractor(), tmp_path / "upscale.npz")


def test_files_in_each_others_place_are_refused(upscale, transfer, tmp_path):
    with pytest.raises(ModelError, match="holds 309 arrays"):
        convert_official(tmp_path / "model", transfer[0], upscale[0])
    with pytest.raises(InputError, match="gates"):
        load_official(TextureTransfer(gated=True), transfer[0])
    assert not (tmp_path / "model").exists()


def test_float64_and_fortran_order_are_taken(upscale, tmp_path):
    arrays = [np.asfortranarray(array.astype(np.float64)) for array in upscale[1]]
    oracle.save_official(tmp_path / "upscale.npz", arrays)
    for found, array in zip(read_official(tmp_path / "upscale.npz"), upscale[1], strict=True):
        np.testing.assert_array_equal(found, array)


def _pickled(tmp_path, program):
    path = tmp_path / "upscale.npz"
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("params.npy", b"\x93NUMPY\x01\0" + len(header).to_bytes(2, "little") + header + program)
    return path


def test_a_pickle_that_copies_what_it_remembers_is_refused(tmp_path):
    """1 MB of text, encoded again and again: without a limit, as many megabytes as the pickle has steps."""
    text = b"X" + (10**6).to_bytes(4, "little") + b"a" * 10**6 + b"q\x01"
    program = b"\x80\x02" + text + b"c_codecs\nencode\nq\x00" + b"h\x00h\x01X\x06\0\0\0latin1\x86R" * 100 + b"."
    with pytest.raises(ModelError, match="multiplies its content"):
        read_official(_pickled(tmp_path, program))


def test_an_array_state_that_is_given_to_many_arrays_is_refused(tmp_path):
    count = 200_000
    data = b"B" + (4 * count).to_bytes(4, "little") + bytes(4 * count)
    dtype = b"cnumpy\ndtype\nX\x02\0\0\0f4K\0K\x01\x87R(K\x03X\x01\0\0\0<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"
    state = b"(K\x01J" + count.to_bytes(4, "little") + b"\x85" + dtype + b"\x89" + data + b"tq\x01"
    program = b"\x80\x03" + state + b"cnumpy.core.multiarray\n_reconstruct\nq\x02" + b"h\x02)Rh\x01b" * 100 + b"."
    with pytest.raises(ModelError, match="multiplies its content"):
        read_official(_pickled(tmp_path, program))


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_other_packing_than_numpys_is_refused(tmp_path, method):
    """LZMA may ask for a dictionary of 4 GiB, and fails with an error of its own."""
    path = tmp_path / "upscale.npz"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("params.npy", b"x")
    with pytest.raises(ModelError, match="packed in a way that NumPy does not use"):
        read_official(path)


@pytest.mark.parametrize("header", ["(((", "{'descr': '", "\n  {'a': 1}", "{'descr': '|O', 'shape': (1L,"])
def test_headers_that_are_no_python_are_refused(tmp_path, header):
    path = tmp_path / "upscale.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("params.npy", b"\x93NUMPY\x01\0" + len(header).to_bytes(2, "little") + header.encode())
    with pytest.raises(ModelError, match="not an official SRNTT"):
        read_official(path)
