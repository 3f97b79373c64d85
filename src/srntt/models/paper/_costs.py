"""What the paper's networks take of memory: for each step, the maps that are there at once at its worst moment.

The widest maps are those of 64 channels on a grid four times the LR grid: VGG19's first layers, and the last level of
the transfer. Sizes are in bytes of an LR position, unless stated otherwise.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from srntt.match import Matcher, Sizes
from srntt.memory import Appetite, Work
from srntt.models.paper._blocks import CHANNELS
from srntt.models.paper._network import FINEST, PaperConfig

PATCH = 3  # side of what is matched
MATCHED_CHANNELS = 256
REACH = 8  # LR rows: VGG19's halo of 10 HR rows and the bicubic's 2 LR rows, rounded up

_FLOAT = 4
_FEATURE = CHANNELS * _FLOAT
_FINE = _FEATURE * FINEST**2
_KEY = MATCHED_CHANNELS * _FLOAT
_SWAPPED = _KEY + 128 * _FLOAT * 2**2 + 64 * _FLOAT * FINEST**2
_PICTURE = 3 * _FLOAT * FINEST**2
_DETAIL = 177  # an output pixel of the last convolution beyond 4x: a map of 8 channels, and the oneDNN library's copies
# of what comes in and out, widened to 16 channels each; with one thread, it makes none, and 105 would do
_MATCHED = 20
_READ = 6 * _FLOAT  # a pixel of a reference as it was read and in floating point
_FIRST = 60_000_000
_SEEN = Work(
    3 * _FINE + 2 * _PICTURE, _FINE
)  # by VGG19: pictures before and after scaling, a layer, what comes in and out


def appetite_of(config: PaperConfig) -> Appetite:
    """For the planning of references and tiles."""
    pixels, lasting = config.scale**2, _KEY + _SWAPPED
    seen = -(-(_KEY + _SEEN.position + 2 * _PICTURE) // pixels) + _READ
    return Appetite(Work(seen, _FINE // pixels), -(-lasting // pixels), _MATCHED, 1, partial(_tile, config), _FIRST)


def matching_bytes(matcher: Matcher, size: tuple[int, int], keys: Sequence[int], band: int, threads: int) -> int:
    """As `Drive.matching_bytes`: a band is enlarged and seen by VGG19, piece by piece, and matched."""
    height, width = size
    sizes = Sizes(height * width, tuple(keys), MATCHED_CHANNELS, PATCH)
    rows = min(height, max(bottom - top for top, bottom in matcher.bands(height, band, sizes)) + PATCH - 1)
    seen = _SEEN.bytes(min(band + 2 + 2 * REACH, height) * width)
    searched = matcher.bytes(replace(sizes, queries=rows * width), threads)
    return height * width * _MATCHED + (matcher.waiting(sizes) + 1) * rows * width * _KEY + max(seen, searched)


def _tile(config: PaperConfig, candidates: int) -> Work:
    """The extractor's own head; or the swapped maps, gated or not, and the worse of the last level and what follows."""
    if not candidates:
        return Work(2 * _FINE + _FINE // 4 + _FEATURE, _FINE)
    last = max(6 * _FINE + 2 * _PICTURE, _DETAIL * config.scale**2)
    return Work(_SWAPPED * (1 + config.gated) + last, _FINE)
