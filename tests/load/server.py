"""``srntt serve`` in a process whose memory can be measured and whose files can be counted."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src"


class Server:
    """The process, in its own folder.

    Args:
        folder: for its log, and for what it writes to the system's temporary folder.
        tokens: words of the command line.

    Attributes:
        port, address: where it listens.
        temporary: its temporary folder.
    """

    def __init__(self, folder: Path, *tokens: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        path = os.pathsep.join(filter(None, [str(SOURCE), os.environ.get("PYTHONPATH")]))
        changes = {"PYTHONPATH": path, "OMP_NUM_THREADS": "1", "TMPDIR": str(self.temporary)}
        self._log = folder / "log"
        self._stream = self._log.open("w")
        command = [sys.executable, "-m", "srntt", "serve", "--port", str(self.port), *tokens]
        self.process = subprocess.Popen(
            command, env={**os.environ, **changes}, stdout=subprocess.PIPE, stderr=self._stream, text=True
        )
        assert self.process.stdout is not None
        message = self.process.stdout.readline().split()
        assert message, f"it did not start: {self.log()}"
        self.address = message[0]

    def log(self) -> str:
        """Its output on stderr."""
        return self._log.read_text(errors="replace")

    def results(self) -> list[Path]:
        """Folders of stored results."""
        return list(self.temporary.glob("srntt-serve-*/results/*"))

    def uploads(self) -> list[Path]:
        """Uploaded files, and remains of interrupted uploads."""
        return [path for path in self.temporary.glob("srntt-serve-*/uploads/**/*") if path.is_file()]

    def stop(self) -> int:
        """Stop it like a service manager; return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(60)
        finally:
            self.process.kill()
            self.process.communicate()
            self._stream.close()


@dataclass(frozen=True)
class Sample:
    """Resources held by a process.

    Attributes:
        seconds: since the watch began.
        mib: of memory.
        threads, descriptors: how many.
    """

    seconds: float
    mib: float
    threads: int
    descriptors: int


class Watch:
    """Samples a process every second. Linux."""

    def __init__(self, process: int) -> None:
        self.samples: list[Sample] = []
        self._process, self._began, self._end = Path(f"/proc/{process}"), time.monotonic(), threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def stop(self) -> list[Sample]:
        """All samples."""
        self._end.set()
        self._thread.join()
        return self.samples

    def _look(self) -> None:
        while not self._end.wait(1.0):
            status = dict(line.split(":", 1) for line in (self._process / "status").read_text().splitlines())
            descriptors = len(os.listdir(self._process / "fd"))
            mib = int(status["VmRSS"].split()[0]) / 1024
            self.samples.append(Sample(time.monotonic() - self._began, mib, int(status["Threads"]), descriptors))
