"""Processes that users keep for days: one that upscales, and one that keeps a library.

python -m soak.workers NAME FOLDER [LEAK]: works one round for each line of stdin, and answers with a line.
"""

import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from batch.pictures import pixels
from PIL import Image

_SIZES = ((40, 48), (30, 64), (64, 50), (48, 48))  # of low-res pictures, in turn
_LEAKED = 2**24  # bytes a round


class Upscaling:
    """An upscaler that is kept, with pictures and references of several sizes."""

    def __init__(self, folder: Path) -> None:
        from srntt import Upscaler

        self._folder, self._upscaler = folder, Upscaler.from_pretrained("lite-rec", device="cpu", memory="3GB")

    def work(self, number: int) -> None:
        """Encode references, upscale with and without them, save, and meet an error."""
        from srntt.errors import SrnttError

        size = _SIZES[number % len(_SIZES)]
        references = self._upscaler.encode_references([pixels(96, 80 + size[0], number % 3), pixels(64, 64)])
        result = self._upscaler.upscale(pixels(*size, number % 5), references)
        result.save(self._folder / "out.png", overwrite=True)
        references.save(self._folder / "references.safetensors")
        self._upscaler.upscale(pixels(*size), scale=(2.0, 6.0)[number % 2])
        with suppress(SrnttError):
            self._upscaler.upscale(self._folder / "none.png")


class Keeping:
    """A library whose photographs come, change and go."""

    def __init__(self, folder: Path) -> None:
        from srntt.library import Library

        self._album = folder / "album"
        self._album.mkdir()
        for number in range(6):
            self._write(number, number)
        self._library = Library(folder / "library.sqlite")

    def work(self, number: int) -> None:
        """Replace one photograph by another, update, and search."""
        self._write(number % 6, number % 9)
        self._library.add([self._album])
        self._library.find(pixels(40, 48, number % 9))

    def _write(self, place: int, seed: int) -> None:
        small = Image.fromarray(pixels(30, 40, seed))
        small.resize((320, 240), Image.Resampling.BICUBIC).save(self._album / f"{place}.png")


WORKERS: dict[str, Callable[[Path], Upscaling | Keeping]] = {"python": Upscaling, "library": Keeping}
_held: list[object] = []


def _leak_memory() -> None:
    _held.append(bytearray(os.urandom(_LEAKED)))


def _leak_descriptor() -> None:
    _held.append(os.open(os.devnull, os.O_RDONLY))


def _leak_thread() -> None:
    threading.Thread(target=threading.Event().wait, daemon=True).start()


def _leak_file() -> None:
    os.close(tempfile.mkstemp()[0])


def _leak_disk() -> None:
    with open("leaked", "ab") as file:
        file.write(bytes(_LEAKED))


LEAKS: dict[str, Callable[[], None]] = {
    "memory": _leak_memory,
    "descriptors": _leak_descriptor,
    "threads": _leak_thread,
    "temporary files": _leak_file,
    "disk": _leak_disk,
}


def main(name: str, folder: Path, leak: str = "") -> None:
    """Work until stdin ends."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.chdir(folder)
    worker = WORKERS[name](folder)
    for number, _ in enumerate(sys.stdin):
        worker.work(number)
        if leak:
            LEAKS[leak]()
        print("done", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])
