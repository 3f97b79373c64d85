"""Make the vocabulary of libraries, src/srntt/library/codebook.safetensors, from photographs.

    python benchmarks/train_library.py OUTPUT.safetensors FOLDER...

No evaluation picture is among them. Made from train-photos, train-photos-2, train-bsds and train-pairs, in about four
minutes on one core; the choice of its sizes is in docs/log.md.
"""

import sys
from pathlib import Path

import numpy as np
import torch

from srntt._safetensors import write_tensors
from srntt.data import pictures_in
from srntt.image import load
from srntt.library import Codebook
from srntt.views.aligned import detect, deterministic, gray_at_most

PARTS, CODES = 16, 256  # of a stored keypoint
AXES, WORDS, LENGTH = 32, 64, 384  # of a global descriptor
PER_PICTURE = 80
ROUNDS = 8


def main(output: str, *folders: str) -> None:
    """Detect keypoints, cluster them, write the centres."""
    files = [path for folder in folders for path in pictures_in(Path(folder), "Give photographs.").values()]
    with deterministic():
        found = [_descriptors(path) for path in files]
    random = np.random.default_rng(0)
    some = [each[random.permutation(len(each))[:PER_PICTURE]] for pair in found for each in pair]
    sample = np.concatenate(some).astype(np.float32)
    mean, axes = principal_axes(sample, AXES)
    words = centres((sample - mean) @ axes, WORDS, random)
    nothing = np.zeros(words.size, np.float32)
    book = Codebook(part_codes(sample, random), mean, axes, words, nothing, nothing[:, None])
    center, projection = principal_axes(np.stack([book.residuals(small) for small, _ in found]), LENGTH)
    tensors = {"codes": book.codes, "mean": mean, "axes": axes, "words": words}
    tensors |= {"center": center, "projection": projection}
    halves = {name: array.astype(np.float16) if array.dtype.kind == "f" else array for name, array in tensors.items()}
    write_tensors(output, {name: torch.from_numpy(array) for name, array in halves.items()}, {})
    print(f"{output}: {len(files)} photographs, {len(sample)} keypoints, {Path(output).stat().st_size:,} bytes")


def _descriptors(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Descriptors at the sizes that global descriptors and keypoints are made at."""
    pixels = load(path).color
    small, large = (detect(gray_at_most(pixels, longest), pixels.shape[:2], 2000).descriptors for longest in (320, 640))
    return small, large


def principal_axes(sample: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The mean, and the directions of the largest variance."""
    mean = sample.mean(0)
    values, vectors = np.linalg.eigh(np.cov((sample - mean).T.astype(np.float64)))
    return mean.astype(np.float32), vectors[:, np.argsort(-values)[:count]].astype(np.float32)


def part_codes(sample: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Centres of each part of the descriptors, as bytes."""
    pieces = np.split(sample, PARTS, axis=1)
    return np.stack([np.rint(centres(piece, CODES, random)) for piece in pieces]).astype(np.uint8)


def centres(points: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    """K-means (Lloyd 1982); a cluster that becomes empty starts again at a random point."""
    found = points[random.permutation(len(points))[:count]].copy()
    for _ in range(ROUNDS):
        nearest = (points @ found.T - (found**2).sum(1) / 2).argmax(1)
        sizes = np.bincount(nearest, minlength=count)[:, None]
        sums = np.stack([np.bincount(nearest, column, count) for column in points.T], axis=1)
        fresh = points[random.permutation(len(points))[:count]]
        found = np.where(sizes > 0, sums / np.maximum(sizes, 1), fresh).astype(np.float32)
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
