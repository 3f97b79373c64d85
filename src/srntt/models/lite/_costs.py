"""Memory of a light model: for each step, the maps that exist at once when they take most."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from srntt.match import Matcher, Sizes
from srntt.memory import Appetite, Work
from srntt.models.lite._config import LiteConfig
from srntt.models.lite._fusion import EVIDENCE, JACOBIAN, LOW
from srntt.transfer import REFINED_AT_ONCE

REFINED_CHANNELS = 2  # of the evidence of a refined match
FRAMED_AT_ONCE = 256  # rows

_FLOAT = 4
_PLACE = 2 + 2 * _FLOAT + _FLOAT  # bytes of a match: the view, where in it, how similar
_FOUND = _PLACE + REFINED_CHANNELS * _FLOAT
_KEPT = _PLACE + (EVIDENCE + JACOBIAN) * _FLOAT
_FRAMING = 72  # steps to neighbours, their votes and the frames, beyond the match
_GATE = 200  # hidden layer of the gate, which is wider than a narrow body
_PLANES = 100  # evidence, what the low band lacks of the input, what a convolution is given of them
_TRUST = 6 * _FLOAT  # energies, and how far textures are trusted
_SMALL = 52  # picture, mean, contrast and norms of a position that is described
_REFINING = 400  # indices and weights of nine neighbours
_READ = 6 * _FLOAT  # a pixel of a reference as it was read and in floating point
_FIRST = 60_000_000


@dataclass(frozen=True)
class LiteCosts:
    """Of a configuration, an encoder with ``hidden`` channels that looks ``radius`` rows around a band, and a patch."""

    config: LiteConfig
    hidden: int
    radius: int
    patch: int

    @property
    def appetite(self) -> Appetite:
        """For the planning of references and tiles."""
        pixels, lasting = self.config.scale**2, self._bands + (self.config.descriptor + 1) * _FLOAT
        described = self._described
        seen = -(-(self._bands + described.position) // pixels) + _READ
        encode = Work(seen, described.widest // pixels, described.fixed)
        return Appetite(encode, -(-lasting // pixels), _KEPT, self.config.candidates, self._tile, _FIRST, described)

    def matching(self, matcher: Matcher, size: tuple[int, int], keys: Sequence[int], band: int, threads: int) -> int:
        """As `Drive.matching_bytes`: bands are described and matched, and may wait for their neighbours; the matches of
        one reference at a time are refined and framed.
        """
        (height, width), vectors = size, (self.config.descriptor + 1) * _FLOAT
        sizes = Sizes(height * width, tuple(keys), self.config.descriptor, self.patch)
        rows = max(bottom - top for top, bottom in matcher.bands(height, band, sizes))
        seen = min(min(rows, 2 * band) + 2 * self.radius, height) * width
        described, searched = self._described.bytes(seen), matcher.bytes(replace(sizes, queries=rows * width), threads)
        refining = min(rows * width, REFINED_AT_ONCE) * (9 * self.config.descriptor * _FLOAT + _REFINING)
        found, held = height * width * _FOUND, rows * width * vectors
        if rows == height:
            matched = held + max(described, searched, refining)
        elif matcher.waiting(sizes):
            matched = (matcher.waiting(sizes) + 1) * held + searched + max(described, refining)
        else:  # the band before is there while the next is described
            matched = seen * vectors + max(described, searched, refining)
        framing = min(FRAMED_AT_ONCE, height) * width * self._framing(len(keys))
        return found + max(matched, framing + seen * vectors)  # the last band is kept for the next reference

    @property
    def _bands(self) -> int:
        """Texture bands of a position of the LR grid."""
        return self.config.band_channels * _FLOAT

    @property
    def _described(self) -> Work:
        """Two layers of the encoder, or the descriptor before and after it is normalised."""
        widest = max(self.hidden, self.config.descriptor) * _FLOAT
        return Work(2 * widest + _SMALL, widest, 9 * self.hidden * widest)

    def _framing(self, references: int) -> int:
        """Frames of a row's positions; where all candidates are taken, these as they were and as they will be."""
        crowded = references > self.config.candidates
        return max(_FRAMING, (self.config.candidates + 1) * _KEPT if crowded else 0) + _KEPT

    def _tile(self, candidates: int) -> Work:
        """The worse of two moments: in a block, or fusing; and at the end, where the output is there four times."""
        feature, output = self.config.channels * _FLOAT, 3 * self.config.scale**2 * _FLOAT
        taken = candidates * (self._bands + (EVIDENCE + 1) * _FLOAT)
        end = 2 * feature + 4 * output + taken
        if candidates and self.config.agreement:  # the picture alone, its detail, the change; a product and its mean
            end += 2 * output + output // 3 + _TRUST
        if not candidates:
            return Work(max(5 * feature + output, end), feature, 9 * self.config.channels * feature)
        fusing = max(9 * feature, 6 * feature + _GATE) + output + 2 * self._bands + _PLANES
        if candidates > 1:
            fusing += 2 * feature + (candidates - 1) * (feature + self._bands)
        weights = 9 * (2 * self.config.channels + EVIDENCE + LOW) * feature
        return Work(max(fusing, end), feature, weights)
