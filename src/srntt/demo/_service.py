"""What stands behind the page: models, the line, and the shelf of results."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from srntt.demo._keep import Shelf
from srntt.demo._limits import Ceilings
from srntt.demo._line import Line, Ticket
from srntt.demo._order import Order, fulfil
from srntt.errors import InputError
from srntt.upscale import AUTO, CLEAN, Upscaler, UsedReference

_KEPT_SECONDS = 3600.0


@dataclass(frozen=True)
class Ready:
    """A result that can be shown.

    Attributes:
        folder: of its files.
        references: what became of each.
        notes: what was changed in the input on reading it, and what had to be done otherwise than planned.
        seconds: that upscaling took.
    """

    folder: Path
    references: tuple[UsedReference, ...]
    notes: tuple[str, ...]
    seconds: float


class Service:
    """Takes orders and does them one at a time.

    Args:
        folder: for results; they are deleted one by one, the folder is the caller's.
        models: what is offered: name to name or path of a model; the first is the default.
        ceilings: on an order.
        waiting: how many orders may wait.
        device, memory: as for ``Upscaler``.
    """

    def __init__(
        self,
        folder: Path,
        models: Mapping[str, str],
        *,
        ceilings: Ceilings = Ceilings(),  # noqa: B008 (frozen)
        waiting: int = 8,
        device: str = "auto",
        memory: str | None = None,
    ) -> None:
        self.models, self.ceilings = dict(models), ceilings
        self._device, self._memory = device, memory
        self._upscaler: tuple[str, Upscaler] | None = None
        self._shelf = Shelf(folder, _KEPT_SECONDS)
        self.line = Line(waiting)

    def warm_up(self) -> None:
        """Open the default model and compile what is compiled, before the first visitor waits for it.

        Raises:
            ModelError, InputError, MissingDependencyError: it cannot be used.
        """
        first = next(iter(self.models))
        upscaler = self._open(CLEAN if first == AUTO else first)
        gray = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
        upscaler.upscale(gray[:16, :16], upscaler.encode_references([gray]))

    def order(self, owner: str, picture: str, references: Sequence[str], model: str) -> "Ticket[Ready]":
        """Put an order in the line.

        Raises:
            InputError: too many references, or a model that is not offered.
            BusyError: no room in the line.
        """
        if model not in self.models:
            raise InputError(f"There is no model {model!r} here. Choose one of {', '.join(self.models)}.")
        self.ceilings.check_count(len(references))
        wanted = Order(picture, tuple(references), model)

        def work(ticket: Ticket) -> Ready:
            done = fulfil(wanted, self.ceilings, self._open, ticket)
            folder = self._shelf.keep(owner, done)
            reasons = (f"model {done.model_reason}",) if done.model_reason else ()
            notes = (*reasons, *done.result.notes, *done.result.fallbacks)
            return Ready(folder, done.result.references, notes, done.result.seconds)

        return self.line.join(owner, work)

    def leave(self, owner: str) -> None:
        """A visitor has gone: withdraw and delete what was theirs."""
        self.line.cancel(owner)
        self._shelf.forget(owner)

    def tidy(self) -> None:
        """Delete results that have been kept for too long."""
        self._shelf.sweep()

    def close(self) -> None:
        """Withdraw everything and stop."""
        self.line.close()

    def _open(self, name: str) -> Upscaler:
        """One model is held at a time, so that choosing others does not fill the memory."""
        if self._upscaler is None or self._upscaler[0] != name:
            self._upscaler = None
            opened = Upscaler.from_pretrained(self.models.get(name, name), device=self._device, memory=self._memory)
            self._upscaler = (name, opened)
        return self._upscaler[1]
