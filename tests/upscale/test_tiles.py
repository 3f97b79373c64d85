import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from srntt.memory import BLEND, SMALLEST
from srntt.upscale._tiles import Canvas, spans

_TILES = st.sampled_from([SMALLEST, 48, 64])
_EXTENTS = st.integers(1, 150)


@settings(deadline=None)
@given(extent=_EXTENTS, tile=_TILES, halo=st.integers(BLEND, 30))
def test_spans_cover_the_extent_once_and_their_weights_sum_to_one(extent, tile, halo):
    parts = list(spans(extent, tile, halo))
    assert [p for span in parts for p in range(span.start, span.stop)] == list(range(extent))
    total = torch.zeros(extent * 4)
    for span in parts:
        assert span.stop - span.start <= tile
        assert span.outer_start <= span.weighted(extent).start
        assert span.weighted(extent).stop <= span.outer_stop
        reach = span.weighted(extent)
        total[reach.start * 4 : reach.stop * 4] += span.weight(extent, 4)
    torch.testing.assert_close(total, torch.ones_like(total))


@settings(max_examples=40, deadline=None)
@given(
    height=_EXTENTS,
    width=_EXTENTS,
    tiles=st.lists(_TILES, min_size=1, max_size=4).map(lambda t: sorted(t, reverse=True)),
    damage=st.booleans(),
)
def test_a_smooth_picture_survives_tiles_that_shrink_on_the_way(height, width, tiles, damage):
    """Each tile returns its part of one picture; blended back, with rows done again, it must be that picture
    everywhere.
    """
    y, x = torch.meshgrid(torch.linspace(0, 1, height * 2), torch.linspace(0, 1, width * 2), indexing="ij")
    picture = torch.stack([y, x, (y + x) / 2])
    canvas = Canvas(height, width, 2, bits=8, gray=False)
    first, turn = 0, 0
    while first < height:
        tile = tiles[min(turn, len(tiles) - 1)]
        row = next(spans(height, tile, BLEND, first))
        columns = list(spans(width, tile, BLEND))
        for column in columns:
            rows, cols = (slice(s.outer_start * 2, s.outer_stop * 2) for s in (row, column))
            canvas.add(row, column, picture[:, rows, cols])
        turn += 1
        if damage and turn == 1:  # as after running out of memory in the middle of a row
            canvas.restart_row()
            continue
        canvas.finish_row(row)
        first = row.stop
    expected = (picture * 255 + 0.5).permute(1, 2, 0).numpy().astype(np.uint8)
    assert np.abs(canvas.pixels.astype(int) - expected).max() <= 1  # 1: a sum of weights rounds differently


def test_grey_is_the_luminance_and_sixteen_bits_are_sixteen():
    canvas = Canvas(2, 2, 1, bits=16, gray=True)
    row, column = next(spans(2, SMALLEST, BLEND)), next(spans(2, SMALLEST, BLEND))
    canvas.add(row, column, torch.tensor([0.2, 0.4, 0.9])[:, None, None].expand(3, 2, 2))
    canvas.finish_row(row)
    assert canvas.pixels.dtype == np.uint16
    assert set(canvas.pixels.flatten().tolist()) == {round((0.2 * 0.299 + 0.4 * 0.587 + 0.9 * 0.114) * 65535)}
