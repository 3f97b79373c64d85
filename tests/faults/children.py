"""Runs commands of srntt in forks of this process, which has imported it: each can be limited, disturbed and killed."""

import gc
import importlib
import json
import os
import signal
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forks import end_with

from srntt.cli import main

_WALL_SECONDS = 300
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Ended:
    """The outcome of a command.

    Attributes:
        code: exit code; below 0 the signal that ended it.
        said: on stdout and stderr.
    """

    code: int
    output: str


def import_everything() -> None:
    """Imports that each fork would otherwise repeat."""
    ours = [f"srntt.{name}" for name in ("batch", "cli._app", "evaluate", "models", "train", "upscale")]
    for name in (*ours, "torch._dynamo", "scipy.linalg", "numba.typed"):
        importlib.import_module(name)
    gc.freeze()  # otherwise each fork traverses all of torch during garbage collection


def nothing() -> None:
    """Do nothing."""


def start(folder: Path, command: Sequence[str], prepare: Callable[[], object] = nothing) -> int:
    """Start a command in a folder, after calling ``prepare`` there; return the process."""
    child = os.fork()
    if not child:
        end_with(lambda: _obey(folder, command, prepare))
    return child


def _obey(folder: Path, command: Sequence[str], prepare: Callable[[], object]) -> int:
    _settle(folder)
    prepare()
    try:
        return main(list(command))
    except SystemExit as end:  # of rich, if the reader of stdout has left
        return end.code if isinstance(end.code, int) else 1


def finish(child: int, folder: Path) -> Ended:
    """Wait for a command; one that hangs is killed."""
    until = time.monotonic() + _WALL_SECONDS
    while not os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
        if time.monotonic() > until:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.002)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return Ended(code, (folder / "home" / f"said-{child}").read_text(errors="replace"))


def run(folder: Path, command: Sequence[str], prepare: Callable[[], object] = nothing) -> Ended:
    """Run a command to its end."""
    return finish(start(folder, command, prepare), folder)


def run_killed(folder: Path, command: Sequence[str], seconds: float) -> Ended:
    """Run a command and kill it after an amount of processor time, which does not depend on the load."""
    child = start(folder, command)
    while not os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
        if processor_seconds(child) >= seconds:
            time.sleep(seconds % (1 / _TICKS))
            os.kill(child, signal.SIGKILL)
            break
        time.sleep(0.001)
    return finish(child, folder)


def processor_seconds(child: int) -> float:
    """Processor time used by all threads of a process."""
    fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def in_fork(function: Callable[[], Any]) -> Any:
    """Call a function in a fork and return its result, which must be JSON. Exceptions are raised here, as text."""
    with tempfile.NamedTemporaryFile() as answer:
        child = os.fork()
        if not child:
            try:
                reported: dict[str, Any] = {"gave": function()}
            except BaseException as error:
                reported = {"error": type(error).__name__, "text": str(error)}
            Path(answer.name).write_text(json.dumps(reported))
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code:
            raise RuntimeError(f"the fork ended with {code}")
        reported = json.loads(Path(answer.name).read_text())
    if "error" in reported:
        from faults.fault import CannotError

        raise (CannotError if reported["error"] == "CannotError" else RuntimeError)(f"{reported['text']}")
    return reported["gave"]


def _settle(folder: Path) -> None:
    os.chdir(folder)
    home = str(folder / "home")
    os.environ |= {"HOME": home, "XDG_CACHE_HOME": home, "TMPDIR": home}
    tempfile.tempdir = home
    output = os.open(f"{home}/said-{os.getpid()}", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for number in (1, 2):
        os.dup2(output, number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
