"""Makes the pictures and the table of docs/hard-cases.md: every figure and sentence there is measured here.

    python docs/make_hard_cases.py [FOLDER]

FOLDER has the photographs of Debian's package lomiri-wallpapers-16.04; by default /usr/share/backgrounds.
"""

import sys
from pathlib import Path

import numpy as np
from make_pictures import BICUBIC, MOTORCYCLE, PICTURES, Target, detail, framed, insert, strip
from PIL import Image

from srntt import Upscaler

LANCZOS = Image.Resampling.LANCZOS
Case = tuple[Target, Image.Image, tuple[int, int]]
"""A target, its reference, and the corner of a detail."""


def turned_sharply(picture: Image.Image, degrees: float) -> Image.Image:
    """Turned at four times its size, so that turning blurs it little."""
    large = picture.resize((4 * picture.width, 4 * picture.height), LANCZOS).rotate(degrees, BICUBIC, expand=True)
    return large.resize((large.width // 4, large.height // 4), LANCZOS)


def from_the_side(picture: Image.Image) -> Image.Image:
    """As a camera far to the left would see a picture of it: the right edge at 55 % of the height of the left one."""
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
    """Two stops less light."""
    return picture.point(lambda level: round(255 * (level / 255) ** 1.6 * 0.4))


def cases(folder: Path) -> dict[str, Case]:
    """By title."""
    motorcycle = Target(Image.open(MOTORCYCLE / "truth.png").convert("RGB"))
    second = Image.open(MOTORCYCLE / "reference.png").convert("RGB")
    stream = Image.open(folder / "life_by_Aitzol_Berasategi.jpg").convert("RGB")
    closer = stream.crop((900, 700, 2100, 1500)).rotate(30, BICUBIC, expand=True)
    boards = Image.open(folder / "friends_by_Aitzol_Berasategi.jpg").convert("RGB")
    wheel = (328, 232)
    return {
        "twice as large, on its side": (
            motorcycle,
            second.resize((2 * second.width, 2 * second.height), LANCZOS).rotate(90, expand=True),
            wheel,
        ),
        "turned by 30 degrees": (motorcycle, turned_sharply(second, 30), wheel),
        "seen from the side": (motorcycle, from_the_side(second), wheel),
        "half as large, in the dark": (motorcycle, darker(second.resize((370, 250), BICUBIC)), wheel),
        "a part, three times closer, turned": (
            Target(stream.resize((772, 512), BICUBIC)),
            closer.resize((closer.width * 9 // 10, closer.height * 9 // 10), BICUBIC),
            (330, 200),
        ),
        "other boards, twice as large": (
            Target(boards.crop((0, 220, 1280, 1500)).resize((512, 512), BICUBIC)),
            boards.crop((0, 1500, 1280, 2780)).resize((1024, 1024), BICUBIC),
            (130, 150),
        ),
    }


def make_hard_cases(folder: Path) -> None:
    """A strip for each case, and the table."""
    aligned, plain = (Upscaler.from_pretrained("lite-rec", device="cpu", align=align) for align in ("auto", "off"))
    titles = ["the reference", "none", "`--align off`", "aligned", "what `srntt upscale` says"]
    lines = [f"| {' | '.join(titles)} |", "| --- | --- | --- | --- | --- |"]
    for number, (name, (target, reference, corner)) in enumerate(cases(folder).items(), 1):
        encoded = aligned.encode_references([reference])
        alone, as_it_is, result = (
            one.upscale(target.small, references)
            for one, references in ((aligned, None), (plain, encoded), (aligned, encoded))
        )
        figures = " | ".join(f"{target.psnr(one.image):.2f}" for one in (alone, as_it_is, result))
        lines.append(f"| {name} | {figures} | {result.references[0].description} |")
        squares = target.small.resize(target.truth.size, Image.Resampling.NEAREST)
        pictures = {
            "before": squares,
            "reference": reference,
            "searched as it is": as_it_is.image,
            "aligned": result.image,
            "truth": target.truth,
        }
        columns = [
            (title, [framed(picture, 170), detail(squares if title == "reference" else picture, corner)])
            for title, picture in pictures.items()
        ]
        columns[1] = ("reference", [framed(reference, 170), detail(reference, _middle(reference))])
        strip(PICTURES / f"hard-case-{number}.webp", columns)
    insert("hard-cases.md", "figures", lines)


def _middle(picture: Image.Image) -> tuple[int, int]:
    return picture.width // 2 - 60, picture.height // 2 - 45


if __name__ == "__main__":
    make_hard_cases(Path(sys.argv[1] if len(sys.argv) > 1 else "/usr/share/backgrounds"))
