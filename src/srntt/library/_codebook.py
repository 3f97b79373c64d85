"""The vocabulary of keypoints that all libraries share; benchmarks/train_library.py makes it from photographs."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from srntt._safetensors import read_header, read_tensors
from srntt._shapes import Float, UInt8

FILE = Path(__file__).parent / "codebook.safetensors"
_AT_ONCE = 1024  # keypoints


@dataclass(frozen=True, eq=False)
class Codebook:
    """Vocabulary of RootSIFT descriptors of length 512, as `srntt.views.aligned.Keypoints` has them.

    Attributes:
        codes: Values of the parts of a descriptor, for product quantisation (Jegou et al. 2011).
        mean: Mean of descriptors.
        axes: Principal axes along which words differ.
        words: Centres of clusters, along these axes.
        center: Mean of aggregated descriptors.
        projection: Principal axes of what is left without it.
    """

    codes: UInt8[np.ndarray, "parts 256 v"]
    mean: Float[np.ndarray, "128"]
    axes: Float[np.ndarray, "128 a"]
    words: Float[np.ndarray, "k a"]
    center: Float[np.ndarray, " ka"]
    projection: Float[np.ndarray, "ka d"]

    @property
    def parts(self) -> int:
        """Bytes of an encoded descriptor."""
        return len(self.codes)

    def encode(self, descriptors: UInt8[np.ndarray, "n 128"]) -> UInt8[np.ndarray, "n parts"]:
        """Return the nearest code of each part."""
        pieces = descriptors.reshape(-1, self.parts, self.codes.shape[2]).astype(np.float32)
        codes = self.codes.astype(np.float32)
        squares = (codes**2).sum(2) / 2
        found = np.empty(pieces.shape[:2], np.uint8)
        for part in range(self.parts):
            found[:, part] = (pieces[:, part] @ codes[part].T - squares[part]).argmax(1)
        return found

    def decode(self, encoded: UInt8[np.ndarray, "n parts"]) -> UInt8[np.ndarray, "n 128"]:
        """Return the descriptors that codes stand for."""
        return self.codes[np.arange(self.parts), encoded].reshape(-1, self.parts * self.codes.shape[2])

    def aggregate(self, descriptors: UInt8[np.ndarray, "n 128"]) -> Float[np.ndarray, " d"]:
        """Return a vector of unit length for a whole picture."""
        return unit((self.residuals(descriptors) - self.center) @ self.projection)

    def residuals(self, descriptors: UInt8[np.ndarray, "n 128"]) -> Float[np.ndarray, " ka"]:
        """Return the vector of locally aggregated descriptors (Jegou et al. 2010).

        Residuals of each word are summed and normalised (Arandjelovic and Zisserman 2013), then all are square-rooted.
        """
        points = (descriptors.astype(np.float32) - self.mean) @ self.axes
        word = (points @ self.words.T - (self.words**2).sum(1) / 2).argmax(1)
        member = np.zeros((len(points), len(self.words)), np.float32)
        member[np.arange(len(points)), word] = 1
        sums = member.T @ points - member.sum(0)[:, None] * self.words
        sums /= np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-6)
        return unit((np.sign(sums) * np.sqrt(np.abs(sums))).ravel())


def unit(vector: Float[np.ndarray, " d"]) -> Float[np.ndarray, " d"]:
    """Scale to length 1; zero stays zero."""
    return vector / max(float(np.linalg.norm(vector)), 1e-6)


@cache
def codebook() -> Codebook:
    """Load the vocabulary that ships with srntt."""
    header = read_header(FILE, pixels=True)
    tensors = read_tensors(FILE, {name: info.shape for name, info in header.tensors.items()}, pixels=True)
    arrays = {name: tensor.numpy() for name, tensor in tensors.items()}
    return Codebook(**{name: array if name == "codes" else array.astype(np.float32) for name, array in arrays.items()})
