"""What a picture has beyond its colours, such as infrared: upscaled as grey, with the matches of its colours."""

import numpy as np

from srntt._shapes import Shaped
from srntt.image import Picture
from srntt.match import Match
from srntt.upscale._engine import Engine
from srntt.upscale._tiles import Canvas


def enlarged_bands(
    source: Picture, engine: Engine, matched: Match | None, scale: int
) -> Shaped[np.ndarray, "H W k"] | None:
    """Each band by itself: its structure is that of the colours, and so is what references show of it.

    Args:
        source: the small picture.
        engine: that has matched its colours.
        matched: those matches; None without references.
        scale: output pixels for each input pixel along a side.

    Returns:
        the bands in the type of the source; None where it has none.
    """
    if source.bands is None:
        return None
    large = np.empty((source.height * scale, source.width * scale, source.bands.shape[2]), source.bands.dtype)
    for number in range(source.bands.shape[2]):
        band = Picture(np.ascontiguousarray(source.bands[:, :, number : number + 1]), source=source.source)
        canvas = Canvas(source.height, source.width, scale, bits=source.bits, gray=True)
        engine.render(band.rgb(), matched, canvas)
        large[:, :, number] = canvas.pixels[:, :, 0]
    return large
