"""Creates docs/before-reference-after.png from the example images: whole images, and one detail of each below.

Run by ``make readme-picture``, or ``python docs/make_readme_picture.py [MODEL]``.
"""

import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from srntt import Upscaler

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "examples" / "motorcycle"
OUTPUT = ROOT / "docs" / "before-reference-after.png"

PANEL = (370, 250)  # half of the large picture, twice the small one
DETAIL = (328, 232)  # left, top of the detail in the large picture
DETAIL_IN_REFERENCE = (279, 232)  # the same part, seen from 19 cm to the right
DETAIL_SIZE = (185, 125)
GAP, TITLE = 8, 26


def whole(picture: Image.Image) -> Image.Image:
    return picture.resize(PANEL, Image.Resampling.LANCZOS)


def detail(picture: Image.Image, corner: tuple[int, int]) -> Image.Image:
    """A part of a large picture, every pixel shown as a square."""
    left, top = corner
    part = picture.crop((left, top, left + DETAIL_SIZE[0], top + DETAIL_SIZE[1]))
    return part.resize(PANEL, Image.Resampling.NEAREST)


def columns(model: str) -> list[tuple[str, Image.Image, Image.Image]]:
    """Title, whole picture and detail, from left to right."""
    upscaler = Upscaler.from_pretrained(model)
    low_res = Image.open(PICTURES / "low-res.png")
    reference = Image.open(PICTURES / "reference.png")
    large = upscaler.upscale(low_res, upscaler.encode_references([reference])).image
    squares = low_res.resize(large.size, Image.Resampling.NEAREST)
    return [
        (f"before: {low_res.width} x {low_res.height}", whole(squares), detail(squares, DETAIL)),
        ("reference: from another place", whole(reference), detail(reference, DETAIL_IN_REFERENCE)),
        (f"after: {large.width} x {large.height}", whole(large), detail(large, DETAIL)),
    ]


def main(model: str = "lite-rec") -> None:
    panels = columns(model)
    width = len(panels) * (PANEL[0] + GAP) - GAP
    sheet = Image.new("RGB", (width, TITLE + 2 * PANEL[1] + GAP), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=17)
    for number, (title, top, bottom) in enumerate(panels):
        left = number * (PANEL[0] + GAP)
        draw.text((left, 2), title, fill="black", font=font)
        sheet.paste(top, (left, TITLE))
        sheet.paste(bottom, (left, TITLE + PANEL[1] + GAP))
    sheet.save(OUTPUT, optimize=True)
    print(OUTPUT)


if __name__ == "__main__":
    main(*sys.argv[1:])
