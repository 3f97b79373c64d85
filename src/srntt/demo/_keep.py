"""Files of a result, for download and display, in a separate folder for each result."""

import base64
import json
import secrets
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from srntt._files import write_bytes
from srntt._shapes import Float
from srntt.demo._order import Done
from srntt.image import Picture, enlarge, picture_like, save
from srntt.upscale import Provenance

_LARGEST_WEBP = 16_383


class Shelf:
    """Storage of results until their visitor leaves or orders again, or a time limit.

    The names of folders are long and random, so that they cannot be guessed.

    Args:
        folder: Folder of the results.
        seconds: Time limit.
    """

    def __init__(self, folder: Path, seconds: float) -> None:
        self.folder, self._seconds = folder, seconds
        self._kept: dict[str, tuple[Path, float]] = {}
        self._guard = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)

    def keep(self, owner: str, done: Done) -> Path:
        """Write the files of a result, replacing the owner's previous one; return their folder."""
        folder = self.folder / secrets.token_urlsafe(24)
        folder.mkdir(mode=0o700)
        try:
            write_result(done, folder)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        with self._guard:
            before = self._kept.pop(owner, None)
            self._kept[owner] = (folder, time.monotonic())
        if before:
            shutil.rmtree(before[0], ignore_errors=True)
        self.sweep()
        return folder

    def forget(self, owner: str) -> None:
        """Delete the result of an owner."""
        with self._guard:
            kept = self._kept.pop(owner, None)
        if kept:
            shutil.rmtree(kept[0], ignore_errors=True)

    def sweep(self) -> None:
        """Delete results that exceed the time limit."""
        now = time.monotonic()
        with self._guard:
            late = [owner for owner, (_, since) in self._kept.items() if now - since > self._seconds]
        for owner in late:
            self.forget(owner)


def write_result(done: Done, folder: Path) -> None:
    """Write the output without metadata, the bicubic upscale, references as WebP, provenance, similarity, and
    view.json, which lists the files for the page.
    """
    stem = f"{Path(done.picture.source).stem}_x{done.scale}"
    files = {"result": f"{stem}.png", "before": f"{stem}-before.png"}
    save(done.result.picture, folder / files["result"], strip=True)
    save(_plainly_enlarged(done), folder / files["before"], strip=True)
    view = _about(done)
    provenance, similarity = done.result.provenance, done.result.similarity_picture()
    if provenance and similarity and done.result.similarity is not None:
        files |= {"provenance": f"{stem}-provenance.npz", "similarity": f"{stem}-similarity.png"}
        provenance.save(folder / files["provenance"])
        save(similarity, folder / files["similarity"])
        view |= _maps(provenance, done.result.similarity)
    view["files"] = files
    for number, reference in enumerate(done.references):
        view["references"][number]["file"] = _save_reference(reference, folder, number)
    write_bytes(folder / "view.json", json.dumps(view).encode())


def _about(done: Done) -> dict[str, Any]:
    references = [
        {"name": used.source, "part": used.share, "width": picture.width, "height": picture.height}
        for used, picture in zip(done.result.references, done.references, strict=True)
    ]
    size = {"width": done.picture.width, "height": done.picture.height, "scale": done.scale}
    return {"model": done.model, "references": references, **size}


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


def _plainly_enlarged(done: Done) -> Picture:
    """Upscale by bicubic, for comparison."""
    small = done.picture.to_8bit()
    alpha = None if small.alpha is None else enlarge(small.alpha_plane()[None], done.scale)[0]
    return picture_like(small, enlarge(small.rgb()[None], done.scale)[0].clamp(0, 1), alpha)


def _save_reference(picture: Picture, folder: Path, number: int) -> str:
    """Save a reference for display, as WebP if its sides are at most 16,383 pixels, a tenth of the size of PNG."""
    suffix = "webp" if max(picture.height, picture.width) <= _LARGEST_WEBP else "png"
    name = f"reference-{number + 1}.{suffix}"
    save(picture.to_8bit(), folder / name, strip=True, quality=90)
    return name
