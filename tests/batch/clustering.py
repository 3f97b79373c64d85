"""Batches on a cluster of two nodes, in a process of its own: ``python clustering.py WHAT FOLDER MODEL``.

FOLDER has ``in`` and ``refs``; what was seen is printed as JSON.
"""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace

os.environ |= {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_raylet_start_wait_time_s": "300",  # for a machine that has other things to do
    "RAY_worker_register_timeout_seconds": "300",
}

import numpy as np
import ray
from batch.pictures import shown
from library.album import LOW, save, write_album
from PIL import Image
from ray.cluster_utils import Cluster
from views.aligned.scenes import low_res_to_scene, scene, seen

from srntt.batch._lines import LocalLines
from srntt.cli import main

STORE = 100 * 2**20


@contextlib.contextmanager
def cluster_of_two(**second: int) -> Iterator[SimpleNamespace]:
    """A head that does no work, and two nodes of a core each, unless the second is said to be otherwise."""
    head = {"num_cpus": 0, "object_store_memory": STORE, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        cluster.add_node(num_cpus=1, object_store_memory=STORE)
        other = cluster.add_node(object_store_memory=STORE, **({"num_cpus": 1} | second))
        cluster.wait_for_nodes()
        yield SimpleNamespace(
            address=cluster.address, second=other, kill=lambda: cluster.remove_node(other, allow_graceful=False)
        )
    finally:
        if ray.is_initialized():
            ray.shutdown()
        cluster.shutdown()


def command(folder: Path | str, model: str, outputs: str, *more: str) -> list[str]:
    where = [str(folder) + "/in", "-r", str(folder) + "/refs", "-o", outputs]
    return ["batch", *where, "--model", model, "--device", "cpu", "--json", *more]


def batch(arguments: list[str]) -> SimpleNamespace:
    """The command in this process: its code, what it told, and what else went to standard output."""
    began, out = time.monotonic(), io.StringIO()
    with contextlib.redirect_stdout(out):
        code = main(arguments)
    seconds = time.monotonic() - began
    return SimpleNamespace(code=code, report=json.loads(out.getvalue()), seconds=seconds)


def on(address: str, workers: int) -> list[str]:
    return ["--engine", "ray", "--ray-address", address, "--workers", str(workers), "--gpus-per-worker", "0"]


def a_node_dies(folder: Path, model: str) -> dict:
    alone = batch(command(folder, model, str(folder / "alone")))
    with cluster_of_two() as cluster:
        killed: list[int] = []
        outputs = folder / "out"
        work = lambda: len(list(outputs.glob("*.png")))  # noqa: E731
        killer = threading.Thread(
            target=kill_at_work, args=(cluster, ["RayWorker", ").submit"], killed, work), daemon=True
        )
        killer.start()
        done = batch(command(folder, model, str(outputs), *on(cluster.address, 2)))
    expected, made = shown(folder / "alone"), shown(outputs)
    lines = recorded(outputs)
    return {
        "codes": [alone.code, done.code],
        "killed_after": killed,
        "done": done.report["done"],
        "failed": [problem["name"] for problem in done.report["failed"]],
        "missing": sorted(set(expected) - set(made)),
        "more": sorted(set(made) - set(expected)),
        "other": [name for name in made if made[name] != expected.get(name)],
        "twice": [name for name, count in lines.items() if count > 1],
        "recorded": len(lines),
        "unfinished": os.listdir(outputs / ".srntt-batch" / "unfinished"),
        "encoded": done.report["references_encoded"],
        "fetched": done.report["references_fetched"],
        "seconds": round(done.seconds, 1),
    }


def kill_at_work(cluster: SimpleNamespace, words: Sequence[str], killed: list[int], count: Callable[[], int]) -> None:
    """Kill the second node once its worker is in the midst of its work, and two of those counted are done."""
    raylet = next(info.process.pid for info in cluster.second.all_processes["raylet"])
    while not killed:
        done = count()
        if done >= 2 and any(all(word in title for word in words) for title in children(raylet)):
            killed.append(done)
            cluster.kill()
        time.sleep(0.02)


def children(parent: int) -> list[str]:
    """Command lines of the processes that a process started."""
    titles = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            fields = (process / "stat").read_text().rpartition(")")[2].split()
            if int(fields[1]) == parent:
                titles.append((process / "cmdline").read_text())
    return titles


def recorded(outputs: Path) -> Counter[str]:
    """How often the manifest tells of each output."""
    with LocalLines(outputs / ".srntt-batch" / "manifest.jsonl", "batch manifest") as lines:
        return Counter(item["output"] for item in lines.items if item["event"] == "made")


def throughput(folder: Path, model: str) -> dict:
    with cluster_of_two() as cluster:
        rates = {}
        for workers in (1, 2):
            done = batch(command(folder, model, str(folder / f"out{workers}"), *on(cluster.address, workers)))
            keys = ("pictures_per_second", "references_encoded", "references_fetched", "done")
            rates[workers] = {key: done.report[key] for key in keys} | {"seconds": round(done.seconds, 1)}
    return {"rates": rates, "same": shown(folder / "out1") == shown(folder / "out2")}


def interrupted(folder: Path, model: str) -> dict:
    """Ctrl-C, and the same command with --resume."""
    with cluster_of_two() as cluster:
        outputs = folder / "out"
        arguments = command(folder, model, str(outputs), *on(cluster.address, 2))
        process = subprocess.Popen([sys.executable, "-m", "srntt", *arguments], stderr=subprocess.PIPE, text=True)
        while process.poll() is None and not list(outputs.glob("*.png")):
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        message = process.communicate()[1]
        there = shown(outputs)
        resumed = batch([*arguments, "--resume"])
    return {
        "code": process.returncode,
        "said": message,
        "before": len(there),
        "resumed": [resumed.code, resumed.report["done"], resumed.report["skipped"]],
        "whole": all(content == shown(outputs)[name] for name, content in there.items()),
        "twice": [name for name, count in recorded(outputs).items() if count > 1],
    }


def aligned(folder: Path, model: str) -> dict:
    """Parts of a scene with a turned photograph of it as reference, here and on the cluster."""
    picture = scene(3, 512)
    for number in range(4):
        corner = 40 * number
        part = Image.fromarray(picture[corner : corner + 288, corner : corner + 384])
        part.resize((96, 72), Image.Resampling.BICUBIC).save(folder / "in" / f"p{number:02}.png")
    for name in ("x.png", "y.jpg"):
        (folder / "refs" / name).unlink()
    Image.fromarray(picture).rotate(90, expand=True).save(folder / "refs" / "turned.png")
    here = {}
    for align in ("auto", "off"):
        batch(command(folder, model, str(folder / align), "--align", align))
        here[align] = shown(folder / align)
    with cluster_of_two() as cluster:
        done = batch(command(folder, model, str(folder / "out"), *on(cluster.address, 2)))
    return {
        "code": done.code,
        "done": done.report["done"],
        "same": shown(folder / "out") == here["auto"],
        "differs_without": sum(here["auto"][name] != here["off"][name] for name in here["auto"]),
    }


def library(folder: Path, model: str) -> dict:
    """References from a library, here and on the cluster."""
    from srntt.library import Library

    write_album(folder / "album")
    small = seen(scene(1), low_res_to_scene(), LOW, 8)
    for name in ("p00.png", "p01.png"):
        save(small, folder / "in" / name)
        small = np.ascontiguousarray(small[:-8, :-8])
    Library(folder / "library.sqlite").add([folder / "album"])
    where = ["batch", str(folder / "in"), "--library-file", str(folder / "library.sqlite"), "--model", model]
    where += ["--device", "cpu", "--json", "-o"]
    alone = batch([*where, str(folder / "alone")])
    with cluster_of_two() as cluster:
        done = batch([*where, str(folder / "out"), *on(cluster.address, 2)])
        again = batch([*where, str(folder / "out"), *on(cluster.address, 2), "--resume"])
    return {
        "codes": [alone.code, done.code, again.code],
        "without": [alone.report["without_references"], done.report["without_references"]],
        "skipped": again.report["skipped"],
        "same": shown(folder / "out") == shown(folder / "alone"),
    }


def film(folder: Path, model: str) -> dict:
    """A film of two shots: on this machine; on a cluster that loses a node; and interrupted there, then resumed."""
    from video.films import packets, pictures, write_film

    write_film(folder / "in.mp4", pictures(75, cut=40))
    where = ["video", str(folder / "in.mp4"), "--self-references", "--model", model, "--device", "cpu", "--json", "-o"]
    alone = batch([*where, str(folder / "alone.mp4")])
    with cluster_of_two() as cluster:
        arguments = [*where, str(folder / "out.mp4"), *on(cluster.address, 2)]
        process = subprocess.Popen([sys.executable, "-m", "srntt", *arguments], stderr=subprocess.PIPE, text=True)
        while process.poll() is None and not list(folder.glob(".out.mp4.srntt-video/shot-*")):
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        said = process.communicate()[1]
        begun = not (folder / "out.mp4").exists()
        killed: list[int] = []
        killer = threading.Thread(target=kill_at_work, args=(cluster, ["_perform"], killed, lambda: 2), daemon=True)
        killer.start()
        resumed = batch([*arguments, "--resume"])
    return {
        "codes": [alone.code, process.returncode, resumed.code],
        "begun": begun,
        "said": said,
        "killed": len(killed),
        "shots": resumed.report["shots"],
        "frames": resumed.report["frames"],
        "resumed": resumed.report["resumed"],
        "same": packets(folder / "out.mp4", "video") == packets(folder / "alone.mp4", "video"),
        "left": sorted(path.name for path in folder.iterdir() if path.is_file() or path.name.startswith(".")),
    }


def half_a_gpu(folder: Path, model: str) -> dict:
    """A node that says it has a GPU: two workers share it."""
    with cluster_of_two(num_cpus=2, num_gpus=1) as cluster:
        more = ["--engine", "ray", "--ray-address", cluster.address, "--gpus-per-worker", "0.5"]
        done = batch(command(folder, model, str(folder / "out"), *more))
    return {"code": done.code, "workers": done.report["workers"], "done": done.report["done"]}


def bucket(folder: Path, model: str) -> dict:
    """Inputs, references and outputs in a bucket of a server on this machine."""
    import s3fs
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    address = "http://{}:{}".format(*server.get_host_and_port())
    secrets = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
    os.environ |= {"AWS_ENDPOINT_URL": address, **secrets}
    try:
        files = s3fs.S3FileSystem()
        files.mkdir("pictures")
        for name in ("in", "refs"):
            files.put(str(folder / name), f"pictures/{name}", recursive=True)
        sidecars = ["--map", "--provenance"]
        alone = batch(command("s3://pictures", model, str(folder / "alone"), *sidecars))
        with cluster_of_two() as cluster:
            arguments = command("s3://pictures", model, "s3://pictures/out", *sidecars, *on(cluster.address, 2))
            done, again = batch(arguments), batch([*arguments[:-8], "--resume"])
        files.invalidate_cache()
        made = {path.removeprefix("pictures/out/"): files.cat_file(path) for path in files.find("pictures/out")}
    finally:
        server.stop()
    outputs = {name: content for name, content in made.items() if not name.startswith(".srntt-batch/")}
    return {
        "codes": [alone.code, done.code, again.code],
        "done": [done.report["done"], again.report["done"], again.report["skipped"]],
        "same": outputs == shown(folder / "alone"),
        "outputs": len(outputs),
        "unfinished": [name for name in made if "/unfinished/" in name],
    }


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](Path(sys.argv[2]), sys.argv[3])))
