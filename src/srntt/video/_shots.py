"""Upscales the shots of a film, in any order and any process: nothing is carried from one to the next."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property
from itertools import accumulate, islice, pairwise

from srntt.upscale import References, Track, Upscaler
from srntt.video._clip import Clip, Frame, Output
from srntt.video._references import ShotReferences
from srntt.video._steady import Steady, check_memory
from srntt.video._survey import Shot, Survey
from srntt.video._work import Work

_SEGMENT = 16  # frames, at most: what a kill can lose


class Shots:
    """Shots of a surveyed film.

    Args:
        upscaler: Model, device and memory budget.
        clip: The film.
        survey: Of the film.
        references: Chooses the references of each shot.
        own: Whether the sharpest frames of a shot are among them.
        steady: Whether outputs are averaged along motion.

    Attributes:
        notes: Deviations from what was requested.
    """

    def __init__(
        self, upscaler: Upscaler, clip: Clip, survey: Survey, references: ShotReferences, *, own: bool, steady: bool
    ) -> None:
        self._upscaler, self._clip, self._survey, self._references = upscaler, clip, survey, references
        self._own, self._steady = own, steady
        self._frames, self._next = iter(()), -1
        self.notes: tuple[str, ...] = ()

    def upscale(self, number: int, work: Work, output: Output, report: Callable[[int], None]) -> None:
        """Upscale what is not done of a shot; each segment is recorded when it is finished.

        Args:
            number: Number of the shot.
            work: What is done.
            output: Where segments are written.
            report: Called with the number of each frame before it is upscaled; an exception ends the work.

        Raises:
            MemoryBudgetError: The outputs do not fit in memory.
        """
        shot, done = self._survey.shots[number], work.done(number)
        segments = list(enumerate(_segments(shot)))[done:]
        if not segments:
            return
        if self._steady:
            facts, scale = self._clip.facts, self._upscaler.scale
            check_memory(self._upscaler.memory, facts.height * scale, facts.width * scale)
        references = self._references.of(self._clip, self._survey, shot, own=self._own)
        steady = Steady(self._upscaler.scale)
        steady.restore(work.state(number))
        for done, segment in segments:
            track = Track()  # a new one for each segment, so that a run that continues gives the same output
            with output.segment(self._first_segments[number] + done) as sink:
                for frame in self._decoded(segment):
                    report(frame.number)
                    sink.add(self._upscaled(frame, references, track, steady))
            work.finish(number, done + 1, {} if segment.stop == shot.stop else steady.state())

    def _upscaled(self, frame: Frame, references: References | None, track: Track, steady: Steady) -> Frame:
        result = self._upscaler.upscale(frame.picture, references, track=track)
        self.notes = tuple(dict.fromkeys((*self.notes, *result.fallbacks)))
        return replace(frame, picture=steady.next(result.picture) if self._steady else result.picture)

    def _decoded(self, part: Shot) -> Iterator[Frame]:
        """Decode frames; those that follow the ones before are decoded on."""
        if self._next != part.first:
            self._frames = self._clip.frames(part.first, self._survey.times)
        self._next = part.stop
        return islice(self._frames, part.stop - part.first)

    @cached_property
    def _first_segments(self) -> list[int]:
        """Number of the first segment of each shot, among those of the film."""
        return list(accumulate((len(list(_segments(shot))) for shot in self._survey.shots), initial=0))


def finished_frames(survey: Survey, work: Work, number: int) -> int:
    """Number of finished frames of a shot."""
    shot = survey.shots[number]
    return min(work.done(number) * _SEGMENT, shot.stop - shot.first)


def _segments(shot: Shot) -> Iterator[Shot]:
    """Parts of a shot."""
    edges = [*range(shot.first, shot.stop, _SEGMENT), shot.stop]
    return (Shot(first, stop) for first, stop in pairwise(edges))
