"""kill -9: at random moments, and during every disk operation."""

from collections.abc import Callable, Iterator
from pathlib import Path

from faults.children import Ended, run, run_killed
from faults.disk import Disk, kill
from faults.fault import Fault, Ground, Trial, spread
from faults.works import FILMS, Undisturbed, Work, judged, known, leftovers, went_on

_NAMES = ("upscale", "batch", "train", "weights", "library")


def faults() -> Iterator[Fault]:
    """All of them."""
    for name in (*_NAMES, *FILMS):
        yield Fault(f"kill-{name}", f"{name} killed at a random moment", _at_random(name), 1, 50)
    for name in (*_NAMES, *FILMS):
        about = f"{name} killed before or during a disk operation, each in turn"
        yield Fault(f"kill-{name}-writing", about, _at_acts(name), 2, 60)


def _at_random(name: str) -> Callable[[Ground, int], Iterator[Trial]]:
    def inject(ground: Ground, count: int) -> Iterator[Trial]:
        work, whole = known(name, ground)
        for _ in range(count):
            moment = ground.random.uniform(0, whole.seconds)
            yield _trial(work, whole, ground, lambda folder, moment=moment: run_killed(folder, work.begin, moment))

    return inject


def _at_acts(name: str) -> Callable[[Ground, int], Iterator[Trial]]:
    def inject(ground: Ground, count: int) -> Iterator[Trial]:
        work, whole = known(name, ground)
        for at in spread(count, len(whole.acts)):
            yield _trial(work, whole, ground, lambda folder, at=at: run(folder, work.begin, Disk(kill, at).install))

    return inject


def _trial(work: Work, whole: Undisturbed, ground: Ground, killed: Callable[[Path], Ended]) -> Trial:
    with ground.folder() as folder:
        ended = killed(folder)
        facts, lost = judged(work, whole, folder)
        left = len(leftovers(folder))
        lost += went_on(work, whole, folder, facts)
    if ended.code == 0:
        return Trial("had ended already", tuple(lost))
    if ended.code != -9:
        lost.append(f"exit code {ended.code}: {ended.output[-300:]}")
    how = f"{'some' if facts else 'no'} output was there"
    return Trial(f"{how}, {'a hidden unfinished file left, ' if left else ''}done again: the same", tuple(lost))
