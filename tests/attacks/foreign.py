"""Weights of other programs: files that request code or gigabytes, or contain invalid tensors."""

import io
import os
import pickle
import struct
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from attacks.attack import Attack
from attacks.material import file
from models.official_oracle import save_official

Content = bytes | Callable[[], bytes]


def attacks() -> Iterator[Attack]:
    """All of them."""
    yield from _globals()
    yield from _pickle_programs()
    yield from _archives()
    yield from _arrays()
    yield from _vgg19()
    yield from _places()


def _npz_case(name: str, about: str, content: Content, says: str, **more) -> Attack:
    command = ("weights", "convert", "upscale.npz", "-o", "out/model")
    return Attack(f"npz-{name}", about, file("upscale.npz", content), command, 4, f"upscale.npz.*({says})", **more)


def _globals() -> Iterator[Attack]:
    calls = {
        "os-system": ("os", "system", "touch out/pwned"),
        "posix-system": ("posix", "system", "touch out/pwned"),
        "builtins-eval": ("builtins", "eval", "open('out/pwned', 'w')"),
        "builtins-exec": ("builtins", "exec", "open('out/pwned', 'w')"),
        "subprocess": ("subprocess", "Popen", "touch out/pwned"),
        "runpy": ("runpy", "run_path", "evil.py"),
        "numpy-load": ("numpy", "load", "evil.npy"),
        "numpy-runstring": ("numpy.testing._private.utils", "runstring", "1"),
        "torch-load": ("torch", "load", "evil.pth"),
        "functools-partial": ("functools", "partial", "print"),
        "dotted-name": ("numpy", "core.multiarray.os.system", "touch out/pwned"),
        "codecs-decode": ("_codecs", "decode", "x"),
        "importlib": ("importlib", "import_module", "antigravity"),
        "long-name": ("m" * 50_000, "n" * 50_000, "x"),
        "newline-in-name": ("os\x1b[2J", "system\u2028", "x"),
    }
    for name, (module, attribute, argument) in calls.items():
        about = f"an official .npz that calls {module[:30]}.{attribute[:30]}".replace("\x1b", "").replace("\u2028", "")
        yield _npz_case(f"global-{name}", about, partial(_npz, _call(module, attribute, argument)), "refused|damaged")
    evil = b"\x80\x02(S'touch out/pwned'\nios\nsystem\n."
    yield _npz_case(
        "inst", "the opcode INST, a call by name", partial(_npz, evil), "pickle opcode (INST|STRING).*nothing was run"
    )
    yield _npz_case("obj", "the step OBJ", partial(_npz, b"\x80\x02(cos\nsystem\nX\x01\0\0\0ao."), "pickle opcode OBJ")
    yield _npz_case(
        "newobj", "the step NEWOBJ", partial(_npz, b"\x80\x02cnumpy\nndarray\n)\x81."), "pickle opcode NEWOBJ"
    )
    yield _npz_case("extension", "the step EXT1", partial(_npz, b"\x80\x02\x82\x01."), "pickle opcode EXT1")
    yield _npz_case(
        "persistent", "a persistent id", partial(_npz, b"\x80\x02X\x01\0\0\0aQ."), "pickle opcode BINPERSID"
    )
    yield _npz_case("buffers", "out-of-band buffers", partial(_npz, b"\x80\x05\x97."), "pickle opcode NEXT_BUFFER")


def _pickle_programs() -> Iterator[Attack]:
    text = b"X" + struct.pack("<I", 8 << 20) + b"a" * (8 << 20)
    copies = b"]c_codecs\nencode\nq\x00a" + text + b"q\x01aX\x06\0\0\0latin1q\x02a" + b"h\x00h\x01h\x02\x86Ra" * 2000
    yield _npz_case(
        "copies",
        "8 MiB of text, encoded 2,000 times: 16 GiB",
        partial(_npz, b"\x80\x02" + copies + b"."),
        "multiplies its content",
        mib=200,
    )
    yield _npz_case(
        "array-copies",
        "one array of 8 MiB, whose state is given to 2,000 arrays: 16 GiB",
        partial(_array_copies, 2000, 2 << 20),
        "multiplies its content",
        mib=200,
    )
    gap = b"\x80\x02Nr\xff\xff\xff\x7f."
    yield _npz_case("memo-gap", "one thing remembered as number 2^31: a table of 32 GiB", partial(_npz, gap), "gaps")
    hashed = b"\x80\x02}" + b"))\x86" + b"q\x00h\x00\x86" * 60 + b"Ns."
    yield _npz_case(
        "hash", "a key of tuples of tuples, 2^60 to hash", partial(_npz, hashed), "pickle opcode EMPTY_DICT"
    )
    state = b"\x80\x02c_codecs\nencode\nN}X\x01\0\0\0xNs\x86b."
    yield _npz_case(
        "build", "attributes for what stands for a function", partial(_npz, state), "pickle opcode EMPTY_DICT"
    )
    yield _npz_case("steps", "a million steps", partial(_npz, b"\x80\x02" + b"N" * 1_000_000 + b"."), "200000 opcodes")
    deep = b"\x80\x02" + b"(" * 150_000 + b"N" + b"t" * 150_000 + b"."
    yield _npz_case("deep", "tuples nested 150,000 deep", partial(_npz, deep), "opcodes|does not hold|damaged")
    lists = b"\x80\x02]q\x00h\x00h\x00a."
    yield _npz_case(
        "contains-itself", "a list that contains itself", partial(_npz, lists), "does not hold|damaged|opcodes"
    )
    yield _npz_case(
        "stack-empty", "more taken from the stack than is there", partial(_npz, b"\x80\x0200R."), "damaged|opcode"
    )
    yield _npz_case("no-stop", "a pickle that does not end", partial(_npz, b"\x80\x02N"), "damaged")
    huge = b"\x80\x05\x8d" + struct.pack("<Q", 2**62) + b"a."
    yield _npz_case("long-text", "a text of 2^62 bytes that is one", partial(_npz, huge), "damaged")
    digits = b"\x80\x02\x8b" + struct.pack("<i", 2**30) + b"1."
    yield _npz_case("long-number", "a number of 2^30 bytes that is one", partial(_npz, digits), "damaged|LONG4")


def _archives() -> Iterator[Attack]:
    pickle_of_one = pickle.dumps([1], protocol=2)
    npy = _npy(pickle_of_one, "(1,)")
    yield _npz_case(
        "bomb", "params.npy of 1 GiB of zeros", partial(_zip, {"params.npy": bytes(1 << 30)}), "refused", slow=True
    )
    yield _npz_case(
        "bomb-lies", "the same that claims 1,000 bytes", partial(_lying_zip, 300 << 20), "no|not|damaged", mib=250
    )
    yield _npz_case(
        "two-members", "two files in it", partial(_zip, {"params.npy": npy, "evil.npy": npy}), "holds 2 files"
    )
    yield _npz_case("no-members", "no file in it", partial(_zip, {}), "holds 0 files")
    yield _npz_case("climbs", "a file called ../params.npy", partial(_zip, {"../params.npy": npy}), "params.npy alone")
    yield _npz_case("twice", "params.npy twice", partial(_twice, npy), "holds 2 files")
    for name, method in (("lzma", zipfile.ZIP_LZMA), ("bzip2", zipfile.ZIP_BZIP2)):
        damaged = partial(_damaged_zip, {"params.npy": npy * 50}, method)
        yield _npz_case(f"{name}-damaged", f"packed with {name}, damaged", damaged, "not an official|damaged|packed")
    yield _npz_case(
        "lzma-4-gib", "LZMA that wants a dictionary of 4 GiB", partial(_lzma_dictionary, npy), "packed|not|damaged"
    )
    yield _npz_case(
        "encrypted", "a member that claims to be encrypted", partial(_flagged, npy, 1), "encrypted|password"
    )
    yield _npz_case(
        "method-99", "a method of packing that nobody knows", partial(_method, npy, 99), "method|compression|packed"
    )
    yield _npz_case("cut", "the first half", lambda: _npz(pickle_of_one)[:-60], "not an official")
    yield _npz_case("noise", "noise", bytes(range(256)) * 10, "not an official")
    yield _npz_case("empty", "no bytes", b"", "not an official")
    yield _npz_case(
        "many-members", "60,000 members", partial(_zip, {str(n): b"" for n in range(60_000)}), "60000 files", seconds=8
    )


def _arrays() -> Iterator[Attack]:
    good = [np.zeros((3, 3, 3, 64), np.float32)]
    yield _npz_case("too-few", "one array", partial(_official, good), "holds 1 arrays")
    yield _npz_case("nan", "NaN", partial(_official, [np.full((2, 2), np.nan, np.float32)]), "not finite")
    yield _npz_case("integers", "integers", partial(_official, [np.zeros((2, 2), np.int64)]), "float32 nor float64")
    yield _npz_case(
        "objects", "an array of objects in the array", partial(_official, [np.array([None, 1], object)]), "float|no "
    )
    yield _npz_case("big-endian", "big-endian floats", partial(_official, [np.zeros((2, 2), ">f4")]), "little-endian")
    yield _npz_case("rank-9", "nine axes", partial(_official, [np.zeros((1,) * 9, np.float32)]), "shape")
    headers = {
        "not-a-dict": "[1, 2]",
        "code": "__import__('os').system('touch out/pwned')",
        "deep": "(" * 9000,
        "long": "{" + " " * 60_000,
        "unclosed": "{'descr': '",
        "indent": "\n  {'a': 1}",
        "huge-shape": "{'descr': '|O', 'fortran_order': False, 'shape': (1000000000000000000000,), }",
        "floats": "{'descr': '<f4', 'fortran_order': False, 'shape': (4,), }",
        "dtype-code": "{'descr': 'O' * 99, 'fortran_order': False, 'shape': (4,), }",
        "long-integers": "{'descr': '|O', 'fortran_order': False, 'shape': (1L,), }",
        "non-ascii": "{'d\xe9scr': 1}",
    }
    for name, header in headers.items():
        content = partial(_zip, {"params.npy": _npy(b"N.", header=header)})
        yield _npz_case(f"header-{name}", f"a .npy header: {name.replace('-', ' ')}", content, "")
    for version in ((0, 0), (3, 0), (9, 9)):
        content = partial(_zip, {"params.npy": _npy(b"N.", "(1,)", version=version)})
        yield _npz_case(f"version-{version[0]}", f".npy of version {version}", content, "")


def _vgg19() -> Iterator[Attack]:
    """Only published files are read, so that each of these is rejected by its hash."""

    def case(name: str, about: str, path: str, content: Content, says: str = "not a published file", **more) -> Attack:
        command = ("weights", "get", "vgg19", "--from", path)
        return Attack(f"vgg19-{name}", about, file(path, content), command, 4, f"{path}.*({says})", **more)

    evil = _call("os", "system", "touch out/pwned")
    yield case("pickle", "a .pth that runs a command", "v.pth", evil)
    yield case("zip-pickle", "a zipped .pth that runs a command", "v.pth", partial(_zip, {"a/data.pkl": evil}))
    yield case("zip-two", "two data.pkl", "v.pth", partial(_zip, {"a/data.pkl": evil, "b/data.pkl": evil}))
    bomb = partial(_zip, {"a/data.pkl": bytes(300 << 20)})
    yield case("zip-bomb", "a data.pkl of 300 MB", "v.pth", bomb, slow=True)
    yield case("noise", "noise", "v.pth", bytes(range(256)) * 10)
    yield case("empty", "no bytes", "v.pth", b"")
    shared = partial(_shared_storage, 16 << 20)
    about = "32 tensors that are each the same 64 MiB: 2 GiB"
    yield case("one-storage", about, "v.pth", shared, mib=400, slow=True)
    mat = b"MATLAB 5.0".ljust(124) + b"\x00\x01IM"
    yield case("mat-empty", "a .mat without variables", "v.mat", mat)
    yield case("mat-cut", "a .mat that ends in a tag", "v.mat", mat + struct.pack("<II", 14, 2**31))
    yield case("mat-hdf5", "an HDF5 .mat", "v.mat", b"MATLAB 7.3".ljust(512))
    for name, dimensions in (("cells", (2**31 - 1, 2**31 - 1)), ("negative", (-1, -1))):
        content = mat + _mat_cell(b"layers", dimensions)
        yield case(f"mat-{name}", f"a cell array of {dimensions}", "v.mat", content)
    packed = partial(_mat_bomb, mat, 2 << 10)
    yield case("mat-bomb", "a variable that inflates to 2 GiB", "v.mat", packed, seconds=15, slow=True)
    yield case("safetensors", "a .safetensors of noise", "v.safetensors", bytes(100), "not a complete|lacks")
    yield case("onnx", "a suffix nobody knows", "v.onnx", b"x" * 100)
    for size, path, what in ((574_673_361, "vgg19-dcbb9e9d.pth", "vgg19"), (12_288, "weights.pt", "dists")):
        command = ("weights", "get", what, "--from", path)
        make = partial(_of_size, path, evil, size)
        about = f"{path} that runs a command, with the name and the size of the published file"
        yield Attack(f"{what}-of-size", about, make, command, 4, f"{path} is not a published file", slow=size > 1e6)


def _of_size(path: str, content: bytes, size: int, folder: Path) -> None:
    (folder / path).write_bytes(content)
    os.truncate(folder / path, size)


def _places() -> Iterator[Attack]:
    for name, make, path, code, says in (
        ("fifo", lambda folder: os.mkfifo(folder / "u.npz"), "u.npz", 4, "u.npz is not a file"),
        ("folder", lambda folder: (folder / "u.npz").mkdir(), "u.npz", 4, "u.npz is not a file"),
        ("missing", lambda folder: None, "u.npz", 2, "There is no u.npz"),
        ("too-long", lambda folder: None, "n" * 300, 4, "nnn"),
        ("link-to-itself", lambda folder: (folder / "u.npz").symlink_to("u.npz"), "u.npz", 4, "u.npz"),
    ):
        about = f"the official file is a {name.replace('-', ' ')}"
        yield Attack(f"npz-{name}", about, make, ("weights", "convert", path, "-o", "out/model"), code, says)
    for path in ("v.pth", "v.mat", "v.safetensors"):
        for name, make in (("fifo", lambda folder, path=path: os.mkfifo(folder / path)),):
            command = ("weights", "get", "vgg19", "--from", path)
            yield Attack(f"vgg19-{name}-{path[2:]}", f"{path} is a {name}", make, command, 4, f"{path} is no")
    command = ("weights", "get", "lpips", "--from", "vgg16.ckpt")
    make = lambda folder: os.mkfifo(folder / "vgg16.ckpt")  # noqa: E731
    yield Attack("lpips-fifo", "LPIPS weights are a FIFO", make, command, 4, "vgg16.ckpt")
    for name, content in (
        ("pickle", _call("os", "system", "touch out/pwned")),
        ("noise", b"\x93" * 99),
        ("empty", b""),
    ):
        make = file("vgg16.ckpt", content)
        yield Attack(f"lpips-{name}", f"LPIPS weights are {name}", make, command, 4, "vgg16.ckpt")
    yield Attack(
        "npz-output-exists",
        "the model's folder holds something",
        lambda folder: (file("upscale.npz", b"x")(folder), file("there/x", b"x")(folder)),
        ("weights", "convert", "upscale.npz", "-o", "there"),
        4,
        "upscale.npz",
    )


def _call(module: str, attribute: str, argument: str) -> bytes:
    """A pickle of protocol 4 that calls ``module.attribute(argument)``."""

    def text(value: str) -> bytes:
        content = value.encode()
        return b"X" + struct.pack("<I", len(content)) + content

    return b"\x80\x04" + text(module) + text(attribute) + b"\x93" + text(argument) + b"\x85R."


def _npy(content: bytes, shape: str = "(1,)", *, header: str | None = None, version: tuple[int, int] = (1, 0)) -> bytes:
    text = header or f"{{'descr': '|O', 'fortran_order': False, 'shape': {shape}, }}"
    head = text.encode("latin-1") + b"\n"
    length = struct.pack("<H" if version == (1, 0) else "<I", len(head))
    return b"\x93NUMPY" + bytes(version) + length + head + content


def _npz(program: bytes) -> bytes:
    return _zip({"params.npy": _npy(program)})


def _zip(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def _damaged_zip(members: dict[str, bytes], method: int) -> bytes:
    content = bytearray(_zip(members, method))
    for at in range(60, 90):
        content[at] ^= 0x5A
    return bytes(content)


def _lying_zip(size: int) -> bytes:
    """Both headers claim 1,000 bytes."""
    return _zip({"params.npy": bytes(size)}).replace(struct.pack("<I", size), struct.pack("<I", 1000))


def _lzma_dictionary(content: bytes) -> bytes:
    """The LZMA properties at the start of each member: version, their size, one byte, and the dictionary size."""
    packed = _zip({"params.npy": content}, zipfile.ZIP_LZMA)
    at = packed.index(b"params.npy") + len(b"params.npy") + 5
    return packed[:at] + b"\xff\xff\xff\xff" + packed[at + 4 :]


def _flagged(content: bytes, flag: int) -> bytes:
    packed = bytearray(_zip({"params.npy": content}))
    packed[6] |= flag
    packed[packed.index(b"PK\1\2") + 8] |= flag
    return bytes(packed)


def _method(content: bytes, method: int) -> bytes:
    packed = bytearray(_zip({"params.npy": content}))
    packed[8] = packed[packed.index(b"PK\1\2") + 10] = method
    return bytes(packed)


def _twice(content: bytes) -> bytes:
    import warnings

    stream = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w") as archive:
        warnings.simplefilter("ignore")
        archive.writestr("params.npy", content)
        archive.writestr("params.npy", content)
    return stream.getvalue()


def _official(arrays: list[np.ndarray]) -> bytes:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        save_official(Path(folder, "a.npz"), arrays)
        return Path(folder, "a.npz").read_bytes()


def _array_copies(count: int, size: int) -> bytes:
    """One memoised state, assigned to any number of arrays."""
    dtype = b"cnumpy\ndtype\nX\x02\0\0\0f4K\0K\x01\x87R(K\x03X\x01\0\0\0<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"
    data = b"B" + struct.pack("<I", 4 * size) + bytes(4 * size)
    state = b"(K\x01J" + struct.pack("<i", size) + b"\x85" + dtype + b"\x89" + data + b"tq\x01a"
    make = b"cnumpy.core.multiarray\n_reconstruct\nq\x02a" + b"h\x02)Rh\x01ba" * count
    return _npz(b"\x80\x03]" + state + make + b".")


def _shared_storage(count: int) -> bytes:
    """A PyTorch file with the names of VGG19, all of which share one storage of this many floats."""
    import torch

    from srntt.weights._vgg_files import torchvision_names

    stream, whole = io.BytesIO(), torch.zeros(count)
    torch.save(dict.fromkeys(torchvision_names(), whole[:]), stream)
    return stream.getvalue()


def _mat_cell(name: bytes, dimensions: tuple[int, int]) -> bytes:
    def element(kind: int, data: bytes) -> bytes:
        return struct.pack("<II", kind, len(data)) + data + bytes(-len(data) % 8)

    head = element(6, struct.pack("<II", 1, 0)) + element(5, struct.pack("<ii", *dimensions)) + element(1, name)
    return struct.pack("<II", 14, len(head)) + head


def _mat_bomb(head: bytes, mebibytes: int) -> bytes:
    import zlib

    packer = zlib.compressobj(9)
    begin = struct.pack("<II", 14, 2**31 - 8) + struct.pack("<II", 6, 2**31 - 32)
    packed = packer.compress(begin) + b"".join(packer.compress(bytes(2**20)) for _ in range(mebibytes)) + packer.flush()
    return head + struct.pack("<II", 15, len(packed)) + packed
