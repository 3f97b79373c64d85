"""The actions of visitors on the page, and the expected outcome of each job."""

import hashlib
import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import unescape
from http.client import HTTPException
from io import BytesIO
from random import Random

import numpy as np
from load.visitor import Address, UnexpectedError, Visitor
from PIL import Image

KINDS = 8  #: of small pictures
DONE, BUSY, CANCELLED, LEFT = "done", "refused: too busy", "cancelled", "left, closing the page"
_TWICE, _BAD, _LARGE = "refused: one under way already", "refused: no picture", "refused: too many pixels"
_SAID = {
    r"Done, without references|The reference (helped|did not help): ": DONE,
    r"The server is busy: one picture is being processed and \d+ are waiting, .* Try again in a minute": BUSY,
    r"Cancelled. Nothing was kept": CANCELLED,
    r"Another picture of yours is being processed": _TWICE,
    r"is not a picture in an allowed format": _BAD,
    r"pixels, the limit is": _LARGE,
}
_WAITING = re.compile(r"Waiting: (one|\d+) pictures? before yours")
_SMALL, _SHARP, _FAR_TOO_LARGE = (36, 48), (120, 160), (600, 600)
Results = dict[tuple[int, bool], str]  #: hash of the result for a kind of picture, without and with a reference


@dataclass
class Counts:
    """The outcome of the requests of visitors.

    Attributes:
        pages: opened.
        orders: how many times Upscale was pressed.
        ended: the outcome of each of them.
        hung_up: interrupted uploads.
        most_waiting: the longest reported queue position.
        seconds: from pressing Upscale to the result, of each completed job.
        wrong: violations.
    """

    pages: int = 0
    orders: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    hung_up: int = 0
    most_waiting: int = 0
    seconds: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def add(self, other: "Counts") -> None:
        """Results delivered to another visitor."""
        self.pages, self.orders, self.hung_up = (
            self.pages + other.pages,
            self.orders + other.orders,
            self.hung_up + other.hung_up,
        )
        self.ended += other.ended
        self.most_waiting = max(self.most_waiting, other.most_waiting)
        self.seconds += other.seconds
        self.wrong += other.wrong

    @property
    def lost(self) -> int:
        """Jobs without any response."""
        return self.orders - self.ended.total()


class Person:
    """A visitor who opens the page repeatedly and acts differently each time.

    Args:
        number: which one; it is in the names of their files.
        address: of the page.
        results: what each order must give.
    """

    def __init__(self, number: int, address: Address, results: Results) -> None:
        self.number, self.counts = number, Counts()
        self._address, self._results, self._random = address, results, Random(number)

    def come_until(self, end: float) -> None:
        """Visit until the given ``time.monotonic()``; a started job is completed."""
        moods = list(_MOODS)
        while time.monotonic() < end:
            visit = self._random.choices(moods, list(_MOODS.values()))[0]
            try:
                with Visitor(self._address) as page:
                    self.counts.pages += 1
                    visit(self, page, end)
            except (UnexpectedError, OSError, HTTPException, ValueError) as error:
                self.counts.wrong.append(f"{visit.__name__}: {type(error).__name__}: {error}")

    def wants_a_picture(self, page: Visitor, end: float) -> None:
        """Submits a job, retries when rejected, and checks the result."""
        referenced = self._random.random() < 0.5
        given = self.files(page, referenced)
        while True:
            began = time.monotonic()
            ended, view = self._order(page, *given)
            self._expect(ended, DONE, BUSY)
            if ended == DONE:
                self.counts.seconds.append(time.monotonic() - began)
                self._compare(page, view, referenced)
            if ended != BUSY or time.monotonic() > end:
                return
            time.sleep(self._random.uniform(0.5, 2.5))

    def cancels(self, page: Visitor, end: float) -> None:
        """Submits a job, and presses Cancel when it is reported as waiting or in progress."""
        self._expect(self._order(page, *self.files(page, True), then=page.cancel)[0], DONE, BUSY, CANCELLED)

    def leaves(self, page: Visitor, end: float) -> None:
        """Submits a job, and closes the page when it is reported as waiting or in progress."""
        self._expect(self._order(page, *self.files(page, True), then=page.leave)[0], LEFT, BUSY, DONE)

    def orders_twice(self, page: Visitor, end: float) -> None:
        """Submits two jobs at once, which the button of the page prevents."""
        given = self.files(page, True)
        self.counts.orders += 2
        ends = self._until_they_end(page, [page.order(*given), page.order(*given)])
        either = sorted((ended for ended, _ in ends), key=_TWICE.__eq__)  # the server may begin with either
        for ended, allowed in zip(either, ((DONE, BUSY), (_TWICE, BUSY, DONE)), strict=True):
            self._expect(ended, *allowed)

    def gives_nonsense(self, page: Visitor, end: float) -> None:
        """Submits a text file, then an image that is too large."""
        for name, content, refused in (
            ("letter.png", b"Dear all", _BAD),
            ("large.png", picture(*_FAR_TOO_LARGE, 0), _LARGE),
        ):
            paths = page.upload((name, content))
            self._expect(self._order(page, paths[0], [])[0], refused, BUSY)

    def hangs_up(self, page: Visitor, end: float) -> None:
        """Interrupts an upload."""
        page.hang_up_uploading("photograph.png", bytes(300_000))
        self.counts.hung_up += 1

    def files(self, page: Visitor, referenced: bool) -> tuple[str, list[str]]:
        """Upload an image of this visitor under its own name, and a reference."""
        kind = self.number % KINDS
        small = page.upload((f"visitor-{self.number}.png", picture(*_SMALL, kind)))
        return small[0], page.upload(("reference.png", picture(*_SHARP, kind))) if referenced else []

    def result(self, page: Visitor, view: str) -> str:
        """Hash of the image that a view shows, which must have the name of this visitor."""
        folder = view.rpartition("/")[0]
        name = json.loads(page.fetch(view))["files"]["result"]
        if name != f"visitor-{self.number}_x4.png":
            self.counts.wrong.append(f"visitor {self.number} was given {name}")
        return hashlib.sha256(page.fetch(f"{folder}/{name}")).hexdigest()

    def order_alone(self, page: Visitor, referenced: bool) -> str:
        """Hash of the result of a job without other visitors."""
        ended, view = self._order(page, *self.files(page, referenced))
        self._expect(ended, DONE)
        return self.result(page, view)

    def _compare(self, page: Visitor, view: str, referenced: bool) -> None:
        if self.result(page, view) != self._results[self.number % KINDS, referenced]:
            self.counts.wrong.append(f"visitor {self.number}: other bytes than when nobody else was there")

    def _expect(self, ended: str, *allowed: str) -> None:
        if ended not in allowed:
            self.counts.wrong.append(
                f"visitor {self.number}: an order ended as {ended!r}, not as {' or '.join(allowed)}"
            )

    def _order(
        self, page: Visitor, small: str, references: list[str], then: Callable[[], None] | None = None
    ) -> tuple[str, str]:
        """Press Upscale, act once the job is accepted, and wait; return the outcome and the view of the result."""
        self.counts.orders += 1
        return self._until_they_end(page, [page.order(small, references)], then)[0]

    def _until_they_end(
        self, page: Visitor, orders: list[str], then: Callable[[], None] | None = None
    ) -> list[tuple[str, str]]:
        ends: dict[str, tuple[str, str]] = dict.fromkeys(orders, ("", ""))
        for message in page.messages():
            text = _text_of(message)
            if before := _WAITING.search(text):
                self.counts.most_waiting = max(self.counts.most_waiting, int(before[1].replace("one", "1")))
            if message["msg"] == "process_completed":
                ends[message["event_id"]] = _ending(message)
            elif then and re.search(r"Waiting|Step \d", text):
                then()
                then = None
                if page.has_left:
                    ends = dict.fromkeys(orders, (LEFT, ""))
                    break
        self.counts.ended.update(ended for ended, _ in ends.values() if ended)
        return list(ends.values())


_MOODS: dict[Callable[[Person, Visitor, float], None], float] = {
    Person.wants_a_picture: 0.60,
    Person.cancels: 0.10,
    Person.leaves: 0.12,
    Person.orders_twice: 0.05,
    Person.gives_nonsense: 0.05,
    Person.hangs_up: 0.08,
}


def undisturbed(address: Address) -> Results:
    """The result of each job without other visitors."""
    found: Results = {}
    for kind, referenced in _all_orders():
        person = Person(kind, address, {})
        with Visitor(address) as page:
            found[kind, referenced] = person.order_alone(page, referenced)
        if person.counts.wrong:
            raise UnexpectedError("; ".join(person.counts.wrong))
    return found


def _all_orders() -> Iterator[tuple[int, bool]]:
    return ((kind, referenced) for kind in range(KINDS) for referenced in (False, True))


def picture(height: int, width: int, seed: int) -> bytes:
    """A PNG of coloured blocks."""
    blocks = np.random.default_rng(seed).integers(0, 256, (height // 4, width // 4, 3), np.uint8)
    stream = BytesIO()
    Image.fromarray(blocks.repeat(4, 0).repeat(4, 1)).save(stream, "png")
    return stream.getvalue()


def _text_of(message: dict) -> str:
    """The text of a progress message; Gradio sends the first one completely, then only changes."""
    return unescape(json.dumps(message.get("output", {}).get("data", ""), ensure_ascii=False))


def _ending(message: dict) -> tuple[str, str]:
    """The outcome of a job according to its last message, and the address of the view of its result."""
    if not message["success"]:
        return f"failed: {json.dumps(message['output'])[:300]}", ""
    text, view = unescape(message["output"]["data"][0]), unescape(message["output"]["data"][1] or "")
    ended = next((kind for pattern, kind in _SAID.items() if re.search(pattern, text)), f"said: {text[:300]}")
    shown = re.search(r'"src": "([^"]+)"', view)
    return ended, shown[1] if shown else ""
