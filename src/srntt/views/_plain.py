"""The reference itself, unchanged."""

from collections.abc import Iterator

from srntt.image import Picture
from srntt.views._plane_map import PlaneMap
from srntt.views._view import Size, View


class PlainView:
    """Makes the one view that is the reference itself."""

    def __call__(self, reference: Picture) -> Iterator[View]:
        yield View("plain", (reference.height, reference.width), reference.rgb, PlaneMap())

    def sizes(self, reference: Size) -> list[Size]:
        return [reference]

    def transient_bytes(self, reference: Size) -> int:
        return 0
