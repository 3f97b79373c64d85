"""Outcome of each reference."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from srntt.upscale._provenance import Provenance
from srntt.views.aligned import Placement


@dataclass(frozen=True, repr=False)
class UsedReference:
    """How a reference was used.

    Attributes:
        source: Name of the reference.
        share: Fraction of the picture with detail from it, 0 .. 1 (`Provenance.shares`).
        placement: Alignment with the low-res picture; None if no geometry was found or alignment is off.
        scale: Upscaling factor.
        reduced: Factor by which it was downsampled for an additional search; 1 for none.
    """

    source: str
    share: float
    placement: Placement | None
    scale: int
    reduced: int = 1

    def __repr__(self) -> str:
        return f"<UsedReference {self.source!r}: {self.description}; share {self.share:.2f}>"

    @property
    def description(self) -> str:
        """Describe the alignment: ``same scene, 2.9x larger, 3 planes; covers 61% of the picture``."""
        if self.placement:
            return self.placement.describe(self.scale)
        smaller = "" if self.reduced == 1 else f" and at 1/{self.reduced} of its size"
        return f"no geometry found; searched unchanged{smaller}"

    def as_json(self) -> dict[str, Any]:
        """Return the fields by name; geometry is None if none was found."""
        placed = self.placement
        geometry = placed and {
            "scale": round(placed.scale / self.scale, 3),
            "turn_degrees": round(placed.turn, 1),
            "planes": placed.used_planes,
            "coverage": round(placed.coverage, 4),
        }
        about = {"source": self.source, "share": round(self.share, 4), "description": self.description}
        return {**about, "geometry": geometry, "reduced": self.reduced}


def used_references(
    sources: Sequence[str],
    origin: Provenance | None,
    placements: Mapping[int, Placement],
    reductions: Mapping[int, int],
    scale: int,
) -> tuple[UsedReference, ...]:
    """Return the outcome of each reference; without provenance, nothing came from any."""
    shares = origin.shares() if origin else [0.0] * len(sources)
    return tuple(
        UsedReference(source, share, placements.get(number), scale, reductions.get(number, 1))
        for number, (source, share) in enumerate(zip(sources, shares, strict=True))
    )


def joined_references(
    first: Sequence[UsedReference], last: Sequence[UsedReference], origin: Provenance | None
) -> tuple[UsedReference, ...]:
    """Combine two passes: the alignment of the first, relative to the low-res picture, takes precedence."""
    shares = origin.shares() if origin else [0.0] * len(last)
    return tuple(
        replace(
            after,
            share=share,
            placement=before.placement or after.placement,
            reduced=before.reduced if before.reduced > 1 else after.reduced,
        )
        for before, after, share in zip(first, last, shares, strict=True)
    )
