"""Names and paths: special files, links, and names that a terminal or a file system may misinterpret."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from attacks.attack import Attack
from attacks.material import harmless, whole, with_model

_SMALL = ("--model", "tiny.safetensors")
_E_COMPOSED, _E_APART = "caf\u00e9", "cafe\u0301"
_QUICK = ("newline", "not-utf-8", "255-bytes", "up", "absolute", "link", "linked-folder")
_LONG = "n" * 251 + ".png"  # 255 bytes, the most that Linux's file systems hold


def attacks() -> Iterator[Attack]:
    """All of them."""
    yield from _no_files()
    yield from _odd_names()
    yield from _outputs()
    yield from _batches()
    yield from _batch_escapes()


def _no_files() -> Iterator[Attack]:
    makers: dict[str, tuple[Callable[[Path], object], str, int, str]] = {
        "fifo": (_fifo("it.png"), "it.png", 1, "it.png: is a FIFO"),
        "folder": (_folder("it.png"), "it.png", 1, "it.png: is a folder"),
        "link-to-itself": (_link("it.png", "it.png"), "it.png", 1, "it.png: cannot be opened: Too many levels"),
        "link-to-nothing": (_link("it.png", "gone.png"), "it.png", 2, "There is no it.png"),
        "link-to-zeros": (_link("it.png", "/dev/zero"), "it.png", 1, "it.png: is a character device"),
        "standard-input": (_nothing, "/dev/stdin", 1, "/dev/stdin: is a character device"),
        "memory-of-itself": (_nothing, "/proc/self/mem", 1, "/proc/self/mem: is empty"),
        "kernel-log": (_nothing, "/proc/kmsg", 1, "/proc/kmsg: "),
        "too-long": (_nothing, "n" * 300 + ".png", 1, "cannot be opened: File name too long"),
        "nul": (_nothing, "a\0b.png", 2, "There is no a.x00b.png"),
        "empty-name": (_nothing, "", 1, "is a folder"),
    }
    for name, (make, path, code, says) in makers.items():
        command = ("upscale", path, "-o", "out/x.png", *_SMALL)
        yield Attack(f"input-{name}", f"the input is a {name.replace('-', ' ')}", with_model(make), command, code, says)
        if name in ("fifo", "folder", "link-to-itself", "too-long"):
            sidecars = ("upscale", "a.png", "--ref", path, "-o", "out/x.png", *_SMALL)
            made = with_model(make, _pictures("a.png"))
            expected = (2, "it.png: this folder contains no pictures") if name == "folder" else (code, says)
            yield Attack(f"reference-{name}", f"the reference is a {name}", made, sidecars, *expected)
    model = {
        "fifo": (_fifo("m.safetensors"), "m.safetensors", "m.safetensors is not a regular file"),
        "folder": (_folder("m.safetensors"), "m.safetensors", "m.safetensors/model.safetensors: No such file"),
        "link-to-itself": (_link("m.safetensors", "m.safetensors"), "m.safetensors", "m.safetensors"),
        "too-long": (_nothing, "n" * 300, "nnn"),
        "too-long-path": (_nothing, "n/" * 3000, "n/n"),
        "nul": (_nothing, "a\0b", "a.x00b"),
        "device": (_nothing, "/dev/zero", "/dev/zero is not a regular file"),
        "config-fifo": (_model_with_fifo, "m", "m/config.json"),
    }
    for name, (make, path, says) in model.items():
        command = ("upscale", "a.png", "-o", "out/x.png", "--model", path)
        made = with_model(_pictures("a.png"), make)
        yield Attack(f"model-{name}", f"the model is a {name.replace('-', ' ')}", made, command, 4, says)


def _odd_names() -> Iterator[Attack]:
    odd = {
        "newline": ("a\nsrntt: all is well.png", r"80x64"),
        "escape-sequences": ("\x1b[2J\x1b]0;title\x07.png", r"80x64"),
        "right-to-left": ("\u202egnp.exe.png", r"80x64"),
        "not-utf-8": (os.fsdecode(b"\xff\xfe.png"), r"80x64"),
        "255-bytes": (_LONG, r"80x64"),
        "dashes": ("./--overwrite.png", r"80x64"),
        "percent-and-braces": ("%s{0}$(touch pwned)`id`.png", r"80x64"),
        "markup": ("[red]bold[red].png", r"80x64"),
    }
    for name, (path, says) in odd.items():
        command = ("upscale", path, "-o", "out/x.png", *_SMALL)
        about = f"a picture whose name has {name.replace('-', ' ')}"
        yield Attack(
            f"name-{name}",
            about,
            with_model(_pictures(path)),
            command,
            0,
            says,
            ("x.png",),
            12,
            300,
            name not in _QUICK,
        )
        broken = with_model(lambda folder, path=path: (folder / path).write_bytes(b"nothing"))
        shown = {
            "newline": r"a\\?.?n?.*srntt: all is well.png: is not a picture",
            "255-bytes": "n{251}.png: is not a picture",
        }
        reported = f"(?s){shown.get(name, 'is not a picture')}"
        yield Attack(f"name-{name}-broken", f"{about}, and is none", broken, command, 1, reported)
    yield Attack(
        "name-255-bytes-default-output",
        "255 bytes of name, to which _x4 cannot be added",
        with_model(_pictures(_LONG)),
        ("upscale", _LONG, *_SMALL),
        2,
        "File name too long",
    )
    for name, path in (("newline", "a\nb.png"), ("not-utf-8", os.fsdecode(b"\xff.png"))):
        command = ("upscale", path, "-o", f"out/{path}", *_SMALL, "--json")
        make = with_model(_pictures(path))
        yield Attack(f"json-{name}", f"a {name} in JSON", make, command, 0, r"^\{", (path,), 12, 300)


def _outputs() -> Iterator[Attack]:
    def case(name: str, about: str, output: str, says: str, *makers: Callable[[Path], object], code: int = 2) -> Attack:
        make = with_model(_pictures("a.png"), *makers)
        return Attack(f"output-{name}", about, make, ("upscale", "a.png", "-o", output, *_SMALL), code, says)

    yield case("fifo", "the output is a FIFO", "f.png", "f.png: is a folder or a special file", _fifo("f.png"))
    yield case("exists", "the output is there", "b.png", "b.png: exists already", _pictures("b.png"))
    yield case("is-the-input", "the output is the input", "a.png", "a.png: exists already")
    yield case("link-out", "the output is a link to a file", "l.png", "l.png: exists already", _link("l.png", "a.png"))
    yield case("no-folder", "a folder that is not there", "none/x.png", "the folder none does not exist")
    yield case("below-a-file", "a folder that is a file", "a.png/x.png", "a.png/x.png: ")
    yield case("too-long", "256 bytes of name", "out/" + "n" * 252 + ".png", "File name too long")
    yield case("nul", "a NUL in the name", "out/a\0b.png", "a.*x00b.png")
    yield case("suffix", "a name that ends in .exe", "out/x.exe", "names no format")
    yield case("device", "the output is /dev/null", "/dev/null", "null: ")
    yield Attack(
        "output-link-is-replaced",
        "--overwrite on a link to a file elsewhere: the link goes, the file stays",
        with_model(_pictures("a.png", "precious.png"), _link("out/l.png", "../precious.png")),
        ("upscale", "a.png", "-o", "out/l.png", "--overwrite", *_SMALL),
        0,
        "80x64",
        ("l.png",),
        12,
        300,
    )
    for option in ("--map", "--provenance"):
        path = "p.png" if option == "--map" else "p.npz"
        command = ("upscale", "a.png", "--ref", "b.png", "-o", "out/x.png", option, path, *_SMALL)
        make = with_model(_pictures("a.png", "b.png"), _fifo(path))
        yield Attack(f"output{option}-fifo", f"{option} is a FIFO", make, command, 2, f"{path}: (is|exists)")


def _batches() -> Iterator[Attack]:
    def case(name: str, about: str, code: int, says: str, writes: tuple[str, ...], *makers, more: tuple = ()) -> Attack:
        command = ("batch", "in", "-o", "out", *_SMALL, *more)
        return Attack(f"batch-{name}", about, with_model(*makers), command, code, says, writes, 12, 300)

    good = _pictures("in/good.png")
    yield case("fifo", "a FIFO among the pictures", 1, "in/it.png: is a FIFO", ("good.png",), good, _fifo("in/it.png"))
    yield case("folder", "a folder called .png", 0, "1 ", ("good.png",), good, _folder("in/it.png"))
    loop = _link("in/it.png", "it.png")
    yield case("link-to-itself", "a link to itself", 1, "it.png: cannot be opened", ("good.png",), good, loop)
    circle = _link("in/round", "../in")
    yield case("circle", "a folder that leads back", 0, "round", ("good.png",), good, circle, more=("--recursive",))
    twins = _pictures(f"in/{_E_COMPOSED}.png", f"in/{_E_APART}.png")
    twin_names = (f"{_E_APART}.png", f"{_E_COMPOSED}-2.png")
    yield case("nfc-and-nfd", "two names that differ in how an accent is written", 0, "2 ", twin_names, twins)
    cases = _pictures("in/a.png", "in/A.png")
    yield case("upper-and-lower", "two names that differ in case", 0, "2 ", ("A.png", "a-2.png"), cases)
    odd = ("a\nb.png", "\x1b[2J.png", os.fsdecode(b"\xff.png"), _LONG)
    yield case("odd-names", "newline, escapes, no UTF-8, 255 bytes", 0, "4 ", odd, _pictures(*(f"in/{n}" for n in odd)))
    broken = dict.fromkeys(odd, b"nothing")
    yield case(
        "odd-names-broken",
        "the same, and no pictures",
        1,
        "is not a picture",
        ("good.png",),
        good,
        _files("in", broken),
    )
    deep = "/".join(["d"] * 100)
    yield case(
        "deep",
        "100 folders, one in another",
        0,
        "1 ",
        (f"{deep}/x.png",),
        _pictures_deep(f"in/{deep}/x.png"),
        more=("--recursive",),
    )
    yield case(
        "no-room-for-suffix",
        "255 bytes of name of a 16-bit JPEG name that must become .png",
        0,
        "1 ",
        ("n" * 251 + ".png",),
        lambda folder: _files("in", {"n" * 251 + ".bmp": whole("PNG 16")})(folder),
    )


def _batch_escapes() -> Iterator[Attack]:
    def case(name: str, about: str, line: str, says: str, code: int = 1) -> Attack:
        make = with_model(
            _pictures("in/a.png", "in/good.png", "refs/good.png", "secret.png", "refs/inner/b.png"),
            _link("refs/link.png", "../secret.png"),
            _link("refs/away", ".."),
            _files("refs", {"a.refs.txt": line.encode("utf-8", "surrogateescape")}),
        )
        command = ("batch", "in", "--refs", "refs", "-o", "out", *_SMALL)
        return Attack(f"list-{name}", about, make, command, code, says, ("good.png",), 12, 300, name not in _QUICK)

    yield case("up", "a list of references that names ../secret.png", "../secret.png", "is outside")
    yield case("inner-up", "the same by way of a folder", "inner/../../secret.png", "is outside")
    yield case("absolute", "an absolute path", "/etc/hostname.png", "is outside")
    yield case("drive", "a path on a drive", "C:\\secret.png", "is outside")
    yield case("link", "a link that leads out", "link.png", "is outside")
    yield case("linked-folder", "a folder that is a link that leads out", "away/secret.png", "is outside")
    yield case("nul", "a NUL", "a\0b.png", "is outside")
    yield case("no-picture", "a file that is no picture", "a.refs.txt", "not a picture")
    yield case("missing", "a file that is not there", "none.png", "none.png")
    yield case("too-long", "a name of 5,000 bytes", "n" * 5000 + ".png", "File name too long|n.png")
    yield case("not-utf-8", "bytes that are no UTF-8", os.fsdecode(b"\xff\xfe.png"), "not text in UTF-8")
    yield case("huge", "a list of 2 MB", "good.png\n" * 250_000, "limit is 1,048,576")
    yield Attack(
        "batch-output-link-out",
        "a folder of the outputs is a link that leads out of it",
        with_model(_pictures("in/sub/a.png", "in/good.png"), _folder("elsewhere"), _link("out/sub", "../elsewhere")),
        ("batch", "in", "-o", "out", "--recursive", *_SMALL),
        1,
        "a place outside out",
        ("good.png", "sub"),
        12,
        300,
    )
    for name in ("", "/unfinished"):
        yield Attack(
            f"batch-state-link-out{name.replace('/', '-')}",
            "srntt's own folder among the outputs is a link that leads out of it",
            with_model(
                _pictures("in/good.png"),
                _folder("elsewhere"),
                _link(f"out/.srntt-batch{name}", "../" * (1 + bool(name)) + "elsewhere"),
            ),
            ("batch", "in", "-o", "out", *_SMALL),
            2,
            "is a link, but srntt needs a folder of this name",
            () if name else (".srntt-batch",),
        )


def _nothing(folder: Path) -> None:
    pass


def _pictures(*names: str) -> Callable[[Path], None]:
    return lambda folder: harmless(folder, *names)


def _pictures_deep(name: str) -> Callable[[Path], None]:
    return lambda folder: harmless(folder, name)


def _files(inner: str, contents: dict[str, bytes]) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        (folder / inner).mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            (folder / inner / name).write_bytes(content)

    return make


def _fifo(name: str) -> Callable[[Path], None]:
    return lambda folder: os.mkfifo(folder / name)


def _folder(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).mkdir(parents=True)


def _link(name: str, to: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).symlink_to(to)

    return make


def _model_with_fifo(folder: Path) -> None:
    (folder / "m").mkdir()
    (folder / "m/model.safetensors").write_bytes((folder / "tiny.safetensors").read_bytes())
    os.mkfifo(folder / "m/config.json")
