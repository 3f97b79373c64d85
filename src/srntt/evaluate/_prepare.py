"""Preparation of pairs by a protocol: the low-res picture, the references, and the target."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from srntt._shapes import Float, UInt8
from srntt.data import Pair, ReferenceKind, read_rgb
from srntt.errors import InputError, PictureError
from srntt.evaluate._changes import ReferenceChange
from srntt.evaluate._parts import CropToMultiple, Placed, Size, Stack
from srntt.evaluate._protocols import Protocol
from srntt.evaluate._upscale import PreparedReference
from srntt.metrics import SSIM_WINDOW

_MOST_NAMED = 20  # damaged pictures


@dataclass(frozen=True, eq=False)
class Case:
    """Prepared target of a protocol; pictures have 8 bits.

    Attributes:
        references: Files if the protocol leaves them unchanged, else pictures.
        whole: Expected height and width of the output.
        top, left: Position of the target in the output; not (0, 0) if the protocol pads on all sides.
    """

    target: UInt8[np.ndarray, "H W 3"]
    low_res: UInt8[np.ndarray, "h w 3"]
    references: tuple[PreparedReference, ...]
    whole: Size
    top: int = 0
    left: int = 0

    @property
    def scale(self) -> int:
        """Upscaling factor."""
        return self.whole[0] // self.low_res.shape[0]

    def cut(self, output: Float[np.ndarray, "3 H2 W2"]) -> Float[np.ndarray, "3 H3 W3"]:
        """Remove the padding of the protocol from an output; one of the size of the target is returned unchanged.

        Raises:
            InputError: The output has neither the size of the padded target nor that of the target.
        """
        if output.shape[1:] == self.target.shape[:2]:
            return np.ascontiguousarray(output)
        if output.shape[1:] != self.whole:
            raise InputError(
                f"The output is {output.shape[2]}x{output.shape[1]}, the target {self.whole[1]}x{self.whole[0]} with "
                "what the protocol pads. Give a model or peer of the protocol's scale."
            )
        height, width = self.target.shape[:2]
        return np.ascontiguousarray(output[:, self.top : self.top + height, self.left : self.left + width])


def prepare(protocol: Protocol, pair: Pair, kind: ReferenceKind, change: ReferenceChange | None = None) -> Case:
    """Crop, pad and downsample a pair according to a protocol; a change applies to each reference first.

    Raises:
        PictureError: A picture cannot be read.
        InputError: A picture is too small or too large, or the set lacks one that the protocol needs.
    """
    target = read_target(pair.target, protocol)
    files = pair.chosen(kind)
    untouched = not (protocol.references or change)
    read = [] if untouched else [_cropped(_changed(read_rgb(file), change), protocol) for file in files]
    framed = protocol.canvas.pad(target, [picture.shape[:2] for picture in read])
    low_res = _low_res(protocol, pair, framed)
    if kind == "self":
        read = [_cropped(_changed(low_res, change), protocol)]
    whole = framed.picture.shape[:2]
    return Case(target, low_res, tuple(_padded(read, protocol, whole)) or files, whole, framed.top, framed.left)


def read_target(file: Path, protocol: Protocol) -> UInt8[np.ndarray, "H W 3"]:
    """Read a target in 8-bit RGB, cropped according to the protocol.

    Raises:
        PictureError: The file cannot be read.
        InputError: The picture is too small to be scored.
    """
    whole = read_rgb(file)
    target = protocol.target.crop(whole)
    if min(target.shape[:2]) < (least := SSIM_WINDOW + 2 * protocol.crop):
        raise InputError(
            f"{file} has {whole.shape[1]}x{whole.shape[0]} pixels; protocol {protocol.name} needs {least}x{least} "
            f"once {protocol.target}. Remove it from the index."
        )
    return target


def check_pictures(pairs: Sequence[Pair], kinds: Sequence[ReferenceKind]) -> None:
    """Decode every picture once, before the work instead of after hours; raise PictureError that names each that
    cannot be read.
    """
    named = [
        file
        for pair in pairs
        for file in (pair.target, pair.low_res, *(f for kind in kinds for f in pair.chosen(kind)))
    ]
    wrong = [str(error) for file in dict.fromkeys(filter(None, named)) if (error := _unreadable(file))]
    if wrong:
        more = f" And {len(wrong) - _MOST_NAMED} more." if len(wrong) > _MOST_NAMED else ""
        raise PictureError(" ".join(wrong[:_MOST_NAMED]) + more)


def _unreadable(file: Path) -> PictureError | None:
    try:
        read_rgb(file)
    except PictureError as error:
        return error
    return None


def _low_res(protocol: Protocol, pair: Pair, framed: Placed) -> UInt8[np.ndarray, "h w 3"]:
    height, width = framed.picture.shape[:2]
    if protocol.low_res.made_by != "own":
        return protocol.low_res.shrink(framed.picture, protocol.scale, pair.name)
    if pair.low_res is None:
        raise InputError(
            f"{pair.name} has no low-res picture in the set, which protocol {protocol.name} requires. "
            f"{protocol.data.advice}"
        )
    low_res = read_rgb(pair.low_res)
    if (low_res.shape[0] * protocol.scale, low_res.shape[1] * protocol.scale) != (height, width):
        raise InputError(
            f"{pair.low_res} has {low_res.shape[1]}x{low_res.shape[0]} pixels and {pair.target} {width}x{height}, "
            f"which is not {protocol.scale} times as large. {protocol.data.advice}"
        )
    return low_res


def _changed(picture: UInt8[np.ndarray, "H W 3"], change: ReferenceChange | None) -> UInt8[np.ndarray, "h w 3"]:
    return change.apply(picture) if change else picture


def _cropped(picture: UInt8[np.ndarray, "H W 3"], protocol: Protocol) -> UInt8[np.ndarray, "h w 3"]:
    for step in protocol.references:
        picture = step.crop(picture) if isinstance(step, CropToMultiple) else picture
    if 0 in picture.shape:
        raise InputError(f"Nothing is left of a reference after the cropping of protocol {protocol.name}. Omit it.")
    return picture


def _padded(
    pictures: list[UInt8[np.ndarray, "_ _ 3"]], protocol: Protocol, canvas: Size
) -> list[UInt8[np.ndarray, "_ _ 3"]]:
    for step in protocol.references:
        if isinstance(step, Stack):
            pictures = [np.concatenate(pictures)] if pictures else []
        elif not isinstance(step, CropToMultiple):
            pictures = [step.pad(picture, [canvas]).picture for picture in pictures]
    return pictures
