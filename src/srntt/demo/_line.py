"""Orders wait in a line of bounded length and are done one at a time; any of them can be withdrawn at any moment."""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from srntt.errors import SrnttError

Outcome = TypeVar("Outcome")
Work = Callable[["Ticket[Outcome]"], Outcome]

_ABANDONED_SECONDS = 60.0  # a page looks several times a second: one that has not for so long is gone


class CancelledError(Exception):
    """Raised inside work whose order was withdrawn."""


class BusyError(SrnttError, RuntimeError):
    """The line is full, or the visitor has an order in it already."""


class Ticket(Generic[Outcome]):
    """An order in the line; the visitor's side looks at it, the worker's side reports to it.

    Args:
        owner: whose it is.
        work: what to do; it is given the ticket.

    Attributes:
        stage, done, total: how far the work is.
        outcome: of the work, once it is finished.
        error: what ended it otherwise.
    """

    def __init__(self, owner: str, work: "Work[Outcome]") -> None:
        self.owner, self.work = owner, work
        self.stage, self.done, self.total = "", 0, 0
        self.outcome: Outcome | None = None
        self.error: BaseException | None = None
        self.started: float | None = None
        self._withdrawn, self._finished = threading.Event(), threading.Event()
        self._seen = time.monotonic()

    @property
    def finished(self) -> bool:
        """Whether there is an outcome or an error. Looking keeps the order alive."""
        self._seen = time.monotonic()
        return self._finished.is_set()

    @property
    def withdrawn(self) -> bool:
        """Whether nobody wants it any more: cancelled, or its page has gone."""
        return self._withdrawn.is_set() or time.monotonic() - self._seen > _ABANDONED_SECONDS

    def cancel(self) -> None:
        """Withdraw it: waiting, it is dropped at once; under way, it ends at its next report."""
        self._withdrawn.set()

    def report(self, stage: str, done: int, total: int) -> None:
        """How far the work is; what ``Upscaler`` takes as ``progress``.

        Raises:
            CancelledError: the order was withdrawn.
        """
        if self.withdrawn:
            raise CancelledError
        self.stage, self.done, self.total = stage, done, total

    def run(self) -> None:
        """Do the work, on the worker's thread. Whatever goes wrong belongs to this order alone."""
        self.started = time.monotonic()
        try:
            self.report("", 0, 0)
            self.outcome = self.work(self)
        except BaseException as error:
            self.error = error
        self._finished.set()

    def drop(self) -> None:
        """End it without having begun."""
        self.error = CancelledError()
        self._finished.set()


class Line:
    """A worker thread and those who wait for it.

    Args:
        waiting: how many orders may wait beside the one that is being done.
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
        """Put an order at the end of the line.

        Raises:
            BusyError: the line is full, or the owner is in it already.
        """
        ticket = Ticket(owner, work)
        with self._changed:
            self._drop_withdrawn()
            under_way = [*self._tickets, *([self._current] if self._current else [])]
            if self._closed:
                raise BusyError("The server is being stopped.")
            if any(other.owner == owner and not other.withdrawn for other in under_way):
                raise BusyError("You have a picture under way already. Wait for it, or cancel it.")
            if len(self._tickets) >= self.waiting and (self._current or self._tickets):
                raise BusyError(
                    f"Too busy: one picture is being done and {len(self._tickets)} wait, which is all that may. "
                    "Nothing was begun; try again in a minute."
                )
            self._tickets.append(ticket)
            self._changed.notify_all()
        return ticket

    def ahead_of(self, ticket: Ticket) -> int:
        """How many orders come before one that waits."""
        with self._changed:
            self._drop_withdrawn()
            before = self._tickets.index(ticket) if ticket in self._tickets else 0
            return before + (self._current is not None and self._current is not ticket)

    def cancel(self, owner: str) -> bool:
        """Withdraw whatever an owner has in the line; False if that is nothing."""
        with self._changed:
            own = [one for one in (*self._tickets, self._current) if one is not None and one.owner == owner]
            for ticket in own:
                ticket.cancel()
            self._drop_withdrawn()
        return bool(own)

    def close(self, seconds: float = 30.0) -> None:
        """Withdraw everything, and wait until the worker has stopped, but not longer than so many seconds."""
        with self._changed:
            self._closed = True
            for ticket in (*self._tickets, self._current):
                if ticket is not None:
                    ticket.cancel()
            self._drop_withdrawn()
            self._changed.notify_all()
        self._worker.join(seconds)

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
