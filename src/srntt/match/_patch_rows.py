"""Feature maps as rows of channels, in which patches at arbitrary positions can be compared."""

from dataclasses import dataclass

import numpy as np

from srntt._shapes import Float, Int64
from srntt.match._fused import _box_sum
from srntt.match._kernels import KEY_WIDTH, QUERY_BYTES
from srntt.match._patch_kernels import project_patches
from srntt.match._problem import Problem, empty_norm, scale_for
from srntt.match._threads import Threads
from srntt.match._tree_kernels import LANES

SKETCH = 64
"""Maximum number of channels of the rows that are searched; longer patches are projected to this many."""

_SAMPLE = 1024  # patches of each map from which the projection is computed
_SPARE = 8  # oversampling of the randomised method
_ROUNDS = 3


@dataclass(frozen=True, eq=False)
class PatchRows:
    """Feature map as rows of channels.

    Attributes:
        pixels: Scaled channels of each position in row-major order, zero-padded to a multiple of LANES.
        inverse_norm: Reciprocal norm of the patch around each position; 0 for an empty patch.
        height: Number of rows of positions.
        width: Number of columns of positions.
        reach: Radius of a patch, in positions.
        frame: Width of the border that contains no patch centres.
    """

    pixels: Float[np.ndarray, "n d"]
    inverse_norm: Float[np.ndarray, " n"]
    height: int
    width: int
    reach: int
    frame: int

    @property
    def centres(self) -> Int64[np.ndarray, " k"]:
        """Return the row-major indices of the patch centres."""
        inside = slice(self.frame, -self.frame or None)
        return np.arange(self.height * self.width).reshape(self.height, self.width)[inside, inside].ravel()

    @property
    def as_arguments(self) -> tuple[np.ndarray, np.ndarray, int, int, int]:
        """Return the arguments by which the compiled loops take a map."""
        return self.pixels, self.inverse_norm, self.height, self.width, self.reach


def padded(channels: int) -> int:
    """Return the number of channels of a row, padded to a multiple of LANES."""
    return -(-channels // LANES) * LANES


def is_sketched(channels: int, patch: int) -> bool:
    """Return whether patches are searched by a projection, as those of many channels are."""
    return patch > 1 or channels > SKETCH


def patch_rows(problem: Problem, number: int | None) -> PatchRows:
    """Convert the query (`number` None) or a key map of a problem to rows."""
    features = problem.query if number is None else problem.keys[number]
    peak = problem.query_peak if number is None else problem.key_peaks[number]
    channels, height, width = features.shape
    pixels = np.zeros((height * width, padded(channels)), np.float32)
    np.multiply(features.flatten(1).numpy().T, np.float32(scale_for(peak)), out=pixels[:, :channels])
    squares = np.einsum("nc,nc->n", pixels, pixels, dtype=np.float64)
    if problem.reach:
        squares = _box_sum(np.pad(squares.reshape(height, width), 1, mode="edge"), np.ones((3, 3))).ravel()
    norm = np.sqrt(squares)
    filled = norm > empty_norm(peak)
    inverse = np.divide(1.0, norm, out=np.zeros_like(norm), where=filled).astype(np.float32)
    if not is_sketched(channels, problem.patch):  # searched directly, as rows of unit length
        pixels *= inverse[:, None]
        inverse = filled.astype(np.float32)
    return PatchRows(pixels, inverse, height, width, problem.reach, problem.frame)


def sketches(
    query: PatchRows, key: PatchRows, patch: int, seed: int, pool: Threads
) -> tuple[Float[np.ndarray, "n s"], Float[np.ndarray, "m s"]]:
    """Return a row for each centre of query and key, whose inner products approximate the cosines."""
    sample = np.concatenate([_sample_patches(rows, patch, seed) for rows in (query, key)])
    basis = _principal_axes(sample, seed)
    return _project(query, basis, pool), _project(key, basis, pool)


def _sample_patches(rows: PatchRows, patch: int, seed: int) -> Float[np.ndarray, "n d"]:
    """Sample unit patches from the whole map, taps first."""
    centres = rows.centres
    chosen = np.random.default_rng(seed).choice(centres, min(_SAMPLE, len(centres)), replace=False)
    y, x = np.divmod(chosen, rows.width)
    taps = [(dy, dx) for dy in range(-rows.reach, rows.reach + 1) for dx in range(-rows.reach, rows.reach + 1)]
    near = [(y + dy).clip(0, rows.height - 1) * rows.width + (x + dx).clip(0, rows.width - 1) for dy, dx in taps]
    patches = rows.pixels[np.stack(near, 1)].reshape(len(chosen), -1)
    return patches * rows.inverse_norm[chosen, None]


def _principal_axes(sample: Float[np.ndarray, "n d"], seed: int) -> Float[np.ndarray, "d s"]:
    """Compute the principal axes of the sample (Halko et al. 2011, arXiv:0909.4061, algorithm 4.4)."""
    axes = np.random.default_rng(seed).standard_normal((sample.shape[1], SKETCH + _SPARE)).astype(np.float32)
    for _ in range(_ROUNDS):
        axes, _ = np.linalg.qr(sample.T @ (sample @ axes))
    _, _, turn = np.linalg.svd(sample @ axes, full_matrices=False)
    found = axes @ turn[:SKETCH].T
    return np.pad(found, ((0, 0), (0, SKETCH - found.shape[1])))


def _project(rows: PatchRows, basis: np.ndarray, pool: Threads) -> Float[np.ndarray, "n s"]:
    """Project the unit patches around all centres."""
    width = QUERY_BYTES // 4
    packed = np.ascontiguousarray(basis.reshape(len(basis), SKETCH // width, width).transpose(1, 0, 2))
    centres = rows.centres
    out = np.empty((len(centres), SKETCH), np.float32)
    panels = pool.shares(-(-len(centres) // KEY_WIDTH))
    parts = [slice(first * KEY_WIDTH, last * KEY_WIDTH) for first, last in panels]
    pool.run(project_patches, [(*rows.as_arguments, centres[part], packed, out[part]) for part in parts])
    return out
