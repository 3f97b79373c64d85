"""Families of references that should not harm: each makes one from a scene, by one or two numbers."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

_RESAMPLING = Image.Resampling


@dataclass(frozen=True, eq=False)
class Scene:
    """A picture, the same four times smaller, and another photograph of the same scene."""

    truth: np.ndarray
    low_res: np.ndarray
    good: np.ndarray


Family = Callable[[Scene, float, int], np.ndarray]
"""Scene, a number from 0 to 1 and a seed to a reference."""


def _bytes(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _enlarged(how: Image.Resampling) -> Family:
    def make(scene: Scene, number: float, seed: int) -> np.ndarray:
        height, width = scene.truth.shape[:2]
        times = 1 + number  # at 0, exactly the size of the output
        size = (max(4, round(width * times)), max(4, round(height * times)))
        return np.asarray(Image.fromarray(scene.low_res).resize(size, how))

    return make


def _stripes(scene: Scene, number: float, seed: int) -> np.ndarray:
    """1 to 12 pixels wide, at any angle, between two colours of the picture."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[: scene.truth.shape[0], : scene.truth.shape[1]]
    angle = random.choice([0, np.pi / 2, random.uniform(0, np.pi)])
    on = ((x * np.cos(angle) + y * np.sin(angle)) // (1 + 11 * number) % 2).astype(bool)
    colors = (np.zeros(3), np.full(3, 255)) if seed % 2 else scene.truth.reshape(-1, 3)[random.integers(0, x.size, 2)]
    return _bytes(np.where(on[..., None], *colors))


def _stripes_over(scene: Scene, number: float, seed: int) -> np.ndarray:
    """Stripes added to the picture enlarged: what is small agrees, the detail does not."""
    y, x = np.mgrid[: scene.truth.shape[0], : scene.truth.shape[1]]
    along = x if seed % 2 else y
    wave = np.where(along // (1 + seed % 3) % 2, 1, -1)[..., None]
    large = Image.fromarray(scene.low_res).resize(scene.truth.shape[1::-1], _RESAMPLING.BICUBIC)
    return _bytes(np.asarray(large, float) + wave * 80 * number)


def _noisy(scene: Scene, number: float, seed: int) -> np.ndarray:
    return _bytes(scene.good + np.random.default_rng(seed).normal(0, 120 * number, scene.good.shape))


def _grainy_self(scene: Scene, number: float, seed: int) -> np.ndarray:
    large = Image.fromarray(scene.low_res).resize(scene.truth.shape[1::-1], _RESAMPLING.BICUBIC)
    return _bytes(np.asarray(large, float) + np.random.default_rng(seed).normal(0, 80 * number, scene.truth.shape))


def _blurred(scene: Scene, number: float, seed: int) -> np.ndarray:
    return np.asarray(Image.fromarray(scene.good).filter(ImageFilter.GaussianBlur(6 * number)))


def _jagged(scene: Scene, number: float, seed: int) -> np.ndarray:
    """Made smaller and large again by nearest-neighbour interpolation."""
    size, times = scene.good.shape[1::-1], 1.3 + 5 * number
    small = Image.fromarray(scene.good).resize(tuple(max(2, round(n / times)) for n in size), _RESAMPLING.BOX)
    return np.asarray(small.resize(size, _RESAMPLING.NEAREST))


def _sharpened(scene: Scene, number: float, seed: int) -> np.ndarray:
    soft = np.asarray(Image.fromarray(scene.good).filter(ImageFilter.GaussianBlur(1.5)), float)
    return _bytes(soft + (1 + 6 * number) * (scene.good - soft))


def _inverted_detail(scene: Scene, number: float, seed: int) -> np.ndarray:
    """Detail with the wrong sign on the right picture."""
    size = scene.truth.shape[1::-1]
    large = np.asarray(Image.fromarray(scene.low_res).resize(size, _RESAMPLING.BICUBIC), float)
    return _bytes(large - 2 * number * (scene.truth - large))


def _compressed(scene: Scene, number: float, seed: int) -> np.ndarray:
    import io

    file = io.BytesIO()
    Image.fromarray(scene.good).save(file, "JPEG", quality=1 + int(30 * number))
    return np.asarray(Image.open(file).convert("RGB"))


def _shuffled(scene: Scene, number: float, seed: int) -> np.ndarray:
    """Blocks of the good one in another order."""
    side = 4 + 4 * int(7 * number)
    rows, columns = (n // side for n in scene.good.shape[:2])
    whole = scene.good[: rows * side, : columns * side].reshape(rows, side, columns, side, 3).swapaxes(1, 2)
    blocks = whole.reshape(-1, side, side, 3)[np.random.default_rng(seed).permutation(rows * columns)]
    return blocks.reshape(rows, columns, side, side, 3).swapaxes(1, 2).reshape(rows * side, columns * side, 3).copy()


def _mosaic(scene: Scene, number: float, seed: int) -> np.ndarray:
    """Sub-pixels of each LR pixel in another order: the means agree."""
    order = np.random.default_rng(seed).permutation(16)
    height, width = (n // 4 for n in scene.truth.shape[:2])
    blocks = scene.truth[: 4 * height, : 4 * width].reshape(height, 4, width, 4, 3).swapaxes(1, 2)
    mixed = blocks.reshape(height, width, 16, 3)[:, :, order].reshape(height, width, 4, 4, 3).swapaxes(1, 2)
    mixed = mixed.reshape(4 * height, 4 * width, 3)
    return _bytes(number * mixed + (1 - number) * scene.truth[: 4 * height, : 4 * width])


def _mirrored(scene: Scene, number: float, seed: int) -> np.ndarray:
    return np.ascontiguousarray(np.rot90(scene.good, seed % 4)[:, :: -1 if seed % 8 > 3 else 1])


def _scattered(scene: Scene, number: float, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, scene.truth.shape, np.uint8)


FAMILIES: dict[str, Family] = {
    "nearest": _enlarged(_RESAMPLING.NEAREST),
    "bilinear": _enlarged(_RESAMPLING.BILINEAR),
    "bicubic": _enlarged(_RESAMPLING.BICUBIC),
    "lanczos": _enlarged(_RESAMPLING.LANCZOS),
    "stripes": _stripes,
    "stripes over the picture": _stripes_over,
    "noise over the same scene": _noisy,
    "noise over the picture": _grainy_self,
    "blurred": _blurred,
    "jagged": _jagged,
    "sharpened": _sharpened,
    "inverted detail": _inverted_detail,
    "compressed": _compressed,
    "shuffled": _shuffled,
    "sub-pixels mixed": _mosaic,
    "turned or mirrored": _mirrored,
    "noise": _scattered,
}
