"""Folders of outputs that another method is said to have written: srntt evaluate --outputs."""

import json
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from attacks.attack import Attack
from attacks.material import file, film, floats, harmless, png_header, png_of_zeros, whole

_COMMAND = ("evaluate", "--data", "data", "--refs", "none", "--report", "out/report", "--outputs")
SIDE = 24  # pixels of harmless targets and outputs
_REPORT = tuple(f"report/report.{suffix}" for suffix in ("csv", "html", "json", "md", "tex"))
_BEGUN = ("report/scored.jsonl",)  # for the run that continues


def attacks() -> Iterator[Attack]:
    """All of them."""
    yield from _files()
    yield from _folders()
    yield from _names()


def _case(
    name: str, about: str, make: Callable[[Path], object], says: str, code: int = 2, given: str = "theirs", **more
) -> Attack:
    def both(folder: Path) -> None:
        harmless(folder, "secret.png")
        _write(folder, "data/a.png")
        (folder / "data/index.json").write_text(json.dumps([{"name": "a", "target": "a.png", "refs": []}]))
        (folder / "theirs").mkdir()
        make(folder)

    return Attack(f"outputs-{name}", about, both, (*_COMMAND, given), code, says, **({"mib": 200} | more))


def _files() -> Iterator[Attack]:
    """What lies in place of an output."""
    for name, about, content, says in (
        ("noise", "noise", b"\xff\xfe\0" * 999, "theirs/a.png: is not a picture"),
        ("empty", "an empty file", b"", "theirs/a.png"),
        ("half", "half of a picture", whole("PNG")[:600], "theirs/a.png"),
        ("bomb", "a header of 60,000 x 60,000 pixels", png_header(60_000, 60_000), "theirs/a.png: .* the limit is"),
        (
            "large",
            "9,000 x 9,000 pixels",
            partial(png_of_zeros, 9000, 9000),
            "theirs/a.png: 9000 x 9000 .* the limit is",
        ),
        ("film", "a film of three frames", partial(film, "GIF"), "theirs/a.png"),
        ("other-size", "another size", partial(png_of_zeros, SIDE, SIDE + 1), f"output is {SIDE}x{SIDE + 1}"),
        ("one-pixel", "one pixel", partial(png_of_zeros, 1, 1), "output is 1x1"),
        ("not-finite", "a TIFF with a sample that is no number", partial(floats, float("nan")), "theirs/a.png"),
    ):
        code = 2 if name in ("other-size", "one-pixel") else 1
        yield _case(name, about, file("theirs/a.png", content), says, code, writes=_BEGUN)
    for name, about, make in (
        ("fifo", "a FIFO", lambda folder: os.mkfifo(folder / "theirs/a.png")),
        ("device", "an endless device", lambda folder: (folder / "theirs/a.png").symlink_to("/dev/zero")),
        ("folder", "a folder", lambda folder: (folder / "theirs/a.png").mkdir()),
        ("dangling", "a link to nothing", lambda folder: (folder / "theirs/a.png").symlink_to("nothing")),
        ("circle", "a link to itself", lambda folder: (folder / "theirs/a.png").symlink_to("a.png")),
    ):
        yield _case(name, f"{about} in place of an output", make, "theirs: a.png cannot be read as a file")


def _folders() -> Iterator[Attack]:
    def many(folder: Path) -> None:
        for number in range(5000):
            (folder / f"theirs/a_{number}.png").touch()

    def escape(folder: Path) -> None:
        for name in ("a_\x1b[2J.png", "a_\n.png"):
            (folder / "theirs" / name).write_bytes(whole("PNG"))

    nothing = lambda folder: None  # noqa: E731
    yield _case("none", "an empty folder", nothing, "no output for 1 of 1 targets")
    yield _case("missing", "a folder that does not exist", nothing, "gone", given="gone")
    yield _case("of-file", "a file", nothing, "secret.png", given="secret.png")
    yield _case(
        "two",
        "two outputs of one target",
        lambda folder: _write(folder, "theirs/a_x.png", "theirs/a_y.png"),
        "a_x.png|a_y.png",
    )
    yield _case("many", "5,000 outputs of one target", many, "a_0.png|theirs")
    yield _case("escape", "names that clear the terminal", escape, "theirs")


def _names() -> Iterator[Attack]:
    """Names that are given to the method, which reports show."""
    make = lambda folder: _write(folder, "theirs/a.png")  # noqa: E731
    for name in ("<script>alert(1)</script>", "../../x", "", "'; DROP TABLE x", "\\input{/etc/passwd}"):
        yield _case(f"name-{name[:9]}", f"a method called {name!r}", make, ".", 0, f"{name}=theirs", writes=_REPORT)
    refused = "cannot be the name of a method"
    for number, name in enumerate(("a" * 10_000, "\x1b[2J", "a\nb", "\udcff")):
        yield _case(f"name-{number}", f"a method called {name[:9]!r}", make, refused, given=f"{name}=theirs")


def _write(folder: Path, *names: str) -> None:
    """Pictures that can be scored."""
    for name in names:
        file(name, partial(png_of_zeros, SIDE, SIDE))(folder)
