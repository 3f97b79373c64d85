"""A picture in memory: compact samples, and float32 tensors of any rows on request."""

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from srntt._shapes import Float, Shaped
from srntt.errors import InputError
from srntt.image._levels import Levels
from srntt.image._metadata import Metadata

Ground = Literal["auto", "straight", "bleed"]
_LUMA = (0.299, 0.587, 0.114)  # BT.601, as in Pillow's conversion to "L"
_TO_8BIT = np.rint(np.arange(2**16) / 257).astype(np.uint8)


@dataclass(frozen=True, eq=False)
class Picture:
    """Samples as stored in the file, with metadata.

    Attributes:
        color: (h, w, 3) RGB or (h, w, 1) grey; uint8 or uint16, C-contiguous, straight (not premultiplied).
        alpha: (h, w) of the same dtype, 0 = transparent; None if the file has no alpha channel.
        metadata: ICC profile, EXIF, resolution.
        notes: what was changed while reading, for the user.
        source: file name, or "<array>" and the like, for error messages.
        bands: (h, w, k) of the same dtype: samples beyond colour and alpha, such as infrared.
        levels: the values of black and white, for samples other than unsigned 8 or 16 bits.
        bleed: ``rgb`` replaces the colour of transparent pixels by that of the nearest visible one.
    """

    color: Shaped[np.ndarray, "h w c"]
    alpha: Shaped[np.ndarray, "h w"] | None = None
    metadata: Metadata = field(default_factory=Metadata)
    notes: tuple[str, ...] = ()
    source: str = "<array>"
    bands: Shaped[np.ndarray, "h w k"] | None = None
    levels: Levels | None = None
    bleed: bool = False

    def __post_init__(self) -> None:
        color, alpha = self.color, self.alpha
        if color.ndim != 3 or color.shape[2] not in (1, 3) or 0 in color.shape:
            raise InputError(f"colour of shape {color.shape}: give (h, w, 1) or (h, w, 3), at least 1 x 1.")
        if color.dtype not in (np.uint8, np.uint16) or not color.flags.c_contiguous:
            raise InputError(f"colour of {color.dtype}: give C-contiguous uint8 or uint16.")
        if alpha is not None and (alpha.shape != color.shape[:2] or alpha.dtype != color.dtype):
            raise InputError(
                f"alpha of {alpha.dtype} {alpha.shape} does not fit colour of {color.dtype} {color.shape}: "
                "give the same height, width and dtype."
            )
        if self.bands is not None and (self.bands.shape[:2] != color.shape[:2] or self.bands.dtype != color.dtype):
            raise InputError(f"bands of {self.bands.dtype} {self.bands.shape} do not fit colour of {color.shape}.")

    @property
    def height(self) -> int:
        return self.color.shape[0]

    @property
    def width(self) -> int:
        return self.color.shape[1]

    @property
    def is_gray(self) -> bool:
        return self.color.shape[2] == 1

    @property
    def bits(self) -> int:
        """Bits per sample, 8 or 16."""
        return 8 * self.color.dtype.itemsize

    @cached_property
    def opaque(self) -> bool:
        """True if no pixel is transparent."""
        return self.alpha is None or bool((self.alpha == np.iinfo(self.alpha.dtype).max).all())

    def rgb(self, top: int = 0, bottom: int | None = None) -> Float[Tensor, "3 h w"]:
        """Rows ``top`` to ``bottom`` as float32 RGB in [0, 1]; grey is repeated three times.

        With ``bleed``, the colour where alpha is 0 is that of the nearest pixel of the whole picture with alpha above
        0: interpolation and convolution then leave no fringe. Any rows are equal to those of the whole.
        """
        return self.window(slice(top, bottom), slice(None))

    def window(self, rows: slice, columns: slice) -> Float[Tensor, "3 h w"]:
        """The same for some rows and columns."""
        part = self._filled[rows, columns].transpose(2, 0, 1)
        return torch.from_numpy(unit_floats(part)).expand(3, -1, -1).contiguous()

    def alpha_plane(self, top: int = 0, bottom: int | None = None) -> Float[Tensor, "1 h w"]:
        """Rows ``top`` to ``bottom`` of alpha as float32 in [0, 1]; ones without an alpha channel."""
        if self.alpha is None:
            return torch.ones(1, len(range(self.height)[top:bottom]), self.width)
        return torch.from_numpy(unit_floats(self.alpha[None, top:bottom]))

    def interleaved(self, top: int = 0, bottom: int | None = None) -> Shaped[np.ndarray, "h w c"]:
        """Rows ``top`` to ``bottom`` as stored, with alpha (if any) as the last channel."""
        if self.alpha is None:
            return self.color[top:bottom]
        return np.concatenate([self.color[top:bottom], self.alpha[top:bottom, :, None]], axis=2)

    def digest(self) -> bytes:
        """A hash of the samples, independent of the file."""
        parts = (self.color, self.alpha)
        about = repr([None if part is None else (part.shape, part.dtype.str) for part in parts]).encode()
        hashed = hashlib.sha256(about)
        for part in parts:
            if part is not None:
                hashed.update(np.ascontiguousarray(part).data)
        return hashed.digest()

    def to_8bit(self) -> "Picture":
        """The picture with 8 bits per sample, rounded; itself if it has 8."""
        if self.bits == 8:
            return self
        alpha = None if self.alpha is None else _TO_8BIT[self.alpha]
        bands = None if self.bands is None else _TO_8BIT[self.bands]
        notes = (*self.notes, "16 bits reduced to 8")
        return replace(self, color=_TO_8BIT[self.color], alpha=alpha, bands=bands, notes=notes)

    def values(self) -> Shaped[np.ndarray, "h w c"]:
        """Samples in the type and range of the source, alpha last."""
        if self.levels is None:
            return self.interleaved()
        colors = self.levels.values(self.color)
        if self.alpha is None:
            return colors
        share = self.alpha[:, :, None] / np.iinfo(self.alpha.dtype).max
        if colors.dtype.kind != "f":
            share = np.rint(share * np.iinfo(colors.dtype).max)
        return np.concatenate([colors, share.astype(colors.dtype)], axis=2)

    def on_ground(self, ground: Ground) -> "Picture":
        """Sets how the colour of transparent pixels is used.

        Args:
            ground: ``straight``, ``bleed``, or ``auto``: straight unless all of them have the same colour.
        """
        if self.alpha is None or self.alpha.all() or not self.alpha.any():
            return self
        if ground != "auto":
            return replace(self, bleed=ground == "bleed")
        hidden = self.color[self.alpha == 0]
        plain = bool((hidden == hidden[0]).all())
        note = (
            "alpha: bleed, since all transparent pixels have the same colour"
            if plain
            else "alpha: straight, since transparent pixels have different colours"
        )
        return replace(self, bleed=plain, notes=(*self.notes, note))

    @cached_property
    def _filled(self) -> Shaped[np.ndarray, "h w c"]:
        if self.alpha is None or not self.bleed:
            return self.color
        from srntt.image._bleed import bleed  # compiled on first use, so imported only when needed

        return bleed(self.color, self.alpha > 0)


def picture_like(
    source: Picture,
    color: Float[Tensor, "c h w"] | Shaped[np.ndarray, "h w c"],
    alpha: Float[Tensor, "1 h w"] | Shaped[np.ndarray, "h w"] | None = None,
    *,
    bands: Shaped[np.ndarray, "h w k"] | None = None,
    notes: tuple[str, ...] = (),
) -> Picture:
    """An upscaled picture with the metadata of its source.

    Args:
        source: gives bits, grey or RGB, and metadata (``save`` corrects sizes in it).
        color: float [0, 1] tensor, or samples of ``source``'s dtype. RGB from a grey source is converted to grey
            (BT.601 luma).
        alpha: likewise, of the same height and width.
        bands: samples of ``source``'s dtype; None for none.
        notes: added to those of the source.

    Raises:
        InputError: shapes or dtypes that do not match, or values that are not finite.
    """
    if isinstance(color, Tensor):
        color = to_pixels(color, bits=source.bits, gray=source.is_gray)
    if isinstance(alpha, Tensor):
        alpha = to_pixels(alpha, bits=source.bits)[:, :, 0]
    if color.dtype != source.color.dtype:
        raise InputError(f"colour of {color.dtype} for a picture of {source.color.dtype}: give the source's dtype.")
    color = np.ascontiguousarray(color)
    return replace(source, color=color, alpha=alpha, bands=bands, notes=(*source.notes, *notes))


def to_pixels(x: Float[Tensor, "c h w"], *, bits: int = 8, gray: bool = False) -> Shaped[np.ndarray, "h w c2"]:
    """Rounds float [0, 1] rows to samples and clips overshoot.

    Pointwise, so rows may be converted in any portions.

    Args:
        x: one or three channels.
        bits: 8 or 16.
        gray: convert three channels to one (BT.601 luma).

    Raises:
        InputError: values that are not finite.
    """
    if not torch.isfinite(x).all():
        raise InputError("the picture has values that are not finite (NaN or infinity).")
    if gray and x.shape[0] == 3:
        x = torch.tensordot(x.new_tensor(_LUMA), x, dims=1)[None]
    scaled = x.detach().float().clamp(0, 1).mul(2**bits - 1).round()
    dtype = np.uint8 if bits == 8 else np.uint16
    return np.ascontiguousarray(scaled.permute(1, 2, 0).cpu().numpy().astype(dtype))


def unit_floats(samples: Shaped[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Converts to float32 in [0, 1], each value the nearest float to k/255 or k/65535; floats keep their values."""
    floats = samples.astype(np.float32, order="C")
    if samples.dtype.kind == "u":
        floats /= np.float32(np.iinfo(samples.dtype).max)
    return floats
