"""Upscales a film: a survey, then each shot with its references, in segments, then the output of all of them."""

import hashlib
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from srntt import __version__
from srntt._files import exists_error
from srntt.errors import InputError, OutputError
from srntt.image import Limits
from srntt.models import Progress
from srntt.upscale import References, Track, Upscaler
from srntt.video._clip import CONTAINERS, Clip, Frame, Output, open_output
from srntt.video._folder import refuse_used
from srntt.video._references import ShotReferences
from srntt.video._steady import Steady
from srntt.video._survey import Shot, Survey, survey_of
from srntt.video._work import Work, open_work

_SEGMENT = 16  # frames, at most: what a kill can lose


@dataclass(frozen=True)
class FilmOptions:
    """How a film is upscaled.

    Attributes:
        self_references: Use the sharpest frames of each shot as further references.
        best: Number of references of a shot that are chosen from those given, if there are more.
        quality: Constant rate factor of the encoder, 0 .. 51: 0 is lossless, larger is smaller.
        steady: Average each output with those before it, moved to where it shows the same things.
        resume: Continue an interrupted run.
        overwrite: Replace an existing output.
    """

    self_references: bool = False
    best: int = 4
    quality: int = 16
    steady: bool = True
    resume: bool = False
    overwrite: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.quality <= 51:
            raise InputError(f"quality {self.quality}: must be 0..51.")
        if self.best < 1:
            raise InputError(f"best {self.best}: must be at least 1.")


@dataclass(frozen=True)
class FilmResult:
    """What was made of a film.

    Attributes:
        frames: Number of frames.
        shots: Number of shots.
        width, height: Of the output, in pixels.
        resumed: Frames that an earlier run had finished.
        seconds: Wall time of the others.
        notes: What could not be kept, and deviations from what was requested.
    """

    frames: int
    shots: int
    width: int
    height: int
    resumed: int
    seconds: float
    notes: tuple[str, ...]

    @property
    def frames_per_second(self) -> float:
        """Frames upscaled per second of wall time."""
        return (self.frames - self.resumed) / max(self.seconds, 1e-9)


def upscale_film(
    upscaler: Upscaler,
    clip: Clip,
    output: str | os.PathLike,
    references: Sequence[str | os.PathLike] = (),
    *,
    options: FilmOptions = FilmOptions(),
    limits: Limits = Limits(),  # noqa: B008 (frozen)
    progress: Progress | None = None,
) -> FilmResult:
    """Upscale a film by the scale of the model.

    Frames are decoded, upscaled and encoded one after another, so that memory does not grow with the film. Finished
    segments are kept in a folder next to the output until it is complete; an interrupted run continues with
    ``options.resume``.

    Args:
        upscaler: Model, device and memory budget.
        clip: Film opened by `open_clip`.
        output: File ending in .mp4, .m4v, .mov, .mkv or .webm, or a folder for frames.
        references: Stills: sharper pictures of what the film shows.
        options: How it is upscaled.
        limits: On reading references.
        progress: Called with ("survey" or "frames", done, total); an exception ends the work, which can be resumed.

    Raises:
        PictureError: The film is damaged, or a reference is not a complete picture.
        InputError: An option is invalid, or an interrupted run had other options.
        OutputError: The output exists or cannot be written.
    """
    place, began = Path(output), time.monotonic()
    stills, report = [Path(path) for path in references], progress or (lambda *_: None)
    _refuse_existing(place, options)
    key = _key(upscaler, clip, stills, options)
    folder = place.with_name(f".{place.name}.srntt-video")
    written = open_output(clip, place, folder, upscaler.scale, options.quality)
    with open_work(folder, key, resume=options.resume, overwrite=options.overwrite) as work:
        survey = work.survey()
        if survey is None:
            expected = clip.facts.frames
            survey = survey_of(clip.frames(), lambda seen: report("survey", seen, max(seen + 1, expected)))
            report("survey", survey.frames, survey.frames)
            work.keep_survey(survey)
        film = _Film(upscaler, clip, survey, ShotReferences(upscaler, stills, options.best, limits), options)
        resumed = film.run(work, written, report)
        notes = written.join(survey.times, overwrite=options.overwrite)
        notes = (*clip.facts.notes, *work.notes, *film.notes, *notes)
    facts = clip.facts
    return FilmResult(
        frames=survey.frames,
        shots=len(survey.shots),
        width=facts.width * upscaler.scale,
        height=facts.height * upscaler.scale,
        resumed=resumed,
        seconds=time.monotonic() - began,
        notes=tuple(dict.fromkeys(notes)),
    )


class _Film:
    """A surveyed film, upscaled shot by shot."""

    def __init__(
        self, upscaler: Upscaler, clip: Clip, survey: Survey, references: ShotReferences, options: FilmOptions
    ) -> None:
        self._upscaler, self._clip, self._survey = upscaler, clip, survey
        self._references, self._options, self._steady = references, options, Steady(upscaler.scale)
        self.notes: tuple[str, ...] = ()

    def run(self, work: Work, output: Output, report: Progress) -> int:
        """Upscale what is not done; return the number of frames that were."""
        segments = list(_segments(self._survey.shots))
        todo = segments[work.done :]
        if not todo:
            return self._survey.frames
        frames, total = self._clip.frames(todo[0].first), self._survey.frames
        shot, references = None, None
        self._steady.restore(work.state())
        for segment in todo:
            if shot is None or segment.first >= shot.stop:
                shot = next(each for each in self._survey.shots if each.first <= segment.first < each.stop)
                references = self._references.of(self._clip, self._survey, shot, own=self._options.self_references)
            if segment.first == shot.first:
                self._steady.reset()
            track = Track()  # a new one for each segment, so that a run that continues gives the same output
            with output.segment(work.done) as sink:
                for frame in islice(frames, segment.stop - segment.first):
                    report("frames", frame.number, total)
                    sink.add(self._upscaled(frame, references, track))
            work.finish(self._steady.state())
        report("frames", total, total)
        return todo[0].first

    def _upscaled(self, frame: Frame, references: References | None, track: Track) -> Frame:
        result = self._upscaler.upscale(frame.picture, references, track=track)
        self.notes = tuple(dict.fromkeys((*self.notes, *result.fallbacks)))
        picture = self._steady.next(result.picture) if self._options.steady else result.picture
        return replace(frame, picture=picture)


def _segments(shots: Sequence[Shot]) -> Iterator[Shot]:
    """Parts of shots."""
    for shot in shots:
        for first in range(shot.first, shot.stop, _SEGMENT):
            yield Shot(first, min(first + _SEGMENT, shot.stop))


def _refuse_existing(output: Path, options: FilmOptions) -> None:
    if not output.parent.is_dir():
        raise OutputError(f"{output}: the folder {output.parent} does not exist. Create it first.")
    if options.overwrite:
        return
    if output.suffix.lower() in CONTAINERS:
        if os.path.lexists(output):
            raise exists_error(str(output))
    elif not options.resume:  # an interrupted run has written some of the frames
        refuse_used(output)


def _key(upscaler: Upscaler, clip: Clip, stills: Sequence[Path], options: FilmOptions) -> dict[str, Any]:
    """What must be the same to continue a run."""
    chosen = {name: value for name, value in asdict(options).items() if name not in ("resume", "overwrite")}
    return {
        "film": _identity(clip.path),
        "references": [_identity(path) for path in stills],
        "model": upscaler.fingerprint,
        "options": chosen,
        "rate": str(clip.facts.rate),
        "srntt": __version__,
    }


def _identity(path: Path) -> str:
    """Name, size and time of change; of the files in a folder, likewise."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    text = "\n".join(f"{file.name} {file.stat().st_size} {file.stat().st_mtime_ns}" for file in files)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
