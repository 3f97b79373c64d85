"""Creates the images and the table of docs/hard-cases.md. Every figure there is measured here.

    python docs/make_hard_cases.py [FOLDER]

FOLDER contains the photographs of the Debian package lomiri-wallpapers-16.04 (default: /usr/share/backgrounds).
"""

import sys
from pathlib import Path

import numpy as np
from make_pictures import BICUBIC, MOTORCYCLE, PICTURES, Target, detail, framed, insert, strip
from PIL import Image

from srntt import Upscaler

LANCZOS = Image.Resampling.LANCZOS
Case = tuple[Target, Image.Image, tuple[int, int]]
"""A target, its reference and the corner of a detail."""


def rotated_sharply(picture: Image.Image, degrees: float) -> Image.Image:
    """Rotate at four times the size, so that interpolation hardly blurs."""
    large = picture.resize((4 * picture.width, 4 * picture.height), LANCZOS).rotate(degrees, BICUBIC, expand=True)
    return large.resize((large.width // 4, large.height // 4), LANCZOS)


def from_the_side(picture: Image.Image) -> Image.Image:
    """View from far to the left: the right edge has 55% of the height of the left edge."""
    width, height = picture.size
    narrow, inset = round(0.7 * width), round(0.225 * height)
    corners = [(0, 0), (0, height), (narrow, height - inset), (narrow, inset)]
    rows = [
        row
        for (x, y), (u, v) in zip(corners, [(0, 0), (0, height), (width, height), (width, 0)], strict=True)
        for row in ([x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y])
    ]
    seen = [value for pair in [(0, 0), (0, height), (width, height), (width, 0)] for value in pair]
    map_back = np.linalg.solve(np.array(rows, float), np.array(seen, float))
    return picture.transform((narrow, height), Image.Transform.PERSPECTIVE, map_back.tolist(), BICUBIC)


def darker(picture: Image.Image) -> Image.Image:
    """Underexposed by about two stops."""
    return picture.point(lambda level: round(255 * (level / 255) ** 1.6 * 0.4))


def cases(folder: Path) -> dict[str, Case]:
    """All cases by title."""
    motorcycle = Target(Image.open(MOTORCYCLE / "truth.png").convert("RGB"))
    second = Image.open(MOTORCYCLE / "reference.png").convert("RGB")
    stream = Image.open(folder / "life_by_Aitzol_Berasategi.jpg").convert("RGB")
    closer = stream.crop((900, 700, 2100, 1500)).rotate(30, BICUBIC, expand=True)
    boards = Image.open(folder / "friends_by_Aitzol_Berasategi.jpg").convert("RGB")
    wheel = (328, 232)
    return {
        "twice as large, rotated by 90 degrees": (
            motorcycle,
            second.resize((2 * second.width, 2 * second.height), LANCZOS).rotate(90, expand=True),
            wheel,
        ),
        "rotated by 30 degrees": (motorcycle, rotated_sharply(second, 30), wheel),
        "seen from the side": (motorcycle, from_the_side(second), wheel),
        "half as large, underexposed": (motorcycle, darker(second.resize((370, 250), BICUBIC)), wheel),
        "a part, three times closer, rotated": (
            Target(stream.resize((772, 512), BICUBIC)),
            closer.resize((closer.width * 9 // 10, closer.height * 9 // 10), BICUBIC),
            (330, 200),
        ),
        "a different wall, twice as large": (
            Target(boards.crop((0, 220, 1280, 1500)).resize((512, 512), BICUBIC)),
            boards.crop((0, 1500, 1280, 2780)).resize((1024, 1024), BICUBIC),
            (130, 150),
        ),
    }


def make_hard_cases(folder: Path) -> None:
    """Generate a strip for each case, and the table."""
    aligned, plain = (Upscaler.from_pretrained("lite-rec", device="cpu", align=align) for align in ("auto", "off"))
    titles = ["the reference", "none", "`--align off`", "aligned", "reported by `srntt upscale`"]
    lines = [f"| {' | '.join(titles)} |", "| --- | --- | --- | --- | --- |"]
    for number, (name, (target, reference, corner)) in enumerate(cases(folder).items(), 1):
        encoded = aligned.encode_references([reference])
        alone, unaligned, result = (
            one.upscale(target.small, references)
            for one, references in ((aligned, None), (plain, encoded), (aligned, encoded))
        )
        figures = " | ".join(f"{target.psnr(one.image):.2f}" for one in (alone, unaligned, result))
        lines.append(f"| {name} | {figures} | {result.references[0].description} |")
        squares = target.small.resize(target.truth.size, Image.Resampling.NEAREST)
        pictures = {
            "before": squares,
            "reference": reference,
            "not aligned": unaligned.image,
            "aligned": result.image,
            "truth": target.truth,
        }
        columns = [
            (title, [framed(picture, 170), detail(picture, _centre(picture) if title == "reference" else corner)])
            for title, picture in pictures.items()
        ]
        strip(PICTURES / f"hard-case-{number}.webp", columns)
    insert("hard-cases.md", "figures", lines)


def _centre(picture: Image.Image) -> tuple[int, int]:
    """Corner of a detail in the middle of the image."""
    return picture.width // 2 - 60, picture.height // 2 - 45


if __name__ == "__main__":
    make_hard_cases(Path(sys.argv[1] if len(sys.argv) > 1 else "/usr/share/backgrounds"))
