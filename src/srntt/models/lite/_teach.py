"""A light model in training: its steps, and what their matches owe where the truth is known."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from srntt._shapes import Bool, Float
from srntt.data import Pairs
from srntt.errors import InputError
from srntt.match import Match, keep_best
from srntt.models._lesson import Outcome, Teaching
from srntt.models.lite import _losses as losses
from srntt.models.lite._fusion import Textures
from srntt.models.lite._network import Lite

_CONTRASTED = 256  # queries of each reference that enter the contrastive loss, at most


class LiteLesson:
    """Teaches a light model. Without gradient for its temperature, its matches learn nothing.

    Args:
        model: to train.
        teaching: how; ``frozen`` leaves the texture encoder and the temperature as they are.

    Raises:
        InputError: what only the paper's networks can.
    """

    def __init__(self, model: Lite, teaching: Teaching = Teaching()) -> None:  # noqa: B008 (frozen)
        if teaching.transfer_begins is not None:
            raise InputError(
                "The setting schedule.transfer_begins_as_extractor is for the paper's architecture of scale 4. "
                "Leave it out."
            )
        for parameter in [model.log_temperature, *model.encoder.parameters()]:
            parameter.requires_grad_(not teaching.frozen)
        self.model = model

    def prepare(self, step: int, networks: Sequence[nn.Module]) -> None:
        """Nothing."""

    def run(self, pairs: Pairs, with_references: bool) -> Outcome:
        """Forward a batch; the share of matches that were right is reported.

        Without references the goal of the pairs stands in for the target, where they have one. A base is for models
        that take one.
        """
        model, low_res, high_res = self.model, pairs.low_res, pairs.high_res
        base = pairs.base if model.config.base else None
        if not with_references:
            goal = high_res if pairs.goal is None else pairs.goal
            return Outcome(model(low_res, (), base), goal, low_res)
        learns = model.log_temperature.requires_grad
        with torch.set_grad_enabled(learns and torch.is_grad_enabled()):
            brought = _bring(model, low_res, pairs.references.unbind(1))
        truth, visible = pairs.truth.flatten(0, 1).flatten(1, 2), pairs.visible.flatten(0, 1).flatten(1)
        terms = {}
        if learns:
            terms["correspondence"] = _contrast(model, brought, pairs)
            terms["sub_position"] = losses.sub_position(_positions(brought.refined), truth, visible)
        metrics = {"hit_rate": losses.hit_rate(_positions(brought.whole), truth, visible)}
        return Outcome(model.fuse(low_res, brought.textures, base).picture, high_res, low_res, terms, metrics=metrics)


@dataclass(frozen=True, eq=False)
class _Brought:
    """Textures for the LR grid, and the matches that brought them, those in each reference alone."""

    textures: Textures
    query: Float[Tensor, "b d h w"]
    keys: list[Float[Tensor, "b d _ _"]]
    whole: list[Match]
    refined: list[Match]


def _bring(model: Lite, low_res: Float[Tensor, "b 3 h w"], references: Sequence[Float[Tensor, "b 3 H W"]]) -> _Brought:
    """The model's steps up to the textures, and what is between them."""
    query, maps = model.describe(low_res), [model.encode(reference) for reference in references]
    with torch.autocast(low_res.device.type, enabled=False):  # cosines of neighbours differ in the third digit
        whole = [model.search(query, one) for one in maps]
        refined = [model.refine(query, one, found) for one, found in zip(maps, whole, strict=True)]
        best = keep_best([model.with_frames(match) for match in refined], model.config.candidates)
        textures = model.sample(best, maps)
    return _Brought(textures, query.descriptor, [one["descriptor"] for one in maps], whole, refined)


def _positions(matches: list[Match]) -> Float[Tensor, "br n 2"]:
    """Of every picture in each of its references, one after the other."""
    return torch.stack([match.position for match in matches], 1).flatten(0, 1).flatten(1, 2)


def _contrast(model: Lite, brought: _Brought, pairs: Pairs) -> Float[Tensor, ""]:
    """Mean over pictures and their references; one that shows nothing owes nothing."""
    terms = []
    for key, places, shown in zip(brought.keys, pairs.truth.unbind(1), pairs.visible.unbind(1), strict=True):
        terms += [_contrast_one(model, *one) for one in zip(brought.query, key, places, shown, strict=True)]
    return torch.stack(terms).mean()


def _contrast_one(
    model: Lite,
    query: Float[Tensor, "d h w"],
    key: Float[Tensor, "d _ _"],
    truth: Float[Tensor, "h w 2"],
    visible: Bool[Tensor, "h w"],
) -> Float[Tensor, ""]:
    seen = visible.flatten().nonzero()[:, 0]
    if len(seen) == 0:
        return query.new_zeros(())
    seen = seen[:: -(-len(seen) // _CONTRASTED)]
    return losses.correspondence(query.flatten(1)[:, seen].T, key, truth.flatten(0, 1)[seen], model.temperature)
