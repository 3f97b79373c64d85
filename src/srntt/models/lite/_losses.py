"""Losses on matches, where the true correspondence is known, and the share of matches that are right."""

import torch
from torch import Tensor

from srntt._shapes import Bool, Float


def correspondence(
    query: Float[Tensor, "n d"],
    key: Float[Tensor, "d h w"],
    truth: Float[Tensor, "n 2"],
    temperature: Float[Tensor, ""],
) -> Float[Tensor, ""]:
    """Contrastive loss: cross-entropy over all keys, against the true correspondence.

    The truth falls between positions, so its probability is split bilinearly over the four around it. That shapes the
    similarity peak into one whose centroid is the truth.

    Args:
        query: unit descriptors of queries that are visible in the reference.
        key: unit descriptors of the reference.
        truth: (y, x) of each query in the key map, inside it.
        temperature: factor on cosines.
    """
    height, width = key.shape[1:]
    logits = temperature * (query @ key.flatten(1))
    corner = truth.floor()
    weight = torch.stack([corner + 1 - truth, truth - corner], -1)
    y, x = (
        torch.stack([corner[:, axis], corner[:, axis] + 1], -1).clamp(0, extent - 1).long()
        for axis, extent in enumerate((height, width))
    )
    four = (y[:, :, None] * width + x[:, None, :]).flatten(1)
    share = (weight[:, 0, :, None] * weight[:, 1, None, :]).flatten(1)
    picked = (share * logits.gather(1, four)).sum(1)
    return (logits.logsumexp(1) - picked).mean()


def sub_position(
    position: Float[Tensor, "b n 2"], truth: Float[Tensor, "b n 2"], visible: Bool[Tensor, "b n"]
) -> Float[Tensor, ""]:
    """Mean distance of refined matches from the truth, over those that started within one position of it.

    Each sample's mean counts alike, so that a batch may be shared among processes; one without such matches owes 0.
    """
    near = visible & ((position.detach() - truth).abs().amax(-1) < 1)
    distance = (position - truth).abs().sum(-1)
    return ((distance * near).sum(1) / near.sum(1).clamp(min=1)).mean()


def hit_rate(position: Float[Tensor, "b n 2"], truth: Float[Tensor, "b n 2"], visible: Bool[Tensor, "b n"]) -> float:
    """Share of visible queries matched within one position of the truth."""
    hit = ((position - truth).abs().amax(-1) < 1) & visible
    return float(hit.sum() / visible.sum().clamp(min=1))
