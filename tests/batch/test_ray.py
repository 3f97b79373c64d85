"""Batches on a real Ray cluster of two nodes on this machine; and, without Ray, what its parts do.

    pip install -c constraints.txt -e '.[ray]' s3fs 'moto[server]'
    pytest tests/batch/test_ray.py -s

The cluster's tests take minutes, most of them in starting processes.
"""

import asyncio
import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from batch.pictures import write_pictures

from srntt.batch import LibraryReferences, UpscaleOptions, WorkerSpec, open_output_folder, plan_batch
from srntt.batch._cluster import room_on
from srntt.batch._ray_worker import Board, check_here, mark
from srntt.errors import InputError
from srntt.image import Limits
from srntt.library import FileIndex

_TESTS = Path(__file__).parent.parent
_SOURCE = _TESTS.parent / "src"
_KEY = ("a" * 64, ("plain",))
needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="needs Ray: pip install '.[ray]'")
needs_av = pytest.mark.skipif(find_spec("av") is None, reason="needs the extra video")
needs_s3 = pytest.mark.skipif(find_spec("s3fs") is None or find_spec("moto") is None, reason="needs s3fs, moto[server]")


def on_a_cluster(what: str, folder: Path, model: Path, pictures: int) -> dict:
    """A scenario of `clustering.py`. Its process may reach the network: Ray's talk by the machine's own address."""
    write_pictures(folder / "in", [f"p{number:02}.png" for number in range(pictures)], size=(48, 32))
    write_pictures(folder / "refs", ["x.png", "y.jpg"], size=(160, 120), seed=50)
    command = [sys.executable, Path(__file__).with_name("clustering.py"), what, folder, model]
    path = os.pathsep.join([str(_SOURCE), str(_TESTS)])
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    print(what, seen)
    return seen


@pytest.mark.slow
@needs_ray
def test_a_node_that_dies_costs_nothing_but_time(tmp_path: Path, model: Path):
    seen = on_a_cluster("a_node_dies", tmp_path, model, pictures=16)
    assert seen["codes"] == [0, 0]
    assert len(seen["killed_after"]) == 1
    assert 2 <= seen["killed_after"][0] < 16
    assert (seen["done"], seen["recorded"], seen["failed"]) == (16, 16, [])
    assert seen["missing"] == seen["more"] == seen["other"] == seen["twice"] == seen["unfinished"] == []


@pytest.mark.slow
@needs_ray
def test_one_and_two_workers_make_the_same_and_encode_each_reference_once(tmp_path: Path, model: Path):
    seen = on_a_cluster("throughput", tmp_path, model, pictures=16)
    assert seen["same"]
    assert [seen["rates"][workers]["done"] for workers in "12"] == [16, 16]
    assert [seen["rates"][workers]["references_encoded"] for workers in "12"] == [2, 2]
    assert seen["rates"]["1"]["references_fetched"] == 0
    assert seen["rates"]["2"]["references_fetched"] in (0, 2)  # 0: the second worker came too late for any picture


@pytest.mark.slow
@needs_ray
def test_interrupted_and_resumed(tmp_path: Path, model: Path):
    seen = on_a_cluster("interrupted", tmp_path, model, pictures=24)
    assert seen["code"] == 130, seen["said"]
    assert "continue with --resume" in seen["said"]
    assert 0 < seen["before"] < 24
    assert seen["resumed"] == [0, 24 - seen["before"], seen["before"]]
    assert seen["whole"]
    assert seen["twice"] == []


@pytest.mark.slow
@needs_ray
def test_references_are_aligned_as_without_a_cluster(tmp_path: Path, model: Path):
    seen = on_a_cluster("aligned", tmp_path, model, pictures=4)
    assert seen == {"code": 0, "done": 4, "same": True, "differs_without": 4}


@pytest.mark.slow
@needs_ray
def test_references_of_a_library_are_found_as_without_a_cluster(tmp_path: Path, model: Path):
    seen = on_a_cluster("library", tmp_path, model, pictures=3)
    assert seen == {"codes": [0, 0, 3], "without": [1, 1], "skipped": 3, "same": True}


@pytest.mark.slow
@needs_ray
@needs_av
def test_a_film_is_the_same_on_a_cluster_though_interrupted_and_a_node_died(tmp_path: Path, model: Path):
    seen = on_a_cluster("film", tmp_path, model, pictures=1)
    assert seen["codes"] == [0, 130, 0], seen["said"]
    assert seen["begun"]
    assert "continue with --resume" in seen["said"]
    assert (seen["killed"], seen["shots"], seen["frames"], seen["same"]) == (1, 2, 75, True)
    assert 0 < seen["resumed"] < 75
    assert seen["left"] == ["alone.mp4", "in.mp4", "out.mp4"]


@pytest.mark.slow
@needs_ray
def test_two_workers_share_a_gpu(tmp_path: Path, model: Path):
    assert on_a_cluster("half_a_gpu", tmp_path, model, pictures=2) == {"code": 0, "workers": 2, "done": 2}


@pytest.mark.slow
@needs_ray
@needs_s3
def test_a_bucket_in_and_a_bucket_out(tmp_path: Path, model: Path):
    seen = on_a_cluster("bucket", tmp_path, model, pictures=6)
    assert seen["codes"] == [0, 0, 3]
    assert seen["done"] == [6, 0, 6]
    assert seen["same"]
    assert (seen["outputs"], seen["unfinished"]) == (18, [])  # with a map and a provenance file beside each


def test_a_worker_without_a_folder_of_the_library_is_unfit(folders: SimpleNamespace):
    there = LibraryReferences(FileIndex(Path("library.sqlite")), Limits(), (folders.references,))
    with open_output_folder(folders.outputs) as folder:
        planned = plan_batch(folders.inputs, folders.outputs)
        spec = WorkerSpec(torch.nn.Identity(), "tiny", planned, there, UpscaleOptions(), folder.history)
        mark(spec)
        check_here(spec)
        folders.references.rename(folders.references.with_name("elsewhere"))
        with pytest.raises(InputError, match=r"does not have .*refs, a folder of the library"):
            check_here(spec)


def test_room_for_workers_on_a_machine():
    node = {"CPU": 4.0, "GPU": 1.0}
    assert room_on(node, cpus=1, gpus=0.5) == 2
    assert room_on(node, cpus=3, gpus=0.5) == 1
    assert room_on(node, cpus=1, gpus=0.0) == 4
    assert room_on({"CPU": 4.0}, cpus=1, gpus=1.0) == 0


def test_a_reference_is_encoded_by_the_first_who_asks_and_the_others_wait():
    async def ask() -> list:
        board = Board(most=100)
        assert await board.find(_KEY) is None
        waiting = [asyncio.create_task(board.find(_KEY)) for _ in range(3)]
        await asyncio.sleep(0.01)
        assert not any(task.done() for task in waiting)
        await board.add(_KEY, ["encoded"], 10)
        return [await task for task in waiting]

    assert asyncio.run(ask()) == [["encoded"]] * 3


def test_who_waits_for_a_reference_that_will_not_come_encodes_it():
    async def ask() -> list:
        board = Board(most=100)
        await board.find(_KEY)
        waiting = asyncio.create_task(board.find(_KEY))
        await asyncio.sleep(0.01)
        await board.give_up(_KEY)
        return [await waiting, await board.find(_KEY)]

    assert asyncio.run(ask()) == [None, None]


def test_the_board_forgets_what_was_not_asked_for_longest():
    async def ask() -> list:
        board = Board(most=20)
        for name in "abc":
            await board.find((name, ("plain",)))
            await board.add((name, ("plain",)), [name], 10)
            await board.find(("a", ("plain",)))
        return [await board.find((name, ("plain",))) for name in "abc"]

    assert asyncio.run(ask()) == [["a"], None, ["c"]]


def test_a_picture_whose_workers_die_is_counted_and_one_that_ends_is_not():
    async def begin() -> list[int]:
        board = Board(most=0)
        counts = [await board.begin("poison") for _ in range(3)]
        await board.begin("good")
        await board.end("good")
        return [*counts, await board.begin("good")]

    assert asyncio.run(begin()) == [0, 1, 2, 0]
