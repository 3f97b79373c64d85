"""What the engine asks of a kind of model, and what they tell each other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

from torch import Tensor

from srntt._shapes import Float
from srntt.features import Description
from srntt.match import Match, Matcher, Window
from srntt.memory import Appetite
from srntt.models._encoded_view import EncodedView

Progress = Callable[[str, int, int], None]
"""Called with the name of a stage, how much of it is done, and of how much."""


class Fused(NamedTuple):
    """The output, and each candidate's share at each position: 0 not at all .. 1 fully; k = 0 without any."""

    picture: Float[Tensor, "b 3 H W"]
    share: Float[Tensor, "b k h w"]


@dataclass(frozen=True, eq=False)
class Rendered:
    """A tile's output, and for each LR position how much of what the model added there came through each candidate."""

    image: Float[Tensor, "3 H W"]
    share: Float[Tensor, "k h w"] | None


@runtime_checkable
class Drive(Protocol):
    """A kind of model, as the engine drives it. Everything is on the model's device but what the names say."""

    scale: int
    halo: int
    appetite: Appetite

    #: Whether this model was trained to start from the output of another upscaler.
    takes_base: bool

    #: Side of the patches that are matched, and the map of a reference that they are matched in.
    patch: int
    key: str

    #: Positions around its own in which a position is matched in a view that lies in its frame: the first number where
    #: there are several such views; a single one is offered once with each. Empty: anywhere.
    reaches: tuple[int, ...]

    #: HR rows above and below a band of a reference that ``encode`` wants to see; a multiple of ``scale``.
    context: int

    def encode(self, band: Float[Tensor, "3 H W"]) -> dict[str, Float[Tensor, "c _ _"]]:
        """Maps of a band of a reference, context included, each at a scale of its own."""
        ...

    @property
    def describe(self) -> Callable[[Float[Tensor, "b 3 h w"]], Description] | None:
        """What is matched of pictures on the LR grid; None for a model whose references keep their size."""
        ...

    def match(
        self,
        low_res: Float[Tensor, "3 h w"],
        references: list[EncodedView],
        band: int,
        matcher: Matcher,
        progress: Progress,
    ) -> Match:
        """Match a whole picture, ``band`` rows at a time."""
        ...

    def matching_bytes(
        self, matcher: Matcher, size: tuple[int, int], keys: Sequence[int], band: int, threads: int
    ) -> int:
        """What `match` takes at most in addition to the matches that it returns.

        ``size`` is that of the LR picture, down and across; ``keys`` are the positions of each reference, ``band`` the
        rows of the LR picture that are matched at a time, ``threads`` those of the CPU.
        """
        ...

    def render(
        self,
        low_res: Float[Tensor, "3 h w"],
        match: Match | None,
        window: Window,
        references: list[EncodedView],
        strength: Float[Tensor, "_ _"] | None = None,
        base: Float[Tensor, "3 _ _"] | None = None,
    ) -> Rendered:
        """Upscale what is in the window; without matches, from the picture alone.

        Args:
            low_res: the whole picture, on the CPU.
            match: of the whole picture.
            window: rows and columns to upscale.
            references: what the matches point into.
            strength: how far references are used at each position of the window: 0, exactly as without matches, to 1,
                as the model decides, which None is everywhere.
            base: what is in the window, enlarged by another upscaler, on the CPU; for a model that ``takes_base``.
        """
        ...
