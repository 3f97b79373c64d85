"""``srntt video``."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from fractions import Fraction
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from srntt.cli._compiling import compiling_reported
from srntt.cli._engine_options import EngineOptions
from srntt.cli._exit import Exit
from srntt.cli._interrupt import raise_if_interrupted
from srntt.cli._options import Json, LimitOptions, ModelOptions, refuse_missing
from srntt.cli._progress import ProgressOnStderr
from srntt.cli._references import duplicates, expanded, unique
from srntt.cli._say import say_either
from srntt.errors import InputError


def video(
    film: Path,
    /,
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    ref: Annotated[tuple[Path, ...], Parameter(name=["--ref", "-r"], consume_multiple=True)] = (),
    self_references: bool = False,
    best: Annotated[int, Parameter(validator=Number(gte=1))] = 4,
    crf: Annotated[int, Parameter(validator=Number(gte=0, lte=51))] = 16,
    fps: float | None = None,
    frame_by_frame: bool = False,
    resume: bool = False,
    overwrite: bool = False,
    engine: EngineOptions = EngineOptions(),  # noqa: B008 (frozen)
    model: ModelOptions = ModelOptions(),  # noqa: B008 (frozen)
    limits: LimitOptions = LimitOptions(),  # noqa: B008 (frozen)
    json: Json = False,
) -> int:
    """Upscale a film four times, with detail from stills and from its own sharpest frames. Requires srntt[video].

    Sound, subtitles, chapters and timestamps are copied. An interrupted or killed run continues with --resume; the
    output appears when it is complete.

    Args:
        film: A film such as an MP4, MOV, MKV, WebM or AVI, or a folder of frames, in the order of their names.
        output: File ending in .mp4, .m4v, .mov, .mkv or .webm, or a folder for frames, as PNG.
        ref: References, sharper pictures of what the film shows: files, folders, or patterns such as *.jpg. May be
            repeated.
        self_references: Also use the sharpest frames of each shot as references.
        best: Number of references for each shot, the most similar ones, if more are given. Default: 4.
        crf: Constant rate factor of the encoder (H.264, VP9 for .webm): 0 is lossless, larger is smaller. Default: 16.
        fps: Frames per second of a folder of frames. Default: 25.
        frame_by_frame: Do not average each output with those before it, moved to where it shows the same things.
        resume: Continue an interrupted run.
        overwrite: Replace an existing output, and discard an interrupted run.
    """
    engine.check()
    film, output, ref = engine.path(film), engine.path(output), tuple(map(engine.path, expanded(ref, film)))
    refuse_missing([film, *ref])
    rate = _rate(fps, film)
    with ProgressOnStderr("frames") as progress, compiling_reported(), ExitStack() as stack:
        from srntt.video import FilmOptions, RayShots, open_clip, upscale_film

        within = limits.limits()
        clip = open_clip(film, within, rate)
        chosen, reason = model.chosen_for(next(clip.frames()).picture)
        references, workers = unique(ref), None
        if engine.engine == "ray":
            room = stack.enter_context(engine.connected())
            workers = RayShots(chosen.opener(precision="auto"), room)
            chosen = replace(chosen, device="cpu")  # of this process, which upscales nothing
        with _interrupts_reported():
            result = upscale_film(
                chosen.open(precision="auto"),
                clip,
                output,
                references,
                options=FilmOptions(self_references, best, crf, not frame_by_frame, resume, overwrite),
                limits=within,
                progress=progress,
                workers=workers,
            )
    raise_if_interrupted()
    notes = (*duplicates(ref, references), *result.notes)
    about = {"input": str(film), "output": str(output), "model": chosen.model, "model_reason": reason}
    figures = asdict(result) | {"frames_per_second": round(result.frames_per_second, 3)}
    shots = "1 shot" if result.shots == 1 else f"{result.shots} shots"
    lines = (
        f"{output}: {result.width}x{result.height}, {result.frames} frames in {shots}, "
        f"{result.frames_per_second:.2f} frames per second",
        *(f"model: {text}" for text in (reason,) if text),
        *(f"continued: {result.resumed} frames were finished before" for _ in range(bool(result.resumed))),
        *(f"note: {text}" for text in notes),
    )
    say_either(lines, about | figures | {"notes": list(notes)}, as_json=json)
    return Exit.DONE


@contextmanager
def _interrupts_reported() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        print("Finished segments are kept; continue with --resume.", file=sys.stderr, flush=True)
        raise


def _rate(fps: float | None, film: Path) -> Fraction | None:
    if fps is None:
        return None
    if not film.is_dir():
        raise InputError("--fps applies to a folder of frames; a film has its own timestamps. Leave it out.")
    if not 0.01 <= fps <= 1000:
        raise InputError(f"--fps {fps:g}: must be 0.01..1000.")
    return Fraction(fps).limit_denominator(1001)
