"""Measure libraries: what they find, what it brings, and how fast and large they are. Results are in docs/library.md.

    python benchmarks/library.py found OUTPUT.json PAIRS_FOLDER... [--among FOLDER...] [--psnr]
    python benchmarks/library.py size FOLDER_OF_PHOTOGRAPHS [COUNT]

``found``: all photographs of these folders are added to a library, OUTPUT.sqlite. Each target of the pairs is reduced
by four (bicubic) and looked up among all photographs but itself. A choice is right if it shows the same scene: a
photograph in a folder of pairs whose name is the same up to the last underscore. With ``--psnr``, each is upscaled by
``lite-rec`` with what was found, and with all hand-picked references. An interrupted run continues.

``size``: photographs are added to a new library, then made entries: copies with the keypoints of two photographs mixed,
until there are COUNT (100,000).
"""

import json
import sqlite3
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from PIL import Image

from srntt import Upscaler
from srntt.data import Pair, read_rgb
from srntt.library import FileIndex, Library, global_descriptor
from srntt.metrics import psnr_y

_CROP = 4  # pixels of the frame that PSNR leaves out
_AT_ONCE = 1000  # entries
_SAME_SCENE = {"foxnear": "fox", "foxnear2": "fox", "entry": "fountain"}  # the last two face each other in a courtyard


def found(output: str, *words: str) -> None:
    """Look up every target; write and print what was found."""
    upscaler = Upscaler.from_pretrained("lite-rec") if "--psnr" in words else None
    folders = [word for word in words if not word.startswith("--")]
    among = words.index("--among") if "--among" in words else len(words)
    pairs = [pair for folder in words[:among] if folder in folders for pair in _pairs(Path(folder))]
    library = Library(Path(output).with_suffix(".sqlite"))
    began = time.process_time()
    update = library.add(folders)
    seconds = max(time.process_time() - began, 1e-9)
    print(
        f"{update.added} photographs added, {update.added / seconds:.1f} for each second of the processor", flush=True
    )
    results = json.loads(Path(output).read_text()) if Path(output).exists() else {}
    for pair in pairs:
        name = f"{pair.target.parent.name}/{pair.name}"
        result = results.setdefault(name, {})
        if "paths" not in result:
            result |= _looked_up(library, pair)
        if upscaler and "psnr_found" not in result:
            result |= _scored(upscaler, pair, [Path(path) for path in result["paths"]])
        Path(output).write_text(json.dumps(results, indent=1))
        print(name, {key: value for key, value in result.items() if key != "paths"}, flush=True)
    print(json.dumps(_summary(list(results.values())), indent=1))


def _pairs(folder: Path) -> list[Pair]:
    """As `read_pairs`, but other keys are ignored."""
    entries = json.loads((folder / "index.json").read_text())
    return [Pair(one["name"], folder / one["target"], tuple(folder / name for name in one["refs"])) for one in entries]


def _looked_up(library: Library, pair: Pair) -> dict[str, Any]:
    low_res, _ = _reduced(pair)
    began = time.process_time()
    answer = library.find(low_res, exclude=[pair.target])
    seconds = time.process_time() - began
    right = [_scene(path) == _scene(pair.target) for path in answer.paths]
    return {
        "paths": [str(path) for path in answer.paths],
        "right": sum(right),
        "wrong": len(right) - sum(right),
        "copies": [path.name for path in answer.copies],
        "cpu_seconds": round(seconds, 2),
    }


def _scored(upscaler: Upscaler, pair: Pair, paths: list[Path]) -> dict[str, float]:
    low_res, target = _reduced(pair)
    scores = {}
    for kind, references in (("found", paths), ("picked", list(pair.references))):
        encoded = upscaler.encode_references(references) if references else None
        output = upscaler.upscale(low_res, encoded).picture.rgb().numpy()
        scores[f"psnr_{kind}"] = round(psnr_y(output, target, crop=_CROP), 3)
    return scores


def _reduced(pair: Pair) -> tuple[np.ndarray, np.ndarray]:
    """The target reduced by four, and the target, 3 x H x W in [0, 1]."""
    pixels = read_rgb(pair.target)
    height, width = (extent // 4 * 4 for extent in pixels.shape[:2])
    target = np.ascontiguousarray(pixels[:height, :width])
    low_res = np.asarray(Image.fromarray(target).resize((width // 4, height // 4), Image.Resampling.BICUBIC))
    return low_res, target.transpose(2, 0, 1).astype(np.float32) / 255


def _scene(path: Path) -> tuple[str, str]:
    name = path.stem.rpartition("_")[0]
    return path.parent.name.partition("-")[0], _SAME_SCENE.get(name, name)


def _summary(results: list[dict[str, Any]]) -> dict[str, float]:
    scored = [result for result in results if "psnr_found" in result]
    means = {
        name: round(float(np.mean([result[name] for result in scored])), 3)
        for name in ("psnr_found", "psnr_picked")
        if scored
    }
    return {
        "targets": len(results),
        "a right one is chosen": round(float(np.mean([result["right"] > 0 for result in results])), 3),
        "a wrong one is chosen": round(float(np.mean([result["wrong"] > 0 for result in results])), 3),
        "chosen": round(float(np.mean([result["right"] + result["wrong"] for result in results])), 2),
        "cpu seconds": round(float(np.mean([result["cpu_seconds"] for result in results])), 2),
        **means,
    }


def size(folder: str, count: str = "100000") -> None:
    """Print the speed of adding photographs, and time and size with so many entries."""
    with TemporaryDirectory() as place:
        library = Library(Path(place) / "library.sqlite")
        began, processor = time.perf_counter(), time.process_time()
        added = library.add([folder]).added
        wall, used = time.perf_counter() - began, time.process_time() - processor
        print(f"{added} photographs added in {wall:.1f} s, {used:.1f} s of the processor: {added / used:.1f} a second")
        _multiply(library.path, int(count))
        info = library.info()
        print(f"{info.photographs:,} entries: {info.bytes:,} bytes, {info.bytes / info.photographs:,.0f} for each")
        low_res = Image.open(next(Path(folder).glob("*.jpg"))).convert("RGB")
        low_res.thumbnail((256, 256))
        for _ in range(2):
            began, processor = time.perf_counter(), time.process_time()
            _search(library, np.asarray(low_res))
            print(
                f"50 most alike: {time.perf_counter() - began:.2f} s, {time.process_time() - processor:.2f} s of the "
                "processor, without verification"
            )


def _search(library: Library, low_res: np.ndarray) -> None:
    """Only the comparison of descriptors."""
    FileIndex(library.path).nearest(global_descriptor(low_res))


def _multiply(path: Path, count: int) -> None:
    random, connection = np.random.default_rng(0), sqlite3.connect(path)
    rows = connection.execute(
        "SELECT height, width, descriptor, packed FROM photograph JOIN keypoints ON photograph = id"
    ).fetchall()
    present = len(rows)
    for first in range(present, count, _AT_ONCE):
        for number in range(first, min(first + _AT_ONCE, count)):
            (height, width, one, packed), (_, _, other, more) = (rows[i] for i in random.integers(0, present, 2))
            mixed = (np.frombuffer(one, np.int8).astype(int) + np.frombuffer(other, np.int8)) // 2
            mixed = np.clip(mixed + random.integers(-3, 4, len(mixed)), -127, 127).astype(np.int8)
            half = max(len(packed), len(more)) // 40 * 20
            entry = connection.execute(
                "INSERT INTO photograph (sha256, height, width, descriptor) VALUES (?, ?, ?, ?)",
                (random.bytes(32), height, width, mixed.tobytes()),
            ).lastrowid
            connection.execute("INSERT INTO keypoints VALUES (?, ?)", (entry, packed[:half] + more[half:]))
            name = f"/photographs/{number // 500:04}/IMG_{number:06}.jpg".encode()
            connection.execute("INSERT INTO file VALUES (?, 4000000, 1700000000000000000, ?)", (name, entry))
        connection.commit()
    connection.close()


if __name__ == "__main__":
    torch.set_num_threads(1)
    {"found": found, "size": size}[sys.argv[1]](*sys.argv[2:])
