"""How the engine drives the paper's SRNTT."""

from collections.abc import Sequence

import torch
from torch import Tensor

from srntt._shapes import Float
from srntt.errors import ModelError
from srntt.features import VGG19Features
from srntt.image import bicubic_pillow
from srntt.match import Match, Matcher, Window, dense_match, fast_match, fast_match_bytes
from srntt.memory import cuts
from srntt.models._drive import Appetite, Progress, Rendered, dense_match_bytes
from srntt.models._references import EncodedReference
from srntt.models.paper._network import PaperSRNTT
from srntt.transfer import SwappedMaps, swap
from srntt.weights import find_weights, load_vgg19

_REACH = 8  # LR rows: VGG19's halo of 10 HR rows and the bicubic's 2 LR rows, rounded up

# Bytes, measured by benchmarks/memory.py.
_SEEN = 16_000  # while a position of a band is seen by VGG19
_QUERY = 1100  # a position's features while the whole picture is matched fast
_LEVELS = (("relu3_1", 1), ("relu2_1", 2), ("relu1_1", 4))


class PaperMethod:
    """VGG19 features matched as in Eq. 1-3, swapped at three scales, transferred by the paper's networks.

    Match on relu3_1 of the enlarged input against relu3_1 of the blurred reference; swap what the sharp reference has
    there.
    """

    scale = 4
    halo = 32  # the networks see 82 pixels far, but hardly look there (tests/upscale)
    context = 64
    patch = 3
    key = "key"
    appetite = Appetite(
        encode=1500, encoded=520, matched=60, candidates=1, alone=40_000, render=40_000, another=0, first=95_000_000
    )

    def __init__(self, model: PaperSRNTT, device: torch.device) -> None:
        if model.scale != self.scale:
            raise ModelError(f"This is the {model.scale}x variant of the paper's network; upscaling takes the 4x one.")
        self._model = model.to(device)
        self._phi: VGG19Features = load_vgg19(find_weights(f"vgg19-{model.config.phi}"), family=model.config.phi).to(
            device
        )
        self._device = device

    def encode(self, band: Float[Tensor, "3 H W"]) -> dict[str, Float[Tensor, "c _ _"]]:
        """Key map at 1x, value maps at 1x, 2x and 4x."""
        band = band.to(self._device)
        height, width = band.shape[1:]
        blurred = bicubic_pillow(bicubic_pillow(band, (height // 4, width // 4)), (height, width))
        maps = {"key": self._phi(blurred[None])["relu3_1"], **self._phi(band[None])}
        return {name: whole[0] for name, whole in maps.items()}

    def match(
        self,
        low_res: Float[Tensor, "3 h w"],
        references: list[EncodedReference],
        band: int,
        matcher: Matcher,
        progress: Progress,
    ) -> Match:
        """Match in the released code's frame: patches that lie wholly inside."""
        height, width = low_res.shape[1:]
        keys = [item.maps[self.key] for item in references]
        border = _border(height, width, keys)
        if matcher == "fast":
            found = fast_match(self._whole_query(low_res, band), keys, border=border)
            progress("match", height, height)
        else:
            found = self._match_bands(low_res, keys, border, band, progress)
        return Match.at(
            *(x[None] for x in (found.reference, found.y, found.x, found.similarity)), int(border == "valid")
        )

    def render(
        self, low_res: Float[Tensor, "3 h w"], match: Match | None, window: Window, references: list[EncodedReference]
    ) -> Rendered:
        """One tile. There is no gate to report, so a reference's share is the similarity of its match, as the paper
        weights it.
        """
        seen = low_res[None, :, *window].to(self._device)
        if match is None:
            return Rendered(self._model(seen)[0], None)
        found = match.candidate(0)
        maps = (
            swap(
                [item.maps[name] for item in references], found, ratio=ratio, rows=window.rows, columns=window.columns
            )[None]
            for name, ratio in _LEVELS
        )
        similarity = match.similarity[:, *window]
        weights = similarity[None] if self._model.config.gated else None
        return Rendered(self._model(seen, SwappedMaps(*maps), weights)[0], similarity.clamp(0, 1))

    def matching_bytes(
        self, matcher: Matcher, size: tuple[int, int], keys: Sequence[int], band: int, threads: int
    ) -> int:
        """A band is enlarged and seen by VGG19; fast matching holds the features of the whole picture."""
        height, width = size
        seen = min(band + 2 * _REACH, height) * width * _SEEN
        if matcher == "exact":
            return seen + dense_match_bytes(min(band, height) * width, keys, 256)
        return seen + height * width * _QUERY + fast_match_bytes(height * width, keys, 256, self.patch, threads)

    def _match_bands(
        self, low_res: Float[Tensor, "3 h w"], keys: list[Tensor], border: str, band: int, progress: Progress
    ) -> Match:
        height = low_res.shape[1]
        parts = []
        for top, bottom in cuts(height, band):
            seen = slice(max(0, top - 1), min(height, bottom + 1))  # a patch reaches one row out
            found = dense_match(self._query(low_res, seen), keys, border=border)
            inner = slice(top - seen.start, bottom - seen.start)
            parts.append([x[inner] for x in (found.reference, found.y, found.x, found.similarity)])
            progress("match", bottom, height)
        reference, y, x, similarity = (torch.cat(column) for column in zip(*parts, strict=True))
        return Match.at(reference, y, x, similarity)

    def _whole_query(self, low_res: Float[Tensor, "3 h w"], band: int) -> Float[Tensor, "256 h w"]:
        whole = torch.empty(256, *low_res.shape[1:], device=self._device)
        for top, bottom in cuts(low_res.shape[1], band):
            whole[:, top:bottom] = self._query(low_res, slice(top, bottom))
        return whole

    def _query(self, low_res: Float[Tensor, "3 h w"], rows: slice) -> Float[Tensor, "256 _ w"]:
        outer = slice(max(0, rows.start - _REACH), min(low_res.shape[1], rows.stop + _REACH))
        part = low_res[:, outer].to(self._device)
        large = bicubic_pillow(part, (part.shape[1] * 4, part.shape[2] * 4))
        return self._phi(large[None])["relu3_1"][0, :, rows.start - outer.start : rows.stop - outer.start]


def _border(height: int, width: int, keys: list[Tensor]) -> str:
    smallest = min(height, width, *(extent for key in keys for extent in key.shape[1:]))
    return "valid" if smallest >= 3 else "replicate"
