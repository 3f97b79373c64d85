"""Disappearing files, clocks that are set back, and two processes at once."""

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from faults.children import Ended, finish, run, start
from faults.fault import Fault, Ground, Trial
from faults.works import is_reported, judged, known, leftovers, went_on

_NAMES = ("upscale", "batch", "train", "weights")


def faults() -> Iterator[Fault]:
    """All of them."""
    yield Fault("vanishing", "all: an input disappears between listing and opening, each in turn", _vanishing, 3, 12)
    yield Fault("clock", "all: the clock is set back by an hour at each query", _clock, 4, 4)
    yield Fault("two-batch", "two batches in one folder at once", _two_batches, 1, 8)
    yield Fault("two-upscale", "two upscales to one name at once, without --overwrite", _two_upscales, 1, 8)
    yield Fault("two-library", "two processes that add the same folder to one library", _two_libraries, 1, 8)
    yield Fault("two-train", "two training runs in one folder at once", _two_trains, 0, 4)


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


def _two_batches(ground: Ground, count: int) -> Iterator[Trial]:
    work, whole = known("batch", ground)
    for _ in range(count):
        with ground.folder() as folder:
            ended = _both(folder, work.begin)
            facts, lost = judged(work, whole, folder)
            refused = [one for one in ended if "is being written to by" in one.output]
            lost += [] if facts == whole.facts else ["other files than one batch alone leaves"]
            lost += [f"exit code {one.code}" for one in ended if one not in refused and one.code not in (0, 3)]
        yield Trial("one refused, the other done" if refused else "one after the other", tuple(lost))


def _two_upscales(ground: Ground, count: int) -> Iterator[Trial]:
    work, whole = known("upscale", ground)
    command = [word for word in work.begin if word != "--overwrite"]
    for _ in range(count):
        with ground.folder() as folder:
            ended = _both(folder, command)
            _, lost = judged(work, whole, folder)
            codes = sorted(one.code for one in ended)
            lost += [] if codes == [0, 2] else [f"exit codes {codes}: {ended}"]
            lost += [] if any("exists already" in one.output for one in ended) else ["no message"]
        yield Trial("one refused, the other done", tuple(lost))


def _two_libraries(ground: Ground, count: int) -> Iterator[Trial]:
    work, whole = known("library", ground)
    for _ in range(count):
        with ground.folder() as folder:
            ended = _both(folder, work.begin)
            facts, lost = judged(work, whole, folder)
            lost += [] if facts == whole.facts else ["other photographs than one process alone adds"]
            lost += [f"exit code {one.code}: {one.output[-300:]}" for one in ended if one.code != 0]
        yield Trial("both done", tuple(lost))


def _two_trains(ground: Ground, count: int) -> Iterator[Trial]:
    work, whole = known("train", ground)
    for _ in range(count):
        with ground.folder() as folder:
            ended = _both(folder, work.begin)
            facts, lost = judged(work, whole, folder)
            codes = sorted(one.code for one in ended)
            lost += [] if codes == [0, 2] else [f"exit codes {codes}: {ended}"]
            lost += [] if facts == whole.facts else ["other files than one run alone leaves"]
            output = " ".join(one.output for one in ended)
            lost += [] if "is being written to by" in output or "holds a run already" in output else ["no message"]
        yield Trial("one refused, the other done", tuple(lost))
