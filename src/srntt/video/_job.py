"""What a film is upscaled from and how, in a form that other machines get as well."""

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from srntt import __version__
from srntt.errors import InputError
from srntt.image import Limits
from srntt.upscale import Upscaler
from srntt.video._clip import Clip, Output, open_output
from srntt.video._references import ShotReferences
from srntt.video._shots import Shots
from srntt.video._survey import Survey


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
class Job:
    """A film to upscale. It can be pickled.

    Attributes:
        output: File, or folder for frames.
        stills: Files of references.
        options: How it is upscaled.
        limits: Limits on reading.
    """

    output: Path
    stills: tuple[Path, ...]
    options: FilmOptions
    limits: Limits

    @property
    def folder(self) -> Path:
        """Work folder, next to the output."""
        return self.output.with_name(f".{self.output.name}.srntt-video")

    def key(self, upscaler: Upscaler, clip: Clip) -> dict[str, Any]:
        """What must be the same to continue a run, and on every machine."""
        chosen = {name: value for name, value in asdict(self.options).items() if name not in ("resume", "overwrite")}
        return {
            "film": _identity(clip.path),
            "references": [_identity(path) for path in self.stills],
            "model": upscaler.fingerprint,
            "options": chosen,
            "rate": str(clip.facts.rate),
            "srntt": __version__,
        }

    def opened_output(self, upscaler: Upscaler, clip: Clip) -> Output:
        """Prepare the output.

        Raises:
            InputError, OutputError: It cannot be written.
        """
        return open_output(clip, self.output, self.folder, upscaler.scale, self.options.quality)

    def shots(self, upscaler: Upscaler, clip: Clip, survey: Survey) -> Shots:
        """Prepare to upscale shots of the film.

        Raises:
            PictureError: A still is not a complete picture.
        """
        references = ShotReferences(upscaler, self.stills, self.options.best, self.limits)
        own, steady = self.options.self_references, self.options.steady
        return Shots(upscaler, clip, survey, references, own=own, steady=steady)


def _identity(path: Path) -> str:
    """Name, size and time of change; of the files in a folder, likewise."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    text = "\n".join(f"{file.name} {file.stat().st_size} {file.stat().st_mtime_ns}" for file in files)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
