"""How the engine drives the paper's SRNTT: its steps, in bands of rows and tiles."""

from dataclasses import replace

import torch
from torch import Tensor

from srntt._shapes import Float
from srntt.match import Match, Matcher, Sizes, Window
from srntt.memory import cuts
from srntt.models._drive import Progress, Rendered
from srntt.models._encoded_view import EncodedView
from srntt.models.paper._costs import MATCHED_CHANNELS, PATCH, REACH, appetite_of, matching_bytes
from srntt.models.paper._network import PaperSRNTT, border_of

_SEEN_AROUND = 16  # LR rows above and below a band of a reference: the halo, and twice the bicubic's


class PaperDrive:
    """VGG19 features matched as in Eq. 1-3, swapped at three scales, transferred by the paper's networks."""

    halo = 32  # the networks see 82 pixels far, but hardly look there (tests/upscale)
    patch = PATCH
    key = "key"
    takes_base = False
    reaches: tuple[int, ...] = ()
    matching_bytes = staticmethod(matching_bytes)
    describe = None  # references of other sizes are searched where that is asked for, as in the paper

    def __init__(self, model: PaperSRNTT, device: torch.device) -> None:
        self._model = model.to(device)
        _ = model.phi  # which says now if it is missing
        self._device = device
        self.appetite = appetite_of(model.config)
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
        height, width = low_res.shape[1:]
        whole = Match.empty(1, 0, (height, width), self._device)
        sizes = Sizes(height * width, tuple(key[0].numel() for key in keys), MATCHED_CHANNELS, self.patch)
        bands = matcher.bands(height, band, sizes)
        seen = [(max(0, top - 1), min(height, bottom + 1)) for top, bottom in bands]  # a patch reaches one row out
        queries = (self._query(low_res, slice(*outer), band) for outer in seen)
        found = matcher.search(queries, keys, patch=self.patch, border=border)
        for (top, bottom), (first, _), part in zip(bands, seen, found, strict=True):
            inner = Window(slice(top - first, bottom - first), slice(None))
            whole.fill(slice(top, bottom), part.crop(inner).batched())
            progress("match", bottom, height)
        return replace(whole, frame=int(border == "valid"))

    def render(
        self,
        low_res: Float[Tensor, "3 h w"],
        match: Match | None,
        window: Window,
        references: list[EncodedView],
        strength: Float[Tensor, "_ _"] | None = None,
        base: Float[Tensor, "3 _ _"] | None = None,
    ) -> Rendered:
        """One tile; a strength mixes the outputs with and without references, for the network has no gate."""
        seen = low_res[None, :, *window].to(self._device)
        if match is None:
            return Rendered(self._model.fuse(seen, None).picture[0], None)
        swapped = self._model.sample(match.batched(), [item.batch for item in references], window)
        fused = self._model.fuse(seen, swapped)
        if strength is None:
            return Rendered(fused.picture[0], fused.share[0])
        strength = strength.to(self._device)
        weight = strength.repeat_interleave(self.scale, 0).repeat_interleave(self.scale, 1)
        alone = self._model.fuse(seen, None).picture[0]
        return Rendered(alone.lerp(fused.picture[0], weight), fused.share[0] * strength)

    def _query(self, low_res: Float[Tensor, "3 h w"], rows: slice, band: int) -> Float[Tensor, "256 _ w"]:
        """Features of these rows, made of no more than a band at once."""
        whole = torch.empty(MATCHED_CHANNELS, rows.stop - rows.start, low_res.shape[2], device=self._device)
        at_once = band if rows.stop - rows.start > band + 2 else band + 2
        for top, bottom in cuts(rows.stop, at_once, rows.start):
            outer = slice(max(0, top - REACH), min(low_res.shape[1], bottom + REACH))
            seen = self._model.describe(low_res[None, :, outer].to(self._device))[0]
            whole[:, top - rows.start : bottom - rows.start] = seen[:, top - outer.start : bottom - outer.start]
        return whole
