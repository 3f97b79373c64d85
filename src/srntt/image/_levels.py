"""Ranges of values: maps samples of any type to 16 bits between black and white, and back."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from srntt._numbers import as_number
from srntt._shapes import Shaped
from srntt.errors import InputError

ValueRange = tuple[float | int, float | int] | Literal["auto"] | None
_TOP = 65_535
_TOLERANCE = 1e-5  # of the range: allows for rounding; less than a step of 16 bits


@dataclass(frozen=True)
class Levels:
    """Maps values of another type to the 16 bits of a picture.

    Attributes:
        low: the value of black.
        high: the value of white.
        kind: NumPy's name of the original type, such as ``float32`` or ``int16``.

    Example:
        >>> levels = Levels(-100.0, 100.0, "int16")
        >>> levels.samples(np.array([-100, 0, 100], np.int16)).tolist()
        [0, 32768, 65535]
        >>> levels.values(np.array([0, 32768, 65535], np.uint16)).tolist()
        [-100, 0, 100]
    """

    low: float
    high: float
    kind: str

    def __post_init__(self) -> None:
        if not (np.isfinite(self.low) and np.isfinite(self.high) and self.low < self.high):
            raise InputError(f"range {self.low:g} to {self.high:g}: the first value must be less than the second.")

    def samples(self, values: Shaped[np.ndarray, "..."]) -> Shaped[np.ndarray, "..."]:
        """Converts to 16 bits; values outside the range are clipped."""
        share = (values.astype(np.float64) - self.low) / (self.high - self.low)
        return np.rint(np.clip(share, 0, 1) * _TOP).astype(np.uint16)

    def values(self, samples: Shaped[np.ndarray, "..."]) -> Shaped[np.ndarray, "..."]:
        """Converts back to the original type; integers are rounded."""
        dtype = np.dtype(self.kind)
        values = samples / np.iinfo(samples.dtype).max * (self.high - self.low) + self.low
        if dtype.kind == "f":
            return values.astype(dtype)
        ends = np.iinfo(dtype)
        top = np.nextafter(float(ends.max), 0) if dtype.itemsize > 4 else ends.max  # 2**63 is no int64
        return np.clip(np.rint(values), float(ends.min), top).astype(dtype)


def check_value_range(value_range: ValueRange) -> None:
    """Raises InputError unless these are two numbers, ``auto``, or None."""
    if value_range is None or (isinstance(value_range, str) and value_range == "auto"):
        return
    given = value_range if isinstance(value_range, tuple | list | np.ndarray) else ()
    if [as_number(number) is None for number in given] != [False, False]:
        raise InputError(
            f"value_range is {type(value_range).__name__}; give two numbers, the values of black and white, or 'auto'."
        )


def levels_for(
    values: Shaped[np.ndarray, "..."], value_range: ValueRange, no_data: float | None = None
) -> tuple[Levels, tuple[str, ...]]:
    """Chooses the levels of values; also returns notes.

    Args:
        values: floats or integers.
        value_range: black and white; ``auto`` for the minimum and maximum; None for floats in [0, 1].
        no_data: a value that marks missing data; ``auto`` ignores it.

    Raises:
        InputError: values that are not finite, or None for values outside [0, 1]. The message is to follow the name
            of the picture.
    """
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise InputError("has float samples that are not finite (NaN or infinity). Replace them first.")
    kind = values.dtype.newbyteorder("=").name
    if value_range is None:
        return _unit_levels(values, kind)
    notes: tuple[str, ...] = ()
    none = None if no_data is None else np.isclose(values.astype(np.float64), no_data)
    if none is not None and none.any() and not none.all():
        notes = (
            f"range: {100 * float(none.mean()):.2g}% of the values are no data ({no_data:g}) and become the minimum",
        )
        values = values[~none]
    if isinstance(value_range, str):
        low, high = float(values.min()), float(values.max())
        chosen = Levels(low, high if high > low else low + 1, kind)
        return chosen, (*notes, f"range: {low:.9g} to {chosen.high:.9g}, minimum and maximum, in 65,536 steps")
    low, high = (as_number(value) or 0.0 for value in value_range)
    chosen = Levels(low, high, kind)
    outside = float(np.mean((values < chosen.low) | (values > chosen.high)))
    clipped = (f"range: {100 * outside:.2g}% of the values are outside and were clipped",) if outside else ()
    return chosen, (*notes, *clipped)


def alpha_in_16_bits(alpha: Shaped[np.ndarray, "h w"]) -> Shaped[np.ndarray, "h w"]:
    """Converts alpha from floats in [0, 1] or integers up to their maximum: the range of colours does not apply."""
    share = alpha.astype(np.float64) / (1 if alpha.dtype.kind == "f" else np.iinfo(alpha.dtype).max)
    return np.rint(np.clip(share, 0, 1) * _TOP).astype(np.uint16)


def spread(samples: Shaped[np.ndarray, "..."], bits: int) -> Shaped[np.ndarray, "..."]:
    """Scales unsigned samples of 1 to 16 bits to 8 or 16 bits, so that white stays white."""
    if bits in (8, 16):
        return samples
    if bits < 8:
        return np.rint(samples * (255 / (2**bits - 1))).astype(np.uint8)
    wide = samples.astype(np.uint16)
    return wide << (16 - bits) | wide >> (2 * bits - 16)


def _unit_levels(values: Shaped[np.ndarray, "..."], kind: str) -> tuple[Levels, tuple[str, ...]]:
    low, high = float(values.min()), float(values.max())
    way = "Set the values of black and white: --range LOW,HIGH or auto, in Python value_range=(low, high)."
    if values.dtype.kind != "f":
        raise InputError(f"has {kind} samples ({low:.0f} to {high:.0f}), whose white is not known. {way}")
    if low < -_TOLERANCE or high > 1 + _TOLERANCE:
        raise InputError(f"has float samples from {low:.9g} to {high:.9g}; only 0..1 is allowed. {way}")
    return Levels(0.0, 1.0, kind), ("float samples stored with 16 bits",)
