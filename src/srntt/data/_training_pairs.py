"""Batch of training pairs: targets, references that show parts of them, and ground-truth correspondences."""

from typing import NamedTuple

from torch import Tensor

from srntt._shapes import Bool, Float


class Pairs(NamedTuple):
    """Batch of b targets with r references each.

    Attributes:
        high_res: Targets, RGB in [0, 1].
        low_res: Low-res pictures.
        references: References.
        truth: Ground truth (y, x), on the LR grid of the reference, of each LR position of the target.
        visible: Whether that position lies within the reference.
        names: Names of pairs that recur unchanged; empty for others.
        goal: Target to learn without references instead of `high_res`, or None.
        base: Output of another upscaler to start from, or None.
        placed: Number of references, the last ones, that are views aligned with the target, which lies in their centre.
        valid: Where in the target the aligned views show the same content; None for everywhere.
    """

    high_res: Float[Tensor, "b 3 H W"]
    low_res: Float[Tensor, "b 3 h w"]
    references: Float[Tensor, "b r 3 R R"]
    truth: Float[Tensor, "b r h w 2"]
    visible: Bool[Tensor, "b r h w"]
    names: tuple[str, ...] = ()
    goal: Float[Tensor, "b 3 H W"] | None = None
    base: Float[Tensor, "b 3 H W"] | None = None
    placed: int = 0
    valid: Bool[Tensor, "b p h w"] | None = None

    @property
    def scale(self) -> int:
        """Upscaling factor."""
        return self.high_res.shape[-1] // self.low_res.shape[-1]

    def first(self, count: int) -> "Pairs":
        """Return the pairs of the first `count` targets."""
        few = {name: tensor[:count] for name, tensor in self.tensors().items()}
        return Pairs(**few, names=self.names[:count], placed=self.placed)

    def tensors(self) -> dict[str, Tensor]:
        """Return the fields that are tensors, by name."""
        return {name: value for name, value in self._asdict().items() if isinstance(value, Tensor)}
