"""Files of results, for download and display, in a separate folder for each picture."""

import base64
import json
import secrets
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from srntt._files import write_bytes
from srntt._shapes import Float
from srntt.demo._order import FORMATS, Done
from srntt.errors import InputError
from srntt.image import Picture, resized, save
from srntt.upscale import Provenance, share_color

_LARGEST_WEBP = 16_383
_THUMBNAIL = 240  # pixels of the longer side


@dataclass(frozen=True)
class _Kept:
    """Stored result: its owner, folder, size in bytes, and the time when it was stored."""

    owner: str
    folder: Path
    size: int
    since: float


class Shelf:
    """Storage of results until their visitor leaves or orders again, a time limit, or a limit of the total size.

    The names of folders are long and random, so that they cannot be guessed.

    Args:
        folder: Folder of the results.
        seconds: Time limit.
        most: Maximum size of all results in bytes; the oldest are deleted first.
    """

    def __init__(self, folder: Path, seconds: float, most: int) -> None:
        self.folder, self._seconds, self._most = folder, seconds, most
        self._kept: list[_Kept] = []
        self._guard = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)

    def keep(self, owner: str, done: Done) -> tuple[Path, tuple[str, ...]]:
        """Write the files of a result; return their folder, and notes on what the format could not represent.

        Raises:
            InputError: The result alone exceeds the maximum size.
        """
        folder = self.folder / secrets.token_urlsafe(24)
        folder.mkdir(mode=0o700)
        try:
            notes = write_result(done, folder)
            size = sum(file.stat().st_size for file in folder.iterdir())
            if size > self._most:
                raise InputError(
                    f"The files of the result have {size / 1e6:,.0f} MB; the limit of this page is "
                    f"{self._most / 1e6:,.0f} MB. Use srntt upscale, or give a smaller picture."
                )
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        with self._guard:
            self._kept.append(_Kept(owner, folder, size, time.monotonic()))
        self.sweep()
        return folder, notes

    def forget(self, owner: str) -> None:
        """Delete the results of an owner."""
        self._drop(lambda kept: kept.owner == owner)

    def sweep(self) -> None:
        """Delete results that exceed the time limit, and the oldest while the total exceeds its limit."""
        now = time.monotonic()
        self._drop(lambda kept: now - kept.since > self._seconds)
        with self._guard:
            sizes = [kept.size for kept in self._kept]
            fitting = next(n for n in range(len(sizes) + 1) if sum(sizes[n:]) <= self._most)
            late = self._kept[:fitting]
        self._drop(lambda kept: kept in late)

    def _drop(self, leaves: Callable[[_Kept], bool]) -> None:
        with self._guard:
            gone = [kept for kept in self._kept if leaves(kept)]
            self._kept = [kept for kept in self._kept if kept not in gone]
        for kept in gone:
            shutil.rmtree(kept.folder, ignore_errors=True)


def write_result(done: Done, folder: Path) -> tuple[str, ...]:
    """Write the output, the bicubic upscale, references as WebP, provenance, maps, and view.json, which lists the
    files for the page.

    Returns:
        Notes on what the format of the output could not represent.
    """
    order, output = done.order, done.result.picture
    stem = f"{Path(done.picture.source).stem}_x{done.scale:.3g}"
    files = {"result": f"{stem}.{FORMATS[order.format]}", "before": f"{stem}-before.png"}
    quality = order.quality if order.format == "JPEG" else None
    notes = save(output, folder / files["result"], strip=not order.metadata, quality=quality)
    files["shown"] = files["result"]
    if order.format == "TIFF":  # which browsers do not show
        files["shown"] = f"{stem}-shown.png"
        save(output, folder / files["shown"], strip=True)
    save(resized(done.picture.to_8bit(), (output.height, output.width)), folder / files["before"], strip=True)
    view = _about(done)
    result = done.result
    if result.provenance and result.similarity is not None:
        files["provenance"] = f"{stem}-provenance.npz"
        result.provenance.save(folder / files["provenance"])
        for name, picture in (("share", result.share_picture()), ("similarity", result.similarity_picture())):
            assert picture
            files[name] = f"{stem}-{name}.png"
            save(picture, folder / files[name])
        view |= _maps(result.provenance, result.similarity)
    view["files"] = files
    for number, reference in enumerate(done.references):
        view["references"][number] |= _save_reference(reference, folder, number)
    write_bytes(folder / "view.json", json.dumps(view).encode())
    return notes


def _about(done: Done) -> dict[str, Any]:
    output = done.result.picture
    references = [
        {
            "name": used.source,
            "part": used.share,
            "description": used.description,
            "colour": "#{:02x}{:02x}{:02x}".format(*share_color(number)),
            "width": picture.width,
            "height": picture.height,
        }
        for number, (used, picture) in enumerate(zip(done.result.references, done.references, strict=True))
    ]
    size = {"width": done.picture.width, "height": done.picture.height, "scale": done.scale}
    output_size = {"output_width": output.width, "output_height": output.height}
    return {"model": done.model, "format": done.order.format, "references": references, **size, **output_size}


def _maps(provenance: Provenance, similarity: Float[np.ndarray, "h w"]) -> dict[str, str]:
    """Encode the maps row by row, little-endian: reference, similarity and share as bytes, position as float32."""
    arrays = {
        "reference": provenance.reference.astype(np.uint8),
        "y": provenance.y.astype("<f4"),
        "x": provenance.x.astype("<f4"),
        "similarity": _levels(similarity),
        "share": _levels(provenance.share),
    }
    return {name: base64.b64encode(values.tobytes()).decode() for name, values in arrays.items()}


def _levels(values: Float[np.ndarray, "h w"]) -> np.ndarray:
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)


def _save_reference(picture: Picture, folder: Path, number: int) -> dict[str, str]:
    """Save a reference for display, and a thumbnail; as WebP if its sides are at most 16,383 pixels, a tenth of the
    size of PNG.
    """
    shown = picture.to_8bit()
    suffix = "webp" if max(picture.height, picture.width) <= _LARGEST_WEBP else "png"
    factor = min(1.0, _THUMBNAIL / max(picture.height, picture.width))
    small = resized(shown, (max(1, round(factor * picture.height)), max(1, round(factor * picture.width))))
    names = {"file": f"reference-{number + 1}.{suffix}", "thumbnail": f"reference-{number + 1}-small.webp"}
    for kind, each in (("file", shown), ("thumbnail", small)):
        save(each, folder / names[kind], strip=True, quality=90 if names[kind].endswith("webp") else None)
    return names
