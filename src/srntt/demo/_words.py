"""Messages of the page about an order, as HTML with escaped user input."""

import json
import math
import time
from collections.abc import Sequence
from html import escape

from srntt._failures import is_out_of_memory
from srntt.demo._limits import OrderLimits
from srntt.demo._line import Ticket
from srntt.demo._service import Ready
from srntt.errors import Cancelled, SrnttError
from srntt.upscale import helped

_SHORT_SECONDS, _LONG_SECONDS = 5.0, 90.0  # between which the remaining time is given in seconds
_MODELS = {
    "auto": "Chooses lite-rec or lite-real for each picture, by its noise, blur and compression.",
    "lite-rec": "For clean small pictures; closest to the ground truth.",
    "lite-real": "For noise, blur and compression: cameras, scans, the web. Removes them, and smooths.",
    "lite-gan": "If only the appearance counts: synthesises texture where nothing is known.",
    "paper-rec": "The model of the paper, for comparison; ten times slower.",
}
_STEPS = ("read", "open", "encode", "align", "match", "render", "keep")
_WORDS = {
    "": "Beginning",
    "read": "Reading the pictures",
    "find": "Looking in your photographs",
    "open": "Loading the model",
    "encode": "Encoding the references",
    "align": "Aligning the references",
    "match": "Matching",
    "render": "Rendering",
    "keep": "Writing the files",
}


def model_help(name: str) -> str:
    """Return what a model is for, if it is known."""
    return _MODELS.get(name, "")


def introduction(limits: OrderLimits) -> str:
    """Return the message of a new page: what to give, within which limits."""
    if limits.local:
        return _box(
            "Give a small picture, and sharper pictures of similar content as references, of any size: large ones are "
            "reduced if time or memory requires it."
        )
    side = int(limits.max_pixels**0.5)
    return _box(
        f"Give a small picture of at most {limits.max_pixels:,} pixels (such as {side} x {side}), and sharper pictures "
        f"of similar content as references, of at most {limits.max_reference_pixels / 1e6:g} megapixels each."
    )


def waiting(ahead: int) -> str:
    """Return the message for a waiting order."""
    others = "one picture" if ahead == 1 else f"{ahead} pictures"
    return _box(f"Waiting: {others} before yours." if ahead else "Waiting.")


def under_way(ticket: Ticket) -> str:
    """Return the message for a running order: picture, step, progress within the step, and times."""
    if ticket.withdrawn:
        return _box("Cancelling: waiting for the current tile.")
    seconds = int(time.monotonic() - (ticket.started or time.monotonic()))
    step = f"Step {_STEPS.index(ticket.stage) + 1} of {len(_STEPS)}: " if ticket.stage in _STEPS else ""
    number, count = ticket.place
    step = f"Picture {number + 1} of {count}. {step}" if count > 1 else step
    counted = ticket.total > 1
    part = f", {ticket.done / ticket.total:.0%}" if counted else ""
    bar = f'<progress max="{ticket.total}" value="{ticket.done}"></progress>' if counted else "<progress></progress>"
    words = f"{step}{_WORDS.get(ticket.stage, ticket.stage)}{part}, {seconds} s{_left(ticket)}"
    return f'<div class="srntt-message">{words}{bar}</div>'


def _left(ticket: Ticket) -> str:
    """Return the remaining time as text, if it is known and not short."""
    left = ticket.schedule.left if ticket.schedule else 0.0
    if left < _SHORT_SECONDS:
        return ""
    return f", about {left / 60:.0f} min left" if left >= _LONG_SECONDS else f", about {math.ceil(left / 5) * 5} s left"


def ended(error: BaseException | None, finished: int = 0) -> str:
    """Return the message for an order that failed or was cancelled, after a number of finished pictures."""
    before = f" {finished} finished before and can be seen below." if finished else ""
    if isinstance(error, Cancelled):
        return _box(f"Cancelled.{before or ' Nothing was kept.'}")
    if isinstance(error, SrnttError):
        return _box(f"{error}{before}", "failed")
    if error is not None and is_out_of_memory(error):
        return _box(f"Out of memory. Give a smaller picture, or fewer or smaller references.{before}", "failed")
    return _box(f"An unexpected error occurred; see the log of the server.{before}", "failed")


def ready(results: Sequence[Ready]) -> str:
    """Return the message for the results of an order, starting with whether the references helped."""
    if len(results) == 1:
        return f'<div class="srntt-message {_kind(results[0])}">{_about(results[0])}</div>'
    failed = sum(each.error is not None for each in results)
    of_all = f"{len(results) - failed} of " if failed else ""
    lines = "".join(
        f'<li class="{_kind(each)}"><b>{escape(each.name)}</b>: {_about(each, named=True)}</li>' for each in results
    )
    return f'<div class="srntt-message">Done: {of_all}{len(results)} pictures.<ul>{lines}</ul></div>'


def _kind(result: Ready) -> str:
    if result.error is not None:
        return "failed"
    return "poor" if result.references and not helped(result.references) else ""


def _about(result: Ready, *, named: bool = False) -> str:
    """Describe a result; `named` if its name precedes, with which errors of a file begin."""
    if result.error is not None:
        return escape(result.error.removeprefix(f"{result.name}: ") if named else result.error)
    said = result.verdict or "Done, without references: detail is the model's guess."
    notes = "".join(f"<br>{escape(note)}" for note in result.notes)
    return f"{escape(said)} {result.seconds:.1f} s.{notes}"


def view(results: Sequence[Ready]) -> str:
    """Return the element of the results, which the script of the page fills."""
    items = [
        {"name": each.name, "src": each.folder and f"gradio_api/file={each.folder.as_posix()}/view.json"}
        for each in results
    ]
    return f'<srntt-series items="{escape(json.dumps(items))}"></srntt-series>' if items else ""


def _box(text: str, kind: str = "") -> str:
    return f'<div class="srntt-message {kind}">{escape(text)}</div>'
