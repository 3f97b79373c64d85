"""safetensors files to models: header, metadata, config, tensors."""

import copy
import json
import os
import struct
import tempfile
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports(include=["srntt"]):
    from srntt.models import load_model
    from srntt.upscale import References

from attacks.material import tiny_model
from fuzz.harness import fuzz

_FOLDER = tempfile.TemporaryDirectory(prefix="fuzz-")
_WHOLE = tiny_model(Path(_FOLDER.name)).read_bytes()
_LENGTH = int.from_bytes(_WHOLE[:8], "little")
_DATA = _WHOLE[8 + _LENGTH :]
_ABOUT: dict[str, Any] = {"format": "srntt-references", "version": 1, "fingerprint": "f"}
_ABOUT["references"] = [[0, "a", 4, 4, [[1, 0, 0], [0, 1, 0]], ["m"]]] * 2
_MAPS = {f"{n}.m": {"dtype": "F32", "shape": [1, 1, 1], "data_offsets": [4 * n, 4 * n + 4]} for n in range(2)}
_REAL = (  # header, the key of what is JSON in it, and the tensors
    (json.loads(_WHOLE[8 : 8 + _LENGTH]), "config", _DATA),
    ({"__metadata__": {"references": json.dumps(_ABOUT)}, **_MAPS}, "references", bytes(8)),
)


def model_file(data: bytes) -> None:
    """The first byte selects: raw bytes, a raw header before real tensors, or a manipulated real header."""
    how, rest = (data[0] if data else 0), data[1:]
    if how < 40:
        file = rest
    elif how < 100:
        file = struct.pack("<Q", len(rest)) + rest + _DATA
    else:
        file = _tampered(atheris.FuzzedDataProvider(rest), _REAL[how % 2])
    path = Path(_FOLDER.name, "it.safetensors")
    path.write_bytes(file)
    (References.load if how % 2 else load_model)(path)


def _tampered(provider: atheris.FuzzedDataProvider, real: tuple[dict[str, Any], str, bytes]) -> bytes:
    """A real header in which up to four values, of it or of the JSON in its metadata, are changed or removed."""
    header, key, data = copy.deepcopy(real[0]), *real[1:]
    inner = json.loads(header["__metadata__"][key])
    for _ in range(provider.ConsumeIntInRange(1, 4)):
        _tamper(provider, inner if provider.ConsumeProbability() < 0.7 else header)
    if isinstance(header.get("__metadata__"), dict):
        header["__metadata__"][key] = json.dumps(inner)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def _tamper(provider: atheris.FuzzedDataProvider, place: Any) -> None:
    while isinstance(place, dict | list) and place:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = keys[provider.ConsumeIntInRange(0, len(keys) - 1)]
        if isinstance(place[key], dict | list) and place[key] and provider.ConsumeProbability() < 0.8:
            place = place[key]
        elif provider.ConsumeProbability() < 0.2:
            del place[key]
            return
        else:
            place[key] = _value(provider)
            return


def _value(provider: atheris.FuzzedDataProvider) -> Any:
    match provider.ConsumeIntInRange(0, 7):
        case 0:
            return provider.ConsumeInt(8)
        case 1:
            return provider.ConsumeFloat()
        case 2:
            return provider.ConsumeUnicode(20)
        case 3:
            return [provider.ConsumeIntInRange(-2, 70) for _ in range(provider.ConsumeIntInRange(0, 5))]
        case 4:
            return {provider.ConsumeUnicodeNoSurrogates(5): provider.ConsumeIntInRange(0, 9)}
        case 5:
            return provider.PickValueInList([None, True, False, 10**400, -1, "F32", "I64", "lite", "paper", [[1.0]]])
        case _:
            return provider.ConsumeIntInRange(0, 70)


def _seeds() -> list[bytes]:
    texts = [json.dumps(header).encode() for header, _, _ in _REAL]
    return [bytes([how]) + text for how in (0, 41, 50, 101, 102) for text in (*texts, b"{}", bytes(range(256)))]


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    fuzz(model_file, _seeds())
