"""Third-party weights of unknown origin: the official .npz, and the pickles in it."""

import io
import pickle
import struct
import tempfile
import zipfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["srntt", "zipfile", "pickletools"]):
    from srntt.models.paper._official import read_official

import numpy as np
from fuzz.harness import fuzz

_FOLDER = tempfile.TemporaryDirectory(prefix="fuzz-")
_HEADER = b"{'descr': '|O', 'fortran_order': False, 'shape': (2,), }\n"


def official_npz(data: bytes) -> None:
    """The first byte selects the layer: a file, or its content, so that most inputs reach the reader."""
    how, content = data[:1], data[1:]
    path = Path(_FOLDER.name, "it")
    kind = (how[0] if how else 0) % 3
    if kind == 0:  # the whole file
        path.write_bytes(content)
    else:  # params.npy, or the pickle in it
        path.write_bytes(_zipped("params.npy", content if kind == 1 else _npy(content)))
    read_official(path)


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
    return [
        b"\0" + _zipped("params.npy", _npy(pickles[0])),
        *(b"\1" + _npy(content) for content in pickles),
        *(b"\2" + content for content in pickles),
    ]


if __name__ == "__main__":
    fuzz(official_npz, _seeds())
