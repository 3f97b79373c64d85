"""A reference to the views of it that are searched, each with its map back to the original picture."""

from srntt.views._detail import find_detail, holds_detail
from srntt.views._plane_map import PlaneMap
from srntt.views._size import choose_reduction
from srntt.views._table import PLAIN, VIEWS, view_makers
from srntt.views._turned import TurnedViews
from srntt.views._view import PointMap, Rows, View, ViewMaker

__all__ = ["VIEWS"]
