"""Predicted memory of the stages of an upscale, from its sizes and the requirements of the model."""

from dataclasses import dataclass
from itertools import pairwise

from srntt.memory._appetite import Appetite

BLEND = 8
"""Overlap of neighbouring tiles in LR pixels, the same for all tile sizes, so that tiles of any sizes can be joined."""

SMALLEST = 32
"""Side of the smallest tile in LR pixels: every piece is then at least as wide as two blending ramps."""

_FLOAT = 4
_SAVED = 4  # bytes per output pixel in Pillow while a file is written
_PNG, _PNG_BAND = 25, 2**22  # bytes of the PNG writer per byte of a band, and maximum bytes of a band
_ALONE = 2  # outputs of a tile that is also computed without references: with them, and the combination
CODE = 20_000_000  # bytes of code that torch loads and compiles at its first convolutions
_BASED = 6  # float outputs of a tile with a base: base, difference from bicubic, its folded copy, blend
_PROVENANCE = 28  # bytes per LR position of similarity and provenance


@dataclass(frozen=True)
class Job:
    """Sizes of an upscale: LR height and width, output channels including alpha, bytes per output sample."""

    height: int
    width: int
    channels: int
    sample: int

    @property
    def pixel(self) -> int:
        """Bytes per output pixel."""
        return self.channels * self.sample


@dataclass(frozen=True)
class Extra:
    """Optional steps of an upscale.

    Attributes:
        base: Whether the model starts from the output of another upscaler, which is already in memory.
        protects: Whether some places are also computed without references.
        resized: Bytes of the resized output.
    """

    base: bool = False
    protects: bool = False
    resized: int = 0


@dataclass(frozen=True)
class Needs:
    """Memory of the stages of an upscale in addition to the resident memory, in bytes; for matching, of one band.

    Attributes:
        job: Sizes of the upscale.
        appetite: Requirements of the model.
        halo: Context of a tile, in LR pixels.
        scale: Scale of the model.
        candidates: Candidates per position; 0 without references.
        checking: Bytes for comparing the output with the input, and for enforcing consistency.
        searched: Bytes of the largest memory-mapped map that is searched, and read into memory for it.
        sampled: Bytes of the memory-mapped maps from which textures are sampled.
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
        """Number of pixels of the input."""
        return self.job.height * self.job.width

    @property
    def picture(self) -> int:
        """The input in floating point, and code loaded by the first operations."""
        return self.pixels * 3 * _FLOAT + CODE + (self.appetite.first if self.candidates else 0)

    @property
    def field(self) -> int:
        """The matches, on the device of the model."""
        return self.pixels * self.candidates * self.appetite.matched

    @property
    def output(self) -> int:
        """The output, and the share of each candidate."""
        output = self.pixels * self.scale**2 * self.job.pixel
        return output + self.pixels * self.candidates * _FLOAT

    @property
    def provenance(self) -> int:
        """Similarity and provenance of the result."""
        return self.pixels * _PROVENANCE if self.candidates else 0

    @property
    def saving(self) -> int:
        """Resizing, or writing a file: Pillow's copy, or a band of PNG with its filters."""
        samples = self.pixels * self.scale**2 * self.job.pixel
        return max(self.pixels * self.scale**2 * _SAVED, min(samples, _PNG_BAND) * _PNG, self.extra.resized)

    def canvas(self, side: int) -> int:
        """A row of tiles in floating point, and its rows that are blended with the next one."""
        rows = min(side + 4 * BLEND, self.job.height)
        return rows * self.job.width * self.scale**2 * 3 * _FLOAT

    def tile(self, side: int) -> int:
        """A tile in the network."""
        height, width = (
            max(min(extent, stop + self.halo) - max(0, start - self.halo) for start, stop in cuts(extent, side))
            for extent in (self.job.height, self.job.width)
        )
        seen = height * width
        based = seen * self.scale**2 * 3 * _FLOAT * _BASED if self.extra.base else 0
        alone = seen * self.scale**2 * 3 * _FLOAT * _ALONE if self.extra.protects else 0
        return self.appetite.tile(self.candidates).bytes(seen) + based + alone


def cuts(extent: int, piece: int, first: int = 0) -> list[tuple[int, int]]:
    """Divide ``first..extent`` into pieces of at most ``piece`` and, if more than one, at least half of it."""
    count = -(-(extent - first) // piece)
    edges = [first + (extent - first) * i // count for i in range(count + 1)]
    return list(pairwise(edges))
