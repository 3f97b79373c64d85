"""Pictures whose geometry is degenerate, or whose keypoints or sides are very many: the work stays bounded."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from attacks.attack import Attack
from attacks.material import with_model
from PIL import Image

_COMMAND = ("upscale", "a.png", "--ref", "ref.png", "-o", "out/x.png", "--model", "tiny.safetensors")
_BICUBIC = Image.Resampling.BICUBIC
Pictures = Callable[[], tuple[Image.Image, Image.Image]]


def attacks() -> Iterator[Attack]:
    """All of them."""
    for name, about, make in (
        ("line", "texture along one line: all keypoints are collinear", _line),
        ("point", "texture at one point", _point),
        ("repeated", "one tile, repeated: every keypoint fits every other", _repeated),
        ("turned", "four copies of the scene, turned against each other", _turned),
        ("mirrored", "the scene in a mirror", lambda: _warped([-1, 0, 479, 0, 1, 0, 0, 0])),
        ("stretched", "the scene, stretched forty times", lambda: (_small(), _scene().resize((1600, 30), _BICUBIC))),
        (
            "horizon",
            "the scene as a plane whose horizon is in the picture",
            lambda: _warped([1, 0, 0, 0, 1, 0, 0, 0.004]),
        ),
        ("edge-on", "the scene from the side, almost a line", lambda: _warped([9, 0, -1900, 0, 1, 0, 0.01, 0])),
        ("itself", "the picture itself", lambda: (_small(), _small())),
        ("one-color", "one colour, in which there is nothing", lambda: (_small(), Image.new("RGB", (400, 300), "red"))),
    ):
        yield _case(name, about, make)
    for name, about, make in (
        ("dots", "3,000 x 3,000 dots: millions of corners", _dots),
        ("checkerboard", "a checkerboard of 2,000 x 2,000 squares", _checkerboard),
        ("slim", "a picture of 2 x 60,000 pixels", lambda: (_noise(60_000, 2), _scene())),
        ("tall", "a picture of 60,000 rows of 2 pixels", lambda: (_noise(2, 60_000), _scene())),
    ):
        yield _case(name, about, make, seconds=60, mib=900, slow=True)
    yield _case("slim-reference", "a reference of 6 x 30,000 pixels", lambda: (_small(), _noise(30_000, 6)), seconds=20)


def _case(name: str, about: str, make: Pictures, **more: Any) -> Attack:
    def written(folder: Path) -> None:
        for file, picture in zip(("a.png", "ref.png"), make(), strict=True):
            picture.save(folder / file)

    limits = {"seconds": 10, "mib": 350, "writes": ("x.png",)} | more
    return Attack(f"views-{name}", about, with_model(written), _COMMAND, 0, "out/x.png", **limits)


def _noise(width: int, height: int) -> Image.Image:
    """Blurred noise, which has keypoints everywhere."""
    size = max(1, height // 6), max(1, width // 6), 3
    coarse = np.random.default_rng(width).integers(0, 256, size, np.uint8)
    return Image.fromarray(coarse).resize((width, height), _BICUBIC)


def _scene() -> Image.Image:
    return _noise(480, 360)


def _small() -> Image.Image:
    return _scene().crop((100, 80, 420, 320)).resize((80, 60), _BICUBIC)


def _line() -> tuple[Image.Image, Image.Image]:
    stripe = Image.new("RGB", (480, 360), "gray")
    stripe.paste(_noise(480, 12), (0, 170))
    return stripe.resize((120, 90), _BICUBIC), stripe


def _point() -> tuple[Image.Image, Image.Image]:
    dot = Image.new("RGB", (480, 360), "gray")
    dot.paste(_noise(24, 24), (230, 170))
    return dot.resize((120, 90), _BICUBIC), dot


def _repeated() -> tuple[Image.Image, Image.Image]:
    tiles = Image.fromarray(np.tile(np.asarray(_noise(24, 24)), (15, 20, 1)))
    return tiles.resize((120, 90), _BICUBIC), tiles


def _turned() -> tuple[Image.Image, Image.Image]:
    square, four = _scene().crop((0, 0, 360, 360)), Image.new("RGB", (720, 720))
    for number in range(4):
        four.paste(square.rotate(90 * number), (360 * (number % 2), 360 * (number // 2)))
    return square.resize((90, 90), _BICUBIC), four


def _warped(numbers: list[float]) -> tuple[Image.Image, Image.Image]:
    return _small(), _scene().transform((480, 360), Image.Transform.PERSPECTIVE, numbers, _BICUBIC)


def _dots() -> tuple[Image.Image, Image.Image]:
    dots = np.random.default_rng(0).integers(0, 2, (3000, 3000), np.uint8) * 255
    return _small(), Image.fromarray(dots).convert("RGB")


def _checkerboard() -> tuple[Image.Image, Image.Image]:
    board = (np.indices((2000, 2000)).sum(0) // 2 % 2 * 255).astype(np.uint8)
    return Image.fromarray(board[:80, :80]).convert("RGB"), Image.fromarray(board).convert("RGB")
