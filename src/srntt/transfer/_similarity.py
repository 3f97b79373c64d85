"""Similarity map S* at the scale of a swapped map."""

from torch import Tensor

from srntt._shapes import Float
from srntt.match import Match


def similarity_map(match: Match, *, ratio: int) -> Float[Tensor, "H W"]:
    """Upsample the similarity of the matches to the grid of a swapped map, by repetition.

    Args:
        match: Matches on the LR grid.
        ratio: Scale of the swapped map relative to the LR grid.

    Returns:
        Cosine of the match behind each pixel, in [-1, 1].

    Example:
        >>> import torch
        >>> from srntt.match import dense_match
        >>> features = torch.ones(1, 2, 3)
        >>> similarity_map(dense_match(features, [features]), ratio=2).shape
        torch.Size([4, 6])
    """
    return match.similarity.repeat_interleave(ratio, dim=0).repeat_interleave(ratio, dim=1)
