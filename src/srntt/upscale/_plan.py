"""How an upscale is done: its pieces, and how the references are searched."""

from dataclasses import dataclass

from srntt.memory import Pieces


@dataclass(frozen=True)
class Plan(Pieces):
    """How an upscale is done.

    Attributes:
        matcher: how the references are searched.
        reason: for that, for people.
        fallbacks: what was asked for and is done otherwise.
    """

    matcher: str = "exact"
    reason: str = ""
    fallbacks: tuple[str, ...] = ()

    @classmethod
    def of(cls, pieces: Pieces, matcher: str = "exact") -> "Plan":
        """These pieces, searched so."""
        return cls(pieces.tile, pieces.band, pieces.peak, matcher)
