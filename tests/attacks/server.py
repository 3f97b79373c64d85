"""Runs commands of srntt in forks of one process that has imported it: each takes milliseconds, and fails separately.

Reads a JSON object a line from stdin, answers with one. Each fork has limits of its own, and an audit hook that writes
down what hostile input must never lead to.
"""

import gc
import importlib
import json
import os
import resource
import select
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from attacks.attack import WRITABLE
from forks import end_with

_ADDRESS_SPACE = 6 << 30  # beyond the current mapping: protects the machine; not part of the evaluation
_WALL_SECONDS = 60, 6  # and for each second of processor time that is allowed
_NEVER = frozenset(
    ("pickle.find_class", "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "socket.connect", "os.fork")
)
_CHANGES = {"os.mkdir": 1, "os.rename": 2, "os.link": 2, "os.symlink": 2, "os.remove": 1, "os.rmdir": 1}
_CHANGES |= {"os.truncate": 1, "os.chmod": 1}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def serve() -> None:
    """Serve until stdin ends."""
    _import_everything()
    gc.freeze()  # otherwise each fork traverses all of torch during garbage collection
    for line in sys.stdin:
        print(json.dumps(_run(json.loads(line))), flush=True)


def _import_everything() -> None:
    for name in ("batch", "cli", "cli._app", "evaluate", "models", "train", "upscale"):
        importlib.import_module(f"srntt.{name}")


def _run(order: dict[str, Any]) -> dict[str, Any]:
    child = os.fork()
    if not child:
        end_with(lambda: _as_child(order))
    code, usage = _wait(child, order["seconds"])
    held = float(Path(order["told"], "held").read_text())
    return {"code": code, "seconds": usage.ru_utime + usage.ru_stime, "mib": usage.ru_maxrss / 1024 - held}


def _resident_mib() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


def _wait(child: int, seconds: float) -> tuple[int, resource.struct_rusage]:
    watch = os.pidfd_open(child)
    if not select.select([watch], [], [], _WALL_SECONDS[0] + _WALL_SECONDS[1] * seconds)[0]:
        os.kill(child, signal.SIGKILL)
    os.close(watch)
    _, status, usage = os.wait4(child, 0)
    return os.waitstatus_to_exitcode(status), usage


def _as_child(order: dict[str, Any]) -> int:
    _confine(order)
    return _obey(order["command"])


def _confine(order: dict[str, Any]) -> None:
    os.chdir(order["folder"])
    Path(order["told"], "held").write_text(str(_resident_mib()))
    home, reported = Path(order["home"]), order["told"]
    os.environ |= {"HOME": str(home), "XDG_CACHE_HOME": str(home), "TMPDIR": str(home), "HF_ENDPOINT": order["hub"]}
    os.environ |= {"HF_HUB_CACHE": f"{order['folder']}/{WRITABLE}/cache", "HF_HUB_DISABLE_XET": "1", "NO_PROXY": "*"}
    tempfile.tempdir = str(home)
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(f"{reported}/{name}", os.O_WRONLY | os.O_CREAT, 0o600), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    misdeeds = os.open(f"{reported}/misdeeds", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    space = pages * resource.getpagesize() + _ADDRESS_SPACE
    resource.setrlimit(resource.RLIMIT_AS, (space, space))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    allowed = (os.path.realpath(WRITABLE), str(home))
    hub = urlsplit(order["hub"])
    sys.addaudithook(lambda event, arguments: _audit(event, arguments, allowed, misdeeds, (hub.hostname, hub.port)))


def _audit(event: str, arguments: tuple, allowed: tuple[str, ...], reported: int, hub: tuple) -> None:
    if event == "open" and arguments[0] == "/proc/self/clear_refs":
        raise PermissionError  # it would reset the peak memory
    if event == "socket.connect" and arguments[1] == hub:
        return
    if event in _NEVER and not _is_ours(event, arguments):
        os.write(reported, f"{event} {arguments!r}"[:300].encode("utf-8", "replace") + b"\n")
        return
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITING:
        paths = arguments[:1]
    else:
        paths = arguments[: _CHANGES.get(event, 0)]
    if event == "os.symlink":  # whose target is relative to the link
        paths = (os.path.join(os.path.dirname(os.fsdecode(paths[1])), os.fsdecode(paths[0])), paths[1])
    if event in ("os.remove", "os.rmdir") and arguments[1] >= 0:  # relative to an open folder
        paths = (os.path.join(os.readlink(f"/proc/self/fd/{arguments[1]}"), os.fsdecode(paths[0])),)
    for path in paths:
        if isinstance(path, str | bytes | os.PathLike) and not _is_allowed(os.fsdecode(path), allowed):
            os.write(reported, f"{event} {os.fsdecode(path)!r}".encode("utf-8", "replace") + b"\n")


def _is_ours(event: str, arguments: tuple) -> bool:
    """Numba stores compiled code as pickles, and a report names the commit and the machine."""
    if event == "subprocess.Popen":
        return arguments[0] in ("git", "uname")
    frame = sys._getframe()
    while event == "pickle.find_class" and (frame := frame.f_back):
        if "/numba/core/" in frame.f_code.co_filename:
            return True
    return False


def _is_allowed(path: str, allowed: tuple[str, ...]) -> bool:
    folder, name = os.path.split(path)
    real = os.path.join(os.path.realpath(folder or "."), name)
    compiled = "__pycache__" in real  # Numba's cache
    return compiled or real == os.devnull or any(real == place or real.startswith(place + "/") for place in allowed)


def _obey(command: list[str]) -> int:
    if ":" in command[0]:
        module, function = command[0].split(":")
        return _called(getattr(importlib.import_module(module), function), command[1:])
    from srntt.cli import main

    return main(command)


def _called(function: Any, words: list[str]) -> int:
    from srntt.cli._exit import exit_code, explanation
    from srntt.cli._say import complain

    try:
        outcome = function(*words)
        if isinstance(outcome, int):  # an exit code
            return outcome
        print(outcome)
    except Exception as error:
        complain(explanation(error))
        return exit_code(error)
    return 0


def commit_misdeed() -> None:
    """Run a line of Python; the tests verify that the monitor detects it."""
    exec(Path("code").read_text())


if __name__ == "__main__":
    serve()
