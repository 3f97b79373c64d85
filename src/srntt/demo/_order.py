"""Processing of an order: read the uploads, encode, upscale. An order can be cancelled at any step."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from srntt.demo._fitting import reductions, schedule_of, within_memory, within_pixels, within_seconds
from srntt.demo._limits import OrderLimits
from srntt.demo._line import Ticket
from srntt.errors import Cancelled, InputError, SrnttError
from srntt.image import Picture, check_quality
from srntt.library import Library
from srntt.models import Progress
from srntt.upscale import AUTO, OutputSize, References, Result, Upscaler, check_strength, choose_model

OpenModel = Callable[[str], Upscaler]
FORMATS = {"PNG": "png", "JPEG": "jpg", "TIFF": "tif"}  #: suffix by name
_AFTER = {"encode": "align", "align": "match", "match": "render"}
_TILE = 128  # LR pixels: a few seconds on two cores, for which a cancelled order may continue


@dataclass(frozen=True)
class Order:
    """Order of a visitor.

    Attributes:
        pictures: Files of the low-res pictures, which are upscaled one after another.
        references: Files of the references, for all of them.
        model: Name of a model offered by the server.
        scale: Upscaling factor; None for that of the model.
        strength: Strength of the references, from 0 to 1.
        format: One of ``FORMATS``.
        quality: Quality of a JPEG, 1..100.
        metadata: Whether EXIF, colour profile and comments are kept.
        find: Whether references are also found in the library of the server, for each picture.

    Raises:
        InputError: A value is out of range.
    """

    pictures: tuple[str, ...]
    references: tuple[str, ...]
    model: str
    scale: float | None = None
    strength: float = 1.0
    format: str = "PNG"
    quality: int = 95
    metadata: bool = False
    find: bool = False

    def __post_init__(self) -> None:
        OutputSize(self.scale)
        check_strength(self.strength)
        check_quality(self.quality)
        if self.format not in FORMATS:
            raise InputError(f"There is no format {self.format!r} here. Choose one of {', '.join(FORMATS)}.")


@dataclass(frozen=True, eq=False)
class Done:
    """Completed picture of an order.

    Attributes:
        picture: Low-res picture, as read.
        references: References, as used.
        result: Result of the upscale.
        model: Name of the model.
        order: The order.
        model_reason: Reason for the model, if it was chosen automatically.
        notes: Notes on references that were found or reduced.
    """

    picture: Picture
    references: tuple[Picture, ...]
    result: Result
    model: str
    order: Order
    model_reason: str = ""
    notes: tuple[str, ...] = ()

    @property
    def scale(self) -> float:
        """Upscaling factor."""
        return self.result.picture.width / self.picture.width


@dataclass(frozen=True)
class Failed:
    """Picture of an order that could not be upscaled, by name, and the reason."""

    name: str
    error: SrnttError


class Fulfilment:
    """Processes an order; references are read once, and encoded once for all pictures of the same model.

    Args:
        order: The order.
        limits: Limits on the order.
        open_model: Returns a model by name.
        ticket: Ticket to which progress is reported.
        library: Library in which references are found, if the order wants that.
    """

    def __init__(
        self,
        order: Order,
        limits: OrderLimits,
        open_model: OpenModel,
        ticket: Ticket,
        library: Library | None = None,
    ) -> None:
        self._order, self._limits, self._open_model, self._ticket = order, limits, open_model, ticket
        self._library = library if order.find else None
        self._encoded: tuple[tuple, References] | None = None

    def results(self) -> Iterator[Done | Failed]:
        """Yield the outcome of each picture, in order.

        Raises:
            Cancelled: The order was cancelled.
            SrnttError: A reference is invalid or exceeds the limits on its size; with the message to show.
        """
        self._ticket.report("read", 0, 1)
        references = self._read_references()
        for number, path in enumerate(self._order.pictures):
            self._ticket.place, self._ticket.schedule = (number, len(self._order.pictures)), None
            try:
                yield self._upscaled(path, references)
            except Cancelled:
                raise
            except SrnttError as error:
                yield Failed(Path(path).name, error)

    def _read_references(self) -> list[Picture]:
        """Read the references, without duplicates; the limits are checked after each, to limit what is decoded."""
        references: dict[bytes, Picture] = {}
        first = None
        with suppress(SrnttError):  # which is reported later
            first = self._read(self._order.pictures[0])
        for path in self._order.references:
            reference = self._limits.read_reference(path, Path(path).name)
            references.setdefault(reference.digest(), reference)
            if first:
                self._limits.check_work(first, list(references.values()))
        return list(references.values())

    def _find_references(self, picture: Picture, path: str, given: list[Picture]) -> tuple[list[Picture], list[str]]:
        """Return the references given and those found in the library, and what was found, for the visitor."""
        if self._library is None:
            return given, []
        self._ticket.report("find", 0, 1)
        found = self._library.find(picture, exclude=[path])
        references = {each.digest(): each for each in given}
        for choice in found.choices:
            reference = self._limits.read_reference(str(choice.path), choice.path.name)
            references.setdefault(reference.digest(), reference)
        kept = list(references.values())[: self._limits.max_references]
        return kept, [f"from your library: {line}" for line in (*found.reasons, *found.remarks)]

    def _read(self, path: str) -> Picture:
        return self._limits.read_small(path, Path(path).name)

    def _upscaled(self, path: str, given: list[Picture]) -> Done:
        """Upscale a picture with as much of the references as the limits allow."""
        picture = self._read(path)
        references, found = self._find_references(picture, path, given)
        sizes = [(each.height, each.width) for each in references]
        references = within_pixels(references, self._limits)
        self._limits.check_work(picture, references)
        self._ticket.report("open", 0, 1)
        name, reason = self._order.model, ""
        if name == AUTO:
            choice = choose_model(picture)
            name, reason = choice.model, choice.reason
        upscaler = self._open_model(name)
        size = OutputSize(self._order.scale).of(picture.height, picture.width, upscaler.scale)

        def seconds(references: Sequence[Picture]) -> float:
            return schedule_of(upscaler, picture, references, size).predicted

        def upscale(references: Sequence[Picture]) -> Result:
            return self._upscale(upscaler, picture, references, size)

        references = within_seconds(references, seconds, self._limits)
        result, references = within_memory(references, upscale, self._limits)
        self._ticket.report("keep", 0, 1)
        notes = (*found, *reductions(sizes, references))
        return Done(picture, tuple(references), result, name, self._order, reason, notes)

    def _upscale(
        self, upscaler: Upscaler, picture: Picture, references: Sequence[Picture], size: tuple[int, int]
    ) -> Result:
        schedule = self._ticket.schedule = schedule_of(upscaler, picture, references, size)
        progress = _going_on(self._ticket)
        encoded = self._encode(upscaler, references, progress) if references else None
        result = upscaler.upscale(
            picture, encoded, scale=self._order.scale, strength=self._order.strength, tile=_TILE, progress=progress
        )
        schedule.finish()
        return result

    def _encode(self, upscaler: Upscaler, references: Sequence[Picture], progress: Progress) -> References:
        """Encode the references, unless the last picture had the same ones in the same sizes and the same model."""
        key = (upscaler.model_name, *(each.digest() for each in references))
        if self._encoded is None or self._encoded[0] != key:
            self._encoded = None
            self._encoded = key, upscaler.encode_references(references, progress=progress)
        return self._encoded[1]


def _going_on(ticket: Ticket) -> Progress:
    """Report the next stage when one is complete, since the engine reports completed work."""

    def report(stage: str, done: int, total: int) -> None:
        if ticket.schedule:
            ticket.schedule(stage, done, total)
        if done >= total and stage in _AFTER:
            stage, done = _AFTER[stage], 0
        ticket.report(stage, done, total)

    return report
