"""Cache of encoded references that are used for many pictures."""

from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from srntt.batch._shared_references import ReferenceFile
from srntt.upscale import References
from srntt.views import PLAIN

Key = tuple[str, tuple[str, ...]]
"""Hash of the file of a reference, and the kinds of views encoded."""


@runtime_checkable
class ReferenceStore(Protocol):
    """Store of encoded references shared between workers.

    A worker for which `find` returns None must encode the reference, and then call `add` or `give_up`.
    """

    def find(self, key: Key) -> References | None: ...
    def add(self, key: Key, references: References) -> None: ...
    def give_up(self, key: Key) -> None: ...


class EncodedReferences:
    """Cache of encoded references by the hash of their files, with eviction of the least recently used.

    The references of the current picture are kept whatever their size: they are in memory anyway, and the next picture
    often uses them too.

    Args:
        encode: Encodes a reference file with the given kinds of views.
        most: Maximum size in bytes.
        store: Store shared with other workers, if any.

    Attributes:
        counts: Numbers of references ``encoded`` here, ``fetched`` from the store, and ``reused``.
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
        """Return the references of several files combined, or None for an empty list."""
        parts = [self._one(file, views) for file in files]
        self.trim(files, self._most)
        if not parts:
            return None
        return References.joined(parts, [file.name for file in files])

    def trim(self, needed: Sequence[ReferenceFile], most: int = 0) -> bool:
        """Evict references that are not needed until the rest fits; return whether any were evicted."""
        before, hashes = len(self._kept), {file.sha256 for file in needed}
        for key in list(self._kept):
            if self.bytes <= most:
                break
            if key[0] not in hashes:
                del self._kept[key]
        return len(self._kept) < before

    @property
    def bytes(self) -> int:
        """Memory used by the references, in bytes."""
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
