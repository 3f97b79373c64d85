"""What is evaluated: anything that makes a large picture of a small one and references; a model of ours, for one."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from srntt._shapes import Float, UInt8
from srntt.data import read_rgb

if TYPE_CHECKING:
    import srntt.upscale

_SMALL, _REFERENCE = 32, 128  # pixels along a side of what an upscaler is warmed with


@dataclass(frozen=True, eq=False)
class Upscaled:
    """What was made of a picture.

    Attributes:
        picture: RGB in [0, 1].
        fallbacks: whatever had to be done otherwise than asked.
        similarity: of each low-res position to its match; None where there is none.
        provenance: where the detail came from; None where it is not known.
        placed: what was found of each reference, a sentence each.
        seconds: that it took, where whoever made it knows better than a clock around it; else None.
    """

    picture: Float[np.ndarray, "3 H W"]
    fallbacks: tuple[str, ...] = ()
    similarity: Float[np.ndarray, "h w"] | None = None
    provenance: "srntt.upscale.Provenance | None" = None
    placed: tuple[str, ...] = ()
    seconds: float | None = None


PreparedReference = Path | UInt8[np.ndarray, "_ _ 3"]
"""A file, or 8-bit RGB where the protocol has done something to it."""

Upscale = Callable[[UInt8[np.ndarray, "h w 3"], Sequence[PreparedReference]], Upscaled]
"""A low-res picture of 8-bit RGB and references (none, for single-image super-resolution) to a large picture."""


def by_model(upscaler: "srntt.upscale.Upscaler") -> Upscale:
    """A model of ours. References are read and encoded for each picture again, and that time counts."""

    def upscale(low_res: UInt8[np.ndarray, "h w 3"], references: Sequence[PreparedReference]) -> Upscaled:
        encoded = upscaler.encode_references(list(references)) if references else None
        result = upscaler.upscale(low_res, encoded)
        placed = tuple(f"{used.source}: {used.description}" for used in result.references)
        return Upscaled(result.picture.rgb().numpy(), result.fallbacks, result.similarity, result.provenance, placed)

    return upscale


def warmed(upscale: Upscale, *variants: Upscale) -> Upscale:
    """The same; before the first picture it runs, untimed, on a corner of that and of its references.

    What is done once only (compiling, loading, filling caches) is no part of the time for a picture.

    Args:
        upscale: what is timed, by a clock around it where it does not know its seconds.
        variants: run on the corner, too: ways that it may take for larger pictures only.
    """
    warm = False

    def timed(low_res: UInt8[np.ndarray, "h w 3"], references: Sequence[PreparedReference]) -> Upscaled:
        nonlocal warm
        if not warm:
            corner = np.ascontiguousarray(low_res[:_SMALL, :_SMALL])
            for one in (*variants, upscale):
                one(corner, [_corner(reference) for reference in references])
            warm = True
        started = time.perf_counter()
        made = upscale(low_res, references)
        return made if made.seconds is not None else replace(made, seconds=time.perf_counter() - started)

    return timed


def _corner(reference: PreparedReference) -> UInt8[np.ndarray, "h w 3"]:
    whole = reference if isinstance(reference, np.ndarray) else read_rgb(reference)
    return np.ascontiguousarray(whole[:_REFERENCE, :_REFERENCE])
