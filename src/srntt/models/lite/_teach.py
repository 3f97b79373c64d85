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
from srntt.models.lite._drive import LiteDrive
from srntt.models.lite._fusion import Textures
from srntt.models.lite._network import Lite, Shown

_CONTRASTED = 256  # queries of each reference that enter the contrastive loss, at most


class LiteLesson:
    """Teaches a light model. Without gradient for its temperature, its matches learn nothing.

    Args:
        model: to train.
        teaching: how; ``frozen`` leaves the texture encoder and the temperature unchanged.

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
            brought = _bring(model, pairs)
        plain = len(brought.whole)
        truth, visible = (x[:, :plain].flatten(0, 1).flatten(1, 2) for x in (pairs.truth, pairs.visible))
        terms = {}
        if learns:
            terms["correspondence"] = _contrast(model, brought, pairs)
            terms["sub_position"] = losses.sub_position(_positions(brought.refined), truth, visible)
        metrics = {"hit_rate": losses.hit_rate(_positions(brought.whole), truth, visible)}
        return Outcome(model.fuse(low_res, brought.textures, base).picture, high_res, low_res, terms, metrics=metrics)


@dataclass(frozen=True, eq=False)
class _Brought:
    """Textures for the LR grid, and the matches in each of the references that are searched anywhere."""

    textures: Textures
    query: Float[Tensor, "b d h w"]
    keys: list[Float[Tensor, "b d _ _"]]
    whole: list[Match]
    refined: list[Match]


def _bring(model: Lite, pairs: Pairs) -> _Brought:
    """The model's steps up to the textures, and what is between them; candidates compete as in inference."""
    low_res, plain = pairs.low_res, pairs.references.shape[1] - pairs.placed
    query = model.describe(low_res)
    maps = [model.encode(reference) for reference in pairs.references[:, :plain].unbind(1)]
    placed = [model.encode(view) for view in _middle(pairs).unbind(1)]
    placed, shown = _placed(placed, pairs)
    with torch.autocast(low_res.device.type, enabled=False):  # cosines of neighbours differ in the third digit
        whole = [model.search(query, one) for one in maps]
        refined = [model.refine(query, one, found) for one, found in zip(maps, whole, strict=True)]
        best = [keep_best([model.with_frames(match) for match in refined], model.config.candidates)]
        if placed:
            found = [model.match_shown(query, *one) for one in zip(placed, shown, strict=True)]
            numbers = range(plain, plain + len(placed))
            best.append(keep_best(found, model.config.candidates, numbers))
        textures = model.sample(Match.joined(best), [*maps, *placed])
    return _Brought(textures, query.descriptor, [one["descriptor"] for one in maps], whole, refined)


def _middle(pairs: Pairs) -> Float[Tensor, "b p 3 H W"]:
    """The views in the frame of the target, cut to it."""
    plain, side = pairs.references.shape[1] - pairs.placed, pairs.high_res.shape[-1]
    margin = (pairs.references.shape[-1] - side) // (2 * pairs.scale) * pairs.scale
    return pairs.references[:, plain:, :, margin : margin + side, margin : margin + side]


def _placed(maps: list[dict[str, Tensor]], pairs: Pairs) -> tuple[list[dict[str, Tensor]], list[Shown]]:
    """What is searched of them, and where: one alone at each position's own place and around it, as inference does."""
    valid = [None] * len(maps) if pairs.valid is None else pairs.valid.unbind(1)
    if len(maps) == 1:
        return maps * len(LiteDrive.reaches), [Shown(valid[0], reach) for reach in LiteDrive.reaches]
    return maps, [Shown(one, LiteDrive.reaches[0]) for one in valid]


def _positions(matches: list[Match]) -> Float[Tensor, "br n 2"]:
    """Of every picture in each of its references, one after the other."""
    return torch.stack([match.position for match in matches], 1).flatten(0, 1).flatten(1, 2)


def _contrast(model: Lite, brought: _Brought, pairs: Pairs) -> Float[Tensor, ""]:
    """Mean over pictures and their references; one that shows nothing owes nothing."""
    terms = []
    plain = len(brought.keys)
    for key, places, shown in zip(
        brought.keys, *(x[:, :plain].unbind(1) for x in (pairs.truth, pairs.visible)), strict=True
    ):
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
