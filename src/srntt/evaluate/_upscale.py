"""Interface of the methods evaluated: a function of a low-res picture and references."""

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

_SMALL, _REFERENCE = 32, 128  # sides, in pixels, of the crops used for warm-up


@dataclass(frozen=True, eq=False)
class Upscaled:
    """Output of a method.

    Attributes:
        picture: RGB in [0, 1].
        fallbacks: Deviations from what was requested.
        similarity: Similarity of each low-res position to its match; None without references.
        provenance: Origin of the detail; None if unknown.
        placed: Result of aligning each reference, a sentence each.
        seconds: Time taken, if the method measures it itself; None to measure the call.
    """

    picture: Float[np.ndarray, "3 H W"]
    fallbacks: tuple[str, ...] = ()
    similarity: Float[np.ndarray, "h w"] | None = None
    provenance: "srntt.upscale.Provenance | None" = None
    placed: tuple[str, ...] = ()
    seconds: float | None = None


PreparedReference = Path | UInt8[np.ndarray, "_ _ 3"]
"""Reference as a file, or as 8-bit RGB if the protocol has changed it."""

Upscale = Callable[[UInt8[np.ndarray, "h w 3"], Sequence[PreparedReference]], Upscaled]
"""Function of a low-res picture (8-bit RGB) and references (empty for single-image super-resolution)."""


def by_model(upscaler: "srntt.upscale.Upscaler") -> Upscale:
    """Return the function of a model; its time includes reading and encoding the references for each picture."""

    def upscale(low_res: UInt8[np.ndarray, "h w 3"], references: Sequence[PreparedReference]) -> Upscaled:
        encoded = upscaler.encode_references(list(references)) if references else None
        result = upscaler.upscale(low_res, encoded)
        placed = tuple(f"{Path(used.source).name}: {used.description}" for used in result.references)
        return Upscaled(result.picture.rgb().numpy(), result.fallbacks, result.similarity, result.provenance, placed)

    return upscale


def timed(upscale: Upscale, low_res: UInt8[np.ndarray, "h w 3"], references: Sequence[PreparedReference]) -> Upscaled:
    """Call a function, and time it unless it reports its time itself."""
    started = time.perf_counter()
    made = upscale(low_res, references)
    return made if made.seconds is not None else replace(made, seconds=time.perf_counter() - started)


def warmed(upscale: Upscale, *variants: Upscale) -> Upscale:
    """Add timing, unless a function reports its time itself, and a warm-up on a corner of the first picture and its
    references: work that is done only once (compiling, loading, filling caches) is not counted.

    ``variants`` also run in the warm-up, for code that only larger pictures use.
    """
    warm = False

    def upscaled(low_res: UInt8[np.ndarray, "h w 3"], references: Sequence[PreparedReference]) -> Upscaled:
        nonlocal warm
        if not warm:
            corner = np.ascontiguousarray(low_res[:_SMALL, :_SMALL])
            for one in (*variants, upscale):
                one(corner, [_corner(reference) for reference in references])
            warm = True
        return timed(upscale, low_res, references)

    return upscaled


def _corner(reference: PreparedReference) -> UInt8[np.ndarray, "h w 3"]:
    whole = reference if isinstance(reference, np.ndarray) else read_rgb(reference)
    return np.ascontiguousarray(whole[:_REFERENCE, :_REFERENCE])
