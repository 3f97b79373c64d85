"""Processing of an order: read the uploads, encode, upscale. An order can be cancelled at any step."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from srntt.demo._fitting import reductions, schedule_of, within_memory, within_pixels, within_seconds
from srntt.demo._limits import OrderLimits
from srntt.demo._line import Ticket
from srntt.image import Picture
from srntt.models import Progress
from srntt.upscale import AUTO, Result, Upscaler, choose_model

OpenModel = Callable[[str], Upscaler]
_AFTER = {"encode": "align", "align": "match", "match": "render"}
_TILE = 128  # LR pixels: a few seconds on two cores, for which a cancelled order may continue


@dataclass(frozen=True)
class Order:
    """Order of a visitor.

    Attributes:
        picture: File of the low-res picture.
        references: Files of the references.
        model: Name of a model offered by the server.
    """

    picture: str
    references: tuple[str, ...]
    model: str


@dataclass(frozen=True, eq=False)
class Done:
    """Completed order.

    Attributes:
        picture: Low-res picture, as read.
        references: References, as used.
        result: Result of the upscale.
        model: Name of the model.
        scale: Upscaling factor.
        model_reason: Reason for the model, if it was chosen automatically.
        notes: Notes on references that were reduced.
    """

    picture: Picture
    references: tuple[Picture, ...]
    result: Result
    model: str
    scale: int
    model_reason: str = ""
    notes: tuple[str, ...] = ()


def fulfil(order: Order, limits: OrderLimits, open_model: OpenModel, ticket: Ticket) -> Done:
    """Process an order.

    Args:
        order: The order.
        limits: Limits on the order.
        open_model: Returns a model by name.
        ticket: Ticket to which progress is reported.

    Raises:
        Cancelled: The order was cancelled.
        SrnttError: A file is invalid, the work exceeds the limits, or the model cannot be loaded; with the message to
            show.
    """
    ticket.report("read", 0, 1)
    limits.check_count(len(order.references))
    picture = limits.read_small(order.picture, Path(order.picture).name)
    references = _read_references(order, picture, limits)
    sizes = [(each.height, each.width) for each in references]
    ticket.report("open", 0, 1)
    model, reason = order.model, ""
    if order.model == AUTO:
        choice = choose_model(picture)
        model, reason = choice.model, choice.reason
    upscaler = open_model(model)
    target = picture.height * upscaler.scale, picture.width * upscaler.scale

    def seconds(references: Sequence[Picture]) -> float:
        return schedule_of(upscaler, picture, references, target).predicted

    def upscale(references: Sequence[Picture]) -> Result:
        schedule = ticket.schedule = schedule_of(upscaler, picture, references, target)
        progress = _going_on(ticket)
        encoded = upscaler.encode_references(references, progress=progress) if references else None
        result = upscaler.upscale(picture, encoded, tile=_TILE, progress=progress)
        schedule.finish()
        return result

    references = within_seconds(within_pixels(references, limits), seconds, limits)
    result, references = within_memory(references, upscale, limits)
    ticket.report("keep", 0, 1)
    return Done(picture, tuple(references), result, model, upscaler.scale, reason, notes=reductions(sizes, references))


def _read_references(order: Order, picture: Picture, limits: OrderLimits) -> list[Picture]:
    """Read the references, without duplicates; the limits are checked after each, to limit what is decoded."""
    references: dict[bytes, Picture] = {}
    for path in order.references:
        reference = limits.read_reference(path, Path(path).name)
        references.setdefault(reference.digest(), reference)
        limits.check_work(picture, list(references.values()))
    return list(references.values())


def _going_on(ticket: Ticket) -> Progress:
    """Report the next stage when one is complete, since the engine reports completed work."""

    def report(stage: str, done: int, total: int) -> None:
        if ticket.schedule:
            ticket.schedule(stage, done, total)
        if done >= total and stage in _AFTER:
            stage, done = _AFTER[stage], 0
        ticket.report(stage, done, total)

    return report
