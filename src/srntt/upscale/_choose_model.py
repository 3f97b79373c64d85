"""``--model auto``: estimation of the degradation of a picture, and choice of the model."""

from dataclasses import dataclass

import numpy as np

from srntt._shapes import Float
from srntt.image import Picture
from srntt.upscale._own_range import stretched

AUTO = "auto"
CLEAN, DEGRADED = "lite-rec", "lite-real"

_QUALITY = 65.0  # JPEG quality below which the model for degraded pictures is better for most pictures
_NOISE = 2.5  # levels of 255
_BLUR = 0.30  # ratio of the gradient energy at distance 1 to that at distance 2; about 0.45 in a sharp photograph
_BLOCKS = 1.0  # levels by which steps between blocks of 8 pixels exceed steps within blocks
_CLEAR = 4.0  # standard deviations over the other grids
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_SIDE = 8  # side of blocks
_MOST = 1024  # side of the central crop that is analysed
_FLAT = 0.2  # fraction of the blocks, the flattest, in which noise is measured
_TEXTURE = 0.5  # ratio of the finest diagonal detail to a quarter of the gradient energy in texture; 1 in white noise


@dataclass(frozen=True)
class Degradation:
    """Estimated degradation of a picture.

    Attributes:
        quality: JPEG quality, 1..100; None if not stated by the file.
        blocks: Levels of 255 by which steps between blocks of 8 pixels exceed steps within blocks.
        noise: Standard deviation of noise in levels of 255, corrected for texture.
        sharpness: Ratio of the gradient energy at distance 1 to that at distance 2.
    """

    quality: float | None
    blocks: float
    noise: float
    sharpness: float

    @classmethod
    def of(cls, picture: Picture) -> "Degradation":
        """Estimate the degradation from the centre of a picture and from its file."""
        luma = _luma(stretched(picture))
        blocks = min(_blockiness(luma), _blockiness(luma.T))
        return cls(picture.metadata.jpeg_quality, blocks, _noise(luma), _sharpness(luma))


@dataclass(frozen=True)
class ModelChoice:
    """Chosen model, and the reason for messages."""

    model: str
    reason: str


def choose_model(picture: Picture) -> ModelChoice:
    """Choose the model for clean or for degraded pictures, given a low-res picture as read from its file."""
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
        return ModelChoice(DEGRADED, f"{DEGRADED}: {', '.join(reasons)}; --model {CLEAN} preserves them")
    known = "" if found.quality is None else f", JPEG of quality {found.quality:.0f}"
    return ModelChoice(CLEAN, f"{CLEAN}: little noise, blur or compression{known}")


def _luma(picture: Picture) -> Float[np.ndarray, "h w"]:
    """Return the luma of the central crop, in levels of 255."""
    rows, columns = (
        slice(max(0, (extent - _MOST) // 2), max(0, (extent - _MOST) // 2) + _MOST)
        for extent in (picture.height, picture.width)
    )
    return np.tensordot(_LUMA, picture.window(rows, columns).numpy(), 1) * np.float32(255)


def _sharpness(luma: Float[np.ndarray, "h w"]) -> float:
    """Compute the ratio of gradient energies; blur spreads steps, which reduces the gradient at distance 1 more."""
    if min(luma.shape) < 3:
        return 1.0
    near, far = (sum(float(np.square(one[step:] - one[:-step]).sum()) for one in (luma, luma.T)) for step in (1, 2))
    return near / far if far > luma.size else 1.0  # a flat picture is treated as sharp


def _noise(luma: Float[np.ndarray, "h w"]) -> float:
    """Estimate noise from the finest diagonal detail (Immerkaer, 1996) of the flattest blocks, corrected for texture.

    In white noise this detail has half the energy of the gradient, in texture about half of that.
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
    """Estimate blockiness along rows by the strongest offset of the grid, since pictures may be cropped."""
    if luma.shape[1] < 4 * _SIDE:
        return 0.0
    steps = np.abs(np.diff(luma, axis=1))
    higher = (steps[:, 1:-1] - (steps[:, :-2] + steps[:, 2:]) / 2).mean(0)
    phases = np.array([higher[phase::_SIDE].mean() for phase in range(_SIDE)])
    most = int(phases.argmax())
    others = np.delete(phases, most)
    excess = float(phases[most] - others.mean())
    return excess if excess > _CLEAR * float(others.std()) else 0.0
