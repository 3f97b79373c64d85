"""Files of libraries that somebody else made."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from attacks.attack import Attack
from attacks.material import file, harmless
from PIL import Image

from srntt.errors import SrnttError
from srntt.library import Library

_FILE = "l.sqlite"
_MUTATED = 60
_FIND = ("library", "find", "small.png", "--library-file", _FILE)


def attacks() -> Iterator[Attack]:
    """All of them."""
    yield from _other_files()
    yield from _other_tables()
    yield from _hostile_rows()
    about, says = f"{_MUTATED} libraries with bytes that somebody changed", f"{_MUTATED} libraries: [1-9]\\d* refused"
    command = ("attacks.libraries:mutated",)
    yield Attack("library-mutated", about, _with("SELECT 1"), command, 0, says, seconds=90, mib=300)


def _other_files() -> Iterator[Attack]:
    def case(name: str, about: str, make: Callable[[Path], object], says: str) -> Iterator[Attack]:
        def both(folder: Path) -> None:
            harmless(folder, "small.png", "photographs/a.png")
            make(folder)

        add = ("library", "add", "photographs", "--library-file", _FILE)
        yield Attack(f"library-{name}", about, both, _FIND, 2, says)
        yield Attack(f"library-{name}-add", f"{about}, to which photographs are added", both, add, 2, says)

    yield from case("noise", "noise", file(_FILE, b"\xff\xfe\0" * 9999), "l.sqlite: is not an SQLite file")
    yield from case("header", "a header alone", file(_FILE, b"SQLite format 3\0"), "l.sqlite: is not an SQLite file")
    yield from case("fifo", "a FIFO", lambda folder: os.mkfifo(folder / _FILE), "l.sqlite: is not a regular file")
    yield from case("folder", "a folder", lambda folder: (folder / _FILE).mkdir(), "l.sqlite")
    yield from case("foreign", "another program's database", _foreign, "l.sqlite: is an SQLite file of another program")
    yield from case("damaged", "pages of noise", _damaged, "l.sqlite: the library is damaged")


def _foreign(folder: Path) -> None:
    connection = sqlite3.connect(folder / _FILE)
    connection.execute("CREATE TABLE precious (text)")
    connection.close()


def _damaged(folder: Path) -> None:
    Library(folder / _FILE).add([])
    content = (folder / _FILE).read_bytes()
    (folder / _FILE).write_bytes(content[:200] + b"\xff" * (len(content) - 200))


def _other_tables() -> Iterator[Attack]:
    commands = {
        "trigger": "CREATE TRIGGER t AFTER INSERT ON file BEGIN DELETE FROM folder; END",
        "view": "CREATE VIEW v AS SELECT load_extension('evil')",
        "table": "CREATE TABLE more (x)",
        "index": "CREATE INDEX i ON file (abs(size))",
    }
    for name, command in commands.items():
        about = f"a library with a further {name}"
        says = "l.sqlite: has other tables than a library"
        yield Attack(f"library-{name}", about, _with(command), _FIND, 2, says)


def _hostile_rows() -> Iterator[Attack]:
    """Rows that srntt would not write; the picture is found by the harmless part of them."""

    def case(name: str, about: str, command: str, says: str, code: int = 3) -> Attack:
        return Attack(f"library-{name}", about, _with(command), _FIND, code, says, seconds=10, mib=200)

    nothing = "nothing sharper"
    yield case(
        "path-elsewhere", "a path to another file", "UPDATE file SET path = CAST('/etc/passwd' AS BLOB)", "/etc/passwd"
    )
    yield case("path-fifo", "a path to a FIFO", "UPDATE file SET path = CAST('fifo' AS BLOB)", "fifo")
    yield case("path-device", "a path to a device", "UPDATE file SET path = CAST('/dev/zero' AS BLOB)", "/dev/zero")
    yield case("path-nul", "a NUL in a path", "UPDATE file SET path = x'610062'", "a")
    yield case("path-escape", "a path that clears the terminal", "UPDATE file SET path = x'1b5b324a'", nothing)
    yield case("path-long", "a path of a million bytes", "UPDATE file SET path = zeroblob(1000000)", nothing)
    yield case("hash", "another hash", "UPDATE photograph SET sha256 = x'00'", "has changed since it was added")
    yield case("descriptor", "a descriptor of one byte", "UPDATE photograph SET descriptor = x'01'", nothing)
    yield case("zero", "a descriptor of zeros", "UPDATE photograph SET descriptor = zeroblob(384)", nothing)
    yield case("long", "keypoints of a megabyte", "UPDATE keypoints SET packed = randomblob(1000000)", nothing)
    yield case("larger", "keypoints of 9 MB", "UPDATE keypoints SET packed = randomblob(9000000)", "is damaged", 2)
    yield case("size", "a negative size", "UPDATE photograph SET height = -1, width = 1 << 62", nothing)
    yield case("none", "no keypoints", "DELETE FROM keypoints", nothing)


def _with(command: str) -> Callable[[Path], None]:
    """A library of one photograph of which small.png is a reduced part, changed by a command."""

    def make(folder: Path) -> None:
        noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
        large = Image.fromarray(noise).resize((480, 360), Image.Resampling.BICUBIC)
        (folder / "photographs").mkdir()
        large.save(folder / "photographs" / "a.png")
        large.resize((120, 90), Image.Resampling.BICUBIC).save(folder / "small.png")
        os.mkfifo(folder / "fifo")
        Library(folder / _FILE).add([folder / "photographs"])
        connection = sqlite3.connect(folder / _FILE)
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute(command)
        connection.commit()
        connection.close()

    return make


def mutated() -> str:
    """Search libraries in which bytes of pages were changed; add the photographs again."""
    content, random, refused = Path(_FILE).read_bytes(), np.random.default_rng(0), 0
    path = Path(os.environ["TMPDIR"], "mutated.sqlite")
    for number in range(_MUTATED):
        changed = np.frombuffer(content, np.uint8).copy()
        places = random.integers(100, len(changed), 1 + 4 * number)
        changed[places] = random.integers(0, 256, len(places))
        path.write_bytes(changed.tobytes())
        try:
            Library(path).find("small.png")
            Library(path).add(["photographs"])
        except SrnttError:
            refused += 1
    for left in path.parent.glob("mutated.sqlite*"):
        left.unlink()
    return f"{_MUTATED} libraries: {refused} refused, the others used"
