"""One forward pass of a light model in training: match, refine, sample, synthesise, and what each of them owes."""

from typing import NamedTuple

import torch
from torch import Tensor

from srntt._shapes import Bool, Float, Int64
from srntt.features import Description
from srntt.network import Lite, Textures, sample_textures
from srntt.train import losses as _losses
from srntt.train._pairs import Pairs
from srntt.transfer import RefinedMatch, refine_match

_CONTRASTED = 256  # queries of each sample that enter the contrastive loss


class StepLosses(NamedTuple):
    """The terms of the training loss, and the share of matches that were right."""

    reconstruction: Float[Tensor, ""]
    correspondence: Float[Tensor, ""]
    sub_position: Float[Tensor, ""]
    hit_rate: float


class BroughtTextures(NamedTuple):
    """Textures for the LR grid, and the matches that brought them, those of a picture's references one by one."""

    textures: Textures
    query: Float[Tensor, "br d n"]
    key: Float[Tensor, "br d _ _"]
    matched: Int64[Tensor, "br n"]
    match: RefinedMatch


def losses(model: Lite, pairs: Pairs, with_reference: bool) -> StepLosses:
    """Forward a batch.

    Args:
        model: the model in training.
        pairs: the batch.
        with_reference: otherwise the output is made from the LR picture alone, and only reconstruction is owed.
    """
    low_res, high_res = pairs.low_res, pairs.high_res
    if not with_reference:
        zero = high_res.new_zeros(())
        return StepLosses(_losses.charbonnier(model(low_res), high_res), zero, zero, 0.0)
    learns = model.log_temperature.requires_grad
    with torch.set_grad_enabled(learns):
        found = bring_textures(model, low_res, pairs.references)
    truth, visible = pairs.truth.flatten(0, 1).flatten(1, 2), pairs.visible.flatten(0, 1).flatten(1)
    return StepLosses(
        _losses.charbonnier(model(low_res, found.textures), high_res),
        _contrast(model, found, truth, visible) if learns else high_res.new_zeros(()),
        _losses.sub_position(found.match.position, truth, visible),
        _losses.hit_rate(found.matched, found.key.shape[-1], truth, visible),
    )


def bring_textures(
    model: Lite, low_res: Float[Tensor, "b 3 h w"], references: Float[Tensor, "b r 3 H W"]
) -> BroughtTextures:
    """Match each picture with each of its references, refine the matches, and sample the references through them."""
    count, reference = references.shape[1], references.flatten(0, 1)
    query = Description(*(x.repeat_interleave(count, 0) for x in model.encoder(low_res)))
    key = model.encoder.describe_reference(reference)
    flat_query = query.descriptor.flatten(2)
    similarity, index = _best_match(flat_query, key.descriptor.flatten(2))
    match = refine_match(flat_query, key.descriptor, index, model.temperature)
    each = sample_textures(reference, query, key, similarity, index, match)
    textures = Textures(*(x[:, 0].unflatten(0, (-1, count)) for x in each))
    return BroughtTextures(textures, flat_query, key.descriptor, index, match)


def _best_match(
    query: Float[Tensor, "b d n"], key: Float[Tensor, "b d m"]
) -> tuple[Float[Tensor, "b n"], Int64[Tensor, "b n"]]:
    """Exact nearest descriptor; the similarity carries gradient, the choice does not."""
    with torch.no_grad():
        index = torch.stack([(q.T @ k).max(1).indices for q, k in zip(query, key, strict=True)])
    chosen = key.gather(2, index[:, None].expand(-1, key.shape[1], -1))
    return (query * chosen).sum(1), index


def _contrast(
    model: Lite, found: BroughtTextures, truth: Float[Tensor, "br n 2"], visible: Bool[Tensor, "br n"]
) -> Float[Tensor, ""]:
    terms = []
    for query, key, place, shown in zip(found.query, found.key, truth, visible, strict=True):
        seen = shown.nonzero()[:, 0]
        if len(seen) == 0:
            continue
        seen = seen[torch.randperm(len(seen), device=seen.device)[:_CONTRASTED]]
        terms.append(_losses.correspondence(query[:, seen].T, key, place[seen], model.temperature))
    return torch.stack(terms).mean() if terms else found.query.new_zeros(())
