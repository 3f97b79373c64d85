"""A batch of training pairs: a target, references that show some of it differently, and the truth."""

from typing import NamedTuple

from torch import Tensor

from srntt._shapes import Bool, Float


class Pairs(NamedTuple):
    """A batch, of r references a target. ``truth`` is the (y, x) in the reference's LR grid of each LR position of the
    target; ``visible`` says if it is in. ``names`` are of pairs that come again just so; none of others. ``goal`` is
    what to learn without references, in place of the target; ``base`` what another upscaler made of the LR picture, to
    begin from. Either may be None. The last ``placed`` references are views in the frame of the target, which lies in
    their middle; ``valid`` says where in the target they show the same, None: everywhere.
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
        """HR pixels for each LR pixel along a side."""
        return self.high_res.shape[-1] // self.low_res.shape[-1]

    def first(self, count: int) -> "Pairs":
        """Those of the first few targets."""
        few = {name: tensor[:count] for name, tensor in self.tensors().items()}
        return Pairs(**few, names=self.names[:count], placed=self.placed)

    def tensors(self) -> dict[str, Tensor]:
        """All that there are, but not the names."""
        return {name: value for name, value in self._asdict().items() if isinstance(value, Tensor)}
