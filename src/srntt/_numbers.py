"""Numbers given by a caller, who may give anything."""

from numbers import Real


def as_number(given: object) -> float | None:
    """Return a number as a float, which is infinite for an integer beyond its range; None for anything else.

    Example:
        >>> as_number(4), as_number(10**400), as_number("4"), as_number(True)
        (4.0, inf, None, None)
    """
    if not isinstance(given, Real) or isinstance(given, bool):
        return None
    try:
        return float(given)
    except OverflowError:
        return float("-inf") if given < 0 else float("inf")
