"""One order: read what was uploaded, encode, upscale, judge; withdrawn at any step, it leaves nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from srntt.demo._limits import Ceilings
from srntt.demo._line import Ticket
from srntt.image import Picture
from srntt.models import Progress
from srntt.upscale import AUTO, Result, Upscaler, choose_model

OpenModel = Callable[[str], Upscaler]
_AFTER = {"encode": "align", "align": "match", "match": "render"}
_TILE = 128  # LR pixels: some seconds on two cores, which is how long a cancelled order may go on


@dataclass(frozen=True)
class Order:
    """What a visitor gave.

    Attributes:
        picture: file of the small picture.
        references: files of references.
        model: name of one that the server offers.
    """

    picture: str
    references: tuple[str, ...]
    model: str


@dataclass(frozen=True, eq=False)
class Done:
    """What came of it.

    Attributes:
        picture: the small one, as it was read.
        references: as they were read.
        result: of the upscale.
        model: by which name.
        scale: output pixels for each input pixel along a side.
        model_reason: why that model, where it was chosen for the picture.
    """

    picture: Picture
    references: tuple[Picture, ...]
    result: Result
    model: str
    scale: int
    model_reason: str = ""


def fulfil(order: Order, ceilings: Ceilings, open_model: OpenModel, ticket: Ticket) -> Done:
    """Do what was ordered.

    Args:
        order: what a visitor gave.
        ceilings: on it.
        open_model: a model by name.
        ticket: told how far it is; raises CancelledError where the order was withdrawn.

    Raises:
        CancelledError: it was.
        SrnttError: a bad file, too much work, a model that cannot be opened: with the text to show.
    """
    ticket.report("read", 0, 1)
    ceilings.check_count(len(order.references))
    picture = ceilings.read_small(order.picture, Path(order.picture).name)
    references = []
    for path in order.references:
        reference = ceilings.read_reference(path, Path(path).name)
        if reference.digest() not in {other.digest() for other in references}:
            references.append(reference)
        ceilings.check_work(picture, references)  # each time: so much is decoded at most
    ticket.report("open", 0, 1)
    model, reason = order.model, ""
    if order.model == AUTO:
        choice = choose_model(picture)
        model, reason = choice.model, choice.reason
    upscaler = open_model(model)
    progress = _going_on(ticket)
    encoded = upscaler.encode_references(references, progress=progress) if references else None
    result = upscaler.upscale(picture, encoded, tile=_TILE, progress=progress)
    ticket.report("keep", 0, 1)
    return Done(picture, tuple(references), result, model, upscaler.scale, reason)


def _going_on(ticket: Ticket) -> Progress:
    """The engine tells of what is done; a step that is done means that the next one is under way."""

    def report(stage: str, done: int, total: int) -> None:
        if done >= total and stage in _AFTER:
            stage, done = _AFTER[stage], 0
        ticket.report(stage, done, total)

    return report
