"""How the engine drives the paper's SRNTT: its steps, in bands of rows and tiles."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from srntt._shapes import Float
from srntt.match import Match, Matcher, Window, dense_match, fast_match, fast_match_bytes
from srntt.memory import cuts
from srntt.models._drive import Appetite, Progress, Rendered, dense_match_bytes
from srntt.models._encoded_view import EncodedView
from srntt.models.paper._network import PaperSRNTT, border_of

_REACH = 8  # LR rows: VGG19's halo of 10 HR rows and the bicubic's 2 LR rows, rounded up
_SEEN_AROUND = 16  # LR rows above and below a band of a reference: the halo, and twice the bicubic's
_CHANNELS = 256  # of a key

# Bytes, measured by benchmarks/memory.py.
_SEEN = 16_000  # while a position of a band is seen by VGG19
_QUERY = 1100  # a position's features while the whole picture is matched fast


class PaperDrive:
    """VGG19 features matched as in Eq. 1-3, swapped at three scales, transferred by the paper's networks."""

    halo = 32  # the networks see 82 pixels far, but hardly look there (tests/upscale)
    patch = 3
    key = "key"
    reach: int | None = None
    appetite = Appetite(
        encode=1500, encoded=520, matched=60, candidates=1, alone=40_000, render=40_000, another=0, first=95_000_000
    )

    def __init__(self, model: PaperSRNTT, device: torch.device) -> None:
        self._model = model.to(device)
        _ = model.phi  # which says now if it is missing
        self._device = device
        self.scale, self.context = model.scale, _SEEN_AROUND * model.scale

    def encode(self, band: Float[Tensor, "3 H W"]) -> dict[str, Float[Tensor, "c _ _"]]:
        """Key map at 1x, value maps at 1x, 2x and 4x."""
        return {name: whole[0] for name, whole in self._model.encode(band.to(self._device)[None]).items()}

    def match(
        self,
        low_res: Float[Tensor, "3 h w"],
        references: list[EncodedView],
        band: int,
        matcher: Matcher,
        progress: Progress,
    ) -> Match:
        """Match in the released code's frame: patches that lie wholly inside."""
        keys = [item.maps[self.key] for item in references]
        border = border_of(low_res, keys)
        if matcher == "fast":
            found = fast_match(self._whole_query(low_res, band), keys, border=border)
            progress("match", low_res.shape[1], low_res.shape[1])
            return found.batched()
        return self._match_bands(low_res, keys, border, band, progress)

    def render(
        self, low_res: Float[Tensor, "3 h w"], match: Match | None, window: Window, references: list[EncodedView]
    ) -> Rendered:
        """One tile."""
        seen = low_res[None, :, *window].to(self._device)
        if match is None:
            return Rendered(self._model.fuse(seen, None).picture[0], None)
        maps = [{name: whole[None] for name, whole in item.maps.items()} for item in references]
        fused = self._model.fuse(seen, self._model.sample(match.batched(), maps, window))
        return Rendered(fused.picture[0], fused.share[0])

    def matching_bytes(
        self, matcher: Matcher, size: tuple[int, int], keys: Sequence[int], band: int, threads: int
    ) -> int:
        """A band is enlarged and seen by VGG19; fast matching holds the features of the whole picture."""
        height, width = size
        seen = min(band + 2 * _REACH, height) * width * _SEEN
        if matcher == "exact":
            return seen + dense_match_bytes(min(band, height) * width, keys, _CHANNELS)
        searched = fast_match_bytes(height * width, keys, _CHANNELS, self.patch, threads)
        return seen + height * width * _QUERY + searched

    def _match_bands(
        self, low_res: Float[Tensor, "3 h w"], keys: list[Tensor], border: str, band: int, progress: Progress
    ) -> Match:
        height, width = low_res.shape[1:]
        whole = Match.empty(1, 0, (height, width), self._device)
        for top, bottom in cuts(height, band):
            seen = slice(max(0, top - 1), min(height, bottom + 1))  # a patch reaches one row out
            found = dense_match(self._query(low_res, seen), keys, border=border)
            inner = slice(top - seen.start, bottom - seen.start)
            whole.fill(slice(top, bottom), found.crop(Window(inner, slice(None))).batched())
            progress("match", bottom, height)
        return replace(whole, frame=int(border == "valid"))

    def _whole_query(self, low_res: Float[Tensor, "3 h w"], band: int) -> Float[Tensor, "256 h w"]:
        whole = torch.empty(_CHANNELS, *low_res.shape[1:], device=self._device)
        for top, bottom in cuts(low_res.shape[1], band):
            whole[:, top:bottom] = self._query(low_res, slice(top, bottom))
        return whole

    def _query(self, low_res: Float[Tensor, "3 h w"], rows: slice) -> Float[Tensor, "256 _ w"]:
        outer = slice(max(0, rows.start - _REACH), min(low_res.shape[1], rows.stop + _REACH))
        seen = self._model.describe(low_res[None, :, outer].to(self._device))[0]
        return seen[:, rows.start - outer.start : rows.stop - outer.start]
