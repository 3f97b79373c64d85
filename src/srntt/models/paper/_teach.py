"""The paper's networks in training: swapped maps made on the fly, the extractor taught by itself."""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from srntt._shapes import Float, Int64
from srntt.data import Pairs
from srntt.features import VGG19Features
from srntt.image import enlarge, reduce, round_to_8bit
from srntt.match import Match
from srntt.models._lesson import Outcome
from srntt.models.paper._map_cache import MapCache
from srntt.models.paper._network import PaperSRNTT
from srntt.transfer import SwappedMaps, swap
from srntt.weights import find_weights, load_vgg19

#: Layers of the swapped maps, at 1x, 2x and 4x the LR grid.
SWAPPED_LAYERS = ("relu3_1", "relu2_1", "relu1_1")
_RATIOS = (1, 2, 4)


class PaperLesson:
    """Teaches the paper's networks.

    A step without references teaches the content extractor, by its own head; one with references teaches the texture
    transfer, with the extractor as it stands. So the extractor may be trained first, as the paper does, or in between.

    Args:
        model: to train.
        perfect: show the transfer the target's own maps, too, in the same step.
        cache: folder to keep the swapped maps of ready-made pairs in, or None.
    """

    def __init__(self, model: PaperSRNTT, perfect: bool = False, cache: Path | None = None) -> None:
        self.model, self._perfect = model, perfect
        self._cache = MapCache(cache, model.config.phi) if cache else None
        device = next(model.parameters()).device
        self._phi: VGG19Features = load_vgg19(find_weights(f"vgg19-{model.config.phi}"), family=model.config.phi).to(
            device
        )

    def run(self, pairs: Pairs, with_references: bool) -> Outcome:
        """Forward a batch; the mean similarity of matches is told."""
        low_res, high_res = pairs.low_res, pairs.high_res
        if not with_references:
            self.model.extractor.train(self.model.training)
            return Outcome(self.model(low_res), high_res, low_res)
        with torch.no_grad():
            content = self.model.extractor(low_res)
            swapped, similarity = self._bring(pairs)
        told = {"similarity": float(similarity.mean())}
        if self._perfect:
            own = self._maps(high_res)
            swapped = SwappedMaps(*(torch.cat(both) for both in zip(swapped, own, strict=True)))
            similarity = torch.cat([similarity, torch.ones_like(similarity)])
            content, low_res, high_res = (torch.cat([x, x]) for x in (content, low_res, high_res))
        weights = similarity if self.model.config.gated else None
        output = self.model.transfer(content, swapped, weights)
        return Outcome(output, high_res, low_res, {}, swapped, similarity, told)

    def _bring(self, pairs: Pairs) -> tuple[SwappedMaps, Float[Tensor, "b 1 h w"]]:
        """Swapped maps of each picture from all its references, and the similarity."""
        samples = zip(pairs.low_res, pairs.high_res, pairs.references, strict=True)
        made = [self._kept_or_swapped(*sample, cached=bool(pairs.names)) for sample in samples]
        maps = (torch.stack(level) for level in zip(*(maps for maps, _ in made), strict=True))
        return SwappedMaps(*maps), torch.stack([similarity for _, similarity in made])

    def _kept_or_swapped(
        self, low_res: Tensor, high_res: Tensor, references: Tensor, cached: bool
    ) -> tuple[SwappedMaps, Float[Tensor, "1 h w"]]:
        if not (self._cache and cached):
            return self._swap(low_res, references)
        if kept := self._cache.get(high_res, references):
            return kept
        return self._cache.put(high_res, references, *self._swap(low_res, references))

    def _swap(
        self, low_res: Float[Tensor, "3 h w"], references: Float[Tensor, "r 3 R R"]
    ) -> tuple[SwappedMaps, Float[Tensor, "1 h w"]]:
        query = self._phi(round_to_8bit(enlarge(low_res[None], 4)))["relu3_1"][0]
        blurred = round_to_8bit(enlarge(round_to_8bit(reduce(references, 4)), 4))
        match = best_patches(query, self._phi(blurred)["relu3_1"])
        values = self._maps(references)
        levels = [swap(list(level), match, ratio=ratio) for level, ratio in zip(values, _RATIOS, strict=True)]
        return SwappedMaps(*levels), match.similarity[None]

    def _maps(self, pictures: Float[Tensor, "n 3 H W"]) -> SwappedMaps:
        with torch.no_grad():
            maps = self._phi(pictures)
        return SwappedMaps(*(maps[layer].float() for layer in SWAPPED_LAYERS))


def best_patches(query: Float[Tensor, "c h w"], keys: Float[Tensor, "r c hr wr"]) -> Match:
    """The argmax of Eq. 1-3 for crops, by one product of unfolded patches: any device, the precision of autocast.

    Unlike `srntt.match.dense_match` it holds all similarities at once and does not settle near ties. Patches that lie
    wholly inside compete; the frame repeats the outermost match.
    """
    height, width = (extent - 2 for extent in query.shape[1:])
    across = keys.shape[-1] - 2
    patches = F.normalize(F.unfold(query[None].float(), 3)[0], dim=0)
    candidates = F.normalize(F.unfold(keys.float(), 3), dim=1).transpose(0, 1).flatten(1)
    similarity, index = (patches.T @ candidates).float().max(1)
    each = candidates.shape[1] // len(keys)
    reference, within = index // each, index % each
    found = [reference, within // across + 1, within % across + 1]
    maps = [_framed(values.view(height, width)) for values in found]
    return Match.at(*maps, similarity=_framed(similarity.view(height, width)), frame=1)


def _framed(values: Float[Tensor, "h w"] | Int64[Tensor, "h w"]) -> Tensor:
    """With a frame of one position that repeats its neighbour inside."""
    rows, columns = (torch.arange(-1, n + 1, device=values.device).clamp(0, n - 1) for n in values.shape)
    return values[rows][:, columns]
