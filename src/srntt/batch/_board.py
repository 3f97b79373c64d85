"""What the workers of a cluster tell each other: which references are encoded, and who began what. An actor of Ray."""

import asyncio
from collections import Counter, OrderedDict
from typing import Any

Key = tuple[str, tuple[str, ...]]
"""Hash of a reference's file, and the kinds of its views that were encoded."""

_PATIENCE_SECONDS = 60.0


class Board:
    """One process holds it; its methods are called from others, many at once.

    Args:
        most: bytes of encoded references to keep in the object store; those not asked for longest go first.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._places: OrderedDict[Key, _Place] = OrderedDict()
        self._begun: Counter[str] = Counter()

    async def begin(self, name: str) -> int:
        """A worker begins a picture. Returns how many had before it and never came to its end: they died."""
        self._begun[name] += 1
        return self._begun[name] - 1

    async def end(self, name: str) -> None:
        """It has ended, well or not."""
        del self._begun[name]

    async def find(self, key: Key) -> list[Any] | None:
        """An encoded reference, as a list of one object reference, so that Ray does not fetch it here.

        None: the caller is to encode it, and to `add` or `give_up`. Whoever asks meanwhile waits, unless that takes so
        long that the caller may have died.
        """
        if key not in self._places:
            self._places[key] = _Place()
            return None
        held = self._places[key]
        self._places.move_to_end(key)
        try:
            await asyncio.wait_for(held.settled.wait(), _PATIENCE_SECONDS)
        except TimeoutError:
            return None
        return held.content

    async def add(self, key: Key, content: list[Any], size: int) -> None:
        """Here it is."""
        held = self._places.setdefault(key, _Place())
        held.content, held.size = content, size
        held.settled.set()
        while sum(one.size for one in self._places.values()) > self._most:
            oldest = next((other for other, one in self._places.items() if other != key and one.content), None)
            if oldest is None:
                break
            del self._places[oldest]

    async def give_up(self, key: Key) -> None:
        """It cannot be encoded, or what was here is lost: those who wait are to encode it themselves."""
        if held := self._places.pop(key, None):
            held.settled.set()


class _Place:
    """For one encoded reference.

    Attributes:
        settled: it is there, or will not be.
        content: a list of one object reference.
        size: bytes.
    """

    def __init__(self) -> None:
        self.settled = asyncio.Event()
        self.content: list[Any] | None = None
        self.size = 0
