"""Result of an upscale."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from os import PathLike

import numpy as np
from PIL import Image
from torch import Tensor

from srntt import image
from srntt._shapes import Float, Shaped
from srntt.image import ByteSink, Picture, Quality, to_pillow
from srntt.upscale._consistent import Consistency
from srntt.upscale._forms import Form, Given, unit_tensor
from srntt.upscale._helpfulness import verdict
from srntt.upscale._provenance import Provenance, places_behind
from srntt.upscale._share_picture import share_picture
from srntt.upscale._used_reference import UsedReference


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """Upscaled picture, with information on how it was computed.

    Attributes:
        picture: Output with metadata, with the depth, alpha and number of colour channels of the input.
        similarity: Cosine of the best match of each LR position, in [-1, 1]; None without references.
        provenance: Origin of the detail at each LR position; None without references.
        references: Outcome of each reference, in the order given.
        seconds: Wall time, in seconds.
        predicted_bytes: Predicted peak memory of the process, in bytes.
        peak_bytes: Actual peak memory of the process, in bytes, as counted by the operating system.
        tile: Final side of a tile, in LR pixels.
        matcher: Matcher used, ``exact`` or ``fast``; None without references.
        matcher_reason: Reason for the matcher; None without references.
        fallbacks: Deviations from what was requested or planned, in order.
        consistency: Difference between the downsampled output and the input.
        form: Form of the input.
        base: Name of the base picture or base model; None for bicubic.

    Example:
        >>> from srntt import Upscaler
        >>> result = Upscaler.from_pretrained("lite-rec").upscale(np.zeros((8, 6), np.float32))
        >>> result.as_input().shape, str(result.as_input().dtype), result.array.dtype
        ((32, 24), 'float32', dtype('uint16'))
        >>> tuple(result.tensor.shape), result.image.size, result.image.mode
        ((1, 32, 24), (24, 32), 'L')
    """

    picture: image.Picture
    similarity: Float[np.ndarray, "h w"] | None
    provenance: Provenance | None
    references: tuple[UsedReference, ...]
    seconds: float
    predicted_bytes: int
    peak_bytes: int
    tile: int
    matcher: str | None
    matcher_reason: str | None
    fallbacks: tuple[str, ...]
    consistency: Consistency
    form: Form = field(default_factory=Form)
    base: str | None = None

    def __repr__(self) -> str:
        size, used = f"{self.picture.width} x {self.picture.height} pixels", len(self.references)
        plural = "" if used == 1 else "s"
        fallbacks = f", {len(self.fallbacks)} fallbacks" if self.fallbacks else ""
        return f"<Result of {size} from {used} reference{plural} in {self.seconds:.2f} s{fallbacks}>"

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes on conversions when the input was read."""
        return self.picture.notes

    @property
    def array(self) -> Shaped[np.ndarray, "H W c"]:
        """Output as uint8 or uint16; grey, grey + alpha, RGB or RGBA."""
        return self.picture.interleaved()

    @property
    def image(self) -> Image.Image:
        """Output as a Pillow image, with ICC profile and EXIF in its ``info``: in 8 bits, the limit of Pillow for
        colour, or in the mode ``I;16``, ``I`` or ``F`` of an input from Pillow.
        """
        return to_pillow(self.picture, self.form.mode)

    @property
    def tensor(self) -> Float[Tensor, "c H W"]:
        """Output as float32 in [0, 1] on the CPU; grey, grey + alpha, RGB or RGBA."""
        return unit_tensor(self.picture)

    def as_input(self) -> Given:
        """Return the output in the form of the input.

        An array for an array and a tensor for a tensor, with the same dtype, range of values (in 65,536 steps, unless
        uint8), number of axes and device. A Pillow image for any other input; use ``save`` to keep 16 bits and all
        metadata.
        """
        return self.form.like(self.picture)

    @property
    def verdict(self) -> str | None:
        """Sentence stating whether the references helped; None without references."""
        return None if self.provenance is None else verdict(self.references)

    @property
    def caution(self) -> str | None:
        """Caution about detail from references; None if there is none."""
        if self.provenance is None or not self.provenance.used.any():
            return None
        return (
            "output detail is not evidence: a face, a number plate or text may come from another picture. Such "
            "places are not detected automatically; exclude them with --protect (in Python, protect=)."
        )

    def share_picture(self) -> Picture | None:
        """Draw a map of the references: the output in grey, tinted in a colour for each reference by the share of its
        detail, with a legend below. None without references.
        """
        return None if self.provenance is None else share_picture(self.picture, self.provenance, self.references)

    def similarity_picture(self) -> Picture | None:
        """Draw the similarity, clipped to 0..1, in 8-bit grey at the size of the output, with a block for each LR
        position. None without references.
        """
        if self.similarity is None:
            return None
        levels = np.rint(np.clip(self.similarity, 0, 1) * 255).astype(np.uint8)
        rows, columns = places_behind(self.picture.color.shape[:2], levels.shape)
        return Picture(np.ascontiguousarray(levels[rows][:, columns, None]), source="<similarity map>")

    def save(
        self,
        path: str | PathLike[str] | ByteSink,
        *,
        overwrite: bool = False,
        strip: bool = False,
        quality: Quality = None,
        format: str | None = None,
    ) -> tuple[str, ...]:
        """Write the output to a file, atomically; the suffix determines the format.

        Args:
            path: Path, or a binary file open for writing, with ``format``.
            overwrite: Replace an existing file.
            strip: Omit EXIF and other metadata of the input, and convert colours to sRGB.
            quality: Quality of JPEG, WebP, AVIF, HEIF and JPEG XL, 1..100 or ``lossless``. None for 95, or lossless if
                the input was a lossless WebP or JPEG XL.
            format: Suffix such as ``png``, for an open file.

        Returns:
            Notes on what the format could not represent; usually empty.

        Raises:
            OutputError: The file exists already or cannot be written, or the format cannot represent the picture.
        """
        return image.save(self.picture, path, overwrite=overwrite, strip=strip, quality=quality, format=format)


def over_passes(result: Result, passes: Sequence[Result]) -> Result:
    """Return a result with the largest memory, the worst consistency, and the fallbacks of all passes, each once."""
    worst = (max(getattr(one.consistency, name) for one in passes) for name in ("mean", "largest", "missed"))
    return replace(
        result,
        predicted_bytes=max(one.predicted_bytes for one in passes),
        peak_bytes=max(one.peak_bytes for one in passes),
        fallbacks=tuple(dict.fromkeys(text for one in passes for text in one.fallbacks)),
        consistency=Consistency(*worst),
    )
