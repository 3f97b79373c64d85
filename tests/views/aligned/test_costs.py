"""Placing a reference takes what is said before it, as the operating system counts it."""

import json
import os
import subprocess
import sys

import pytest
import torch

from srntt.image import reduce
from srntt.memory import give_back, peak_bytes, resident_bytes, start_peak
from srntt.views.aligned import Original, align, find_features, placing_bytes
from srntt.views.aligned._costs import finding_bytes


def _measured(work):
    work()  # what is loaded at the first call stays
    give_back()
    start_peak()
    before = resident_bytes()
    work()
    return peak_bytes() - before


def _scene(height, width):
    generator, scene = torch.Generator().manual_seed(0), torch.zeros(3, 8, 8)
    while scene.shape[1] < height or scene.shape[2] < width:
        scene = scene.repeat_interleave(2, 1).repeat_interleave(2, 2)
        scene = 0.7 * scene + 0.3 * torch.rand(scene.shape, generator=generator)
    return scene[:, :height, :width].contiguous()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the peak counts from the start of the process")
@pytest.mark.parametrize(("size", "reference"), [((250, 350), (400, 500)), ((100, 140), (300, 200))])
def test_finding_and_placing_take_what_was_predicted(size, reference):
    """In a process of its own, as other tests leave a heap that this could not be told from."""
    code = f"from {__name__} import measure; measure({size}, {reference})"
    path = os.pathsep.join(filter(None, sys.path))
    environment = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["placed"]
    predicted, took = found["finding"]
    assert predicted * 0.5 <= took <= predicted
    predicted, took = found["placing"]
    # A small picture is enlarged by 4 only where it has few keypoints.
    assert predicted * (0.4 if min(size) >= 120 else 0.15) <= took <= predicted


def measure(size: tuple[int, int], reference: tuple[int, int]) -> None:
    """Print what was said and what was taken, in bytes."""
    torch.set_num_threads(1)
    scene = _scene(4 * size[0], 4 * size[1])
    low_res = reduce(scene[None], 4)[0].clamp(0, 1)
    sharp = (scene[:, 100 : 100 + reference[0], 200 : 200 + reference[1]] * 255).byte().permute(1, 2, 0).numpy()
    finding = finding_bytes(reference), _measured(lambda: find_features(sharp))
    placing = placing_bytes(size, find_features(sharp), 1), _measured(lambda: align(low_res, find_features(sharp)))
    print(
        json.dumps({"placed": align(low_res, find_features(sharp)) is not None, "finding": finding, "placing": placing})
    )


def test_keypoints_that_were_found_cost_nothing_more():
    original = Original(0, "", (_scene(200, 240) * 255).byte().permute(1, 2, 0).numpy())
    again = original.named(1, "again")
    assert again.finding_bytes == finding_bytes((200, 240))
    assert original.features is again.features
    assert again.finding_bytes == 0
    before, more = (placing_bytes((20, 20), original.features, threads) for threads in (1, 2))
    assert before < more
    for level in again.features.levels:
        assert len(level.keypoints.points)
    assert placing_bytes((20, 20), original.features, 2) < before


def test_large_pictures_cost_no_more_than_what_they_are_reduced_to():
    assert finding_bytes((10_000, 10_000)) == finding_bytes((1024, 1024))
