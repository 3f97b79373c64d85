"""Foreign weights: the official .npz, and the pickles in it; .pth and .mat of VGG19; Flax' pickles."""

import io
import pickle
import struct
import tempfile
import zipfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["srntt", "zipfile", "pickletools"]):
    from srntt.models.paper._official import read_official
    from srntt.weights._flax_file import read_flax_parameters
    from srntt.weights._mat_file import read_mat
    from srntt.weights._torch_file import read_torch_file

import numpy as np
import torch
from fuzz.harness import fuzz

_FOLDER = tempfile.TemporaryDirectory(prefix="fuzz-")
_HEADER = b"{'descr': '|O', 'fortran_order': False, 'shape': (2,), }\n"


def official_npz(data: bytes) -> None:
    """The first byte says what the rest is: a file, or what is inside one, so that most inputs get that far."""
    how, content = data[:1], data[1:]
    path = Path(_FOLDER.name, "it")
    kind = (how[0] if how else 0) % 8
    if kind == 0:  # the whole file
        path.write_bytes(content)
        read_official(path)
    elif kind in (1, 2):  # params.npy, or the pickle in it
        path.write_bytes(_zipped("params.npy", content if kind == 1 else _npy(content)))
        read_official(path)
    elif kind in (3, 4):  # a .pth as it is, or the data.pkl of a zipped one
        path.write_bytes(content if kind == 3 else _zipped("a/data.pkl", content))
        read_torch_file(path, ["w"])
    elif kind == 5:
        path.write_bytes(b"MATLAB".ljust(124) + b"\x00\x01IM" + content)
        read_mat(path, "layers")
    else:
        path.write_bytes(content)
        read_flax_parameters(path)


def _npy(content: bytes) -> bytes:
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(_HEADER)) + _HEADER + content


def _zipped(name: str, content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(name, content)
    return stream.getvalue()


def _seeds() -> list[bytes]:
    arrays = np.empty(2, object)
    arrays[:] = [np.ones((2, 3), np.float32), np.zeros(2)]
    pickles = [pickle.dumps(arrays, protocol=protocol) for protocol in (2, 3, 4)]
    streams = [io.BytesIO(), io.BytesIO()]
    for stream, zipped in zip(streams, (True, False), strict=True):
        torch.save({"w": torch.ones(2, 3)}, stream, _use_new_zipfile_serialization=zipped)
    zipped, legacy = (stream.getvalue() for stream in streams)
    with zipfile.ZipFile(io.BytesIO(zipped)) as archive:
        program = archive.read(next(name for name in archive.namelist() if name.endswith("data.pkl")))
    flax = pickle.dumps({"params": {"w": np.ones((2, 2), np.float32)}})
    mat = (
        struct.pack("<IIIIII", 14, 64, 6, 8, 6, 0)
        + struct.pack("<IIii", 5, 8, 1, 1)
        + struct.pack("<II6sxx", 1, 6, b"layers")
    )
    return [
        b"\0" + _zipped("params.npy", _npy(pickles[0])),
        *(b"\1" + _npy(content) for content in pickles),
        *(b"\2" + content for content in pickles),
        b"\3" + legacy,
        b"\3" + zipped,
        b"\4" + program,
        b"\5" + mat + struct.pack("<IId", 9, 8, 1.0),
        b"\6" + flax,
    ]


if __name__ == "__main__":
    fuzz(official_npz, _seeds())
