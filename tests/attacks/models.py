"""Model files that are pickles, inconsistent, or unusable by any network."""

import io
import json
import pickle
import struct
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from attacks.attack import Attack
from attacks.material import file, harmless, tiny_model

Header = dict[str, Any]


def attacks() -> Iterator[Attack]:
    """All of them."""
    yield from _pickles()
    yield from _headers()
    yield from _contents()
    yield from _configs()
    yield from _references()


def _case(name: str, about: str, content: bytes | Callable[[], bytes], says: str, suffix: str = ".safetensors", **more):
    path = f"m{suffix}"

    def make(folder: Path) -> None:
        harmless(folder, "a.png")
        file(path, content)(folder)

    command = ("upscale", "a.png", "-o", "out/x.png", "--model", path)
    return Attack(f"model-{name}", about, make, command, 4, f"m{suffix}.*({says})", **more)


class _Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        import os

        return os.system, ("touch out/pwned",)


def _pickles() -> Iterator[Attack]:
    evil = pickle.dumps({"weights": _Evil()})
    for suffix in (".pth", ".pt", ".ckpt", ".bin", ".pkl", ".safetensors"):
        about = f"a pickle that runs a command, called {suffix}"
        yield _case(f"pickle{suffix.replace('.', '-')}", about, evil, "pickle|not loaded", suffix)
    for protocol in range(6):
        yield _case(
            f"pickle-protocol-{protocol}",
            f"a pickle of protocol {protocol}, called .safetensors",
            pickle.dumps({"weights": _Evil()}, protocol=protocol),
            "pickle|not a complete safetensors",
        )
    yield _case("torch-zip", "a PyTorch zip whose data.pkl runs a command", partial(_zip, {"m/data.pkl": evil}), "zip")
    yield _case("numpy-objects", "a NumPy file of objects", partial(_npy, _Evil()), "NumPy")
    yield _case("zip-bomb", "a zip that inflates to 1 GiB", partial(_zip, {"x": bytes(1 << 30)}), "zip", slow=True)


def _headers() -> Iterator[Attack]:
    def raw(header: bytes, data: bytes = b"", length: int | None = None) -> bytes:
        return struct.pack("<Q", len(header) if length is None else length) + header + data

    two = b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    yield _case("empty", "no bytes at all", b"", "claims 0 bytes of 0|not a complete")
    yield _case("seven-bytes", "less than the length of a header", bytes(7), "not a complete safetensors file")
    yield _case(
        "length-2-64", "a header of 2^64 - 1 bytes", raw(b"{}", length=2**64 - 1), "header claims 18446744073709551615"
    )
    yield _case(
        "length-4-gib", "a header of 4 GiB in a sparse file", partial(raw, b"{}", b"", 4 << 30), "header claims"
    )
    yield _case("header-not-json", "a header of noise", raw(b"\xff" * 64), "not a complete safetensors")
    yield _case(
        "header-deep", "a header of 2 million brackets", partial(raw, b"[" * 2_000_000), "not a complete safetensors"
    )
    yield _case(
        "header-deep-metadata",
        "metadata nested a million deep",
        partial(raw, b'{"__metadata__":' + b'{"a":' * 500_000),
        "not a complete",
    )
    yield _case("name-twice", "a name twice", raw(two, bytes(4)), "not a complete|config")
    for name, entry, data in (
        ("overlap", {"a": _entry([2], 0, 8), "b": _entry([2], 4, 12)}, 12),
        ("gap", {"a": _entry([1], 0, 4), "b": _entry([1], 8, 12)}, 12),
        ("beyond-the-end", {"a": _entry([1000], 0, 4000)}, 4),
        ("negative-offset", {"a": _entry([1], -4, 0)}, 4),
        ("shape-overflows", {"a": _entry([2**32, 2**32], 0, 4)}, 4),
        ("shape-2-63", {"a": _entry([2**63], 0, 4)}, 4),
        ("shape-negative", {"a": _entry([-1], 0, 4)}, 4),
        ("shape-lies", {"a": _entry([3], 0, 4)}, 4),
        ("dtype-unknown", {"a": {"dtype": "PICKLE", "shape": [1], "data_offsets": [0, 4]}}, 4),
        ("metadata-not-text", {"__metadata__": {"config": {"a": 1}}}, 0),
    ):
        content = raw(json.dumps(entry).encode(), bytes(data))
        yield _case(
            f"header-{name}", f"a header with {name.replace('-', ' ')}", content, "not a complete safetensors|Fetch"
        )
    many = {f"t{number}": _entry([1], 4 * number, 4 * number + 4) for number in range(50_000)}
    content = partial(_packed_lazily, many, 200_000)
    yield _case("50000-tensors", "50,000 tensors", content, "no config|not a complete|tensors", seconds=8)


def _contents() -> Iterator[Attack]:
    def case(name: str, about: str, says: str, change: Callable[[Header, bytearray], None]) -> Attack:
        return _case(name, about, partial(_changed, change), says)

    yield case("nan", "one weight is NaN", "not finite", partial(_poke, struct.pack("<f", float("nan"))))
    yield case("infinity", "one weight is infinite", "not finite", partial(_poke, struct.pack("<f", float("inf"))))
    for dtype in ("I32", "U8", "BOOL", "BF16", "F64", "F8_E4M3", "U32", "C64"):
        yield case(
            f"dtype-{dtype.lower()}",
            f"a tensor declared as {dtype}",
            "supported:|not a complete|expected",
            partial(_retype, dtype),
        )
    yield case("integer-weights", "int64 where floats belong", "I64|expected", partial(_retype, "I64"))
    yield case("shape-transposed", "a shape whose axes are in another order", "shape", _transpose)
    yield case("tensor-missing", "a tensor that the config implies is not there", "lacks", partial(_drop))
    yield case("tensor-too-many", "a tensor that nobody asked for", "has not", partial(_add, "extra.weight", [2], 8))
    yield case(
        "tensor-1-gib",
        "a tensor of 1 GiB that nobody asked for, in a sparse file",
        "has not|at most|not a complete",
        partial(_add, "extra", [2**18], 2**20),
    )
    yield _case("cut", "the first half of a model", lambda: _model()[: len(_model()) // 2], "not a complete")
    yield Attack(
        "model-sparse-2-gib",
        "a file of 2 GiB that takes no room on the disk",
        _sparse,
        ("upscale", "a.png", "-o", "out/x.png", "--model", "m.safetensors"),
        4,
        "m.safetensors.*(at most|not a complete)",
    )


def _configs() -> Iterator[Attack]:
    def case(name: str, about: str, says: str, **changes: Any) -> Attack:
        return _case(f"config-{name}", about, partial(_with_config, changes), says)

    inner = {"channels": 8, "content_blocks": 1, "transfer_blocks": 1, "descriptor": 8}
    inner |= {"scale": 4, "base": False, "candidates": 3}
    yield case("unknown-key", "a key that no config has", "unknown config keys", config=inner | {"hook": "os.system"})
    yield case(
        "long-key", "an unknown key of 50,000 characters", "unknown config keys", config=inner | {"k" * 50_000: 1}
    )
    yield case("missing-key", "a key too few", "lacks", config={"channels": 8})
    yield case("huge", "2^40 channels", "8..256", config=inner | {"channels": 2**40})
    yield case("negative", "-1 blocks", "0..64", config=inner | {"content_blocks": -1})
    yield case("float", "8.0 channels", "which is no", config=inner | {"channels": 8.0})
    yield case("true", "true channels", "which is no", config=inner | {"channels": True})
    yield case("text", "60,000 characters of channels", "which is no", config=inner | {"channels": "c" * 60_000})
    yield case("list", "a list of channels", "which is no", config=inner | {"channels": [8] * 9000})
    yield case(
        "architecture", "an architecture that is a module to import", "no architecture called", architecture="os"
    )
    yield case(
        "architecture-long", "an architecture of 60,000 characters", "no architecture", architecture="a" * 60_000
    )
    yield case(
        "architecture-object", "an architecture that cannot be hashed", "no architecture", architecture={"a": []}
    )
    yield case("version", "version 3", "A newer srntt", version=3)
    yield case("format-long", "a format of 60,000 characters", "reads", format="f" * 60_000)
    for name, text in (
        ("not-json", "{'a': 1}"),
        ("deep", "[" * 60_000),
        ("digits", "9" * 60_000),
        ("long", " " * 70_000),
        ("null", "null"),
        ("nan", '{"format": NaN}'),
    ):
        yield _case(f"config-{name}", f"a config that is {name}", partial(_with_config_text, text), "config")
    yield Attack(
        "model-two-configs",
        "a folder whose config.json is not the one inside the weights",
        _two_configs,
        ("upscale", "a.png", "-o", "out/x.png", "--model", "m"),
        4,
        "m: config.json and model.safetensors belong to different models",
    )


def _references() -> Iterator[Attack]:
    """Encoded references, which only Python loads."""

    def case(name: str, about: str, change: Callable[[Header], Any]) -> Attack:
        def make(folder: Path) -> None:
            tiny_model(folder)
            (folder / "refs.safetensors").write_bytes(_encoded_references(change))

        says = "refs.safetensors.*(references|not a complete)"
        return Attack(
            f"references-{name}", about, make, ("attacks.models:use_references",), 4, says, seconds=12, mib=300
        )

    def with_first(name: str, value: Any) -> Callable[[Header], Any]:
        return lambda head: head["views"][0].__setitem__(name, value)

    yield case("no-object", "a list in place of the object", lambda head: [])
    yield case("no-references", "nothing about references", lambda head: head.pop("views"))
    yield case("infinite-number", "reference number 1e999", with_first("number", float("inf")))
    yield case("negative-number", "reference number -1", with_first("number", -1))
    yield case("huge-number", "reference number 10^30", with_first("number", 10**30))
    yield case("negative-size", "a height of -5", with_first("height", -5))
    yield case(
        "huge-matrix", "10^400 in the matrix", with_first("to_original", [[10**400, 0, 0], [0, 1, 0], [0, 0, 1]])
    )
    yield case(
        "nan-matrix", "NaN in the matrix", with_first("to_original", [[float("nan"), 0, 0], [0, 1, 0], [0, 0, 1]])
    )
    yield case("flat-matrix", "a matrix of 1 x 1", with_first("to_original", [[1.0]]))
    yield case("no-maps", "no maps", with_first("maps", []))
    yield case("foreign-map", "the name of a map that no model has", with_first("maps", ["x" * 50_000]))
    yield case("deep", "references nested 60,000 deep", lambda head: "[" * 60_000)
    other_shape = case("other-shape", "a map of another shape", lambda head: None)
    yield replace(other_shape, code=2, says="maps that this model does not produce")


def use_references() -> str:
    """The code run by the commands above: load, then upscale with them."""
    from srntt import References, Upscaler

    upscaler = Upscaler.from_pretrained("tiny.safetensors")
    references = References.load("refs.safetensors")
    result = upscaler.upscale(np.zeros((16, 20, 3), np.uint8), references)
    return str(result.array.shape)


def _entry(shape: list[int], begin: int, end: int) -> dict[str, Any]:
    return {"dtype": "F32", "shape": shape, "data_offsets": [begin, end]}


def _model() -> bytes:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        return tiny_model(Path(folder)).read_bytes()


def _unpacked(content: bytes) -> tuple[Header, bytearray]:
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length]), bytearray(content[8 + length :])


def _packed(header: Header, data: bytes) -> bytes:
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def _packed_lazily(header: Header, size: int) -> bytes:
    return _packed(header, bytes(size))


def _changed(change: Callable[[Header, bytearray], None]) -> bytes:
    header, data = _unpacked(_model())
    change(header, data)
    return _packed(header, bytes(data))


def _first(header: Header) -> dict[str, Any]:
    return header[min(name for name in header if name.endswith("weight"))]


def _poke(value: bytes, header: Header, data: bytearray) -> None:
    begin = _first(header)["data_offsets"][0]
    data[begin : begin + 4] = value


def _retype(dtype: str, header: Header, data: bytearray) -> None:
    """Another dtype, and a shape that fits the bytes."""
    size = {"I32": 4, "U8": 1, "BOOL": 1, "BF16": 2, "F64": 8, "F8_E4M3": 1, "U32": 4, "C64": 8, "I64": 8}[dtype]
    entry = _first(header)
    begin, end = entry["data_offsets"]
    entry["dtype"], entry["shape"] = dtype, [(end - begin) // size]


def _transpose(header: Header, data: bytearray) -> None:
    entry = next(entry for name, entry in header.items() if name.endswith("weight") and len(set(entry["shape"])) > 1)
    entry["shape"] = entry["shape"][::-1]


def _drop(header: Header, data: bytearray) -> None:
    last = max((name for name in header if name != "__metadata__"), key=lambda name: header[name]["data_offsets"][1])
    begin = header.pop(last)["data_offsets"][0]
    del data[begin:]


def _add(name: str, shape: list[int], size: int, header: Header, data: bytearray) -> None:
    header[name] = _entry(shape, len(data), len(data) + size)
    data += bytes(size)


def _sparse(folder: Path) -> None:
    harmless(folder, "a.png")
    content = _model()
    with (folder / "m.safetensors").open("wb") as opened:
        opened.write(content)
        opened.truncate(2 << 30)


def _with_config(changes: dict[str, Any]) -> bytes:
    header, data = _unpacked(_model())
    config = json.loads(header["__metadata__"]["config"]) | changes
    header["__metadata__"]["config"] = json.dumps(config)
    return _packed(header, bytes(data))


def _with_config_text(text: str) -> bytes:
    header, data = _unpacked(_model())
    header["__metadata__"]["config"] = text
    return _packed(header, bytes(data))


def _two_configs(folder: Path) -> None:
    harmless(folder, "a.png")
    (folder / "m").mkdir()
    content = _model()
    (folder / "m/model.safetensors").write_bytes(content)
    config = json.loads(_unpacked(content)[0]["__metadata__"]["config"])
    config["config"]["channels"] = 16
    (folder / "m/config.json").write_text(json.dumps(config))


def _encoded_references(change: Callable[[Header], Any]) -> bytes:
    """References of the tiny model with its correct fingerprint, and a manipulated header."""
    import tempfile

    from srntt import Upscaler

    with tempfile.TemporaryDirectory() as place:
        upscaler = Upscaler.from_pretrained(tiny_model(Path(place)), device="cpu")
        picture = np.random.default_rng(0).integers(0, 256, (24, 24, 3), dtype=np.uint8)
        upscaler.encode_references([picture]).save(Path(place, "refs.safetensors"))
        header, data = _unpacked(Path(place, "refs.safetensors").read_bytes())
    head = json.loads(header["__metadata__"]["references"])
    other = change(head)
    if (
        other is None
        and change(json.loads(json.dumps(head))) is None
        and head == json.loads(header["__metadata__"]["references"])
    ):
        name = max((name for name in header if name != "__metadata__"), key=lambda n: len(header[n]["shape"]))
        header[name]["shape"] = [1, int(np.prod(header[name]["shape"]))]
    text = other if isinstance(other, str) else json.dumps(other if isinstance(other, list) and not other else head)
    header["__metadata__"]["references"] = text
    return _packed(header, bytes(data))


def _zip(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def _npy(content: object) -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.array([content], dtype=object), allow_pickle=True)
    return stream.getvalue()
