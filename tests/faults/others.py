"""Disappearing files, clocks that are set back, and two processes at once."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from faults.children import Ended, finish, run, start
from faults.fault import Fault, Ground, Trial
from faults.works import FILMS, is_reported, judged, known, leftovers, went_on

_NAMES = ("upscale", "batch", "train", "weights")


def faults() -> Iterator[Fault]:
    """All of them."""
    yield Fault("vanishing", "all: an input disappears between listing and opening, each in turn", _vanishing, 3, 12)
    yield Fault("clock", "all: the clock is set back by an hour at each query", _clock, 4, 4)
    locked, exists = "is being written to by", "exists already"
    twins = {
        "batch": ("two batches in one folder at once", _two("batch", locked, wins=False)),
        "upscale": (
            "two upscales to one name at once, without --overwrite",
            _two("upscale", exists, without="--overwrite", compared=False),
        ),
        "library": ("two processes that add the same folder to one library", _two("library", wins=False)),
        "train": ("two training runs in one folder at once", _two("train", locked, "holds a run already")),
        "video": ("two films to one name at once", _two("video", locked, exists)),
    }
    for name, (about, inject) in twins.items():
        if name != "video" or FILMS:
            yield Fault(f"two-{name}", about, inject, int(name != "train"), 4 if name == "train" else 8)
    about = "a library that another process has locked for 3 s, or for longer than it waits"
    yield Fault("library-locked", about, _locked, 1, 2)
    yield Fault("library-replaced", "a photograph is replaced while a library reads it, each in turn", _replaced, 2, 16)


def _vanishing(ground: Ground, count: int) -> Iterator[Trial]:
    inputs = {"upscale": ["ref.png"], "batch": ["in/b.jpg", "refs/x.png"], "train": ["photographs/1.png"]}
    inputs |= {"weights": ["upscale.npz"]}
    cases = [(name, file) for name, found in inputs.items() for file in found]
    for number in range(count):
        name, file = cases[number % len(cases)]
        work, whole = known(name, ground)
        path = ground.root / "things" / file
        content = path.read_bytes()
        with ground.folder() as folder:
            ended = run(folder, work.begin, lambda path=path: _vanish_when_opened(path))
            path.write_bytes(content)
            facts, lost = judged(work, whole, folder)
            if name == "batch" and file.startswith("refs/"):  # then other references are used, and the output differs
                lost = [text for text in lost if "not what it should be" not in text]
            lost += [] if ended.code in (1, 2, 4) else [f"exit code {ended.code}: {ended.output[-300:]}"]
            lost += is_reported(ended) + [f"left: {name}" for name in leftovers(folder)]
            lost += went_on(work, whole, folder, facts)
        yield Trial("refused by name, the others done; then done again: the same", tuple(lost))


def _vanish_when_opened(path: Path) -> None:
    """The file exists when it is listed and inspected, and is gone when it is opened."""
    import builtins
    import io

    real_os, real = os.open, builtins.open

    def gone(file: object) -> None:
        if isinstance(file, str | bytes | os.PathLike) and os.fsdecode(file) == str(path):
            path.unlink(missing_ok=True)

    def os_open(file, *arguments, **named):
        gone(file)
        return real_os(file, *arguments, **named)

    def opened(file, *arguments, **named):
        gone(file)
        return real(file, *arguments, **named)

    os.open, builtins.open, io.open = os_open, opened, opened  # pyright: ignore


def _locked(ground: Ground, count: int) -> Iterator[Trial]:
    work, whole = known("library", ground)
    for seconds, code, outcome in ((3, 0, "waited, then done"), (40, 2, "refused, then done again: the same"))[:count]:
        with ground.folder() as folder:
            assert run(folder, work.begin).code == 0
            holder = _holding(folder / "out/library.sqlite", seconds)
            ended = run(folder, work.begin)
            holder.communicate()
            facts, lost = judged(work, whole, folder)
            lost += [] if ended.code == code else [f"exit code {ended.code}: {ended.output[-300:]}"]
            lost += [] if code == 0 or "is locked by another process" in ended.output else ["no reason"]
            lost += went_on(work, whole, folder, facts)
        yield Trial(outcome, tuple(lost))


def _holding(path: Path, seconds: int) -> subprocess.Popen[str]:
    """Another program, which has locked a library when this returns, and ends after some seconds."""
    program = (
        "import sqlite3, sys, time; c = sqlite3.connect(sys.argv[1], isolation_level=None); "
        "c.execute('BEGIN IMMEDIATE'); print('locked', flush=True); time.sleep(int(sys.argv[2]))"
    )
    command = [sys.executable, "-c", program, str(path), str(seconds)]
    holder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert holder.stdout
    assert holder.stdout.readline() == "locked\n"
    return holder


def _replaced(ground: Ground, count: int) -> Iterator[Trial]:
    work, whole = known("library", ground)
    photographs = sorted((ground.root / "things/photographs").glob("*.png"))
    other = (ground.root / "things/ref.png").read_bytes()
    for number in range(count):
        path = photographs[number % len(photographs)]
        content, before = path.read_bytes(), path.stat()
        with ground.folder() as folder:
            ended = run(folder, work.begin, lambda path=path, n=number: _replace_while_read(path, other, n // 2))
            named, reported = "changed while it was read" in ended.output, is_reported(ended) if ended.code else []
            path.write_bytes(content)
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
            facts, lost = judged(work, whole, folder)
            # What was read is that of one content or the other, as a whole; the next update finds what is there.
            lost = [text for text in lost if f"{path.name} is not what it should be" not in text]
            lost += reported if named or ended.code == 0 else [f"exit code {ended.code}: {ended.output[-300:]}"]
            os.utime(path)
            lost += went_on(work, whole, folder, facts)
        yield Trial("named" if named else "one content, whole", tuple(lost))


def _replace_while_read(path: Path, content: bytes, calls: int) -> None:
    """The file is overwritten, or replaced, after so many calls about it."""
    inode, counted = path.stat().st_ino, []

    def counting(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(file: Any, *arguments: Any, **named: Any) -> Any:
            if str(file) == str(path) or (isinstance(file, int) and real_fstat(file).st_ino == inode):
                counted.append(name)
                if len(counted) == calls + 1:
                    place = path if calls % 2 else path.with_suffix(".new")
                    place.write_bytes(content)
                    real_replace(place, path)
            return real(file, *arguments, **named)

        return call

    real_fstat, real_replace = os.fstat, os.replace
    for name in ("stat", "open", "fstat", "close"):
        setattr(os, name, counting(name, getattr(os, name)))


def _clock(ground: Ground, count: int) -> Iterator[Trial]:
    for name in _NAMES[:count]:
        work, whole = known(name, ground)
        with ground.folder() as folder:
            ended = run(folder, work.begin, _set_back)
            facts, lost = judged(work, whole, folder)
            lost += [] if ended.code == 0 else [f"exit code {ended.code}: {ended.output[-300:]}"]
            lost += [] if facts == whole.facts else ["other files than undisturbed"]
        yield Trial("done: the same", tuple(lost))


def _set_back() -> None:
    began, asked = time.time(), []

    def earlier() -> float:
        asked.append(1)
        return began - 3600 * len(asked)

    time.time = earlier
    time.time_ns = lambda: int(earlier() * 1e9)


def _both(folder: Path, command: Sequence[str]) -> list[Ended]:
    """Run a command twice at the same time."""
    children = [start(folder, command) for _ in range(2)]
    return [finish(child, folder) for child in children]


def _two(
    name: str, *refusals: str, wins: bool = True, without: str = "", compared: bool = True
) -> Callable[[Ground, int], Iterator[Trial]]:
    """Run a command twice at the same time.

    Args:
        name: Name of the command.
        refusals: What one that is refused says.
        wins: Whether exactly one is to be done; otherwise both may be, one after the other.
        without: Word of the command to leave out.
        compared: Whether both together are to leave what one alone does.
    """

    def inject(ground: Ground, count: int) -> Iterator[Trial]:
        work, whole = known(name, ground)
        command = [word for word in work.begin if word != without]
        for _ in range(count):
            with ground.folder() as folder:
                ended = _both(folder, command)
                facts, lost = judged(work, whole, folder)
                done = [one for one in ended if not any(words in one.output for words in refusals)]
                lost += [
                    f"exit code {one.code}: {one.output[-300:]}" for one in done if one.code not in work.good_codes
                ]
                lost += [] if len(done) == 1 or not wins else [f"{len(done)} of 2 done: {ended}"]
                lost += [] if facts == whole.facts or not compared else ["other files than one alone leaves"]
            yield Trial("one refused, the other done" if len(done) == 1 else "both done", tuple(lost))

    return inject
