"""Connections to the page: a limited number, and each must send the whole head of a request in time.

uvicorn has no such limits: its `limit_concurrency` answers requests, and leaves connections open that send none.
"""

import asyncio
from typing import Any

import psutil
from uvicorn.protocols.http.h11_impl import H11Protocol  # pyright: ignore[reportMissingImports]

HEAD_SECONDS = 30.0  #: after which a connection without a request is closed
_QUEUED = 64  # not accepted yet; uvicorn would accept 2,048 together, and use up the descriptors
_MOST = 512  # at once; half of the descriptors, if these are fewer
_waiting: dict["Connection", asyncio.TimerHandle] = {}  # for a request, the longest first


def limit_connections(server: Any) -> None:
    """Apply the limits to all connections that a running uvicorn server accepts from now on."""
    server.config.http_protocol_class = Connection
    for listener in (socket for each in server.servers for socket in each.sockets):
        with listener.dup() as duplicate:  # of which this changes the original, too
            duplicate.listen(_QUEUED)


class Connection(H11Protocol):
    """A connection; beyond the limit, the one that has waited longest for a request is closed."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._wait()
        if len(self.connections) > min(_MOST, _most_descriptors() // 2):
            next(iter(_waiting), self).abandon()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is None or self.cycle.response_complete:
            self._wait()
        else:
            self._end_wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_wait()
        super().connection_lost(exc)

    def abandon(self) -> None:
        """Close the connection without an answer."""
        self._end_wait()
        self.connections.discard(self)
        self.transport.abort()

    def _wait(self) -> None:
        if self not in _waiting and not self.transport.is_closing():
            _waiting[self] = self.loop.call_later(HEAD_SECONDS, self.abandon)

    def _end_wait(self) -> None:
        if timer := _waiting.pop(self, None):
            timer.cancel()


def _most_descriptors() -> int:
    """Return how many files and connections `ulimit -n` allows, where psutil knows: on Linux."""
    limit = getattr(psutil, "RLIMIT_NOFILE", None)
    return 2 * _MOST if limit is None else psutil.Process().rlimit(limit)[0]
