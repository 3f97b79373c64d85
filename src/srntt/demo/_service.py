"""Service behind the page: models, the queue, and the stored results."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from srntt.demo._keep import Shelf
from srntt.demo._line import Line, Ticket
from srntt.demo._order import Done, Failed, Fulfilment, Order
from srntt.demo._serve import Settings
from srntt.errors import InputError
from srntt.memory import parse_memory
from srntt.upscale import AUTO, CLEAN, Upscaler, UsedReference

_KEPT_SECONDS = 3600.0
_KEPT_BYTES = 4 * 2**30


@dataclass(frozen=True)
class Ready:
    """Picture ready for display, or the reason why it could not be upscaled.

    Attributes:
        name: Name of the low-res picture.
        folder: Folder of its files; None for a picture that failed.
        references: Outcome of each reference.
        notes: Notes on reading the input, and deviations from the plan.
        seconds: Time of the upscale.
        verdict: Whether the references helped; None without references.
        error: Reason for failing, or None.
    """

    name: str
    folder: Path | None
    references: tuple[UsedReference, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    verdict: str | None = None
    error: str | None = None


class Service:
    """Service that processes orders one at a time.

    Args:
        folder: Folder for results, whose removal is left to the caller.
        settings: Settings of the server.

    Attributes:
        models, library: As in the settings.
        limits: Those of the settings, with their memory.
        shelf: Stored results.
        line: Queue.
    """

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.models, self.library = settings.models, settings.library
        self.limits = replace(settings.limits, memory=parse_memory(settings.memory))
        self._device, self._memory = settings.device, settings.memory
        self._upscaler: tuple[str, Upscaler] | None = None
        self.shelf = Shelf(folder, _KEPT_SECONDS, _KEPT_BYTES)
        self.line = Line(settings.waiting)

    def warm_up(self) -> None:
        """Load the default model and compile code before the first order.

        Raises:
            ModelError, InputError, MissingDependencyError: The model cannot be used.
        """
        first = next(iter(self.models))
        upscaler = self._open(CLEAN if first == AUTO else first)
        gray = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
        upscaler.upscale(gray[:16, :16], upscaler.encode_references([gray]))

    def order(self, owner: str, wanted: Order) -> "Ticket[tuple[Ready, ...]]":
        """Append an order to the queue; its finished pictures are added to the ``parts`` of the ticket.

        Raises:
            InputError: There are too many files, or the model is not offered.
            BusyError: The queue is full.
        """
        if wanted.model not in self.models:
            raise InputError(f"There is no model {wanted.model!r} here. Choose one of {', '.join(self.models)}.")
        if wanted.find and self.library is None:
            raise InputError("There is no library here. Start srntt serve with --library.")
        self.limits.check_count(len(wanted.references))
        self.limits.check_pictures(len(wanted.pictures))

        def work(ticket: Ticket) -> tuple[Ready, ...]:
            for made in Fulfilment(wanted, self.limits, self._open, ticket, self.library).results():
                if isinstance(made, Failed) and len(wanted.pictures) == 1:
                    raise made.error
                ticket.parts.append(self._ready(owner, made, first=not ticket.parts))
            return tuple(ticket.parts)

        return self.line.join(owner, work)

    def _ready(self, owner: str, made: Done | Failed, *, first: bool) -> Ready:
        """Store a result; the first one of an order replaces the results of the owner's previous order."""
        if first:
            self.shelf.forget(owner)
        if isinstance(made, Failed):
            return Ready(made.name, None, error=str(made.error))
        folder, saved = self.shelf.keep(owner, made)
        reasons = (f"model {made.model_reason}",) if made.model_reason else ()
        result = made.result
        notes = (*reasons, *made.notes, *result.notes, *result.fallbacks, *saved)
        return Ready(made.picture.source, folder, result.references, notes, result.seconds, result.verdict)

    def leave(self, owner: str) -> None:
        """Cancel the orders and delete the result of a visitor who left."""
        self.line.cancel(owner)
        self.shelf.forget(owner)

    def close(self) -> None:
        """Cancel all orders and stop."""
        self.line.close()

    def _open(self, name: str) -> Upscaler:
        """Load a model, replacing the previous one to limit memory."""
        if self._upscaler is None or self._upscaler[0] != name:
            self._upscaler = None
            opened = Upscaler.from_pretrained(self.models.get(name, name), device=self._device, memory=self._memory)
            self._upscaler = (name, opened)
        return self._upscaler[1]
