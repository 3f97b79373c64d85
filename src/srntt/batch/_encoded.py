"""References encoded once for many pictures, as long as they fit."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace

from srntt.batch._pool import ReferenceFile
from srntt.upscale import References
from srntt.views import PLAIN


class EncodedReferences:
    """A cache of encoded references by the hash of their files; those not used for longest go first.

    The references of the picture at hand are kept whatever they take: they are in memory anyway, and the next frame of
    a video needs the same.

    Args:
        encode: makes the references of one file in these kinds of views; it checks that the file is
            still the one that was hashed.
        most: bytes to keep.

    Attributes:
        encoded: how many were encoded.
        reused: how many were there already.
    """

    def __init__(self, encode: Callable[[ReferenceFile, tuple[str, ...]], References], most: int) -> None:
        self._encode, self._most = encode, most
        self._kept: OrderedDict[tuple[str, tuple[str, ...]], References] = OrderedDict()
        self.encoded = self.reused = 0

    def get(self, files: Sequence[ReferenceFile], *, views: tuple[str, ...] = PLAIN) -> References | None:
        """References of several files as one; None for none."""
        parts = [self._one(file, views) for file in files]
        self.trim(files, self._most)
        if not parts:
            return None
        items = [
            replace(item, number=number, source=file.path)
            for number, (file, part) in enumerate(zip(files, parts, strict=True))
            for item in part
        ]
        fallbacks = tuple(text for part in parts for text in part.fallbacks)
        return References(parts[0].fingerprint, items, fallbacks)

    def trim(self, needed: Sequence[ReferenceFile], most: int = 0) -> bool:
        """Forget what is not needed until the rest fits. Returns whether there was anything to forget."""
        before, hashes = len(self._kept), {file.sha256 for file in needed}
        for key in list(self._kept):
            if self.bytes <= most:
                break
            if key[0] not in hashes:
                del self._kept[key]
        return len(self._kept) < before

    @property
    def bytes(self) -> int:
        """Memory that the references take."""
        return sum(part.bytes for part in self._kept.values())

    def _one(self, file: ReferenceFile, views: tuple[str, ...]) -> References:
        key = file.sha256, views
        if key in self._kept:
            self.reused += 1
        else:
            self._kept[key] = self._encode(file, views)
            self.encoded += 1
        self._kept.move_to_end(key)
        return self._kept[key]
