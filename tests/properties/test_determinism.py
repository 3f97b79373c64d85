"""The same bytes, whatever the threads, the process and the hour; tiles within a level."""

import hashlib
import subprocess
import sys

import numba
import numpy as np
import pytest
import torch
from properties.scenes import EXAMPLE, bad_references, largest_difference, scene

from srntt.upscale import Result, Upscaler

_CODE = """
import hashlib, sys
from PIL import Image
from srntt.upscale import Upscaler
picture = Image.open(sys.argv[1]).convert("RGB").crop((240, 160, 336, 232))
for matcher in ("exact", "fast"):
    upscaler = Upscaler.from_pretrained("lite-rec", device="cpu", matcher=matcher)
    result = upscaler.upscale(picture.reduce(2), upscaler.encode_references([picture.rotate(5)]), consistent=True)
    print(hashlib.sha256(result.array.tobytes()).hexdigest())
"""


def _bytes(result: Result) -> str:
    parts = (result.array, result.similarity, result.provenance.share, result.provenance.y, result.provenance.x)
    return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()


@pytest.mark.parametrize(("name", "matcher"), [("lite-rec", "exact"), ("lite-gan", "fast")])
def test_the_number_of_threads_does_not_show(name: str, matcher: str):
    one = scene(0)
    report, before = set(), (torch.get_num_threads(), numba.get_num_threads())
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
            upscaler = Upscaler.from_pretrained(name, device="cpu", matcher=matcher)
            references = upscaler.encode_references([one.good, bad_references(one)["noise"]])
            report.add(_bytes(upscaler.upscale(one.low_res, references, consistent=True)))
    finally:
        torch.set_num_threads(before[0])
        numba.set_num_threads(before[1])
    assert len(report) == 1


@pytest.mark.slow
def test_processes_with_other_threads_make_the_same_bytes(monkeypatch):
    report = set()
    for threads in ("1", "2", "1"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        monkeypatch.setenv("NUMBA_NUM_THREADS", threads)
        command = [sys.executable, "-c", _CODE, str(EXAMPLE / "truth.png")]
        report.add(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert len(report) == 1


@pytest.mark.parametrize(
    ("name", "height", "width"),
    [
        ("lite-rec", 34, 70),
        ("lite-gan", 34, 70),
        pytest.param("lite-real", 34, 70, marks=pytest.mark.slow),
        pytest.param("paper", 8, 36, marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_tiles_show_by_one_level_at_most(models: dict[str, Upscaler], name: str, height: int, width: int, dtype: type):
    upscaler, one = models[name], scene(0)
    picture = np.pad(one.low_res, ((0, 4), (0, 30), (0, 0)), mode="symmetric")[:height, :width].astype(dtype)
    picture *= np.iinfo(dtype).max // 255
    for references in (None, upscaler.encode_references([one.good[: 2 * height, :80]])):
        whole, tiled = (upscaler.upscale(picture, references, tile=tile) for tile in (512, 32))
        assert tiled.tile == 32
        assert largest_difference(whole.array, tiled.array) <= 1
        assert (whole.array != tiled.array).mean() < (0.001 if dtype == np.uint8 else 0.5)
        assert abs(whole.consistency.largest - tiled.consistency.largest) <= 1
