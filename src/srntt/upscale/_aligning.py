"""How each reference is placed against the small picture, and the view of it that follows."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, get_args

from torch import Tensor

from srntt._shapes import Float
from srntt.errors import InputError
from srntt.models import EncodedView, Progress
from srntt.upscale._encode import Encoder
from srntt.upscale._provenance import Provenance
from srntt.upscale._references import References
from srntt.views.aligned import Original, Placement, align

AlignOption = Literal["auto", "off"]
"""``auto`` also searches each reference as seen from where the small picture was, where geometry can tell."""


@dataclass(frozen=True)
class UsedReference:
    """What became of a reference.

    Attributes:
        source: its name.
        share: how much of the output came from it, 0 .. 1, averaged over the picture.
        placement: how it is placed against the small picture; None where no geometry was found, or none was looked for.
        scale: output pixels for one of the small picture.
    """

    source: str
    share: float
    placement: Placement | None
    scale: int

    @property
    def description(self) -> str:
        """``same scene, 2.9x larger, turned 12 degrees, 3 planes; 61 % of the picture``, or that nothing was found."""
        return self.placement.describe(self.scale) if self.placement else "no geometry found, searched as it is"

    def as_json(self) -> dict[str, Any]:
        """All of it, by name; geometry is null where none was found."""
        placed = self.placement
        geometry = placed and {
            "scale": round(placed.scale / self.scale, 3),
            "turn_degrees": round(placed.turn, 1),
            "planes": placed.used_planes,
            "coverage": round(placed.coverage, 4),
        }
        return {"source": self.source, "share": round(self.share, 4), "geometry": geometry}


def check_align(option: str) -> None:
    """Refuse what does not exist.

    Raises:
        InputError: such an option.
    """
    if option not in get_args(AlignOption):
        raise InputError(f"align is {option!r}; give {' or '.join(map(repr, get_args(AlignOption)))}.")


def aligned_views(
    low_res: Float[Tensor, "3 h w"], originals: Iterable[Original], encoder: Encoder, progress: Progress
) -> tuple[list[EncodedView], dict[int, Placement]]:
    """Views of the references in the frame of a small picture, and the placement of each, by its number.

    Args:
        low_res: the small picture, in [0, 1].
        originals: the references as they came.
        encoder: of the model.
        progress: called with ("align", done, total).

    Raises:
        MemoryBudgetError: they do not fit.
    """
    views: list[EncodedView] = []
    placements: dict[int, Placement] = {}
    given = list(originals)
    for done, original in enumerate(given):
        if placement := align(low_res, original.features):
            placements[original.number] = placement
            views.append(encoder.encode_aligned(original, placement))
        progress("align", done + 1, len(given))
    return views, placements


def used_references(
    references: References | None, origin: Provenance | None, placements: dict[int, Placement], scale: int
) -> tuple[UsedReference, ...]:
    """What became of each reference.

    Args:
        references: what was given.
        origin: where the output's detail came from; None without matches.
        placements: of those whose geometry was found, by number.
        scale: of the model.
    """
    if not references:
        return ()
    shares = origin.shares() if origin else [0.0] * len(references.sources)
    named = enumerate(zip(references.sources, shares, strict=True))
    return tuple(UsedReference(source, share, placements.get(number), scale) for number, (source, share) in named)
