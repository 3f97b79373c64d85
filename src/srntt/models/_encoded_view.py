"""A view of a reference as a model needs it."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from srntt._shapes import Bool
from srntt.memory import MappedFile
from srntt.views import PointMap


@dataclass(frozen=True, eq=False, repr=False)
class EncodedView:
    """What a model computed from a view of a reference.

    Attributes:
        number: of the reference, among those given.
        source: name of that picture.
        view: name of the view.
        height, width: of the reference, in pixels.
        to_original: from a pixel of the view to the same place in the reference.
        maps: what the model computed from it, by name.
        valid: positions of its LR grid that show the reference, with detail that the small picture cannot have; nothing
            matches the others. None where all do.
        reach: positions around its own within which the match of a position lies, for a view in the frame of the small
            picture; 0: its own place; None: anywhere.
        file: that the maps lie in; None where they are in memory.
    """

    number: int
    source: str
    view: str
    height: int
    width: int
    to_original: PointMap
    maps: dict[str, Tensor]
    valid: Bool[Tensor, "h w"] | None = None
    reach: int | None = None
    file: MappedFile | None = None

    def __repr__(self) -> str:
        return (
            f"<EncodedView {self.view!r} of {self.source!r}, {self.width} x {self.height} pixels; {self.bytes:,} bytes>"
        )

    @property
    def bytes(self) -> int:
        """Memory that the maps take."""
        return sum(tensor.nbytes for tensor in self.maps.values()) + (0 if self.valid is None else self.valid.nbytes)

    @property
    def batch(self) -> dict[str, Tensor]:
        """The maps as a batch of one."""
        return {name: whole[None] for name, whole in self.maps.items()}

    def rest(self) -> None:
        """Let maps that lie in a file leave memory; they come back where they are read."""
        if self.file:
            self.file.rest()

    def on(self, device: torch.device) -> "EncodedView":
        """The same on a device."""
        maps = {name: tensor.to(device) for name, tensor in self.maps.items()}
        return replace(self, maps=maps, valid=None if self.valid is None else self.valid.to(device))
