"""Messages of the page about an order, as HTML with escaped user input."""

import math
import time
from html import escape
from pathlib import Path

from srntt._failures import is_out_of_memory
from srntt.demo._line import Ticket
from srntt.demo._service import Ready
from srntt.errors import Cancelled, SrnttError
from srntt.upscale import HELPED, verdict

_SHORT_SECONDS, _LONG_SECONDS = 5.0, 90.0  # between which the remaining time is given in seconds
_STEPS = ("read", "open", "encode", "align", "match", "render", "keep")
_WORDS = {
    "": "Beginning",
    "read": "Reading the pictures",
    "open": "Loading the model",
    "encode": "Encoding the references",
    "align": "Aligning the references",
    "match": "Matching",
    "render": "Rendering",
    "keep": "Writing the files",
}


def waiting(ahead: int) -> str:
    """Return the message for a waiting order."""
    others = "one picture" if ahead == 1 else f"{ahead} pictures"
    return _box(f"Waiting: {others} before yours." if ahead else "Waiting.")


def under_way(ticket: Ticket) -> str:
    """Return the message for a running order: step, progress within the step, and elapsed time."""
    if ticket.withdrawn:
        return _box("Cancelling: waiting for the current tile.")
    seconds = int(time.monotonic() - (ticket.started or time.monotonic()))
    step = f"Step {_STEPS.index(ticket.stage) + 1} of {len(_STEPS)}: " if ticket.stage in _STEPS else ""
    counted = ticket.total > 1
    part = f", {ticket.done / ticket.total:.0%}" if counted else ""
    bar = f'<progress max="{ticket.total}" value="{ticket.done}"></progress>' if counted else "<progress></progress>"
    words = f"{step}{_WORDS.get(ticket.stage, ticket.stage)}{part}, {seconds} s{_left(ticket)}"
    return f'<div class="srntt-message">{words}{bar}</div>'


def _left(ticket: Ticket) -> str:
    """Return the remaining time in words, if it is known and not short."""
    left = ticket.schedule.left if ticket.schedule else 0.0
    if left < _SHORT_SECONDS:
        return ""
    return f", about {left / 60:.0f} min left" if left >= _LONG_SECONDS else f", about {math.ceil(left / 5) * 5} s left"


def ended(error: BaseException | None) -> str:
    """Return the message for an order that failed or was cancelled."""
    if isinstance(error, Cancelled):
        return _box("Cancelled. Nothing was kept.")
    if isinstance(error, SrnttError):
        return _box(str(error), "failed")
    if error is not None and is_out_of_memory(error):
        return _box("Out of memory. Give a smaller picture, or fewer or smaller references.", "failed")
    return _box("An unexpected error occurred; see the log of the server.", "failed")


def ready(result: Ready) -> str:
    """Return the message for a result, starting with whether the references helped."""
    if not result.references:
        message, kind = "Done, without references: detail is the model's guess.", ""
    else:
        whole = sum(each.share for each in result.references)
        message, kind = verdict(result.references), "" if whole >= HELPED else "poor"
    found = "".join(f"<br>{escape(f'{used.source}: {used.description}')}" for used in result.references)
    notes = "".join(f"<br>{escape(note)}" for note in result.notes)
    return f'<div class="srntt-message {kind}">{escape(message)} {result.seconds:.1f} s.{found}{notes}</div>'


def refused(text: str) -> str:
    """Return the message for a refused order."""
    return _box(text, "failed")


def view(folder: Path) -> str:
    """Return the element of a result, which the script of the page fills."""
    return f'<srntt-view src="gradio_api/file={escape(folder.as_posix())}/view.json"></srntt-view>'


def _box(text: str, kind: str = "") -> str:
    return f'<div class="srntt-message {kind}">{escape(text)}</div>'
