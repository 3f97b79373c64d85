"""Peer in a separate process and environment, connected by pipes to `_peer_worker.py`.

The environment is created by `make peers`, or given by its interpreter in SRNTT_PEERS_PYTHON.
"""

import contextlib
import json
import math
import os
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

import srntt
from srntt._shapes import UInt8
from srntt.errors import InputError, MissingDependencyError, ModelError
from srntt.evaluate._upscale import PreparedReference, Upscaled

PEERS_PYTHON = "SRNTT_PEERS_PYTHON"
NETWORK_SCALE = 4
_WORKER = Path(__file__).with_name("_peer_worker.py")
_START_SECONDS = 60.0
_PICTURE_SECONDS, _PIXEL_SECONDS = 120.0, 0.05  # about fifty times what one core needs
_MOST_SHOWN = 300


class PeerProcess(AbstractContextManager):
    """`Upscale` function in a separate process; a context manager, which ends the process on exit.

    Args:
        name: Name of the peer.
        worker: Script run by the interpreter of the peers.
        patience: Factor on the time limits, which are chosen for one slow core.

    Raises:
        MissingDependencyError: The environment does not exist, or lacks the peer.

    Attributes:
        made_of: Versions of the peer's packages, and the SHA-256 of its weights.
    """

    def __init__(self, name: str, *, worker: Path = _WORKER, patience: float = 1.0) -> None:
        self.name, self._patience = name, patience
        python = _python()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (closed on exit)
        try:
            self._process = subprocess.Popen(
                [python, "-I", worker, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors
            )
        except OSError as error:
            self._errors.close()
            raise MissingDependencyError(
                f"The peers' interpreter {python} cannot be run: {error.strerror}. {_ADVICE}"
            ) from error
        try:
            with self._at_most(_START_SECONDS) as late:
                self.made_of: Mapping[str, str] = self._answer(late)
        except BaseException as error:
            last_words = self._end()
            if isinstance(error, ModelError):
                raise MissingDependencyError(f"{error}{last_words} {_ADVICE}") from error
            raise

    def __exit__(self, *_: object) -> None:
        self._end()

    def __call__(self, low_res: UInt8[np.ndarray, "h w 3"], references: Sequence[PreparedReference]) -> Upscaled:
        """Upscale a picture; the time returned is measured inside the process of the peer.

        Raises:
            InputError: References were given, which peers do not support.
            ModelError: The peer failed, exited or timed out; it cannot be used afterwards.
        """
        if references:
            raise InputError(f"{self.name} does not use references. Omit them.")
        height, width = low_res.shape[:2]
        try:
            with self._at_most(_PICTURE_SECONDS + _PIXEL_SECONDS * height * width) as late:
                self._ask(low_res)
                about = self._answer(late)
                large = self._picture(about, (3, NETWORK_SCALE * height, NETWORK_SCALE * width), late)
        except ModelError as error:
            raise ModelError(f"{error}{self._end()}") from error
        except BaseException:  # a late answer must not be mistaken for that to the next picture
            self._end()
            raise
        return Upscaled(large, seconds=float(about["seconds"]))

    def _ask(self, low_res: UInt8[np.ndarray, "h w 3"]) -> None:
        assert self._process.stdin
        about = json.dumps({"shape": low_res.shape[:2]}).encode() + b"\n"
        with contextlib.suppress(OSError, ValueError):  # it has exited, which reading the answer reports
            self._process.stdin.write(about + low_res.tobytes())
            self._process.stdin.flush()

    def _answer(self, late: threading.Event) -> dict[str, Any]:
        assert self._process.stdout
        try:
            line = self._process.stdout.readline()
            about = json.loads(line) if line.endswith(b"\n") else None
        except ValueError:  # closed, or not JSON
            about = None
        if not isinstance(about, dict):
            self._gone(late)
        if "error" in about:
            raise ModelError(f"The peer {self.name} failed: {str(about['error'])[:_MOST_SHOWN]}.")
        return about

    def _picture(self, about: dict[str, Any], shape: tuple[int, int, int], late: threading.Event) -> np.ndarray:
        assert self._process.stdout
        if about.get("shape") != list(shape) or not isinstance(about.get("seconds"), float):
            raise ModelError(
                f"The peer {self.name} answered {str(about)[:_MOST_SHOWN]}; expected a picture of shape {shape}."
            )
        content = self._process.stdout.read(math.prod(shape) * 4)
        if len(content) < math.prod(shape) * 4:
            self._gone(late)
        large = np.frombuffer(content, "<f4").reshape(shape).astype(np.float32)
        if not np.isfinite(large).all():
            raise ModelError(f"The peer {self.name} returned values that are not finite.")
        return large

    def _gone(self, late: threading.Event) -> NoReturn:
        why = "timed out and was stopped" if late.is_set() else "exited without an answer"
        raise ModelError(f"The peer {self.name} {why}.")

    @contextlib.contextmanager
    def _at_most(self, seconds: float) -> Iterator[threading.Event]:
        """Kill the peer after a time limit, so that reading from its pipe returns."""
        late = threading.Event()

        def end() -> None:
            late.set()
            self._process.kill()

        timer = threading.Timer(seconds * self._patience, end)
        timer.daemon = True
        timer.start()
        try:
            yield late
        finally:
            timer.cancel()

    def _end(self) -> str:
        """Stop the process, and return its last line on stderr for the error message."""
        if self._errors.closed:
            return ""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                if pipe:
                    pipe.close()
        self._process.wait()
        size = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, size - 4096))
        lines = self._errors.read().decode(errors="replace").split("\n")
        self._errors.close()
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        shown = last[:_MOST_SHOWN]
        return f" Its last output: {shown}{'' if shown.endswith(('.', '!', '?')) else '.'}" if shown else ""


_ADVICE = (
    f"Create the environment of the peers with `make peers` in a checkout of srntt, or set {PEERS_PYTHON} to the "
    "interpreter of one that has the packages of peers/requirements.txt."
)


def _python() -> Path:
    """Return the interpreter of the peers; raise MissingDependencyError if there is none."""
    if named := os.environ.get(PEERS_PYTHON):
        if not Path(named).is_file():
            raise MissingDependencyError(f"{PEERS_PYTHON} is {named}, which is not a file. {_ADVICE}")
        return Path(named)
    environment = Path(srntt.__file__).parents[2] / ".venv-peers"
    places = [environment / "bin" / "python", environment / "Scripts" / "python.exe"]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise MissingDependencyError(f"The environment of the peers, {environment}, does not exist. {_ADVICE}")
    return found
