"""Crops of a picture for a report, at the same window for all methods, with the origin of the texture.

The window is where bicubic differs most from the target. It depends on the target only, so that it favours no method.
"""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from srntt._shapes import Float, Int, UInt8
from srntt.data import read_rgb
from srntt.evaluate._prepare import Case
from srntt.evaluate._upscale import PreparedReference, Upscaled
from srntt.image import resize_pillow

if TYPE_CHECKING:
    import srntt.upscale

_SIDE, _STEP = 320, 16  # side and grid of the window, in pixels of the target
_THUMBNAIL = 192
_TRACED = 8  # distance of the positions that are traced, in pixels of the target
_RAMP = (
    (0.0, 68, 1, 84),
    (0.25, 59, 82, 139),
    (0.5, 33, 145, 140),
    (0.75, 94, 201, 98),
    (1.0, 253, 231, 37),
)  # viridis

Grid = tuple[Int[np.ndarray, "r c"], Int[np.ndarray, "r c"]]


@dataclass(frozen=True)
class Crops:
    """Crops of a picture for a report.

    Attributes:
        window: Top, left, height and width, in pixels of the target.
        pictures: Data URIs of the window by content: low_res, bicubic, output, target and, if known, similarity and
            share (0 dark .. 1 bright) and source, the part of the reference that contributed most.
        references: Name of each reference, and data URI of its thumbnail.
        source: Index of the reference of ``pictures["source"]``; -1 for none.
        used: For each reference, the fraction of the window with detail from it, 0..1 (`Provenance.shares`).
        share: Fraction of the window with detail from any reference, 0..1; None if unknown.
        columns: Number of columns of ``trace``.
        trace: Base64 of four bytes for each position of a grid over the window: index of the reference, and its y, x
            and share, each scaled to 255. Empty if unknown.
    """

    window: tuple[int, int, int, int]
    pictures: Mapping[str, str]
    references: tuple[tuple[str, str], ...] = ()
    source: int = -1
    used: tuple[float, ...] = ()
    share: float | None = None
    columns: int = 0
    trace: str = ""

    @classmethod
    def from_json(cls, value: Mapping[str, Any] | None) -> "Crops | None":
        """Create crops from the JSON of `dataclasses.asdict`."""
        if value is None:
            return None
        references = tuple((name, picture) for name, picture in value["references"])
        plain = {"window": tuple(value["window"]), "references": references, "used": tuple(value["used"])}
        return cls(**{**value, **plain})


def bicubic_of(case: Case) -> UInt8[np.ndarray, "H W 3"]:
    """Return bicubic upscaling of a case, without padding."""
    return _cut(resize_pillow(case.low_res, case.whole), case)


def make_crops(case: Case, made: Upscaled, output: Float[np.ndarray, "3 H W"]) -> Crops:
    """Create the crops of an upscaled picture, whose output is rounded to 8 bits and without padding."""
    bicubic = bicubic_of(case)
    window = _where_it_differs(bicubic, case.target)
    shown = {
        "low_res": _png(_window(_cut(_spread(case.low_res, case), case), window)),
        "bicubic": _jpeg(_window(bicubic, window)),
        "output": _jpeg(_window(np.rint(output.transpose(1, 2, 0) * 255).astype(np.uint8), window)),
        "target": _jpeg(_window(case.target, window)),
    }
    references = [read_rgb(item) if not isinstance(item, np.ndarray) else item for item in case.references]
    named = tuple((_name(item, n), _thumbnail(references[n])) for n, item in enumerate(case.references))
    if made.similarity is not None:
        shown["similarity"] = _map(made.similarity, case, window)
    crops = Crops(window, shown, named)
    if made.provenance is None or not references:
        return crops
    return _with_provenance(crops, case, made.provenance, references)


def _with_provenance(
    crops: Crops, case: Case, provenance: "srntt.upscale.Provenance", references: Sequence[UInt8[np.ndarray, "_ _ 3"]]
) -> Crops:
    places = _places(crops.window, case, step=case.scale)
    number, share = provenance.reference[places], provenance.share[places]
    y, x = provenance.y[places], provenance.x[places]
    weight = np.bincount(number.ravel(), share.ravel() + 1e-6, minlength=len(references))
    source = int(weight.argmax())
    used = provenance.used[places]
    counts = np.bincount(number[used], minlength=len(references))
    centre = (float(np.median(y[number == source])), float(np.median(x[number == source])))
    pictures = {
        **crops.pictures,
        "share": _map(provenance.share, case, crops.window),
        "source": _jpeg(_around(references[source], centre)),
    }
    grid = _places(crops.window, case, step=_TRACED)
    return replace(
        crops,
        pictures=pictures,
        source=source,
        used=tuple(round(float(count) / number.size, 4) for count in counts),
        share=round(float(used.mean()), 4),
        columns=grid[1].shape[1],
        trace=_trace(provenance, references, grid),
    )


def _trace(provenance: "srntt.upscale.Provenance", references: Sequence[UInt8[np.ndarray, "_ _ 3"]], grid: Grid) -> str:
    number = provenance.reference[grid]
    extent = np.array([picture.shape[:2] for picture in references])[number]
    parts = [
        np.minimum(number, 255),
        (provenance.y[grid] + 0.5) / extent[..., 0] * 255,
        (provenance.x[grid] + 0.5) / extent[..., 1] * 255,
        provenance.share[grid] * 255,
    ]
    return base64.b64encode(np.clip(np.stack(parts, -1), 0, 255).round().astype(np.uint8).tobytes()).decode()


def _where_it_differs(a: UInt8[np.ndarray, "H W 3"], b: UInt8[np.ndarray, "H W 3"]) -> tuple[int, int, int, int]:
    """Return the window of the largest squared difference, on a grid of 16 pixels."""
    height, width = min(_SIDE, a.shape[0]), min(_SIDE, a.shape[1])
    error = ((a.astype(np.float64) - b) ** 2).sum(axis=2)
    total = np.pad(error.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    tops, lefts = np.arange(0, a.shape[0] - height + 1, _STEP), np.arange(0, a.shape[1] - width + 1, _STEP)
    t, u = tops[:, None], lefts[None]
    inside = total[t + height, u + width] - total[t, u + width] - total[t + height, u] + total[t, u]
    row, column = np.unravel_index(int(inside.argmax()), inside.shape)
    return int(tops[row]), int(lefts[column]), height, width


def _places(window: tuple[int, int, int, int], case: Case, step: int) -> Grid:
    """Return indices into maps on the LR grid, for a grid over the window."""
    top, left, height, width = window
    rows = (case.top + top + np.arange(step // 2, height, step)) // case.scale
    columns = (case.left + left + np.arange(step // 2, width, step)) // case.scale
    row, column = np.meshgrid(rows, columns, indexing="ij")
    return row, column


def _cut(picture: UInt8[np.ndarray, "H2 W2 *c"], case: Case) -> UInt8[np.ndarray, "H W *c"]:
    height, width = case.target.shape[:2]
    return picture[case.top : case.top + height, case.left : case.left + width]


def _spread(picture: UInt8[np.ndarray, "h w *c"], case: Case) -> UInt8[np.ndarray, "H W *c"]:
    """Upsample a picture on the LR grid to the target by repetition."""
    return picture.repeat(case.scale, 0).repeat(case.scale, 1)


def _window(picture: UInt8[np.ndarray, "H W *c"], window: tuple[int, int, int, int]) -> UInt8[np.ndarray, "h w *c"]:
    top, left, height, width = window
    return picture[top : top + height, left : left + width]


def _around(picture: UInt8[np.ndarray, "H W 3"], centre: tuple[float, float]) -> UInt8[np.ndarray, "h w 3"]:
    height, width = min(_SIDE, picture.shape[0]), min(_SIDE, picture.shape[1])
    top = int(np.clip(centre[0] - height / 2, 0, picture.shape[0] - height))
    left = int(np.clip(centre[1] - width / 2, 0, picture.shape[1] - width))
    return picture[top : top + height, left : left + width]


def _name(reference: PreparedReference, number: int) -> str:
    return f"reference {number + 1}, as prepared" if isinstance(reference, np.ndarray) else reference.name


def _thumbnail(picture: UInt8[np.ndarray, "H W 3"]) -> str:
    share = min(1.0, _THUMBNAIL / max(picture.shape[:2]))
    height, width = (max(1, round(extent * share)) for extent in picture.shape[:2])
    return _jpeg(resize_pillow(picture, (height, width)), quality=85)


def _map(values: Float[np.ndarray, "h w"], case: Case, window: tuple[int, int, int, int]) -> str:
    levels = np.clip(np.nan_to_num(values) * 255, 0, 255).round().astype(np.uint8)
    stops, *colours = zip(*_RAMP, strict=True)
    ramp = np.stack([np.interp(np.arange(256) / 255, stops, colour) for colour in colours], 1)
    return _png(ramp.round().astype(np.uint8)[_window(_cut(_spread(levels, case), case), window)])


def _jpeg(picture: UInt8[np.ndarray, "h w 3"], quality: int = 92) -> str:
    """Encode as JPEG with 4:4:4, to preserve colours."""
    return _uri(picture, "jpeg", quality=quality, subsampling=0)


def _png(picture: UInt8[np.ndarray, "h w 3"]) -> str:
    return _uri(picture, "png", optimize=True)


def _uri(picture: UInt8[np.ndarray, "h w 3"], kind: str, **options: Any) -> str:
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(file, kind, **options)
    return f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode()}"
