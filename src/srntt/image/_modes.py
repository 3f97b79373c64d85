"""Converts a decoded Pillow image of any mode to samples: grey or RGB, 8 or 16 bits, straight alpha."""

from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageCms

from srntt._shapes import Shaped
from srntt.errors import InputError
from srntt.image._color import through_lcms
from srntt.image._levels import Levels, ValueRange, levels_for
from srntt.image._source import refuse


@dataclass(frozen=True, eq=False)
class Samples:
    """Pixels as read: ``color`` (h, w, 1 or 3) and ``alpha`` (h, w) of the same dtype, uint8 or uint16.

    ``converted``: the colours are now sRGB, whatever profile the file has. ``bands`` (h, w, k): samples beyond colour
    and alpha. ``levels``: values of black and white, for samples other than unsigned 8 or 16 bits.
    """

    color: Shaped[np.ndarray, "h w c"]
    alpha: Shaped[np.ndarray, "h w"] | None = None
    converted: bool = False
    notes: tuple[str, ...] = ()
    bands: Shaped[np.ndarray, "h w k"] | None = None
    levels: Levels | None = None


def samples_of(image: Image.Image, source: str, value_range: ValueRange = None) -> Samples:
    """Extracts the samples of a loaded image of any mode.

    Raises:
        PictureError: float samples that are not finite or outside [0, 1]; integers beyond 16 bits.
    """
    mode = image.mode
    if mode in ("P", "PA"):
        return _from_palette(image)
    if mode in ("CMYK", "LAB"):
        return converted_samples(image)
    if mode == "F":
        return _ranged(np.asarray(image), source, value_range)
    if mode.startswith("I"):
        if value_range is not None:
            return _ranged(np.asarray(image), source, value_range)
        return _from_integer(np.asarray(image), source, image.info.get("transparency"))
    plain = {"1": "L", "YCbCr": "RGB", "HSV": "RGB", "RGBX": "RGB", "RGBa": "RGBA", "La": "LA"}.get(mode, mode)
    if plain not in ("L", "LA", "RGB", "RGBA"):
        raise refuse(source, f"Pillow's mode {mode!r} is not supported. Convert it to RGB first.")
    samples = split(np.asarray(image if plain == mode else image.convert(plain)))
    return apply_color_key(samples, image.info.get("transparency"))


def apply_color_key(samples: Samples, key: int | tuple[int, ...] | bytes | None) -> Samples:
    """Applies PNG's tRNS for grey and RGB: a single transparent colour, in units of the samples."""
    color, channels = samples.color, samples.color.shape[2]
    if samples.alpha is not None or isinstance(key, bytes) or key is None or np.size(key) != channels:
        return samples
    top = np.iinfo(color.dtype).max
    alpha = np.where((color == np.asarray(key).reshape(1, 1, channels)).all(axis=2), 0, top)
    return replace(samples, alpha=alpha.astype(color.dtype))


def split(pixels: Shaped[np.ndarray, "h w *c"]) -> Samples:
    """Splits (h, w[, 1..4]) into colour and alpha, which is the last of two or four channels."""
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    channels = pixels.shape[2]
    if channels in (1, 3):
        return Samples(np.ascontiguousarray(pixels))
    return Samples(np.ascontiguousarray(pixels[:, :, :-1]), np.ascontiguousarray(pixels[:, :, -1]))


def _from_palette(image: Image.Image) -> Samples:
    samples = split(np.asarray(image.convert("RGBA" if image.has_transparency_data else "RGB")))
    color = samples.color
    gray = (color[..., 0] == color[..., 1]).all() and (color[..., 1] == color[..., 2]).all()
    if gray and not image.info.get("icc_profile"):  # its profile would be for RGB
        return replace(samples, color=np.ascontiguousarray(color[..., :1]))
    return samples


def converted_samples(image: Image.Image) -> Samples:
    """Converts Lab and CMYK to sRGB, CMYK without a usable profile by formula."""
    if image.mode == "LAB":
        return _in_srgb(through_lcms(image, "LAB", None, "RGB"), "Lab converted to sRGB")
    icc = image.info.get("icc_profile")
    if isinstance(icc, bytes) and icc[16:20] == b"CMYK":
        with suppress(ImageCms.PyCMSError):
            return _in_srgb(through_lcms(image, icc, None, "RGB"), "CMYK converted to sRGB through its profile")
    return _in_srgb(
        image.convert("RGB"), "CMYK converted to sRGB by formula: no usable profile, so colours are approximate"
    )


def _in_srgb(image: Image.Image, note: str) -> Samples:
    return replace(split(np.asarray(image)), converted=True, notes=(note,))


def _ranged(values: np.ndarray, source: str, value_range: ValueRange) -> Samples:
    try:
        levels, notes = levels_for(values, value_range)
    except InputError as error:
        raise refuse(source, str(error)) from error
    return Samples(levels.samples(values)[:, :, None], notes=notes, levels=levels)


def _from_integer(values: np.ndarray, source: str, key: object) -> Samples:
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > 65_535:
        raise refuse(
            source,
            f"has integer samples from {low} to {high}; only 0..65535 is allowed. "
            "Set the values of black and white: --range LOW,HIGH or auto, in Python value_range=(low, high).",
        )
    levels = None if values.dtype.itemsize == 2 else Levels(0.0, 65_535.0, values.dtype.newbyteorder("=").name)
    samples = Samples(np.ascontiguousarray(values.astype(np.uint16)[:, :, None]), levels=levels)
    return apply_color_key(samples, key if isinstance(key, int) else None)
