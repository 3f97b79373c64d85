"""Mixed work in rounds, and what the processes and folders hold after each."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import psutil
from batch.pictures import pixels, write_pictures
from load.server import Server
from load.visitor import Visitor, look_up
from load.visits import Person
from PIL import Image
from tiny import tiny_model

TESTS = Path(__file__).parent.parent
_SETTLED = 0.25  # of the rounds, after which nothing may grow
_LEAST_ROUNDS = 12
#: What may be more in the last third of the settled rounds than in the first, by what is measured.
_MORE = {"MiB of memory": 24.0, "descriptors": 2.0, "threads": 2.0, "temporary files": 2.0, "MiB on disk": 1.0}


@dataclass
class Held:
    """What was held after each round.

    Attributes:
        series: of each measure, such as ``page: descriptors``.
        rounds: how many.
        minutes: in all.
        wrong: what failed.
    """

    series: dict[str, list[float]] = field(default_factory=dict)
    rounds: int = 0
    minutes: float = 0.0
    wrong: list[str] = field(default_factory=list)

    def add(self, name: str, value: float) -> None:
        """Append a value."""
        self.series.setdefault(name, []).append(value)

    def grown(self) -> list[str]:
        """Everything that is not flat, and everything that failed."""
        found = list(self.wrong)
        for name, values in self.series.items():
            before, after = ends(values)
            if after - before > _MORE[name.partition(": ")[2]]:
                found.append(f"{name}: {before:.1f} after a quarter of the rounds, {after:.1f} at the end")
        return found


def ends(values: list[float]) -> tuple[float, float]:
    """Medians of the first and the last third of the settled values."""
    settled = values[int(_SETTLED * len(values)) :]
    third = max(1, len(settled) // 3)
    return statistics.median(settled[:third]), statistics.median(settled[-third:])


def soak(minutes: float, leak: str = "", *, only: tuple[str, ...] = ()) -> Held:
    """Work for some minutes.

    Args:
        minutes: For how long.
        leak: What the Python process loses in each round: one of ``LEAKS``.
        only: Names of the tasks, by default all that can run here.
    """
    held, began = Held(), time.monotonic()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="soak-")))
        tasks = list(_tasks(folder, stack, leak, only))
        while time.monotonic() - began < 60 * minutes or held.rounds < _LEAST_ROUNDS:
            for task in tasks:
                try:
                    task.work(held.rounds)
                except Exception as error:
                    held.wrong.append(f"round {held.rounds}, {task.name}: {type(error).__name__}: {str(error)[-500:]}")
                    return held
                if task.process:
                    _look(held, task.name, psutil.Process(task.process))
            held.add("all: temporary files", sum(1 for path in _files(folder / "tmp")))
            held.add("all: MiB on disk", sum(path.stat().st_size for path in _files(folder)) / 2**20)
            held.rounds += 1
    held.minutes = (time.monotonic() - began) / 60
    return held


def _files(folder: Path) -> Iterator[Path]:
    """Files below a folder, but for uploads, which the page keeps for an hour."""
    return (path for path in folder.rglob("*") if path.is_file() and "uploads" not in path.parts)


def _look(held: Held, name: str, process: psutil.Process) -> None:
    held.add(f"{name}: MiB of memory", process.memory_info().rss / 2**20)
    held.add(f"{name}: descriptors", process.num_fds())
    held.add(f"{name}: threads", process.num_threads())


@dataclass(frozen=True)
class Task:
    """Something that is done once a round.

    Attributes:
        name: of it.
        work: called with the number of the round.
        process: that is kept, if any.
    """

    name: str
    work: Callable[[int], object]
    process: int | None = None


def _tasks(folder: Path, stack: ExitStack, leak: str, only: tuple[str, ...]) -> Iterator[Task]:
    environment = _environment(folder)
    made: dict[str, Callable[[], Task]] = {
        "python": lambda: _worker("python", folder, environment, stack, leak),
        "library": lambda: _worker("library", folder, environment, stack, ""),
        "page": lambda: _page(folder, stack),
        "commands": lambda: Task("commands", _commands(folder, environment)),
    }
    left_out = set() if find_spec("gradio") else {"page"}
    return (make() for name, make in made.items() if name in (only or made) and name not in left_out)


def _environment(folder: Path) -> dict[str, str]:
    for name in ("tmp", "home"):
        (folder / name).mkdir()
    paths = os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])
    home = {"HOME": str(folder / "home"), "XDG_CACHE_HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp")}
    cache = {"NUMBA_CACHE_DIR": str(folder / "home" / "numba")}
    return {**os.environ, **home, **cache, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}


def _worker(name: str, folder: Path, environment: dict[str, str], stack: ExitStack, leak: str) -> Task:
    command = [sys.executable, "-m", "soak.workers", name, str(folder / name), *([leak] if leak else [])]
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    stack.enter_context(process)
    stack.callback(process.kill)

    def work(number: int) -> None:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        print(number, file=process.stdin, flush=True)
        if process.stdout.readline() != "done\n":
            raise RuntimeError(process.stderr.read())

    return Task(name, work, process.pid)


def _page(folder: Path, stack: ExitStack) -> Task:
    (folder / "page").mkdir()
    server = Server(folder / "page", "--model", "lite-rec")
    stack.callback(server.stop)
    address = look_up(server.port)

    def work(number: int) -> None:
        visitor = Person(number, address, {})
        with Visitor(address) as page:
            visitor.order_alone(page, referenced=number % 2 == 0)
        if visitor.counts.wrong:
            raise RuntimeError(visitor.counts.wrong[0])

    return Task("page", work, server.process.pid)


def _commands(folder: Path, environment: dict[str, str]) -> Callable[[int], None]:
    """A command a round, each in turn."""
    place = folder / "commands"
    (place / "out").mkdir(parents=True)
    Image.fromarray(pixels(40, 48)).save(place / "a.png")
    write_pictures(place / "in", ["a.png", "b.jpg"])
    write_pictures(place / "refs", ["x.png", "y.png"], size=(96, 80), seed=10)
    model = ("--model", str(tiny_model(place)), "--device", "cpu")
    commands = [
        ("upscale", "a.png", "--ref", "refs", "-o", "out/a.png", "--overwrite", *model),
        ("batch", "in", "--refs", "refs", "-o", "all", "--overwrite", "--resume", *model),
        ("library", "add", "refs", "--library-file", "library.sqlite"),
    ]
    if find_spec("av"):
        from video.films import pictures, write_film

        write_film(place / "film.mp4", pictures(4))
        commands.append(("video", "film.mp4", "-o", "out/film.mp4", "--overwrite", *model))

    def work(number: int) -> None:
        command = [sys.executable, "-m", "srntt", *commands[number % len(commands)]]
        done = subprocess.run(command, env=environment, cwd=place, capture_output=True, text=True)
        if done.returncode not in (0, 3):
            raise RuntimeError(done.stderr)

    return work


def table(held: Held) -> Iterator[str]:
    """Rows of each measure."""
    yield f"| {held.rounds} rounds in {held.minutes:.1f} minutes | after a quarter | at the end | most |"
    yield "|---|---|---|---|"
    for name, values in sorted(held.series.items()):
        before, after = ends(values)
        yield f"| {name} | {before:.1f} | {after:.1f} | {max(values):.1f} |"
