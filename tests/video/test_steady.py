"""Outputs made steady: less flicker on a pan, and nothing of the past where it does not fit."""

import os
import subprocess
import sys
from itertools import pairwise

import cv2
import numpy as np
import pytest

from srntt.errors import MemoryBudgetError
from srntt.image import Picture
from srntt.memory import peak_bytes, resident_bytes, start_peak
from srntt.video._steady import _PEAK, Steady, check_memory

STEP = (2, 3)  # pixels (y, x)
SIZE = (96, 128)


def _scene() -> np.ndarray:
    rng = np.random.default_rng(0)
    fine = rng.normal(0, 60, (200, 260, 3)).astype(np.float32)
    return np.clip(128 + 2 * cv2.GaussianBlur(fine, (0, 0), 1.5), 0, 255)


def _pan(count: int, noise: float, bits: int = 8) -> list[Picture]:
    scene, rng = _scene(), np.random.default_rng(1)
    pictures = []
    for number in range(count):
        y, x = STEP[0] * number, STEP[1] * number
        seen = scene[y : y + SIZE[0], x : x + SIZE[1]] + rng.normal(0, noise, (*SIZE, 3))
        samples = np.clip(np.rint(seen * (1 if bits == 8 else 257)), 0, 2**bits - 1)
        pictures.append(Picture(samples.astype(np.uint8 if bits == 8 else np.uint16)))
    return pictures


def _flicker(pictures: list[Picture]) -> float:
    """Root mean square of what changes where nothing does but the place."""
    y, x = STEP
    colors = [picture.color.astype(float) for picture in pictures]
    pairs = pairwise(colors)
    return float(np.sqrt(np.mean([((one[y:, x:] - other[:-y, :-x])[8:-8, 8:-8] ** 2).mean() for one, other in pairs])))


def _error(picture: Picture, number: int) -> float:
    y, x = STEP[0] * number, STEP[1] * number
    return float(np.sqrt(((picture.color - _scene()[y : y + SIZE[0], x : x + SIZE[1]]) ** 2).mean()))


@pytest.mark.parametrize("bits", [8, 16])
def test_a_pan_becomes_steadier_and_closer_to_the_truth(bits: int):
    given, steady = _pan(8, 6.0, bits), Steady(4)
    made = [steady.next(picture) for picture in given]
    assert made[0].color is given[0].color
    assert _flicker(made[3:]) < 0.5 * _flicker(given[3:])
    if bits == 8:
        assert _error(made[-1], 7) < 0.6 * _error(given[-1], 7)


def test_what_is_new_is_not_averaged():
    """After a cut that was not found, the next output is itself, within what chance agreement allows."""
    steady, first = Steady(4), _pan(3, 1.0)
    for picture in first:
        steady.next(picture)
    other = Picture(np.ascontiguousarray(255 - first[0].color[::-1]))
    assert np.abs(steady.next(other).color.astype(int) - other.color).mean() < 2


def test_an_object_that_appears_is_there_at_once():
    steady, pictures = Steady(4), _pan(4, 1.0)
    for picture in pictures[:3]:
        steady.next(picture)
    pictures[3].color[30:60, 40:80] = 20
    made = steady.next(pictures[3]).color[34:56, 44:76]
    assert np.abs(made.astype(int) - 20).max() <= 4


def test_a_state_continues():
    whole, first, second = Steady(4), Steady(4), Steady(4)
    pictures = _pan(4, 3.0)
    expected = [whole.next(picture).color for picture in pictures]
    for picture in pictures[:2]:
        first.next(picture)
    second.restore(first.state())
    assert np.array_equal(second.next(pictures[2]).color, expected[2])


def test_bands_of_rows_are_those_of_the_whole(monkeypatch: pytest.MonkeyPatch):
    pictures, made = _pan(3, 3.0), []
    for rows in (1000, 24):
        monkeypatch.setattr("srntt.video._steady._ROWS", rows)
        steady = Steady(4)
        made.append([steady.next(picture).color for picture in pictures][-1])
    assert np.abs(made[0].astype(int) - made[1]).max() <= 1


def test_grey_and_tiny_pictures():
    steady = Steady(4)
    for picture in _pan(2, 1.0):
        made = steady.next(Picture(np.ascontiguousarray(picture.color[..., :1])))
    assert made.color.shape == (*SIZE, 1)
    tiny = Picture(np.zeros((8, 9, 3), np.uint8))
    steady = Steady(4)
    assert all(np.array_equal(steady.next(tiny).color, tiny.color) for _ in range(2))


@pytest.mark.skipif(sys.platform != "linux", reason="the peak cannot be reset on this system")
@pytest.mark.parametrize("size", [(560, 800), (1080, 1440)])
@pytest.mark.parametrize("bits", [8, 16])
def test_memory_is_what_is_predicted(size: tuple[int, int], bits: int):
    """Measured against the operating system, in a process of its own: at most what is allowed for, and not much less.

    Other tests leave a heap from which memory is taken again, and which counts as taken.
    """
    code = f"from {__name__} import measure; measure({size}, {bits})"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert 0.75 <= int(done.stdout) / (size[0] * size[1] * _PEAK) <= 1.02


def measure(size: tuple[int, int], bits: int) -> None:
    """Print the bytes that averaging two pictures takes."""
    steady = Steady(4)
    for picture in _pan(2, 1.0):  # code and buffers of libraries
        steady.next(picture)
    noise = np.random.default_rng(0).integers(0, 2**bits, (size[0] // 8, size[1] // 8, 3))
    small = noise.astype(np.uint8 if bits == 8 else np.uint16)
    pixels = cv2.resize(small, size[::-1], interpolation=cv2.INTER_CUBIC)
    pictures, steady = [Picture(np.ascontiguousarray(np.roll(pixels, by, 1))) for by in (0, 3)], Steady(4)
    start_peak()
    before = resident_bytes()
    for picture in pictures:
        steady.next(picture)
    print(peak_bytes() - before)


def test_outputs_that_do_not_fit_are_refused():
    check_memory(resident_bytes() + 10**9, 560, 800)
    with pytest.raises(MemoryBudgetError, match=r"3200 x 2400 pixels along motion needs 860 MB.*--frame-by-frame"):
        check_memory(resident_bytes() + 5 * 10**8, 2400, 3200)
