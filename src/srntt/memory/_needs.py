"""Bytes that the stages of an upscale take, from its sizes and the model's appetite."""

from dataclasses import dataclass

from srntt.memory._appetite import Appetite
from srntt.memory._pieces import BLEND, cuts

_FLOAT = 4
_SAVED = 4  # bytes of an output pixel in Pillow while a file is written
_PNG, _PNG_BAND = 25, 2**22  # bytes of the PNG writer for each of a band, and of a band at most
_ALONE = 2  # outputs of a tile that is also made without references: with them, and the two joined
CODE = 20_000_000  # bytes of code that torch loads, and makes for the machine, at its first convolutions
_BASED = 6  # outputs in floating point of a tile with a base: it, its difference from bicubic, that folded, a blend
_PROVENANCE = 28  # bytes of an LR position in similarity and provenance


@dataclass(frozen=True)
class Job:
    """Sizes of an upscale: LR height and width, output channels with alpha, bytes of an output sample."""

    height: int
    width: int
    channels: int
    sample: int

    @property
    def pixel(self) -> int:
        """Bytes of an output pixel."""
        return self.channels * self.sample


@dataclass(frozen=True)
class Extra:
    """What an upscale does that most do not.

    Attributes:
        base: the model goes on from a picture that another upscaler enlarged, which the process holds already.
        protects: some places are made without references, too.
        resized: bytes of what the output is resized to.
    """

    base: bool = False
    protects: bool = False
    resized: int = 0


@dataclass(frozen=True)
class Needs:
    """Bytes that the stages of an upscale take beyond what the process holds, those of matching for a band.

    Attributes:
        job: what is to be made.
        appetite: of the model.
        halo: context of a tile, in LR pixels.
        scale: of the model.
        candidates: of a position; 0 without references.
        checking: bytes that comparing the output with the input takes, and making it consistent.
        searched: bytes of the largest map that is matched in and lies in a file, of which it comes into memory.
        sampled: bytes of the maps that textures come from and that lie in files.
        extra: what else is done.
    """

    job: Job
    appetite: Appetite
    halo: int
    scale: int
    candidates: int
    checking: int = 0
    searched: int = 0
    sampled: int = 0
    extra: Extra = Extra()

    @property
    def pixels(self) -> int:
        """Of the input."""
        return self.job.height * self.job.width

    @property
    def picture(self) -> int:
        """The input in floating point, and what its first work leaves behind."""
        return self.pixels * 3 * _FLOAT + CODE + (self.appetite.first if self.candidates else 0)

    @property
    def field(self) -> int:
        """The matches, on the model's device."""
        return self.pixels * self.candidates * self.appetite.matched

    @property
    def output(self) -> int:
        """The output and the shares of the candidates."""
        output = self.pixels * self.scale**2 * self.job.pixel
        return output + self.pixels * self.candidates * _FLOAT

    @property
    def provenance(self) -> int:
        """Similarity and provenance, in the result."""
        return self.pixels * _PROVENANCE if self.candidates else 0

    @property
    def saving(self) -> int:
        """What resizing takes, or writing a file: Pillow's copy, or a band of PNG and its filters."""
        samples = self.pixels * self.scale**2 * self.job.pixel
        return max(self.pixels * self.scale**2 * _SAVED, min(samples, _PNG_BAND) * _PNG, self.extra.resized)

    def canvas(self, side: int) -> int:
        """A row of tiles in floating point, and the rows of it that the next one blends with."""
        rows = min(side + 4 * BLEND, self.job.height)
        return rows * self.job.width * self.scale**2 * 3 * _FLOAT

    def tile(self, side: int) -> int:
        """A tile while the network sees it."""
        height, width = (
            max(min(extent, stop + self.halo) - max(0, start - self.halo) for start, stop in cuts(extent, side))
            for extent in (self.job.height, self.job.width)
        )
        seen = height * width
        based = seen * self.scale**2 * 3 * _FLOAT * _BASED if self.extra.base else 0
        alone = seen * self.scale**2 * 3 * _FLOAT * _ALONE if self.extra.protects else 0
        return self.appetite.tile(self.candidates).bytes(seen) + based + alone
