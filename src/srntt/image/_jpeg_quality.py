"""Estimates the quality of a JPEG from its quantisation table."""

from collections.abc import Mapping, Sequence

__all__ = ["jpeg_quality"]

_SUM = 3_688  # of the luma table of quality 50, ITU-T T.81, Table K.1
_COEFFICIENTS = 64


def jpeg_quality(tables: Mapping[int, Sequence[int]] | None) -> float | None:
    """The libjpeg quality, 1..100, whose luma table has the same sum; None without a table.

    Example:
        >>> jpeg_quality({0: [16] * 63 + [2680]}), jpeg_quality({0: [1] * 64}), jpeg_quality(None)
        (50.0, 99.1, None)
    """
    table = (tables or {}).get(0)
    if table is None or len(table) != _COEFFICIENTS:
        return None
    percent = 100 * sum(table) / _SUM
    quality = 5_000 / percent if percent > 100 else (200 - percent) / 2
    return round(min(100.0, max(1.0, quality)), 1)
