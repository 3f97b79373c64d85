"""Execution of a film on a Ray cluster: workers upscale whole shots, since outputs are averaged along a shot.

Each worker writes its segments to the work folder, and records them there. If it dies, another one continues its shot.
"""

import socket
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from srntt.batch import Room, cluster_errors, imported_ray, use_threads
from srntt.errors import InputError
from srntt.upscale import Upscaler
from srntt.video._clip import Clip, open_clip
from srntt.video._job import Job
from srntt.video._shots import finished_frames
from srntt.video._survey import Survey
from srntt.video._work import Work

_RETRIES = 3  # workers that may die during a shot, besides the first
_POLL_SECONDS = 1.0


@dataclass(frozen=True)
class _Given:
    """What a worker gets."""

    open_upscaler: Callable[[], Upscaler]
    job: Job
    film: Path
    rate: Fraction
    survey: Survey


@dataclass(frozen=True)
class RayShots:
    """Workers for shots, on the cluster to which this process is connected (`ray_connected`).

    Attributes:
        open_upscaler: Makes the upscaler of a worker. It can be pickled.
        room: Number of workers, and their resources.
    """

    open_upscaler: Callable[[], Upscaler]
    room: Room

    def upscale(
        self, job: Job, clip: Clip, survey: Survey, work: Work, report: Callable[[int], None]
    ) -> tuple[str, ...]:
        """Upscale what is not done of a film, the longest shots first; return notes.

        Args:
            job: The film.
            clip: The film, opened.
            survey: Of the film.
            work: What is done.
            report: Called with the number of finished frames, about every second; an exception ends the work.

        Raises:
            InputError: A path is not absolute, or leads to something else on another machine.
            SrnttError: As for a film on this machine.
            MissingDependencyError: The cluster failed.
        """
        for path in (job.output, clip.path, *job.stills):
            if not path.is_absolute():
                raise InputError(f"{path}: workers run in other working directories. Give an absolute path.")
        ray, notes = imported_ray(), dict[str, None]()
        options = {"num_cpus": self.room.cpus, "num_gpus": self.room.gpus, "max_retries": _RETRIES}
        perform = ray.remote(_perform).options(**options)
        given = ray.put(_Given(self.open_upscaler, job, clip.path, clip.facts.rate, survey))
        finished = [finished_frames(survey, work, number) for number in range(len(survey.shots))]
        left = [number for number, shot in enumerate(survey.shots) if finished[number] < shot.stop - shot.first]
        left.sort(key=lambda number: survey.shots[number].stop - survey.shots[number].first)
        waiting = {}
        try:
            with cluster_errors():
                while left or waiting:
                    while left and len(waiting) < self.room.number:
                        number = left.pop()
                        waiting[perform.remote(given, number, self.room.cpus)] = number
                    done, _ = ray.wait(list(waiting), timeout=_POLL_SECONDS)
                    for number in waiting.values():
                        finished[number] = finished_frames(survey, work, number)
                    report(sum(finished))
                    for task in done:
                        notes |= dict.fromkeys(ray.get(task))
                        del waiting[task]
        finally:
            for task in waiting:
                ray.cancel(task, force=True)
        return tuple(notes)


def _perform(given: _Given, number: int, threads: int) -> tuple[str, ...]:
    """Upscale a shot on a machine of the cluster; return notes."""
    use_threads(threads)
    upscaler, clip = given.open_upscaler(), open_clip(given.film, given.job.limits, given.rate)
    work = Work(given.job.folder, given.job.key(upscaler, clip))
    if not work.is_begun:
        raise InputError(
            f"{given.job.output.parent} on {socket.gethostname()} is not the folder with which the film was started. "
            "Give one that all machines share."
        )
    work.check()
    shots = given.job.shots(upscaler, clip, given.survey)
    shots.upscale(number, work, given.job.opened_output(upscaler, clip), lambda number: None)
    return shots.notes
