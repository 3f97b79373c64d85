"""Many pictures in a row: the next one is read, and the previous one written, while one is computed."""

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from srntt.errors import Cancelled
from srntt.image import Picture, Source
from srntt.upscale._forms import Form
from srntt.upscale._result import Result


def upscaled(
    pictures: Iterable[Source], read: Callable[[Source], Picture], upscale: Callable[..., Result], ahead: int
) -> Generator[Result, None, None]:
    """Results in the order of the pictures, which may be endless.

    One thread reads and one computes, with a callback as ``progress``. At most ``ahead`` results and pictures, from 1,
    wait for the consumer, who can write a result while the next is computed. Closing the iterator cancels the
    computation at its next report of progress.
    """
    closed = threading.Event()

    def report(stage: str, done: int, total: int) -> None:
        if closed.is_set():
            raise Cancelled("The iterator over the results was closed.")

    def compute(source: Source, picture: Future[Picture]) -> Result:
        return replace(upscale(picture.result(), progress=report), form=Form.of(source))

    reader, worker = (ThreadPoolExecutor(1, f"srntt-{name}") for name in ("read", "upscale"))
    waiting: deque[Future[Result]] = deque()
    try:
        for source in pictures:
            waiting.append(worker.submit(compute, source, reader.submit(read, source)))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        closed.set()
        worker.shutdown(wait=False, cancel_futures=True)
        reader.shutdown(cancel_futures=True)
        worker.shutdown()
