"""Compares the bytes that two checkouts produce: every shipped model x references x matcher x bits x (whole, tiled).

    git worktree add ../before COMMIT
    python benchmarks/same_bytes.py ../before [MODEL ...]

Each tree runs in a process of its own, with the weights of the other tree, on the same made pictures. Compared are the
SHA-256 of output, similarity and provenance (reference, y, x, share). Alignment is off: older trees have none. The
paper's model needs VGG19: ``srntt weights get vgg19``. Exit code 1: something differs; what does is named.
"""

import hashlib
import inspect
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

_HERE = Path(__file__).resolve().parent.parent
_MODELS = ("lite-rec", "lite-real", "lite-gan", "paper-rec")
_PARTS = ("output", "similarity", "reference", "y", "x", "share")
_LOW_RES = (48, 41)
_TILES = {"whole": 64, "tiled": 32}
_SHARP = [(150, 133, 0, 0), (64, 170, 120, 60), (118, 99, 33, 77)]  # height, width, top, left in the scene
_TURNED = ("lite-rec", "paper-rec")  # also with turned views: whose maps back to the reference were made exact

Digests = dict[str, list[str | None]]


def main(arguments: list[str]) -> int:
    """Run both trees and print the differences."""
    other, models = Path(arguments[0]).resolve(), arguments[1:] or list(_MODELS)
    before, after = (_run(tree, other / "src/srntt/weights", models) for tree in (other, _HERE))
    differing = 0
    for case in before:
        parts = [name for name, a, b in zip(_PARTS, before[case], after[case], strict=True) if a != b]
        differing += bool(parts)
        if parts:
            print(f"{case}: {', '.join(parts)}")
    print(f"{len(before)} cases, {len({*map(tuple, before.values())})} distinct; {differing} differ")
    return int(differing > 0)


def _run(tree: Path, weights: Path, models: list[str]) -> Digests:
    command = [sys.executable, __file__, "--digests", str(weights), *models]
    environment = os.environ | {"PYTHONPATH": str(tree / "src")}
    printed = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
    package, *cases = map(json.loads, printed.splitlines())
    if Path(package).parent != tree / "src/srntt":
        raise SystemExit(f"The package of {tree} was not used.")
    return dict(cases)


def print_digests(weights: Path, models: list[str]) -> None:
    """Those of every case, by the package that is on the path: a line of JSON each."""
    import srntt

    print(json.dumps(srntt.__file__))
    for model, matcher in product(models, ("exact", "fast")):
        upscaler = _upscaler(weights / model, matcher)
        for bits in (8, 16):
            for name, references in _references(upscaler, bits, with_turned=model in _TURNED and bits == 8):
                if references is None and matcher == "fast":
                    continue  # nothing is matched
                for pieces, tile in _TILES.items():
                    result = upscaler.upscale(_small(bits), references, tile=tile)
                    case = f"{model}, {name}, {matcher}, {bits} bits, {pieces}"
                    print(json.dumps([case, _digests_of(result)]), flush=True)


def _upscaler(weights: Path, matcher: str) -> Any:
    from srntt.upscale import Upscaler

    known = inspect.signature(Upscaler.from_pretrained).parameters
    options = {"align": "off"} if "align" in known else {}
    return Upscaler.from_pretrained(weights, device="cpu", matcher=matcher, **options)


def _references(upscaler: Any, bits: int, with_turned: bool) -> Iterator[tuple[str, Any]]:
    sharp = [_scene(*part, bits) for part in _SHARP]
    yield "no reference", None
    yield "1 reference", upscaler.encode_references(sharp[:1])
    yield "3 references", upscaler.encode_references(sharp)
    if with_turned:
        known = inspect.signature(upscaler.encode_references).parameters
        turned = {"augment": True} if "augment" in known else {"views": ("plain", "turned")}
        yield "2 references turned", upscaler.encode_references(sharp[:2], **turned)


def _digests_of(result: Any) -> list[str | None]:
    origin = result.provenance
    where = [None if origin is None else getattr(origin, name) for name in _PARTS[2:]]
    return [*map(_digest, (result.array, result.similarity, *where))]


def _digest(array: np.ndarray | None) -> str | None:
    if array is None:
        return None
    return hashlib.sha256(f"{array.dtype} {array.shape}".encode() + np.ascontiguousarray(array).tobytes()).hexdigest()


def _small(bits: int) -> np.ndarray:
    height, width = _LOW_RES
    blocks = _scene(height * 4, width * 4, 10, 20, bits).reshape(height, 4, width, 4, 3).mean((1, 3))
    return np.rint(blocks).astype(np.uint8 if bits == 8 else np.uint16)


def _scene(height: int, width: int, top: int, left: int, bits: int) -> np.ndarray:
    """A part of an image with detail at every scale."""
    random = np.random.default_rng(0)
    picture = random.random((20, 20, 3))
    for _ in range(4):
        large = picture.repeat(2, 0).repeat(2, 1)
        picture = 0.7 * large + 0.3 * random.random(large.shape)
    part = picture[top : top + height, left : left + width]
    return np.rint(part * (2**bits - 1)).astype(np.uint8 if bits == 8 else np.uint16)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--digests"]:
        print_digests(Path(sys.argv[2]), sys.argv[3:])
    else:
        sys.exit(main(sys.argv[1:]))
