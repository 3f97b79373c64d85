"""References that lie in a file: the same picture, and little memory."""

import numpy as np
import pytest
import torch

from srntt.memory import MappedFile, resident_bytes
from srntt.upscale import Upscaler, _encode


@pytest.fixture
def pictures():
    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (2, 12, 16, 3), dtype=np.uint8)
    return list(coarse.repeat(8, 1).repeat(8, 2))


def test_tensors_in_a_file_are_used_like_others_and_leave_memory_when_they_rest():
    file = MappedFile()
    small, large = file.empty(3, 5), file.empty(20_000_000)
    small.fill_(2)
    large.fill_(7)
    held = resident_bytes()
    file.rest()
    assert held - resident_bytes() > 70_000_000
    assert float(small.sum()) == 30
    assert bool((large == 7).all())


def test_a_picture_from_references_in_files_is_the_same(pictures, monkeypatch):
    upscaler = Upscaler.from_pretrained("lite-rec", device="cpu")
    low_res = pictures[0][:48:2, :64:2]
    in_memory = upscaler.encode_references(pictures)
    monkeypatch.setattr(_encode, "_MAPPED", 0.0)
    in_files = upscaler.encode_references(pictures)
    assert [item.file is None for item in (*in_memory, *in_files)] == [True, True, False, False]
    for here, there in zip(in_memory, in_files, strict=True):
        assert here.maps.keys() == there.maps.keys()
        assert all(torch.equal(here.maps[name], there.maps[name]) for name in here.maps)
    first, second = (upscaler.upscale(low_res, references) for references in (in_memory, in_files))
    assert first.array.tobytes() == second.array.tobytes()
    assert in_files.fallbacks == second.fallbacks == ()


def test_without_room_on_the_disk_references_stay_in_memory_and_that_is_reported(pictures, monkeypatch):
    def full(self, *shape):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_encode, "_MAPPED", 0.0)
    monkeypatch.setattr(MappedFile, "empty", full)
    references = Upscaler.from_pretrained("lite-rec", device="cpu").encode_references(pictures[:1])
    assert "encoding: no space for a temporary file (No space left on device), kept in memory" in references.fallbacks


def test_large_references_go_to_a_file_where_memory_is_short(pictures):
    for left, mapped in ((4_000_000_000, False), (550_000_000, True)):
        upscaler = Upscaler.from_pretrained("lite-rec", device="cpu", memory=resident_bytes() + left)
        (item,) = upscaler.encode_references([np.zeros((1400, 1400, 3), np.uint8)])
        assert (item.file is not None) == mapped
