"""PyTorch's .pth files, both formats, read without unpickling: what comes out, and what is refused."""

import pickle
import zipfile

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from srntt.errors import ModelError
from srntt.weights._torch_file import read_torch_file


def test_the_oldest_files_are_read(tmp_path):
    """torch 0.1 pickled a parameter as its tensor, then gradient flag and hooks; storages follow the keys."""
    storage = b"(U\x07storagectorch\nFloatStorage\nU\x0212U\x03cpuK\x06NtQ"
    tensor = b"ctorch._utils\n_rebuild_tensor\n(" + storage + b"K\x00K\x02K\x03\x86K\x03K\x01\x86tR"
    parameter = b"ctorch.nn.parameter\nParameter\n" + tensor + b"\x85R(\x88\x89}tb"
    state = b"\x80\x02ccollections\nOrderedDict\n)R(U\x01w" + parameter + b"u."
    start = [0x1950A86A20F9469CFC6C, 1001, {"protocol_version": 1001, "little_endian": True, "type_sizes": {"int": 4}}]
    content = b"".join(pickle.dumps(item, 2) for item in start) + state + pickle.dumps(["7", "12"], 2)
    other = (2).to_bytes(8, "little") + bytes(8)
    wanted = (6).to_bytes(8, "little") + np.arange(6, dtype="<f4").tobytes()
    (tmp_path / "old.pth").write_bytes(content + other + wanted)
    torch.testing.assert_close(read_torch_file(tmp_path / "old.pth", ["w"])["w"], torch.arange(6.0).reshape(2, 3))


@pytest.mark.parametrize("new_format", [True, False], ids=["zip", "legacy"])
def test_tensors_that_share_a_storage_are_told_apart(new_format, tmp_path):
    whole = torch.arange(12.0)
    torch.save(
        {"a": whole[:6].view(2, 3), "b": whole[6:]}, tmp_path / "x.pth", _use_new_zipfile_serialization=new_format
    )
    found = read_torch_file(tmp_path / "x.pth", ["a", "b", "absent"])
    assert set(found) == {"a", "b"}
    torch.testing.assert_close(found["a"], whole[:6].view(2, 3))
    torch.testing.assert_close(found["b"], whole[6:])


@pytest.mark.parametrize("new_format", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"w": torch.zeros(3, dtype=torch.float64)}, "torch.DoubleStorage"),
        ({"w": torch.zeros(2, 3).T}, "dense"),
        ({"w": [1, 2]}, "no tensor"),
        ({"w": {"w": torch.zeros(1)}}, "no tensor"),
        ([torch.zeros(1)], "no state dict"),
        (nn.Linear(1, 1), "Linear"),
    ],
    ids=["double", "transposed", "list", "nested", "no dict", "module"],
)
def test_pth_that_is_no_state_dict_of_floats_is_refused(state, said, new_format, tmp_path):
    torch.save(state, tmp_path / "x.pth", _use_new_zipfile_serialization=new_format)
    with pytest.raises(ModelError, match=said):
        read_torch_file(tmp_path / "x.pth", ["w"])


def test_a_storage_that_is_cut_short_or_goes_too_far_is_refused(tmp_path):
    torch.save({"w": torch.zeros(3)}, tmp_path / "x.pth")
    with zipfile.ZipFile(tmp_path / "x.pth") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    (storage,) = (name for name in members if "/data/" in name)
    for content in (bytes(8), bytes(16)):
        with zipfile.ZipFile(tmp_path / "y.pth", "w") as archive:
            for name, old in members.items():
                archive.writestr(name, content if name == storage else old)
        with pytest.raises(ModelError, match="instead of 12: damaged"):
            read_torch_file(tmp_path / "y.pth", ["w"])


def test_a_bomb_is_refused_before_it_inflates(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x/data.pkl", bytes(64 << 20))
    with pytest.raises(ModelError, match="inflates to more than"):
        read_torch_file(tmp_path / "x.pth", ["w"])


@pytest.fixture(scope="module")
def whole_files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    for name, new_format in (("new.pth", True), ("old.pth", False)):
        torch.save({"w": torch.ones(3)}, folder / name, _use_new_zipfile_serialization=new_format)
    return [(folder / "new.pth").read_bytes(), (folder / "old.pth").read_bytes()]


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_damaged_pth_files_end_in_model_errors(data, whole_files, tmp_path_factory):
    folder = tmp_path_factory.mktemp("damaged")
    whole = data.draw(st.sampled_from(whole_files))
    damaged = bytearray(whole[: data.draw(st.integers(0, len(whole)))])
    for _ in range(data.draw(st.integers(0, 3))):
        if damaged:
            damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    (folder / "x.pth").write_bytes(damaged)
    try:
        found = read_torch_file(folder / "x.pth", ["w"])
    except ModelError as error:
        said = str(error)
    else:
        said = "x.pth"
        assert all(tensor.dtype == torch.float32 for tensor in found.values())
    assert "x.pth" in said


def test_many_tensors_of_one_large_storage_are_refused(tmp_path):
    """Each would be a copy: 64 MiB in the file, gigabytes in memory."""
    path = tmp_path / "shared.pth"
    whole = torch.zeros(16 << 20)
    names = [f"w{number}" for number in range(8)]
    torch.save({name: whole[:] for name in names}, path)  # noqa: C420 - views, each a tensor of its own
    with pytest.raises(ModelError, match="take more than 268435456 bytes"):
        read_torch_file(path, names)
