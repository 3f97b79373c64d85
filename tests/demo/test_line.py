"""The line: its order and its bounds, cancelling at every point, and nobody's order lost."""

import threading
from collections.abc import Iterator

import pytest

from srntt.demo import _line
from srntt.demo._line import BusyError, Line, Ticket
from srntt.errors import Cancelled

SECONDS = 20.0


@pytest.fixture
def line() -> Iterator[Line]:
    opened = Line(waiting=2)
    yield opened
    opened.close()


class Gate:
    """Work that waits, reporting all the time, until it is let through."""

    def __init__(self) -> None:
        self.begun, self.open = threading.Event(), threading.Event()

    def __call__(self, ticket: Ticket) -> str:
        self.begun.set()
        while not self.open.wait(0.01):
            ticket.report("render", 1, 3)
        return f"done for {ticket.owner}"


def finish(ticket: Ticket) -> None:
    assert ticket._finished.wait(SECONDS), "the order was never finished"


def test_outcome(line: Line) -> None:
    ticket = line.join("a", lambda ticket: ticket.owner * 3)
    finish(ticket)
    assert (ticket.outcome, ticket.error) == ("aaa", None)


def test_one_at_a_time_and_in_order(line: Line) -> None:
    gate, done = Gate(), []
    first = line.join("a", gate)
    assert gate.begun.wait(SECONDS)
    others = [line.join(owner, lambda ticket: done.append(ticket.owner)) for owner in "bc"]
    assert [line.ahead_of(ticket) for ticket in (first, *others)] == [0, 1, 2]
    assert not done
    gate.open.set()
    for ticket in (first, *others):
        finish(ticket)
    assert done == ["b", "c"]


def test_a_full_line_refuses_and_loses_nobody(line: Line) -> None:
    gate = Gate()
    taken = [line.join("a", gate)]
    assert gate.begun.wait(SECONDS)
    taken += [line.join(owner, lambda ticket: ticket.owner) for owner in "bc"]
    with pytest.raises(BusyError, match="one picture is being processed and 2 are waiting"):
        line.join("d", lambda ticket: ticket.owner)
    gate.open.set()
    for ticket in taken:
        finish(ticket)
    assert [ticket.outcome for ticket in taken] == ["done for a", "b", "c"]
    again = line.join("d", lambda ticket: ticket.owner)
    finish(again)
    assert again.outcome == "d"


def test_one_order_for_each_visitor(line: Line) -> None:
    gate = Gate()
    line.join("a", gate)
    with pytest.raises(BusyError, match="Another picture of yours"):
        line.join("a", gate)
    gate.open.set()


def test_cancelling_what_is_under_way_ends_it_at_its_next_report(line: Line) -> None:
    gate = Gate()
    ticket = line.join("a", gate)
    assert gate.begun.wait(SECONDS)
    assert line.cancel("a")
    finish(ticket)
    assert isinstance(ticket.error, Cancelled)
    assert not line.cancel("a")


def test_cancelling_what_waits_drops_it_at_once_and_makes_room(line: Line) -> None:
    gate = Gate()
    line.join("a", gate)
    assert gate.begun.wait(SECONDS)
    begun = []
    waiting = [line.join(owner, lambda ticket: begun.append(ticket.owner)) for owner in "bc"]
    line.cancel("b")
    assert waiting[0].finished
    assert isinstance(waiting[0].error, Cancelled)
    assert line.ahead_of(waiting[1]) == 1
    line.join("d", lambda ticket: None)
    gate.open.set()
    finish(waiting[1])
    assert begun == ["c"]


def test_an_order_that_nobody_looks_at_is_dropped(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate()
    ticket = line.join("a", gate)
    assert gate.begun.wait(SECONDS)
    monkeypatch.setattr(_line, "_ABANDONED_SECONDS", 0.05)
    finish(ticket)
    assert isinstance(ticket.error, Cancelled)


def test_an_error_is_the_order_s_own(line: Line) -> None:
    def fails(ticket: Ticket) -> None:
        raise MemoryError

    first = line.join("a", fails)
    finish(first)
    second = line.join("b", lambda ticket: 7)
    finish(second)
    assert isinstance(first.error, MemoryError)
    assert second.outcome == 7


def test_closing_withdraws_everything() -> None:
    line, gate = Line(waiting=2), Gate()
    tickets = [line.join("a", gate)]
    assert gate.begun.wait(SECONDS)
    tickets.append(line.join("b", gate))
    line.close(SECONDS)
    assert all(ticket.finished and isinstance(ticket.error, Cancelled) for ticket in tickets)
    assert not line._worker.is_alive()
    with pytest.raises(BusyError, match="being stopped"):
        line.join("c", gate)
