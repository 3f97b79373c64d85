"""The kinds of views, by name."""

from collections.abc import Sequence

from srntt.errors import InputError
from srntt.views._turned import TurnedViews
from srntt.views._view import ViewMaker

VIEWS: dict[str, ViewMaker] = {"plain": TurnedViews([(1.0, 0)]), "turned": TurnedViews()}
"""Kinds of views that references are encoded in."""

PLAIN = ("plain",)
"""The references, unchanged."""


def view_makers(names: Sequence[str]) -> list[ViewMaker]:
    """What makes the views of these kinds; InputError for no kind, one that does not exist, or one twice."""
    if (
        isinstance(names, str)
        or not isinstance(names, Sequence)
        or not names
        or len(set(names)) < len(names)
        or not set(names) <= set(VIEWS)
    ):
        raise InputError(f"views={names!r}: give a list of one or more of {', '.join(map(repr, VIEWS))}, each once.")
    return [VIEWS[name] for name in names]
