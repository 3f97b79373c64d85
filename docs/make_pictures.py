"""Creates the images and tables of docs/references.md and docs/gallery.md. Every figure there is measured here.

    python docs/make_pictures.py [FOLDER]

FOLDER contains the photographs of the Debian package lomiri-wallpapers-16.04 (default: /usr/share/backgrounds).
"""

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont, ImageOps

from srntt import References, Upscaler
from srntt.image import load
from srntt.metrics import psnr_y

DOCS = Path(__file__).parent
PICTURES = DOCS / "pictures"
MOTORCYCLE = DOCS.parent / "examples" / "motorcycle"
BICUBIC = Image.Resampling.BICUBIC
PART = (240, 160, 560, 400)  # crop of the motorcycle for repeated measurements: engine and front wheel
PANEL, GAP, TITLE = 240, 6, 20


@dataclass(frozen=True)
class Target:
    """A photograph and the low-resolution image made from it."""

    truth: Image.Image

    @property
    def small(self) -> Image.Image:
        return self.truth.resize((self.truth.width // 4, self.truth.height // 4), BICUBIC)

    def psnr(self, picture: Image.Image) -> float:
        """PSNR-Y in dB with 4 pixels cropped, as in the README."""
        return psnr_y(load(picture).rgb().numpy(), load(self.truth).rgb().numpy(), crop=4)


def rotated(degrees: float) -> Callable[[Image.Image], Image.Image]:
    return lambda picture: picture.rotate(degrees, BICUBIC, expand=True)


def resized(factor: float) -> Callable[[Image.Image], Image.Image]:
    return lambda picture: picture.resize((round(picture.width * factor), round(picture.height * factor)), BICUBIC)


def noisy(picture: Image.Image) -> Image.Image:
    noise = np.random.default_rng(0).normal(0, 20, (picture.height, picture.width, 3))
    return Image.fromarray((np.asarray(picture) + noise).clip(0, 255).round().astype(np.uint8))


def compressed(picture: Image.Image) -> Image.Image:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=15)
    return Image.open(file).convert("RGB")


def darker(picture: Image.Image) -> Image.Image:
    return picture.point(lambda level: level / 2)


def left_half(picture: Image.Image) -> Image.Image:
    return picture.crop((0, 0, picture.width * 55 // 100, picture.height))


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "unchanged": lambda picture: picture,
    "half as bright": darker,
    "with noise (20 of 255)": noisy,
    "JPEG of quality 15": compressed,
    "rotated by 15 degrees": rotated(15),
    "1.5 times larger": resized(1.5),
    "1.5 times smaller": resized(1 / 1.5),
    "2 times larger": resized(2),
    "left half only": left_half,
    "blurred (Gaussian, 2 pixels)": lambda picture: picture.filter(ImageFilter.GaussianBlur(2)),
    "rotated by 45 degrees": rotated(45),
    "rotated by 90 degrees": rotated(90),
    "3 times smaller": resized(1 / 3),
    "mirrored": ImageOps.mirror,
}
SHOWN = (
    "unchanged",
    "with noise (20 of 255)",
    "blurred (Gaussian, 2 pixels)",
    "3 times smaller",
    "rotated by 90 degrees",
)
AUGMENTED = ("2 times larger", "rotated by 45 degrees", "rotated by 90 degrees")


def gains(upscaler: Upscaler, names: list[str]) -> tuple[float, dict[str, tuple[float, Image.Image]]]:
    """PSNR-Y without a reference, and the gain and result for each change; a trailing "+" adds augmented views."""
    target = Target(Image.open(MOTORCYCLE / "truth.png").convert("RGB").crop(PART))
    reference = Image.open(MOTORCYCLE / "reference.png").convert("RGB")
    alone = target.psnr(upscaler.upscale(target.small).image)
    found = {}
    for name in names:
        changed = CHANGES[name.removesuffix("+")](reference)
        views = ("plain", "turned") if name.endswith("+") else ("plain",)
        encoded = upscaler.encode_references([changed], views=views)
        result = upscaler.upscale(target.small, encoded).image
        found[name] = (target.psnr(result) - alone, result)
    return alone, found


def strip(path: Path, columns: list[tuple[str, list[Image.Image]]]) -> None:
    """Draw columns of images of equal width, each below its title."""
    rows = [max(column[row].height for _, column in columns) for row in range(len(columns[0][1]))]
    width = len(columns) * (PANEL + GAP) - GAP
    sheet = Image.new("RGB", (width, TITLE + sum(rows) + GAP * (len(rows) - 1)), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=13)
    for number, (title, column) in enumerate(columns):
        left, top = number * (PANEL + GAP), TITLE
        draw.text((left, 1), title, fill="black", font=font)
        for picture, height in zip(column, rows, strict=True):
            sheet.paste(picture, (left, top))
            top += height + GAP
    sheet.save(path, quality=82, method=6)


def framed(picture: Image.Image, height: int) -> Image.Image:
    """The whole image, as wide as a panel, on white."""
    return ImageOps.pad(picture, (PANEL, height), Image.Resampling.LANCZOS, color="white")


def detail(picture: Image.Image, corner: tuple[int, int], size: tuple[int, int] = (120, 90)) -> Image.Image:
    """A magnified crop in which every pixel is a square."""
    left, top = corner
    part = picture.crop((left, top, left + size[0], top + size[1]))
    return part.resize((PANEL, PANEL * size[1] // size[0]), Image.Resampling.NEAREST)


def insert(document: str, mark: str, lines: list[str]) -> None:
    """Replace the lines between two marks of a document."""
    path = DOCS / document
    before, rest = path.read_text(encoding="utf-8").split(f"<!-- {mark} -->\n")
    after = rest.split("<!-- end -->", 1)[1]
    path.write_text(f"{before}<!-- {mark} -->\n" + "\n".join(lines) + "\n<!-- end -->" + after, encoding="utf-8")


def make_references(upscaler: Upscaler, unrelated: Image.Image) -> None:
    """Generate the table of changes and the strips that show some of them."""
    CHANGES["another scene"] = lambda _: unrelated
    names = [*CHANGES, *(f"{name}+" for name in AUGMENTED)]
    alone, found = gains(upscaler, names)
    lines = ["| the reference | gain, dB | with `--augment-refs` |", "| --- | --- | --- |"]
    for name in CHANGES:
        copies = f"{found[f'{name}+'][0]:+.2f}" if f"{name}+" in found else ""
        lines.append(f"| {name} | {found[name][0]:+.2f} | {copies} |")
    insert("references.md", "gains", [*lines, "", f"Without a reference: {alone:.2f} dB."])
    reference = Image.open(MOTORCYCLE / "reference.png").convert("RGB")
    small = Target(Image.open(MOTORCYCLE / "truth.png").convert("RGB").crop(PART))
    squares = small.small.resize(small.truth.size, Image.Resampling.NEAREST)
    corner = (90, 60)
    columns = [("small picture", [framed(squares, 170), detail(squares, corner)])]
    for name in (*SHOWN, "another scene"):
        gain, result = found[name]
        columns.append((f"{name}: {gain:+.2f} dB", [framed(CHANGES[name](reference), 170), detail(result, corner)]))
    strip(PICTURES / "references.webp", columns[:4])
    strip(PICTURES / "references-2.webp", columns[4:])


def sets(folder: Path) -> dict[str, tuple[Target, list[Image.Image], tuple[int, int]]]:
    """Target, references and corner of the detail for each title."""
    stream = Image.open(folder / "life_by_Aitzol_Berasategi.jpg").convert("RGB")
    dogs = Image.open(folder / "friends_by_Aitzol_Berasategi.jpg").convert("RGB")
    motorcycle = Image.open(MOTORCYCLE / "truth.png").convert("RGB")
    closer = stream.crop((800, 600, 2288, 1592)).rotate(-3, BICUBIC).crop((80, 80, 1408, 912))
    return {
        "motorcycle": (Target(motorcycle), [Image.open(MOTORCYCLE / "reference.png").convert("RGB")], (328, 232)),
        "stream": (Target(stream.resize((772, 512), BICUBIC)), [closer.resize((464, 292), BICUBIC)], (360, 240)),
        "dogs": (
            Target(dogs.crop((0, 220, 1280, 1500)).resize((512, 512), BICUBIC)),
            [dogs.crop((0, 1500, 1280, 2780)).resize((512, 512), BICUBIC)],
            (130, 150),
        ),
    }


def make_gallery(upscaler: Upscaler, folder: Path) -> None:
    """Generate a strip for each set, and the table."""
    lines = ["| | bicubic | no reference | with reference | reference used |", "| --- | --- | --- | --- | --- |"]
    for name, (target, references, corner) in sets(folder).items():
        encoded: References = upscaler.encode_references(references)
        alone, result = upscaler.upscale(target.small).image, upscaler.upscale(target.small, encoded)
        plain = target.small.resize(target.truth.size, BICUBIC)
        share = 0.0 if result.provenance is None else float((result.provenance.share > 0.25).mean())
        figures = [target.psnr(plain), target.psnr(alone), target.psnr(result.image)]
        lines.append(f"| {name} | " + " | ".join(f"{value:.2f}" for value in figures) + f" | {share:.0%} |")
        squares = target.small.resize(target.truth.size, Image.Resampling.NEAREST)
        similarity = result.similarity_picture()
        maps = framed(Image.fromarray(similarity.color[:, :, 0]).convert("RGB"), 170) if similarity else squares
        strip(
            PICTURES / f"gallery-{name}.webp",
            [
                ("before", [framed(squares, 170), detail(squares, corner)]),
                ("reference", [framed(references[0], 170), maps]),
                ("without it", [framed(alone, 170), detail(alone, corner)]),
                ("with it", [framed(result.image, 170), detail(result.image, corner)]),
                ("truth", [framed(target.truth, 170), detail(target.truth, corner)]),
            ],
        )
    insert("gallery.md", "figures", lines)


def main(folder: str = "/usr/share/backgrounds") -> None:
    PICTURES.mkdir(exist_ok=True)
    upscaler = Upscaler.from_pretrained("lite-rec", device="cpu")
    unrelated = Image.open(Path(folder) / "life_by_Aitzol_Berasategi.jpg").convert("RGB").resize((772, 512), BICUBIC)
    make_gallery(upscaler, Path(folder))
    make_references(upscaler, unrelated)


if __name__ == "__main__":
    main(*sys.argv[1:])
