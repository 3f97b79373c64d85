"""What the page says of an order, as HTML; whatever a visitor gave is escaped."""

import time
from html import escape
from pathlib import Path

from srntt._failures import is_out_of_memory
from srntt.demo._line import CancelledError, Ticket
from srntt.demo._service import Ready
from srntt.errors import SrnttError
from srntt.upscale import HELPED, verdict

_STEPS = ("read", "open", "encode", "align", "match", "render", "keep")
_WORDS = {
    "": "Beginning",
    "read": "Reading the pictures",
    "open": "Loading the model",
    "encode": "Looking at the references",
    "align": "Aligning the references",
    "match": "Matching",
    "render": "Rendering",
    "keep": "Writing the files",
}


def waiting(ahead: int) -> str:
    """Of an order that has not begun."""
    others = "one picture" if ahead == 1 else f"{ahead} pictures"
    return _box(f"Waiting: {others} before yours." if ahead else "Waiting.")


def under_way(ticket: Ticket) -> str:
    """Of one that has: the step, how much of it is done as the engine counts it, and the time it has taken."""
    if ticket.withdrawn:
        return _box("Cancelling: the piece of work at hand has to end first.")
    seconds = int(time.monotonic() - (ticket.started or time.monotonic()))
    step = f"Step {_STEPS.index(ticket.stage) + 1} of {len(_STEPS)}: " if ticket.stage in _STEPS else ""
    counted = ticket.total > 1
    part = f", {ticket.done / ticket.total:.0%}" if counted else ""
    bar = f'<progress max="{ticket.total}" value="{ticket.done}"></progress>' if counted else "<progress></progress>"
    return f'<div class="srntt-message">{step}{_WORDS.get(ticket.stage, ticket.stage)}{part}, {seconds} s{bar}</div>'


def ended(error: BaseException | None) -> str:
    """Of one that came to nothing."""
    if isinstance(error, CancelledError):
        return _box("Cancelled. Nothing was kept.")
    if isinstance(error, SrnttError):
        return _box(str(error), "failed")
    if error is not None and is_out_of_memory(error):
        return _box("Out of memory. Give a smaller picture, or fewer or smaller references.", "failed")
    return _box("Something went wrong here that nobody foresaw; the server's log has it.", "failed")


def ready(result: Ready) -> str:
    """Of a result: whether the references helped comes first."""
    if not result.references:
        message, kind = "Done, without references: detail is the model's guess.", ""
    else:
        whole = sum(each.share for each in result.references)
        message, kind = verdict(result.references), "" if whole >= HELPED else "poor"
    found = "".join(f"<br>{escape(f'{used.source}: {used.description}')}" for used in result.references)
    notes = "".join(f"<br>{escape(note)}" for note in result.notes)
    return f'<div class="srntt-message {kind}">{escape(message)} {result.seconds:.1f} s.{found}{notes}</div>'


def refused(text: str) -> str:
    """Of an order that was not taken."""
    return _box(text, "failed")


def view(folder: Path) -> str:
    """The result itself; the page's script does the rest."""
    return f'<srntt-view src="gradio_api/file={escape(folder.as_posix())}/view.json"></srntt-view>'


def _box(text: str, kind: str = "") -> str:
    return f'<div class="srntt-message {kind}">{escape(text)}</div>'
