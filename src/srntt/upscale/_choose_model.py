"""``--model auto``: how degraded a small picture is, and the model that suits it."""

from dataclasses import dataclass

import numpy as np

from srntt._shapes import Float
from srntt.image import Picture
from srntt.upscale._own_range import stretched

AUTO = "auto"
CLEAN, DEGRADED = "lite-rec", "lite-real"

_QUALITY = 65.0  # of JPEG, below which the model for degraded pictures is better in most
_NOISE = 2.5  # levels of 255
_BLUR = 0.30  # of the gradient's energy at one pixel to that at two; a sharp photograph has about 0.45
_BLOCKS = 1.0  # levels by which steps between blocks of 8 pixels are higher than steps within
_CLEAR = 4.0  # standard deviations of the other grids
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_SIDE = 8  # of blocks
_MOST = 1024  # pixels along a side that are looked at, in the middle
_FLAT = 0.2  # share of the blocks, the flattest, that noise is measured in
_TEXTURE = 0.5  # of the finest diagonal detail to a quarter of the gradient's energy; of white noise, 1


@dataclass(frozen=True)
class Degradation:
    """What is estimated of a picture.

    Attributes:
        quality: of JPEG, 1..100; None where the file says nothing of it.
        blocks: by how many levels of 255 steps between blocks of 8 pixels are higher than within.
        noise: standard deviation in levels of 255, beyond what texture would have.
        sharpness: of the gradient's energy at one pixel to that at two.
    """

    quality: float | None
    blocks: float
    noise: float
    sharpness: float

    @classmethod
    def of(cls, picture: Picture) -> "Degradation":
        """Estimate it from the middle of a picture and from what its file says."""
        luma = _luma(stretched(picture))
        return cls(picture.metadata.jpeg_quality, _blockiness(luma), _noise(luma), _sharpness(luma))


@dataclass(frozen=True)
class ModelChoice:
    """A model, and the reason for people."""

    model: str
    reason: str


def choose_model(picture: Picture) -> ModelChoice:
    """The model for clean pictures, or the one for degraded ones.

    Args:
        picture: the small one, as it was read.
    """
    found = Degradation.of(picture)
    reasons = []
    if found.quality is not None and found.quality < _QUALITY:
        reasons.append(f"JPEG of quality {found.quality:.0f}")
    elif found.quality is None and found.blocks > _BLOCKS:
        reasons.append(f"blocks of a JPEG ({found.blocks:.1f} levels high)")
    if found.noise > _NOISE:
        reasons.append(f"noise of {found.noise:.1f} levels")
    if found.sharpness < _BLUR:
        reasons.append("blur")
    if reasons:
        return ModelChoice(DEGRADED, f"{DEGRADED}: {', '.join(reasons)}; --model {CLEAN} keeps the picture as it is")
    known = "" if found.quality is None else f", JPEG of quality {found.quality:.0f}"
    return ModelChoice(CLEAN, f"{CLEAN}: little noise, blur or compression{known}")


def _luma(picture: Picture) -> Float[np.ndarray, "h w"]:
    """Of the middle, in levels of 255."""
    rows, columns = (
        slice(max(0, (extent - _MOST) // 2), max(0, (extent - _MOST) // 2) + _MOST)
        for extent in (picture.height, picture.width)
    )
    return np.tensordot(_LUMA, picture.window(rows, columns).numpy(), 1) * np.float32(255)


def _sharpness(luma: Float[np.ndarray, "h w"]) -> float:
    """Blur spreads a step over several pixels, so that its gradient at one pixel falls behind that at two."""
    if min(luma.shape) < 3:
        return 1.0
    near, far = (sum(float(np.square(one[step:] - one[:-step]).sum()) for one in (luma, luma.T)) for step in (1, 2))
    return near / far if far > luma.size else 1.0  # nothing is known of a flat picture


def _noise(luma: Float[np.ndarray, "h w"]) -> float:
    """By the finest diagonal detail (Immerkaer, 1996) of the flattest blocks, less what texture has of it: of white
    noise, that detail has half the energy of the gradient, of texture about half as much.
    """
    diagonal = (luma[:-1, :-1] - luma[1:, :-1] - luma[:-1, 1:] + luma[1:, 1:]) / 2
    gradient = np.square(luma[1:, :-1] - luma[:-1, :-1]) + np.square(luma[:-1, 1:] - luma[:-1, :-1])
    detail, slope = (_by_block(plane) for plane in (np.square(diagonal), gradient / 4))
    if not detail.size:
        return 0.0
    flat = slope <= np.quantile(slope, _FLAT)
    excess = float((detail[flat] - _TEXTURE * slope[flat]).mean()) / (1 - _TEXTURE)
    return float(np.sqrt(max(0.0, excess)))


def _by_block(plane: Float[np.ndarray, "h w"]) -> Float[np.ndarray, " n"]:
    rows, columns = (extent // _SIDE for extent in plane.shape)
    blocks = plane[: rows * _SIDE, : columns * _SIDE].reshape(rows, _SIDE, columns, _SIDE)
    return blocks.mean((1, 3)).ravel()


def _blockiness(luma: Float[np.ndarray, "h w"]) -> float:
    """Of the axis that shows less, for the grid that shows most, as pictures are cropped after they were compressed."""
    return min(_grid(luma), _grid(luma.T))


def _grid(luma: Float[np.ndarray, "h w"]) -> float:
    if luma.shape[1] < 4 * _SIDE:
        return 0.0
    steps = np.abs(np.diff(luma, axis=1))
    higher = (steps[:, 1:-1] - (steps[:, :-2] + steps[:, 2:]) / 2).mean(0)
    phases = np.array([higher[phase::_SIDE].mean() for phase in range(_SIDE)])
    most = int(phases.argmax())
    others = np.delete(phases, most)
    excess = float(phases[most] - others.mean())
    return excess if excess > _CLEAR * float(others.std()) else 0.0
