"""What an upscale returns."""

from dataclasses import dataclass, field
from os import PathLike

import numpy as np
from PIL import Image
from torch import Tensor

from srntt import image
from srntt._shapes import Float, Shaped
from srntt.image import ByteSink, Picture, Quality, to_pillow
from srntt.upscale._aligning import UsedReference
from srntt.upscale._consistent import Consistency
from srntt.upscale._forms import Form, Given, unit_tensor
from srntt.upscale._helpfulness import verdict
from srntt.upscale._provenance import Provenance
from srntt.upscale._share_picture import share_picture


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """An upscaled picture and how it came about.

    Attributes:
        picture: the output with its metadata; the depth, alpha and greyness of the input.
        similarity: cosine of each LR position's best match, or None without references.
        provenance: where the detail came from, or None without references.
        references: what became of each reference, in the order given.
        seconds: wall time.
        predicted_bytes: memory that the whole process was predicted to hold at most.
        peak_bytes: memory that it held at most meanwhile, as the operating system counts it.
        tile: side of a tile in LR pixels, as it was in the end.
        matcher: how the references were searched in the end, ``exact`` or ``fast``; None without references.
        matcher_reason: why so, for people; None without references.
        fallbacks: what had to be done otherwise than planned, in order.
        consistency: how far the output, reduced, is from the input.
        form: what the input came as.
        base: name of the picture, or of the model, that the network went on from; None for bicubic.

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
        told = f", {len(self.fallbacks)} fallbacks" if self.fallbacks else ""
        return f"<Result of {size} from {used} references in {self.seconds:.2f} s{told}>"

    @property
    def notes(self) -> tuple[str, ...]:
        """What was changed in the input on reading it."""
        return self.picture.notes

    @property
    def array(self) -> Shaped[np.ndarray, "H W c"]:
        """The picture as stored: uint8 or uint16; grey, grey + alpha, RGB or RGBA."""
        return self.picture.interleaved()

    @property
    def image(self) -> Image.Image:
        """The picture for Pillow, with ICC profile and EXIF in its ``info``: in 8 bits, which is all that Pillow holds
        in colour, or in the mode ``I;16``, ``I`` or ``F`` of a Pillow image that was given.
        """
        return to_pillow(self.picture, self.form.mode)

    @property
    def tensor(self) -> Float[Tensor, "c H W"]:
        """The picture as float32 in [0, 1] on the CPU; grey, grey + alpha, RGB or RGBA."""
        return unit_tensor(self.picture)

    def as_input(self) -> Given:
        """The picture as the kind of thing that the input was.

        An array for an array and a tensor for a tensor: with its dtype, its range of values (in 65,536 steps, if it is
        not uint8), its number of axes, and a tensor on its device. A Pillow image for everything else; ``save`` writes
        files, which keep 16 bits and all metadata.
        """
        return self.form.like(self.picture)

    @property
    def verdict(self) -> str | None:
        """Whether the references helped, in a sentence; None without references."""
        return None if self.provenance is None else verdict(self.references)

    @property
    def caution(self) -> str | None:
        """What to bear in mind of detail that came from references; None where none did."""
        if self.provenance is None or not self.provenance.used.any():
            return None
        return (
            "output detail is not evidence: a face, a number plate or text may come from another picture. Nothing "
            "detects them; --protect (protect=) excludes such places"
        )

    def share_picture(self) -> Picture | None:
        """The output in grey, tinted in each reference's colour as far as detail came from it, with a legend below: as
        wide as the output, and higher. None without references.
        """
        return None if self.provenance is None else share_picture(self.picture, self.provenance, self.references)

    def similarity_picture(self) -> Picture | None:
        """Similarity clipped to 0..1, in 8-bit grey of the output's size; every LR position is a block. None without
        references.
        """
        if self.similarity is None:
            return None
        levels = np.rint(np.clip(self.similarity, 0, 1) * 255).astype(np.uint8)
        rows, columns = (
            np.arange(pixels) * places // pixels
            for pixels, places in zip(self.picture.color.shape[:2], levels.shape, strict=True)
        )
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
        """Write it, whole or not at all; the suffix chooses the format.

        Args:
            path: where; or a file open for writing bytes, with ``format``.
            overwrite: replace a file that is there.
            strip: leave out EXIF and whatever else the input carried; its colours are converted to sRGB.
            quality: of JPEG, WebP, AVIF, HEIF and JPEG XL, 1..100 or ``lossless``. None: 95, or lossless where the
                input came from a lossless WebP or JPEG XL.
            format: a suffix such as ``png``, for an open file.

        Returns:
            What the format could not hold; usually nothing.

        Raises:
            OutputError: exists already, cannot be written, or the format cannot hold the picture.
        """
        return image.save(self.picture, path, overwrite=overwrite, strip=strip, quality=quality, format=format)
