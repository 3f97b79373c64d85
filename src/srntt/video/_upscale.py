"""Upscales a film: a survey, then each shot with its references, in segments, then the output of all of them."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from srntt._files import exists_error
from srntt.errors import OutputError
from srntt.image import Limits
from srntt.models import Progress
from srntt.upscale import Upscaler
from srntt.video._clip import CONTAINERS, Clip
from srntt.video._folder import refuse_used
from srntt.video._job import FilmOptions, Job
from srntt.video._ray import RayShots
from srntt.video._shots import finished_frames
from srntt.video._survey import survey_of
from srntt.video._work import open_work


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
    options: FilmOptions = FilmOptions(),  # noqa: B008 (frozen)
    limits: Limits = Limits(),  # noqa: B008 (frozen)
    progress: Progress | None = None,
    workers: RayShots | None = None,
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
        workers: Workers on a cluster, which upscale shots; None for this process.

    Raises:
        PictureError: The film is damaged, or a reference is not a complete picture.
        InputError: An option is invalid, or an interrupted run had other options.
        OutputError: The output exists or cannot be written.
    """
    began, report = time.monotonic(), progress or (lambda *_: None)
    job = Job(Path(output), tuple(map(Path, references)), options, limits)
    _refuse_existing(job.output, options)
    written = job.opened_output(upscaler, clip)
    with open_work(job.folder, job.key(upscaler, clip), resume=options.resume, overwrite=options.overwrite) as work:
        survey = work.survey()
        if survey is None:
            expected = clip.facts.frames
            survey = survey_of(clip.frames(), lambda seen: report("survey", seen, max(seen + 1, expected)))
            report("survey", survey.frames, survey.frames)
            work.keep_survey(survey)
        numbers, total = range(len(survey.shots)), survey.frames
        resumed = sum(finished_frames(survey, work, number) for number in numbers)
        frames = lambda done: report("frames", done, total)  # noqa: E731
        if workers:
            notes = workers.upscale(job, clip, survey, work, frames)
        else:
            shots = job.shots(upscaler, clip, survey)
            for number in numbers:
                shots.upscale(number, work, written, frames)
            notes = shots.notes
        report("frames", total, total)
        notes = (*clip.facts.notes, *work.notes, *notes, *written.join(survey.times, overwrite=options.overwrite))
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
