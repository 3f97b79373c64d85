"""Kills batches at random moments: ``python killing.py FOLDER MODEL KILLS SEED`` prints what it saw.

A process of its own, which imports once and forks for each run.
"""

import contextlib
import json
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

from batch.pictures import shown

from srntt.batch._lines import LocalLines
from srntt.cli import main


def start(arguments: list[str]) -> int:
    child = os.fork()
    if child == 0:
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
            os._exit(main(arguments))
    return child


def finish(arguments: list[str]) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(start(arguments), 0)[1])


def kill_again_and_again(folder: Path, model: str, kills: int) -> dict:
    outputs = folder / "out"
    arguments = ["batch", str(folder / "in"), "-r", str(folder / "refs"), "-o", str(outputs), "--recursive", "--resume"]
    arguments += ["--model", model, "--device", "cpu", "--map", "--provenance"]
    began = time.monotonic()
    seen = {"straight": finish(arguments), "midway": 0, "ended": 0, "not_whole": [], "unknown": [], "codes": []}
    seconds = time.monotonic() - began
    whole = shown(outputs)
    shutil.rmtree(outputs)
    for number in range(kills):
        child = start(arguments)
        if number % 2:
            for _ in range(random.randint(1, 3 * len(whole))):
                await_change(outputs, child)
            time.sleep(random.uniform(0, 0.005))
        else:
            time.sleep(random.uniform(0, seconds))
        os.kill(child, signal.SIGKILL)
        seen["ended"] += os.WIFEXITED(os.waitpid(child, 0)[1])
        there = shown(outputs) if outputs.exists() else {}
        seen["midway"] += 0 < len(there) < len(whole)
        seen["not_whole"] += [name for name, content in there.items() if whole.get(name) != content]
        seen["unknown"] += sorted(set(there) - recorded(outputs))
        if len(there) == len(whole):
            seen["codes"].append(finish(arguments))
            shutil.rmtree(outputs)
    seen["last"] = finish(arguments)
    seen["same"] = shown(outputs) == whole
    seen["left"] = os.listdir(outputs / ".srntt-batch" / "unfinished")
    return seen


def await_change(outputs: Path, child: int) -> None:
    """Wait until a file has come or gone: every second kill comes while files are being written."""
    before = names(outputs)
    while names(outputs) == before and not os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
        time.sleep(0.0002)


def names(outputs: Path) -> set[str]:
    """Of outputs, finished and unfinished."""
    listed = {os.path.join(where, name) for where, _, files in os.walk(outputs) for name in files}
    return {name for name in listed if not name.endswith((".jsonl", "lock"))}


def recorded(outputs: Path) -> set[str]:
    """Outputs that the manifest knows."""
    manifest = outputs / ".srntt-batch" / "manifest.jsonl"
    if not manifest.exists():
        return set()
    with LocalLines(manifest, "batch manifest") as lines:
        made = [item for item in lines.items if item["event"] == "made"]
        return {file["output"] for item in made for file in (item, *item["side_files"])}


if __name__ == "__main__":
    random.seed(int(sys.argv[4]))
    print(json.dumps(kill_again_and_again(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))))
