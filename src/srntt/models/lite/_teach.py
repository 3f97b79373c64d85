"""A light model in training: match, refine, sample, synthesise, and what each of them owes."""

from typing import NamedTuple

import torch
from torch import Tensor

from srntt._shapes import Bool, Float, Int64
from srntt.data import Pairs
from srntt.features import Description
from srntt.models._lesson import Outcome
from srntt.models.lite import _losses as losses
from srntt.models.lite._network import Lite, Textures, sample_textures
from srntt.transfer import RefinedMatch, refine_match

_CONTRASTED = 256  # queries of each reference that enter the contrastive loss, at most


class BroughtTextures(NamedTuple):
    """Textures for the LR grid, and the matches that brought them, those of a picture's references one by one."""

    textures: Textures
    query: Float[Tensor, "br d n"]
    key: Float[Tensor, "br d _ _"]
    matched: Int64[Tensor, "br n"]
    match: RefinedMatch


class LiteLesson:
    """Teaches a light model. Without gradient for its temperature, its matches learn nothing.

    Args:
        model: to train.
    """

    def __init__(self, model: Lite) -> None:
        self.model = model

    def run(self, pairs: Pairs, with_references: bool) -> Outcome:
        """Forward a batch; the share of matches that were right is told."""
        model, low_res, high_res = self.model, pairs.low_res, pairs.high_res
        if not with_references:
            return Outcome(model(low_res), high_res, low_res)
        learns = model.log_temperature.requires_grad
        with torch.set_grad_enabled(learns and torch.is_grad_enabled()):
            found = bring_textures(model, low_res, pairs.references)
        truth, visible = pairs.truth.flatten(0, 1).flatten(1, 2), pairs.visible.flatten(0, 1).flatten(1)
        told = {"hit_rate": losses.hit_rate(found.matched, found.key.shape[-1], truth, visible)}
        terms = {}
        if learns:
            terms["correspondence"] = _contrast(model, found, truth, visible)
            terms["sub_position"] = losses.sub_position(found.match.position, truth, visible)
        return Outcome(model(low_res, found.textures), high_res, low_res, terms, told=told)


def bring_textures(
    model: Lite, low_res: Float[Tensor, "b 3 h w"], references: Float[Tensor, "b r 3 H W"]
) -> BroughtTextures:
    """Match each picture with each of its references, refine the matches, and sample the references through them."""
    count, reference = references.shape[1], references.flatten(0, 1)
    query = Description(*(x.repeat_interleave(count, 0) for x in model.encoder(low_res)))
    key = model.encoder.describe_reference(reference)
    flat_query = query.descriptor.flatten(2)
    with torch.autocast(reference.device.type, enabled=False):  # cosines of neighbours differ in the third digit
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
    """Mean over references; one that shows nothing owes nothing."""
    terms = []
    for query, key, place, shown in zip(found.query, found.key, truth, visible, strict=True):
        seen = shown.nonzero()[:, 0]
        if len(seen) == 0:
            continue
        seen = seen[:: -(-len(seen) // _CONTRASTED)]
        terms.append(losses.correspondence(query[:, seen].T, key, place[seen], model.temperature))
    return torch.stack(terms).sum() / len(visible) if terms else found.query.new_zeros(())
