"""Colour map of the references, with a legend."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from srntt._shapes import UInt8
from srntt.image import Picture
from srntt.memory import cuts
from srntt.upscale._provenance import Provenance, places_behind
from srntt.upscale._used_reference import UsedReference

#: Okabe and Ito's palette, distinguishable with any type of colour vision.
_COLOURS = ((230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178), (213, 94, 0), (204, 121, 167))
_FULL = 0.8  # opacity of a colour at a share of 1
_DIMMED = 0.6  # brightness of the picture below the colours
_ROWS_AT_ONCE = 256
_MOST_NAMED = 12
_SMALLEST_TEXT, _LARGEST_TEXT = 11, 28
_PAPER, _INK = 255, (30, 30, 30)


def share_picture(picture: Picture, provenance: Provenance, references: Sequence[UsedReference]) -> Picture:
    """Draw the output in grey, tinted in a colour for each reference by the share of its detail, with a legend below.

    Returns:
        8-bit RGB with the width of the output, extended by the legend.
    """
    legend = _legend(picture.width, references)
    color = np.empty((picture.height + legend.shape[0], picture.width, 3), np.uint8)
    color[picture.height :] = legend
    palette = np.array(_COLOURS, np.float32)
    rows, columns = places_behind(picture.color.shape[:2], provenance.share.shape)
    for top, bottom in cuts(picture.height, _ROWS_AT_ONCE):
        luma = picture.rgb(top, bottom).mean(0).numpy()[..., None] * (255 * _DIMMED)
        places = np.ix_(rows[top:bottom], columns)
        opacity = _FULL * np.clip(provenance.share[places], 0, 1)[..., None]
        tint = palette[provenance.reference[places] % len(palette)]
        color[top:bottom] = np.rint(luma * (1 - opacity) + tint * opacity)
    return Picture(color, source="<share map>")


def share_color(number: int) -> tuple[int, int, int]:
    """Return the colour of a reference in the map, RGB 0..255."""
    return _COLOURS[number % len(_COLOURS)]


def _legend(width: int, references: Sequence[UsedReference]) -> UInt8[np.ndarray, "h w 3"]:
    size = min(_LARGEST_TEXT, max(_SMALLEST_TEXT, width // 45))
    font, line, left = ImageFont.load_default(size), round(1.6 * size), round(2.2 * size)
    texts = [f"{each.share:.0%}  {each.source}" for each in references[:_MOST_NAMED]]
    if len(references) > _MOST_NAMED:
        texts.append(f"and {len(references) - _MOST_NAMED} more")
    texts.append("grey: nothing from a reference")
    page = Image.new("RGB", (width, line * len(texts) + size), (_PAPER,) * 3)
    draw = ImageDraw.Draw(page)
    for number, text in enumerate(texts):
        top = size // 2 + number * line
        if number < min(len(references), _MOST_NAMED):
            draw.rectangle((size // 2, top + size // 4, size // 2 + size, top + size // 4 + size), share_color(number))
        draw.text((left, top), _fitting(text, width - left - size // 2, font), _INK, font)
    return np.asarray(page)


def _fitting(text: str, width: int, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """Shorten a text in the middle to fit, and replace characters that the font lacks by question marks."""
    plain = "".join(c if c.isprintable() else "?" for c in text)
    for kept in range(len(plain), 8, -1):
        shown = plain if kept == len(plain) else f"{plain[: kept // 2]}...{plain[len(plain) - kept // 2 :]}"
        if font.getlength(shown) <= width:
            return shown
    return plain[:8]
