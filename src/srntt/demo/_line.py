"""Queue of limited length, processed one order at a time; any order can be cancelled at any time."""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from srntt.errors import Cancelled, SrnttError
from srntt.upscale import Schedule

Outcome = TypeVar("Outcome")
Work = Callable[["Ticket[Outcome]"], Outcome]

_ABANDONED_SECONDS = 60.0  # without a poll, after which a page is considered closed


class BusyError(SrnttError, RuntimeError):
    """The queue is full, or the visitor has an order in it already."""


class Ticket(Generic[Outcome]):
    """Order in the queue, polled by the page and updated by the worker.

    Args:
        owner: Visitor.
        work: Function to run; called with the ticket.

    Attributes:
        stage, done, total: Progress of the work.
        schedule: Predicted times, once they are known; it follows the progress.
        place: Number of the picture in progress, from 0, and number of pictures of the order.
        parts: Finished parts of the outcome.
        outcome: Result of the work, once finished.
        error: Exception that ended the work, if any.
    """

    def __init__(self, owner: str, work: "Work[Outcome]") -> None:
        self.owner, self.work = owner, work
        self.stage, self.done, self.total = "", 0, 0
        self.schedule: Schedule | None = None
        self.place: tuple[int, int] = (0, 1)
        self.parts: list[Any] = []
        self.outcome: Outcome | None = None
        self.error: BaseException | None = None
        self.started: float | None = None
        self._withdrawn, self._finished = threading.Event(), threading.Event()
        self._seen = time.monotonic()

    @property
    def finished(self) -> bool:
        """Whether there is an outcome or an error. Reading this keeps the order alive."""
        self._seen = time.monotonic()
        return self._finished.is_set()

    @property
    def withdrawn(self) -> bool:
        """Whether it was cancelled or its page is closed."""
        return self._withdrawn.is_set() or time.monotonic() - self._seen > _ABANDONED_SECONDS

    def cancel(self) -> None:
        """Cancel the order: a waiting one is dropped immediately, a running one stops at its next report."""
        self._withdrawn.set()

    def report(self, stage: str, done: int, total: int) -> None:
        """Report progress; passed to ``Upscaler`` as ``progress``.

        Raises:
            Cancelled: The order was cancelled.
        """
        if self.withdrawn:
            raise Cancelled
        self.stage, self.done, self.total = stage, done, total

    def run(self) -> None:
        """Run the work on the thread of the worker; an exception is stored and affects only this order."""
        self.started = time.monotonic()
        try:
            self.report("", 0, 0)
            self.outcome = self.work(self)
        except BaseException as error:
            self.error = error
        self._finished.set()

    def drop(self) -> None:
        """Cancel the order before it has started."""
        self.error = Cancelled()
        self._finished.set()


class Line:
    """Queue with a worker thread.

    Args:
        waiting: Maximum number of waiting orders, in addition to the one being processed.
    """

    def __init__(self, waiting: int) -> None:
        self.waiting = waiting
        self._tickets: deque[Ticket] = deque()
        self._current: Ticket | None = None
        self._changed = threading.Condition()
        self._closed = False
        self._worker = threading.Thread(target=self._serve, name="upscaling", daemon=True)
        self._worker.start()

    def join(self, owner: str, work: "Work[Outcome]") -> "Ticket[Outcome]":
        """Append an order to the queue.

        Raises:
            BusyError: The queue is full, or the owner has an order in it already.
        """
        ticket = Ticket(owner, work)
        with self._changed:
            self._drop_withdrawn()
            if self._closed:
                raise BusyError("The server is being stopped.")
            if any(other.owner == owner and not other.withdrawn for other in self._all()):
                raise BusyError("Another picture of yours is being processed. Wait for it, or cancel it.")
            if len(self._tickets) >= self.waiting and (self._current or self._tickets):
                raise BusyError(
                    f"The server is busy: one picture is being processed and {len(self._tickets)} are waiting, the "
                    "limit. Try again in a minute."
                )
            self._tickets.append(ticket)
            self._changed.notify_all()
        return ticket

    def ahead_of(self, ticket: Ticket) -> int:
        """Return the number of orders before a waiting one."""
        with self._changed:
            self._drop_withdrawn()
            before = self._tickets.index(ticket) if ticket in self._tickets else 0
            return before + (self._current is not None and self._current is not ticket)

    def cancel(self, owner: str) -> bool:
        """Cancel the orders of an owner; return whether there were any."""
        with self._changed:
            own = [ticket for ticket in self._all() if ticket.owner == owner]
            for ticket in own:
                ticket.cancel()
            self._drop_withdrawn()
        return bool(own)

    def close(self, seconds: float = 30.0) -> None:
        """Cancel all orders, and wait for the worker to stop, with a time limit in seconds."""
        with self._changed:
            self._closed = True
            for ticket in self._all():
                ticket.cancel()
            self._drop_withdrawn()
            self._changed.notify_all()
        self._worker.join(seconds)

    def _all(self) -> list[Ticket]:
        return [*self._tickets, *([self._current] if self._current else [])]

    def _drop_withdrawn(self) -> None:
        for ticket in [ticket for ticket in self._tickets if ticket.withdrawn]:
            self._tickets.remove(ticket)
            ticket.drop()

    def _serve(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._tickets)
                if self._closed:
                    return
                self._current = self._tickets.popleft()
            self._current.run()
            with self._changed:
                self._current = None
