"""Writes TIFF and BigTIFF with deflate: any depth, any number of samples and pages, one strip at a time."""

import io
import zlib
from typing import Literal

import numpy as np

from srntt._shapes import Shaped
from srntt.image._carried import Carried
from srntt.image._picture import Picture
from srntt.image._source import SeekableSink
from srntt.image.tiff._directory import Directory, Field, pack
from srntt.image.tiff._tags import Written, described_by_program, tags_for

_STRIP_BYTES = 2**18
_LEVEL = 1  # of zlib, 0..9
_MOST_OF_A_SMALL_FILE = 2**32 - 2**26
_ADOBE_DEFLATE, _DIFFERENCES, _ALPHA, _OTHER, _PAGE = 8, 2, 2, 0, 2
_UNDEFINED, _BYTE = 7, 1


class TiffWriter:
    """Writes the pages of a seekable file one after the other; the first and their number decide if it is a BigTIFF."""

    def __init__(self, file: SeekableSink, first: Picture, count: int, order: Literal["<", ">"]) -> None:
        self._file, self._count = file, count
        self._order: Literal["<", ">"] = order
        self._big = first.height * first.width * _sample_bytes(first) * count > _MOST_OF_A_SMALL_FILE
        self._pages = 0
        mark, number = (b"II", "little") if order == "<" else (b"MM", "big")
        self._number: Literal["little", "big"] = number
        head = (43).to_bytes(2, number) + (8).to_bytes(2, number) + bytes(2) if self._big else (42).to_bytes(2, number)
        self._link = 8 if self._big else 4  # where the offset of the next directory is written
        file.write(mark + head + bytes(self._width))
        self._end = file.tell()

    @property
    def _width(self) -> int:
        return 8 if self._big else 4

    def add(self, ready: Carried) -> tuple[str, ...]:
        """Writes a page; returns notes on what was dropped."""
        self._pages += 1
        notes: list[str] = []
        picture = ready.picture
        rows = max(1, _STRIP_BYTES // (picture.width * _sample_bytes(picture)))
        offsets, sizes = [], []
        for top in range(0, picture.height, rows):
            packed = self._packed(_samples(picture, slice(top, top + rows)))
            offsets.append(self._end)
            sizes.append(len(packed))
            self._append(packed)
        tags = self._tags(ready, notes)
        strips = {273: tags.integers(*offsets), 278: tags.integers(rows), 279: tags.integers(*sizes)}
        self._append(bytes(self._end % 2))
        place = self._end
        self._append(pack(tags.having(strips), place, big=self._big))
        self._file.seek(self._link)
        self._file.write(place.to_bytes(self._width, self._number))
        self._file.seek(0, io.SEEK_END)
        count = len(tags.having(strips).fields) + len([tag for tag in tags.inner if tag not in tags.fields])
        self._link = place + (8 + 20 * count if self._big else 2 + 12 * count)
        return tuple(notes)

    def _append(self, content: bytes) -> None:
        self._file.write(content)
        self._end += len(content)

    def _packed(self, strip: Shaped[np.ndarray, "h w c"]) -> bytes:
        ordered = strip.dtype.newbyteorder(self._order)
        if strip.dtype.kind == "f":
            return zlib.compress(strip.astype(ordered).tobytes(), _LEVEL)
        whole = strip.view(f"u{strip.itemsize}")
        differences = whole.astype(whole.dtype.newbyteorder(self._order))
        differences[:, 1:] -= whole[:, :-1]  # modulo 2**bits, as the predictor is defined
        return zlib.compress(differences.tobytes(), _LEVEL)

    def _tags(self, ready: Carried, notes: list[str]) -> Directory:
        picture, metadata, order = ready.picture, ready.metadata, self._order
        tags = ready.tree if ready.tree and ready.tree.order == order else Directory(order)
        if metadata.dpi:
            tags = tags.having({282: tags.rationals(metadata.dpi[0]), 283: tags.rationals(metadata.dpi[1])})
            tags = tags.having({296: tags.integers(2)})
        if metadata.tiff and metadata.tiff.order == order:
            own = tags_for(metadata.tiff, self._written(picture), notes)
            if self._pages > 1 and described_by_program(own.value(270) or b""):  # it is on the first page only
                own = own.only(frozenset(own.fields) - {270})
            tags = tags.having(own.fields)
        blocks = {34675: (_UNDEFINED, metadata.icc), 700: (_BYTE, metadata.xmp), 33723: (_UNDEFINED, metadata.iptc)}
        for tag, (kind, block) in blocks.items():
            if block:
                tags = tags.having({tag: Field(kind, len(block), block)})
        return tags.having(self._layout(tags, picture))

    def _written(self, picture: Picture) -> Written:
        size, metadata = (picture.width, picture.height), picture.metadata
        whole = self._count == metadata.page[1]
        return Written(metadata.size or size, size, _count(picture), _dtype(picture).name, self._count, whole)

    def _layout(self, tags: Directory, picture: Picture) -> dict[int, Field]:
        dtype, count, colors = _dtype(picture), _count(picture), picture.color.shape[2]
        if tags.number(262, 2) < 2:  # bands, the first three of which were used as colours
            colors = 1
        alpha = picture.alpha is not None
        extra = [_OTHER] * (picture.color.shape[2] - colors) + [_ALPHA] * alpha
        extra += [_OTHER] * (count - colors - len(extra))
        kind = {"u": 1, "i": 2, "f": 3}[dtype.kind]
        numbers = {
            256: (picture.width,),
            257: (picture.height,),
            258: (8 * dtype.itemsize,) * count,
            259: (_ADOBE_DEFLATE,),
            262: (2 if colors == 3 else 1,),
            277: (count,),
            284: (1,),
            **({} if kind == 3 else {317: (_DIFFERENCES,)}),
            **({338: tuple(extra)} if extra else {}),
            **({} if kind == 1 else {339: (kind,) * count}),
            **({254: (_PAGE,), 297: (self._pages - 1, self._count)} if self._count > 1 else {}),
        }
        return {tag: tags.integers(*values) for tag, values in numbers.items()}


def _dtype(picture: Picture) -> np.dtype:
    return np.dtype(picture.levels.kind) if picture.levels else picture.color.dtype


def _count(picture: Picture) -> int:
    """Samples per pixel."""
    bands = 0 if picture.bands is None else picture.bands.shape[2]
    return picture.color.shape[2] + (picture.alpha is not None) + bands


def _sample_bytes(picture: Picture) -> int:
    """Bytes per pixel."""
    return _count(picture) * _dtype(picture).itemsize


def _samples(picture: Picture, rows: slice) -> Shaped[np.ndarray, "h w c"]:
    """Colour, alpha and bands of some rows, as stored in the file."""
    part = Picture(
        np.ascontiguousarray(picture.color[rows]),
        None if picture.alpha is None else picture.alpha[rows],
        levels=picture.levels,
    )
    values = part.values()
    if picture.bands is None:
        return np.ascontiguousarray(values)
    bands = picture.bands[rows] if picture.levels is None else picture.levels.values(picture.bands[rows])
    return np.concatenate([values, bands], axis=2)
