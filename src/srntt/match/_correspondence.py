"""What matching found: for each position of the query, the best patch among all references."""

from dataclasses import dataclass

from torch import Tensor

from srntt._shapes import Float, Int64


@dataclass(frozen=True, eq=False)
class Correspondence:
    """The argmax of Eq. 1-3 at each query position.

    Attributes:
        reference: Which key map.
        y: Row of the centre of the matched patch in that key map.
        x: Column of it.
        similarity: Cosine of the two patches, in [-1, 1]; 0 where either of them is empty.
        frame: Width of the frame whose positions have no match of their own and repeat that of the nearest
            position inside (1 for ``border="valid"`` with 3x3 patches, else 0). Nothing is pasted from there when
            textures are swapped, as in the released code.
    """

    reference: Int64[Tensor, "h w"]
    y: Int64[Tensor, "h w"]
    x: Int64[Tensor, "h w"]
    similarity: Float[Tensor, "h w"]
    frame: int = 0
