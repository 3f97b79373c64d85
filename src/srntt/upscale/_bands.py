"""Upscaling of alpha and further bands such as infrared."""

import numpy as np

from srntt._shapes import Shaped
from srntt.image import Picture, enlarge, to_pixels
from srntt.match import Match
from srntt.memory import cuts
from srntt.upscale._engine import Engine
from srntt.upscale._tiles import Canvas

_ALPHA_AT_ONCE, _REACH = 256, 4  # LR rows, and those that bicubic looks at beyond them


def enlarged_bands(
    source: Picture, engine: Engine, matched: Match | None, scale: int
) -> Shaped[np.ndarray, "H W k"] | None:
    """Upscale each further band, if any, as grey, with the matches of the colours, whose structure it shares."""
    if source.bands is None:
        return None
    large = np.empty((source.height * scale, source.width * scale, source.bands.shape[2]), source.bands.dtype)
    for number in range(source.bands.shape[2]):
        band = Picture(np.ascontiguousarray(source.bands[:, :, number : number + 1]), source=source.source)
        canvas = Canvas(source.height, source.width, scale, bits=source.bits, gray=True)
        engine.render(band.rgb(), matched, canvas)
        large[:, :, number] = canvas.pixels[:, :, 0]
    return large


def enlarged_alpha(source: Picture, scale: int) -> Shaped[np.ndarray, "H W"] | None:
    """Upscale alpha by bicubic, since the network was not trained on masks, which should have no texture."""
    if source.alpha is None:
        return None
    alpha = np.empty((source.height * scale, source.width * scale), source.alpha.dtype)
    for top, bottom in cuts(source.height, _ALPHA_AT_ONCE):
        seen = slice(max(0, top - _REACH), min(source.height, bottom + _REACH))
        large = enlarge(source.alpha_plane(seen.start, seen.stop)[None], scale)[0]
        part = large[:, (top - seen.start) * scale :][:, : (bottom - top) * scale]
        alpha[top * scale : bottom * scale] = to_pixels(part, bits=source.bits)[:, :, 0]
    return alpha
