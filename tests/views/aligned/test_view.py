"""Aligned views: the pixels of the slow twin, the same in any bands, traceable to the reference."""

import numpy as np
import pytest
import torch
from reference.resampling import resampled
from views.aligned.scenes import scene

from srntt.views.aligned import AlignedView, Placement, Plane
from srntt.views.aligned._homography import transform
from srntt.views.aligned._resample import resample

_TURNED = np.array([[2.6, -1.5, 40.0], [1.5, 2.6, 10.0], [0.0, 0.0, 1.0]])
_TILTED = np.array([[4.0, 0.3, 20.0], [-0.2, 3.5, 15.0], [0.002, 0.001, 1.0]])


def placement(matrix: np.ndarray, size=(30, 40), reference=(150, 200), flow=(0.0, 0.0)) -> Placement:
    """One plane everywhere."""
    plane = Plane(matrix, np.zeros((0, 2)))
    grid = np.zeros(size)
    moved = np.broadcast_to(np.float32(flow), (*size, 2)).copy()
    return Placement(size, reference, (plane,), grid.astype(np.int8), moved, grid == 0, grid + 1)


@pytest.mark.parametrize("matrix", [_TURNED, _TILTED], ids=["turned", "tilted"])
@pytest.mark.parametrize(("scale", "samples"), [(4, 1), (2, 2), (1, 3)])
def test_pixels_are_those_of_the_slow_twin(matrix: np.ndarray, scale: int, samples: int):
    pixels = scene(3, 200)[:150]
    step = float(np.sqrt(np.linalg.det(matrix[:2, :2]))) / scale
    assert samples == max(1, int(np.ceil(step / 1.2))) or matrix is _TILTED
    if matrix is _TILTED:
        samples = {4: 1, 2: 2, 1: 4}[scale]
    found = AlignedView(pixels, placement(matrix), scale).rgb().permute(1, 2, 0).numpy()

    def position(x: float, y: float) -> tuple[float, float]:
        at = (np.array([(value + 0.5) / scale - 0.5]) for value in (x, y))
        over, down, _ = transform(matrix, *at)
        return float(over[0]), float(down[0])

    for row, column in ((0, 0), (3, 17), (29, 39), (11, 30), (20, 5)):
        true = np.clip(resampled(pixels / 255, position, row, column, samples), 0, 1)
        assert found[row, column] == pytest.approx(true, abs=0.02)  # cv2 counts positions in 1/32 of a pixel


def test_large_reductions_keep_the_mean_and_lose_what_is_too_fine():
    fine = np.indices((640, 640)).sum(0) % 2 * 255
    pixels = np.repeat(fine[..., None], 3, 2).astype(np.uint8)
    found = resample(pixels, lambda x, y: (x * 20 + 9.5, y * 20 + 9.5), (2, 30), (2, 30))
    assert found == pytest.approx(np.full((28, 28, 3), 0.5), abs=0.01)


def test_bands_are_those_of_the_whole():
    pixels = scene(4, 700)[:500]
    view = AlignedView(pixels, placement(np.diag([3.0, 3.0, 1.0]), (150, 200), (500, 700)), 4)
    whole = view.rgb()
    assert whole.shape == (3, 600, 800)
    for top, bottom in ((0, 10), (250, 260), (255, 513), (590, 600)):
        assert torch.equal(view.rgb(top, bottom), whole[:, top:bottom])


@pytest.mark.parametrize("matrix", [_TURNED, _TILTED], ids=["turned", "tilted"])
def test_every_pixel_leads_back(matrix: np.ndarray):
    view = AlignedView(np.zeros((150, 200, 3), np.uint8), placement(matrix, flow=(0.4, -0.7)), 4)
    y, x = torch.meshgrid(torch.arange(120.0), torch.arange(160.0), indexing="ij")
    back = view.to_original(torch.stack([y, x], -1))
    low = (x.double().numpy() + 0.5) / 4 - 0.5 + 0.4, (y.double().numpy() + 0.5) / 4 - 0.5 - 0.7
    over, down, _ = transform(matrix, *low)
    assert np.hypot(back[..., 1].numpy() - over, back[..., 0].numpy() - down).max() < 0.1


@pytest.mark.parametrize("scale", [4, 2, 1])
def test_what_is_seen_is_what_a_pixel_leads_back_to(scale: int):
    """A reference of which each pixel says where it is, through two planes and a flow."""
    rows, columns = np.indices((150, 200))
    pixels = np.stack([columns / 200, rows / 150, 0 * rows], -1).astype(np.float32)
    one = placement(_TILTED, flow=(0.4, -0.7))
    label = one.label.copy()
    label[:, 20:] = 1
    planes = (
        *one.planes,
        Plane(_TILTED @ np.diag([1, 1, 1.0]) + np.array([[0, 0, 6.0], [0, 0, -9], [0, 0, 0]]), one.planes[0].points),
    )
    view = AlignedView(
        pixels, Placement(one.size, one.reference, planes, label, one.flow, one.alike, one.correlation), scale
    )
    y, x = torch.meshgrid(*(torch.arange(float(extent)) for extent in view.size), indexing="ij")
    back = view.to_original(torch.stack([y, x], -1))
    off = (view.rgb()[:2] * torch.tensor([200.0, 150.0])[:, None, None]).flip(0).permute(1, 2, 0) - back
    inner = ((back > 12) & (back < torch.tensor([137.0, 187.0]))).all(-1)
    inner[:, 20 * scale - 5 : 20 * scale + 5] = False  # what is averaged around the seam
    assert inner.float().mean() > 0.3
    assert off[inner].abs().max() < 0.1


def test_what_lies_outside_the_reference_is_not_valid():
    view = AlignedView(np.zeros((40, 60, 3), np.uint8), placement(np.eye(3) * [[2], [2], [1]], reference=(40, 60)), 4)
    valid = view.valid()
    assert valid[:19, :29].all()
    assert not valid[21:].any()
    assert not valid[:, 31:].any()
