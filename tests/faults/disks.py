"""Disks that are full, broken or not writable."""

import errno
from collections.abc import Callable, Iterator
from pathlib import Path

from faults.children import Ended, in_fork, nothing, run
from faults.disk import Disk, fail_with
from faults.fault import Fault, Ground, Trial, spread
from faults.mounts import enlarge, make_read_only, obey_modes, own_mounts, small_disk
from faults.works import FILMS, Undisturbed, Work, is_reported, judged, known, leftovers, went_on

_NAMES = ("upscale", "batch", "train", "weights", "library")
_PLENTY = 256 * 1024  # KiB


def faults() -> Iterator[Fault]:
    """All of them."""
    for name in (*_NAMES, *FILMS):
        yield Fault(
            f"full-{name}", f"{name}: the disk is full from one act on, each in turn", _acts(name, _full), 2, 40
        )
    for name in (*_NAMES, *FILMS):
        yield Fault(f"broken-{name}", f"{name}: one act on the disk fails (EIO)", _acts(name, _broken), 1, 40)
    yield Fault("small-disk", "all: a real disk (tmpfs) of decreasing size", _small_disks, 6, 48)
    yield Fault("read-only", "all: a real disk (tmpfs) mounted read-only", _read_only, 5, 5)
    yield Fault("no-permission", "all: a read-only folder (mode 0555)", _no_permission, 5, 5)
    yield Fault("no-reading", "all: unreadable inputs (mode 0000)", _no_reading, 5, 5)


def _full(at: int) -> Disk:
    return Disk(fail_with(errno.ENOSPC), at, forever=True)


def _broken(at: int) -> Disk:
    return Disk(fail_with(errno.EIO), at)


def _acts(name: str, disk: Callable[[int], Disk]) -> Callable[[Ground, int], Iterator[Trial]]:
    def inject(ground: Ground, count: int) -> Iterator[Trial]:
        work, whole = known(name, ground)
        for at in spread(count, len(whole.acts)):
            with ground.folder() as folder:
                ended = run(folder, work.begin, lambda at=at: disk(at).install())
                yield _trial(work, whole, folder, ended)

    return inject


def _trial(work: Work, whole: Undisturbed, folder: Path, ended: Ended, undo: Callable[[], object] = nothing) -> Trial:
    """After a command that may have failed: no partial file, a helpful message, and a correct result on retry."""
    facts, lost = judged(work, whole, folder)
    if left := leftovers(folder):
        lost.append(f"left: {left}")
    lost += [] if ended.code == 0 else is_reported(ended)
    if ended.code < 0:
        lost.append(f"killed by signal {-ended.code}")
    undo()
    lost += went_on(work, whole, folder, facts)
    return Trial(f"{'done nevertheless' if ended.code == 0 else 'refused'}, then done again: the same", tuple(lost))


def _small_disks(ground: Ground, count: int) -> Iterator[Trial]:
    names = (*_NAMES, *FILMS)
    for name in names:
        work, whole = known(name, ground)
        yield from _forked(lambda work=work, whole=whole: _on_small_disks(work, whole, ground, count // len(names)))


def _on_small_disks(work: Work, whole: Undisturbed, ground: Ground, count: int) -> list[Trial]:
    own_mounts()
    with ground.folder() as folder, small_disk(folder / "out", _PLENTY):
        run(folder, work.begin)
        needed = sum(path.stat().st_blocks for path in (folder / "out").rglob("*")) // 2
    trials = []
    for number in range(count):
        kib = max(4, needed * (count - number) // (count + 1) // 4 * 4)
        with ground.folder() as folder, small_disk(folder / "out", kib):
            ended = run(folder, work.begin)
            undo = lambda folder=folder: enlarge(folder / "out", _PLENTY)  # noqa: E731
            trials.append(_trial(work, whole, folder, ended, undo))
    return trials


def _read_only(ground: Ground, count: int) -> Iterator[Trial]:
    for name in _NAMES[:count]:
        work, whole = known(name, ground)
        yield from _forked(lambda work=work, whole=whole: [_on_read_only(work, whole, ground)])


def _on_read_only(work: Work, whole: Undisturbed, ground: Ground) -> Trial:
    own_mounts()
    with ground.folder() as folder, small_disk(folder / "out", _PLENTY):
        make_read_only(folder / "out")
        ended = run(folder, work.begin)
        return _must_fail(ended, _trial(work, whole, folder, ended, lambda: enlarge(folder / "out", _PLENTY)))


def _no_permission(ground: Ground, count: int) -> Iterator[Trial]:
    for name in _NAMES[:count]:
        work, whole = known(name, ground)
        with ground.folder() as folder:
            out = folder / "out"
            out.chmod(0o555)
            ended = run(folder, work.begin, obey_modes)
            yield _must_fail(ended, _trial(work, whole, folder, ended, lambda out=out: out.chmod(0o755)))


def _no_reading(ground: Ground, count: int) -> Iterator[Trial]:
    for name in _NAMES[:count]:
        work, whole = known(name, ground)
        inputs = [path for path in (ground.root / "things").rglob("*") if path.suffix in (".png", ".jpg", ".npz")]
        with ground.folder() as folder:
            for path in inputs:
                path.chmod(0)
            ended = run(folder, work.begin, obey_modes)
            undo = lambda inputs=inputs: [path.chmod(0o644) for path in inputs]  # noqa: E731
            yield _must_fail(ended, _trial(work, whole, folder, ended, undo))


def _must_fail(ended: Ended, trial: Trial) -> Trial:
    return Trial(trial.outcome, (*trial.lost, "exit code 0")) if ended.code == 0 else trial


def _forked(function: Callable[[], list[Trial]]) -> list[Trial]:
    found = in_fork(lambda: [(trial.outcome, trial.lost) for trial in function()])
    return [Trial(outcome, tuple(lost)) for outcome, lost in found]
