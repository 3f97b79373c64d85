"""Reads and checks the layout of a TIFF page's pixels before any is decoded."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from srntt.image._source import Limits, check_pixels, refuse
from srntt.image.tiff._directory import Directory

_MOST_SAMPLES = 1024
_FORMATS = {1: "u", 2: "i", 3: "f", 4: "u"}  # SampleFormat; 4 is undefined, which TIFF 6.0 treats as unsigned


@dataclass(frozen=True)
class Layout:
    """Layout of one picture in a TIFF file.

    Attributes:
        samples: per pixel.
        bits: per sample.
        kind: type of samples: ``u`` unsigned, ``i`` signed, ``f`` float.
        photometric: TIFF's number of the colour model.
        extra: meaning of each sample beyond the colour model's: 1 premultiplied alpha, 2 alpha, 0 anything else.
        planar: each sample is stored in a plane of its own.
        compression: TIFF's number.
        predictor: 1 none, 2 differences, 3 differences of floats' bytes.
        segment: rows and columns of a strip or tile; ``offsets`` and ``sizes`` in bytes are those of all segments.
        lerc_packing: outer compression of LERC segments: 0 none, 1 deflate, 2 Zstandard.
    """

    width: int
    height: int
    samples: int
    bits: int
    kind: str
    photometric: int
    extra: tuple[int, ...]
    planar: bool
    compression: int
    predictor: int
    segment: tuple[int, int]
    tiled: bool
    offsets: tuple[int, ...]
    sizes: tuple[int, ...]
    order: str
    lerc_packing: int = 0

    @property
    def colors(self) -> int:
        """Samples of the colour model: those that are not extra."""
        return self.samples - len(self.extra)

    @property
    def together(self) -> int:
        """Samples per pixel in one segment."""
        return 1 if self.planar else self.samples

    @property
    def row_bytes(self) -> int:
        """Bytes of a row of a segment."""
        return -(-self.segment[1] * self.together * self.bits // 8)

    @cached_property
    def dtype(self) -> np.dtype:
        """Type of unpacked samples, in the byte order of the file."""
        size = next(size for size in (1, 2, 4, 8) if 8 * size >= self.bits)
        return np.dtype(f"{self.order}{self.kind}{size}")


def layout_of(tags: Directory, source: str, limits: Limits) -> Layout:
    """Reads the tags of the layout; raises PictureError beyond the limits, or for an unsupported layout."""
    width, height = tags.number(256, 0), tags.number(257, 0)
    samples, planar = tags.number(277, 1), tags.number(284, 1) == 2
    bits = {int(one) for one in tags.numbers(258)} or {1}
    kinds = {int(one) for one in tags.numbers(339)} or {1}
    if not 1 <= samples <= _MOST_SAMPLES:
        raise refuse(source, f"is a TIFF of {samples:,} samples per pixel; 1 to {_MOST_SAMPLES:,} are supported.")
    check_pixels(source, width, height, limits, bytes_per_pixel=12 + 3 * samples * -(-max(bits) // 8))
    if len(bits) > 1 or len(kinds) > 1:
        found = " and ".join(map(str, sorted(bits)))
        raise refuse(source, f"is a TIFF with samples of different types ({found} bits). Convert it to one type.")
    if not kinds <= set(_FORMATS):
        raise refuse(source, "is a TIFF of complex samples, which are not supported. Save the real part.")
    depth, kind = bits.pop(), _FORMATS[kinds.pop()]
    if depth not in ((16, 32, 64) if kind == "f" else (8, 16, 32, 64) if kind == "i" else (*range(1, 33), 64)):
        name = {"u": "unsigned", "i": "signed", "f": "float"}[kind]
        raise refuse(source, f"is a TIFF of {depth}-bit {name} samples, which are not supported. Save it with 16 bits.")
    tiled = 322 in tags.fields
    segment = (tags.number(323, 0), tags.number(322, 0)) if tiled else (min(tags.number(278, height), height), width)
    if segment[0] * segment[1] > limits.max_pixels or min(segment) < 1:
        sides = f"{segment[1]} x {segment[0]}"
        raise refuse(source, f"has tiles of {sides} pixels, beyond the limit of {limits.max_pixels:,}.")
    extra = tuple(int(one) for one in tags.numbers(338))[:samples]
    photometric = tags.number(262, 1)
    colors = {2: 3, 5: 4, 6: 3, 8: 3, 9: 3}.get(photometric, 1)
    if samples < colors:
        raise refuse(source, f"is a TIFF of {samples} samples per pixel where its colours need {colors}.")
    extra = (extra + (0,) * samples)[: samples - colors]
    offsets, sizes = (tuple(int(one) for one in tags.numbers(tag)) for tag in ((324, 325) if tiled else (273, 279)))
    return Layout(
        width=width,
        height=height,
        samples=samples,
        bits=depth,
        kind=kind,
        photometric=photometric,
        extra=extra,
        planar=planar and samples > 1,
        compression=tags.number(259, 1),
        predictor=tags.number(317, 1),
        segment=segment,
        tiled=tiled,
        offsets=offsets,
        sizes=sizes,
        order=tags.order,
        lerc_packing=int((*tags.numbers(50674), 0, 0)[1]),
    )
