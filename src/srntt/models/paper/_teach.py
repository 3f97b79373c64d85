"""The paper's networks in training: swapped maps made on the fly, the extractor taught by itself."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from srntt._shapes import Float
from srntt.data import Pairs
from srntt.errors import InputError
from srntt.models._lesson import Outcome, Teaching
from srntt.models.paper._map_cache import MapCache
from srntt.models.paper._network import PaperSRNTT
from srntt.transfer import SwappedMaps


class PaperLesson:
    """Teaches the paper's networks.

    A step without references teaches the content extractor, by its own head; one with references teaches the texture
    transfer, with the extractor as it stands. So the extractor may be trained first, as the paper does, or in between.

    Args:
        model: to train.
        teaching: how; ``perfect`` shows the transfer the target's own maps, too, in the same step, and ``cache`` keeps
            the swapped maps of ready-made pairs.

    Raises:
        InputError: the transfer cannot begin as the extractor's head.
    """

    def __init__(self, model: PaperSRNTT, teaching: Teaching = Teaching()) -> None:  # noqa: B008 (frozen)
        if teaching.transfer_begins is not None and model.scale != model.extractor.scale:
            raise InputError(
                "The setting schedule.transfer_begins_as_extractor is for the paper's architecture of scale 4. "
                "Leave it out."
            )
        model.extractor.requires_grad_(True)
        self.model, self._teaching = model, teaching
        self._cache = MapCache(teaching.cache, model.config.phi) if teaching.cache else None
        _ = model.phi  # which says now if it is missing

    def prepare(self, step: int, networks: Sequence[nn.Module]) -> None:
        """Let the transfer begin as the extractor's head where it is to."""
        if step == self._teaching.transfer_begins:
            for network in networks:
                assert isinstance(network, PaperSRNTT)
                network.begin_transfer()

    def run(self, pairs: Pairs, with_references: bool) -> Outcome:
        """Forward a batch; the mean similarity of matches is reported."""
        low_res, high_res = pairs.low_res, pairs.high_res
        if not with_references:
            self.model.extractor.train(self.model.training)
            return Outcome(self.model(low_res), high_res, low_res)
        with torch.no_grad():
            content = self.model.extractor(low_res)
            swapped, similarity = self._bring(pairs)
        metrics = {"similarity": float(similarity.mean())}
        if self._teaching.perfect:
            with torch.no_grad():
                own = self.model.textures(self.model.at_finest(high_res))
            swapped = SwappedMaps(*(torch.cat(both) for both in zip(swapped, own, strict=True)))
            similarity = torch.cat([similarity, torch.ones_like(similarity)])
            content, low_res, high_res = (torch.cat([x, x]) for x in (content, low_res, high_res))
        weights = similarity if self.model.config.gated else None
        output = self.model.transfer(content, swapped, weights)
        return Outcome(output, high_res, low_res, {}, swapped, similarity, metrics)

    def _bring(self, pairs: Pairs) -> tuple[SwappedMaps, Float[Tensor, "b 1 h w"]]:
        """Swapped maps of each picture from all its references, and the similarity."""
        cache, made = self._cache if pairs.names else None, []
        for low_res, high_res, references in zip(pairs.low_res, pairs.high_res, pairs.references, strict=True):
            brought = cache and cache.get(high_res, references)
            if not brought:
                brought = self._swap(low_res, references)
                brought = cache.put(high_res, references, *brought) if cache else brought
            made.append(brought)
        maps = (torch.stack(level) for level in zip(*(maps for maps, _ in made), strict=True))
        return SwappedMaps(*maps), torch.stack([similarity for _, similarity in made])

    def _swap(
        self, low_res: Float[Tensor, "3 h w"], references: Float[Tensor, "r 3 R R"]
    ) -> tuple[SwappedMaps, Float[Tensor, "1 h w"]]:
        maps = [self.model.encode(reference[None]) for reference in references]
        swapped = self.model.sample(self.model.match(self.model.describe(low_res[None]), maps), maps)
        return SwappedMaps(*(level[0] for level in swapped.maps)), swapped.similarity[0]
