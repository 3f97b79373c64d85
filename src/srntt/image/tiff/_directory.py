"""TIFF and EXIF directories: reads tags with their values byte for byte, changes them, and writes them back.

Pillow's classes convert every value to a Python object and back: text that is not ASCII becomes ``?``, UNDEFINED
becomes BYTE, and one invalid rational costs the whole block. Here values are converted only on request.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

Order = Literal["<", ">"]
UNITS = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
CODES = {1: "B", 3: "H", 4: "L", 6: "b", 7: "B", 8: "h", 9: "l", 11: "f", 12: "d", 13: "L", 16: "Q", 17: "q", 18: "Q"}
POINTERS = frozenset({0x8769, 0x8825, 0xA005})  #: to the Exif, GPS and interoperability directories
_SHORT, _LONG, _ASCII, _BYTE, _RATIONAL, _LONG8 = 3, 4, 2, 1, 5, 16
_MOST_FIELDS, _MOST_INNER = 2**16, 8


@dataclass(frozen=True)
class Field:
    """The value of a tag: TIFF's number of the type, the number of values, and the bytes in the directory's order."""

    kind: int
    count: int
    value: bytes


@dataclass(frozen=True)
class Directory:
    """Tags and their values in a byte order, ``<`` or ``>``.

    ``inner`` has the directories that tags point to, ``broken`` the number of tags that could not be read.
    """

    order: Order
    fields: dict[int, Field] = field(default_factory=dict)
    inner: dict[int, "Directory"] = field(default_factory=dict)
    broken: int = 0

    def numbers(self, tag: int) -> tuple[int | float, ...]:
        """All numbers of a tag, rationals divided (0 for a zero denominator); empty if it is missing."""
        found = self.fields.get(tag)
        if found is None:
            return ()
        if found.kind in (5, 10):
            parts = struct.unpack(f"{self.order}{2 * found.count}{'L' if found.kind == 5 else 'l'}", found.value)
            return tuple(top / low if low else 0.0 for top, low in zip(parts[::2], parts[1::2], strict=True))
        if found.kind not in CODES:
            return ()
        return struct.unpack(f"{self.order}{found.count}{CODES[found.kind]}", found.value)

    def number(self, tag: int, default: int) -> int:
        """The first number of a tag."""
        numbers = self.numbers(tag)
        return int(numbers[0]) if numbers else default

    def value(self, tag: int) -> bytes | None:
        """The bytes of a tag."""
        return self.fields[tag].value if tag in self.fields else None

    def having(self, fields: Mapping[int, Field]) -> "Directory":
        """A copy with these fields added or replaced."""
        return replace(self, fields={**self.fields, **fields})

    def only(self, tags: frozenset[int]) -> "Directory":
        """A copy with only these tags, inner directories included."""
        inner = {tag: below for tag, below in self.inner.items() if tag in tags}
        return replace(self, fields={tag: one for tag, one in self.fields.items() if tag in tags}, inner=inner)

    def integers(self, *values: int) -> Field:
        """A field of SHORT or LONG or LONG8, the smallest that holds them."""
        kind = _SHORT if max(values) < 2**16 else _LONG if max(values) < 2**32 else _LONG8
        return Field(kind, len(values), struct.pack(f"{self.order}{len(values)}{CODES[kind]}", *values))

    def rationals(self, *values: float) -> Field:
        """A field of RATIONAL, to the precision of 32 bits."""
        parts = [part for value in values for part in _ratio(value)]
        return Field(_RATIONAL, len(values), struct.pack(f"{self.order}{len(parts)}L", *parts))

    def doubles(self, values: Sequence[float]) -> Field:
        """A field of DOUBLE."""
        return Field(12, len(values), struct.pack(f"{self.order}{len(values)}d", *values))

    def ascii(self, text: bytes) -> Field:
        """A field of text with its final zero byte."""
        text = text.rstrip(b"\0") + b"\0"
        return Field(_ASCII, len(text), text)


def _ratio(value: float) -> tuple[int, int]:
    low = 1
    while low < 10**6 and value * low != int(value * low) and value * low * 10 < 2**32:
        low *= 10
    return min(round(value * low), 2**32 - 1), low


@dataclass(frozen=True, eq=False)
class Block:
    """A TIFF file, or EXIF without its prefix: its byte order, whether it is a BigTIFF, and its first directory."""

    data: bytes
    order: Order
    big: bool
    first: int

    @classmethod
    def of(cls, data: bytes) -> "Block | None":
        """The block of a TIFF file or of EXIF with or without its prefix; None for anything else."""
        while data.startswith(b"Exif\0\0"):
            data = data[6:]
        if data[:2] not in (b"II", b"MM") or len(data) < 16:
            return None
        order: Order = "<" if data[:2] == b"II" else ">"
        big = struct.unpack_from(f"{order}H", data, 2)[0] == 43
        return cls(data, order, big, struct.unpack_from(order + ("Q" if big else "L"), data, 8 if big else 4)[0])

    def directory(self, place: int, depth: int = 0) -> Directory:
        """Reads a directory and those it points to. Tags that cannot be read are skipped and counted; nothing is
        raised.
        """
        found: dict[int, Field] = {}
        inner: dict[int, Directory] = {}
        broken = 0
        for tag, kind, count, at in self.entries(place):
            size = count * UNITS.get(kind, 0)
            if not size or not 0 <= at <= len(self.data) - size or len(found) >= _MOST_FIELDS:
                broken += count > 0
            elif tag in POINTERS and count == 1 and kind in (4, 13, 16, 18):
                if depth < _MOST_INNER and tag not in inner:
                    there = struct.unpack_from(self.order + CODES[kind], self.data, at)[0]
                    inner[tag] = self.directory(there, depth + 1)
            else:
                found.setdefault(tag, Field(kind, count, bytes(self.data[at : at + size])))
        return Directory(self.order, found, inner, broken)

    def places(self, most: int) -> list[int]:
        """Offsets of the chain of directories; a cycle ends where it closes."""
        found: dict[int, None] = {}
        place = self.first
        while place and place not in found and len(found) < most:
            found[place] = None
            place = self._next(place)
        return list(found)

    def _next(self, place: int) -> int:
        head, width, word = ("Q", 20, "Q") if self.big else ("H", 12, "L")
        try:
            count = struct.unpack_from(self.order + head, self.data, place)[0]
            after = place + struct.calcsize(self.order + head) + count * width
            return struct.unpack_from(self.order + word, self.data, after)[0]
        except struct.error:
            return 0

    def entries(self, place: int) -> Iterator[tuple[int, int, int, int]]:
        """Tag, type, count and offset of the value, for each entry of a directory within the block."""
        head, entry, size = ("Q", "HHQ", 8) if self.big else ("H", "HHL", 4)
        order, data = self.order, self.data
        width, begin = struct.calcsize(order + entry) + size, place + struct.calcsize(order + head)
        if not 0 <= place <= begin <= len(data):
            return
        count = struct.unpack_from(order + head, data, place)[0]
        for at in range(begin, min(begin + count * width, len(data) - width + 1), width):
            tag, kind, number = struct.unpack_from(order + entry, data, at)
            value = at + width - size
            if number * UNITS.get(kind, 0) > size:
                value = struct.unpack_from(order + ("Q" if self.big else "L"), data, value)[0]
            yield tag, kind, number, value

    def integer(self, at: int, size: int) -> int:
        """An unsigned integer of so many bytes."""
        return int.from_bytes(self.data[at : at + size], "little" if self.order == "<" else "big")


def pack(directory: Directory, at: int, *, big: bool = False, after: int = 0) -> bytes:
    """The bytes of a directory, its values and inner directories, for an even offset ``at`` in the file or block.

    In a classic TIFF, fields of BigTIFF's types are left out. ``after`` is the offset of the next directory.
    """
    head, entry, size, word = ("Q", "HHQ", 8, "Q") if big else ("H", "HHL", 4, "L")
    order = directory.order
    kept = {tag: one for tag, one in directory.fields.items() if big or one.kind < _LONG8}
    tags = sorted([*kept, *(tag for tag in directory.inner if tag not in kept)])
    place = at + struct.calcsize(order + head) + len(tags) * (struct.calcsize(order + entry) + size) + size
    packed, values = struct.pack(order + head, len(tags)), b""
    for tag in tags:
        if tag in kept:
            one, body = kept[tag], kept[tag].value
            packed += struct.pack(order + entry, tag, one.kind, one.count)
        else:
            body = b""
            packed += struct.pack(order + entry, tag, _LONG8 if big else _LONG, 1)
        if tag in kept and len(body) <= size:
            packed += body.ljust(size, b"\0")
            continue
        packed += struct.pack(order + word, place + len(values))
        values += body if tag in kept else pack(directory.inner[tag], place + len(values), big=big)
        values += bytes(-len(values) % 2)
    return packed + struct.pack(order + word, after) + values
