"""The surroundings of a run fail: stdout, limits of memory, the temporary folder, caches, the parent process."""

import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numba.core.config
import numpy as np
import torch
from batch.pictures import pixels
from control_groups import control_group, join
from faults.children import in_fork, run
from faults.fault import CannotError, Fault, Ground, Trial, spread
from faults.works import Undisturbed, Work, judged, known, leftovers
from forks import end_with
from PIL import Image

from srntt.errors import MemoryBudgetError
from srntt.memory import peak_bytes, resident_bytes, start_peak
from srntt.upscale import Upscaler

_NAMES = ("upscale", "batch", "library", "weights")
_MB = 10**6
_PROGRAM = 300 * _MB
_LARGE = 1400  # pixels of the sides of a reference that needs a temporary file
_LOOPED = """
import typing
from srntt._compile import compiled
@compiled
@typing.no_type_check
def doubled(number):
    return 2 * number
"""


def faults() -> Iterator[Fault]:
    """All of them."""
    for name, (change, codes) in _STDOUTS.items():
        about = f"upscale, batch, library, weights, help: {change.__doc__}"
        yield Fault(f"stdout-{name}", about, _stdout(change, codes), len(_NAMES) + 1, len(_NAMES) + 1)
    yield Fault(
        "manifest-lines", "batch: lines of the manifest are lost, torn or repeated, each in turn", _lines, 3, 12
    )
    about = "upscale: no room for the temporary file of a large reference, within different --memory"
    yield Fault("no-temporary-space", about, _no_temporary_space, 2, 12)
    about = "upscale without --memory: ulimit -v leaves less each time"
    yield Fault("limit-ulimit", about, _limited(_under_ulimit), 1, 8)
    about = "upscale without --memory: a real control group leaves less each time"
    yield Fault("limit-group", about, _limited(_in_group), 1, 8)
    yield Fault("compiled-cache", "compiled code in the cache is cut, noise, or one bit off", _damaged_cache, 4, 40)
    yield Fault("forked", "a child is forked after its parent used PyTorch", _forked, 2, 4)


def _full() -> None:
    """stdout is a file on a full disk"""
    os.dup2(os.open("/dev/full", os.O_WRONLY), 1)


def _closed() -> None:
    """stdout is closed"""
    os.close(1)
    sys.stdout = None  # as the interpreter does at its start  # pyright: ignore


def _left() -> None:
    """the reader of stdout has left"""
    reading, writing = os.pipe()
    os.close(reading)
    os.dup2(writing, 1)
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115


_STDOUTS = {"full": (_full, (2,)), "closed": (_closed, (0,)), "left": (_left, (1,))}  # and the exit codes


def _stdout(change: Callable[[], None], codes: tuple[int, ...]) -> Callable[[Ground, int], Iterator[Trial]]:
    def inject(ground: Ground, count: int) -> Iterator[Trial]:
        for name in _NAMES[:count]:
            work, whole = known(name, ground)
            with ground.folder() as folder:
                ended = run(folder, work.begin, change)
                facts, lost = judged(work, whole, folder)
                lost += [f"left: {left}" for left in leftovers(folder)]
                lost += [] if facts == whole.facts else ["other files than with a stdout"]
                lost += [] if ended.code in codes else [f"exit code {ended.code}: {ended.output[-300:]}"]
                lost += ["a traceback"] if "Traceback" in ended.output else []
            yield Trial("the files are complete", tuple(lost))
        with ground.folder() as folder:
            ended = run(folder, ("--help",), change)
            lost = [] if ended.code in codes and "Traceback" not in ended.output else [str(ended)]
        yield Trial("no traceback", tuple(lost))

    return inject


def _lines(ground: Ground, count: int) -> Iterator[Trial]:
    work, whole = known("batch", ground)
    with ground.folder() as folder:
        assert run(folder, work.begin).code == 0
        manifest = folder / "out/all/.srntt-batch/manifest.jsonl"
        lines = manifest.read_bytes().splitlines(keepends=True)
        damages = [damage for at in range(1, len(lines)) for damage in _damaged(lines, at)]
        for number in spread(count, len(damages)):
            with ground.folder() as copied:
                shutil.copytree(folder / "out", copied / "out", dirs_exist_ok=True)
                damages[number - 1](copied / manifest.relative_to(folder))
                yield _resumed(work, whole, copied)


def _damaged(lines: list[bytes], at: int) -> Iterator[Callable[[Path], object]]:
    """One line is lost, torn, or there twice; or all from it on are lost."""
    line = lines[at]
    for content in (
        [*lines[:at], *lines[at + 1 :]],
        [*lines[:at], line[: len(line) // 2]],
        [*lines[:at], line, line, *lines[at + 1 :]],
        lines[:at],
    ):
        yield lambda path, content=content: path.write_bytes(b"".join(content))


def _resumed(work: Work, whole: Undisturbed, folder: Path) -> Trial:
    """Nothing is replaced without being asked for; what is not known is named, and a second run replaces it."""
    ended = run(folder, work.begin)
    facts, lost = judged(work, whole, folder)
    lost += [] if facts == whole.facts else ["a file was replaced or removed"]
    if ended.code == 1:
        lost += [] if "lines of the manifest were lost" in ended.output else [f"no reason: {ended.output[-300:]}"]
        ended = run(folder, (*work.begin, "--overwrite"))
        lost += [] if judged(work, whole, folder)[0] == whole.facts else ["other files after --overwrite"]
        lost += [] if ended.code == 0 else [f"exit code {ended.code}: {ended.output[-300:]}"]
        return Trial("named; done again with --overwrite", tuple(lost))
    lost += [] if ended.code in (0, 3) else [f"exit code {ended.code}: {ended.output[-300:]}"]
    return Trial("nothing to do", tuple(lost))


def _no_temporary_space(ground: Ground, count: int) -> Iterator[Trial]:
    for left in np.linspace(140, 400, count):
        yield Trial(*in_fork(partial(_encoded_without_space, round(left) * _MB)))


def _encoded_without_space(left: int) -> tuple[str, list[str]]:
    Upscaler.from_pretrained("lite-rec", device="cpu").encode_references([pixels(64, 64)])
    picture = pixels(_LARGE, _LARGE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))
    budget = resident_bytes() + left
    start_peak()
    try:
        upscaler = Upscaler.from_pretrained("lite-rec", device="cpu", memory=budget)
        references = upscaler.encode_references([picture])
    except MemoryBudgetError as error:
        outcome, good = "refused, with what to do", "TMPDIR" in str(error)
    else:
        outcome, good = "in memory, which is reported", any("kept in memory" in text for text in references.fallbacks)
    over = peak_bytes() - budget
    lost = [f"{over / _MB:.0f} MB more than --memory"] if over > 0 else []
    return outcome, lost + ([] if good else ["no word about the missing space"])


def _limited(
    within: Callable[[Path, tuple[str, ...], int], tuple[int, str]],
) -> Callable[[Ground, int], Iterator[Trial]]:
    """A picture whose plan fills what there is: it is done without running out of memory, or refused before."""

    def inject(ground: Ground, count: int) -> Iterator[Trial]:
        for left in np.geomspace(80, 500, count) if count > 1 else (150,):
            with ground.folder() as folder:
                Image.fromarray(pixels(160, 200)).save(folder / "a.png")
                Image.fromarray(pixels(400, 520, 1)).save(folder / "ref.png")
                words = ("upscale", "a.png", "--ref", "ref.png", "-o", "out/x.png", "--model", "lite-rec", "--json")
                code, said = within(folder, (*words, "--device", "cpu"), round(left) * _MB)
                lost = [f"exit code {code}: {said[-300:]}"] if code not in (0, 4) else []
                lost += ["memory ran out, although the plan knew the limit"] if "out of memory" in said.lower() else []
                lost += [] if (folder / "out/x.png").exists() == (code == 0) else ["exit code and file disagree"]
                lost += [f"left: {name}" for name in leftovers(folder)]
            yield Trial("done" if code == 0 else "refused before", tuple(lost))

    return inject


def _under_ulimit(folder: Path, words: tuple[str, ...], left: int) -> tuple[int, str]:
    def limit() -> None:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        space = pages * resource.getpagesize() + left
        resource.setrlimit(resource.RLIMIT_AS, (space, space))

    ended = run(folder, words, limit)
    return ended.code, ended.output


def _in_group(folder: Path, words: tuple[str, ...], left: int) -> tuple[int, str]:
    """In a new process: pages that a fork shares with its parent are not counted, until one of them writes."""
    with control_group(_PROGRAM + left) as group:
        if group is None:
            raise CannotError("no control group can be made here")
        command = [sys.executable, "-m", "srntt", *words]
        ended = subprocess.run(
            command, cwd=folder, preexec_fn=partial(join, group), capture_output=True, text=True, check=False
        )
    return ended.returncode, ended.stdout + ended.stderr


def _damaged_cache(ground: Ground, count: int) -> Iterator[Trial]:
    with ground.folder() as folder:
        (folder / "looped.py").write_text(_LOOPED)
        cache = folder / "cache"
        assert in_fork(partial(_doubled, folder)) == 42
        found = sorted(path for path in cache.rglob("*") if path.suffix in (".nbi", ".nbc"))
        whole = {path: path.read_bytes() for path in found}
        for number in range(count):
            path = found[number % len(found)]
            content = whole[path]
            bit = ground.random.randrange(8 * len(content))
            flipped = bytearray(content)
            flipped[bit // 8] ^= 1 << bit % 8
            cut = content[: len(content) * (number // 2) // count]
            path.write_bytes((flipped, cut, flipped, ground.random.randbytes(len(content)))[number // 2 % 4])
            lost = [] if in_fork(partial(_doubled, folder)) == 42 else ["another result"]
            before = {path: path.stat().st_mtime_ns for path in found}
            lost += [] if in_fork(partial(_doubled, folder)) == 42 else ["another result the second time"]
            lost += [] if {path: path.stat().st_mtime_ns for path in found} == before else ["compiled again"]
            yield Trial("compiled again, once", tuple(lost))


def _doubled(folder: Path) -> int:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # what it says is for tests/test_compile.py
    numba.core.config.CACHE_DIR = str(folder / "cache")
    sys.path.insert(0, str(folder))
    import looped  # pyright: ignore

    return int(looped.doubled(21))


def _forked(ground: Ground, count: int) -> Iterator[Trial]:
    for number in range(count):
        yield Trial(*in_fork(partial(_forks, ("exact", "fast")[number % 2], deep=number // 2 % 2 == 1)))


def _forks(matcher: str, *, deep: bool) -> tuple[str, list[str]]:
    """Work in a process that uses several threads, then in its child, or in a child of that."""
    torch.set_num_threads(2)
    upscaler = Upscaler.from_pretrained("lite-rec", device="cpu", matcher=matcher)
    small, sharp = pixels(40, 48), pixels(96, 96, 1)
    expected = upscaler.upscale(small, upscaler.encode_references([sharp]))

    def work(deeper: bool) -> int:
        signal.alarm(120)  # it used to wait for ever
        result = upscaler.upscale(small, upscaler.encode_references([sharp]))
        told = any("one thread" in text for text in result.fallbacks)
        code = 0 if told and np.array_equal(result.array, expected.array) else 1
        return code or (_in_child(lambda: work(False)) if deeper else 0)

    code = _in_child(lambda: work(deep))
    return "the same bytes, and a note", [] if code == 0 else [f"the child ended with {code}"]


def _in_child(work: Callable[[], int]) -> int:
    child = os.fork()
    if not child:
        end_with(work)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
