"""Runs a server with many visitors, and evaluates the outcome."""

import math
import re
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from load.server import Sample, Server, Watch
from load.visitor import Address, Visitor, look_up
from load.visits import Counts, Person, undisturbed

QUEUE = 8
_TERMINATED = 143  #: what a shell calls the end by SIGTERM
_DRAIN_SECONDS = 120.0
_SETTLED = 0.25  #: of the time, after which memory has to be flat
_MOST_MIB_A_MINUTE = 8.0


@dataclass(frozen=True)
class Held:
    """The effect of many visitors on a server.

    Attributes:
        clients, seconds: how many at once, and for how long.
        counts: of all visits.
        samples: of the process.
        results, unfinished: folders of results, and unfinished uploads, once all pages were closed.
        served_last: whether one more visitor was served then.
        left: files that there were after the server had ended.
        code: its exit code.
        log: what it said on stderr.
    """

    clients: int
    seconds: float
    counts: Counts
    samples: tuple[Sample, ...]
    results: int
    served_last: bool
    left: int
    code: int
    log: str

    @property
    def settled(self) -> list[Sample]:
        """Samples after the warm-up, while visitors were present."""
        return [each for each in self.samples if _SETTLED * self.seconds <= each.seconds <= self.seconds]

    @property
    def slope(self) -> float:
        """MiB per minute, by least squares over the settled samples."""
        settled = self.settled
        return 60 * statistics.linear_regression([s.seconds for s in settled], [s.mib for s in settled]).slope

    def wrong(self) -> list[str]:
        """All violations."""
        found = list(self.counts.wrong)
        tracebacks = len(re.findall("^Traceback", self.log, re.MULTILINE))
        for amount, allowed, words in (
            (self.counts.lost, 0, "orders lost"),
            (self.counts.most_waiting, QUEUE, "pictures waited"),
            (tracebacks, 0, f"errors in the server's log, the last: ...{self.log[-800:]}"),
            (round(self.slope, 1), _MOST_MIB_A_MINUTE if self.seconds >= 60 else math.inf, "MiB a minute more"),
            (self.results, 0, "results kept for pages that are closed"),
            (self.left, 0, "files left"),
        ):
            if amount > allowed:
                found.append(f"{amount} {words}")
        if self.code != _TERMINATED:
            found.append(f"exit code {self.code} of the server")
        if not self.served_last:
            found.append("one more visitor was not served afterwards")
        return found


def load(clients: int, seconds: float) -> Held:
    """Run many visitors against a separate server."""
    with tempfile.TemporaryDirectory(prefix="load-") as folder:
        server = Server(Path(folder), "--public", "--queue", str(QUEUE))
        try:
            address = look_up(server.port)
            expected = undisturbed(address)
            people = [Person(number, address, expected) for number in range(clients)]
            watch = Watch(server.process.pid)
            _crowd(people, seconds)
            samples, served, results = watch.stop(), _served(address), _emptied(server)
        finally:
            code = server.stop()
        left = sum(1 for _ in server.temporary.rglob("*"))
        counts = Counts()
        for person in people:
            counts.add(person.counts)
        return Held(clients, seconds, counts, tuple(samples), results, served, left, code, server.log())


def _crowd(people: list[Person], seconds: float) -> None:
    end = time.monotonic() + seconds
    threads = [threading.Thread(target=person.come_until, args=(end,), daemon=True) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, end + _DRAIN_SECONDS - time.monotonic()))


def _served(address: Address) -> bool:
    """Whether the queue is free again: one more visitor gets a result."""
    last = Person(0, address, {})
    with Visitor(address) as page:
        last.order_alone(page, referenced=False)
    return not last.counts.wrong


def _emptied(server: Server) -> int:
    """Folders of results that remain after all pages were closed."""
    until = time.monotonic() + 20
    while server.results() and time.monotonic() < until:
        time.sleep(0.2)
    return len(server.results())


def table(held: Held) -> Iterator[str]:
    """Return table rows."""
    counts, settled = held.counts, held.settled
    yield f"| {held.clients} concurrent clients for {held.seconds:.0f} s, a queue of {QUEUE} | |"
    yield "|---|---|"
    yield f"| pages opened | {counts.pages} |"
    yield f"| jobs | {counts.orders} |"
    for ended, times in counts.ended.most_common():
        yield f"| ... {ended} | {times} |"
    yield f"| ... lost | {counts.lost} |"
    yield f"| interrupted uploads | {counts.hung_up} |"
    if counts.seconds:
        quantiles = statistics.quantiles(counts.seconds, n=20) if len(counts.seconds) > 1 else counts.seconds * 19
        yield f"| time to the result, median and 95% | {quantiles[9]:.1f} s, {quantiles[18]:.1f} s |"
    yield f"| longest queue | {counts.most_waiting} |"
    yield f"| errors: of visitors, in the server's log | {len(counts.wrong)}, {held.log.count('Traceback')} |"
    if settled:
        quarters = [settled[round(part * (len(settled) - 1) / 3)].mib for part in range(4)]
        reported = ", ".join(f"{mib:.0f}" for mib in (*quarters, max(sample.mib for sample in settled)))
        yield f"| memory after each quarter of the time, and most | {reported} MiB |"
        yield f"| memory, slope after a quarter of the time | {held.slope:+.1f} MiB a minute |"
        for name in ("threads", "descriptors"):
            numbers = [getattr(sample, name) for sample in held.samples]
            yield f"| {name}, before, most, after | {numbers[0]}, {max(numbers)}, {numbers[-1]} |"
    yield f"| results kept once all pages were closed | {held.results} |"
    yield f"| files left after the server had ended | {held.left} |"
