"""The coloured map of what came from each reference."""

import numpy as np
import pytest

from srntt.image import Picture
from srntt.upscale import Provenance, UsedReference
from srntt.upscale._share_picture import share_picture


def used(source: str, share: float) -> UsedReference:
    """A reference and what it gave."""
    return UsedReference(source, share, None, 4)


def shown(width: int = 300, names: tuple[str, ...] = ("a.png", "b.png")) -> np.ndarray:
    """The map of a grey picture, its left half from the first reference, a third of its right half from the second."""
    share = np.zeros((4, 6), np.float32)
    share[:, :3], share[:, 5] = 1, 1
    reference = np.zeros((4, 6), np.int64)
    reference[:, 3:] = 1
    where = np.zeros((4, 6), np.float32)
    picture = Picture(np.full((200, width, 3), 128, np.uint8))
    return share_picture(
        picture, Provenance(names, reference, where, where, share), [used(n, 0.5) for n in names]
    ).color


def test_each_reference_has_a_colour_and_the_rest_is_grey() -> None:
    color = shown()
    first, nothing, second = (color[100, x].astype(int) for x in (20, 200, 290))
    assert np.ptp(nothing) == 0
    assert np.ptp(first) > 100
    assert np.ptp(second) > 100
    assert np.abs(first - second).max() > 100
    assert (color[:200, :150] == first).all()


def test_the_legend_has_a_patch_of_each_colour() -> None:
    color = shown()
    legend = color[200:].reshape(-1, 3)
    for colour in ((230, 159, 0), (86, 180, 233)):
        assert (legend == colour).all(1).sum() > 50
    assert (legend < 100).all(1).sum() > 50  # text


@pytest.mark.parametrize("width", [1, 40, 2000])
def test_any_width_and_any_name(width: int) -> None:
    names = ("x" * 300, "\N{SNOWMAN}\n.png", *(f"{number}.png" for number in range(20)))
    color = shown(width, names)
    assert color.shape[1] == width
    assert color.shape[0] > 200
