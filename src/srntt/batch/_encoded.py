"""References encoded once for many pictures, as long as they fit."""

from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from srntt.batch._shared_references import ReferenceFile
from srntt.upscale import References
from srntt.views import PLAIN

Key = tuple[str, tuple[str, ...]]
"""Hash of a reference's file, and the kinds of its views that are encoded."""


@runtime_checkable
class ReferenceStore(Protocol):
    """What other workers encode. Whoever finds nothing is to encode it, and then to add it or to give up."""

    def find(self, key: Key) -> References | None: ...
    def add(self, key: Key, references: References) -> None: ...
    def give_up(self, key: Key) -> None: ...


class EncodedReferences:
    """A cache of encoded references by the hash of their files; the least recently used go first.

    The references of the picture at hand are kept whatever they take: they are in memory anyway, and the next frame of
    a video needs the same.

    Args:
        encode: makes the references of one file in these kinds of views.
        most: bytes to keep.
        store: what other workers encode, if there are any.

    Attributes:
        counts: how many were ``encoded`` here, ``fetched`` from the store, or ``reused``.
    """

    def __init__(
        self,
        encode: Callable[[ReferenceFile, tuple[str, ...]], References],
        most: int,
        store: ReferenceStore | None = None,
    ) -> None:
        self._encode, self._most, self._store = encode, most, store
        self._kept: OrderedDict[Key, References] = OrderedDict()
        self.counts: Counter[str] = Counter()

    def get(self, files: Sequence[ReferenceFile], *, views: tuple[str, ...] = PLAIN) -> References | None:
        """References of several files as one; None for none."""
        parts = [self._one(file, views) for file in files]
        self.trim(files, self._most)
        if not parts:
            return None
        return References.joined(parts, [file.name for file in files])

    def trim(self, needed: Sequence[ReferenceFile], most: int = 0) -> bool:
        """Drop what is not needed until the rest fits. Returns whether there was anything to drop."""
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
            self.counts["reused"] += 1
        elif self._store and (found := self._store.find(key)) is not None:
            self.counts["fetched"] += 1
            self._kept[key] = found
        else:
            self._kept[key] = self._encoded(file, key)
            self.counts["encoded"] += 1
        self._kept.move_to_end(key)
        return self._kept[key]

    def _encoded(self, file: ReferenceFile, key: Key) -> References:
        try:
            references = self._encode(file, key[1])
        except BaseException:
            if self._store:
                self._store.give_up(key)
            raise
        if self._store:
            self._store.add(key, references)
        return references
