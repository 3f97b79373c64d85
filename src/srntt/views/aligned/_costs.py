"""What placing a reference takes of memory, in bytes, from sizes alone."""

from srntt.views.aligned._keypoints import DETECTED, MOST_POINTS, WORKED, ReferenceFeatures, enlargement, size_at_most

_SEARCHED = 256  # a pixel: SIFT doubles the picture, and of each octave holds six blurred pictures and five differences
_PLACED, _FLOW = 1080, 800  # a pixel of the small picture: flow of it doubled, what eight planes show; a second flow
_DENSEST = 32  # pixels for each keypoint
_REDUCED = 32  # a pixel: a reference in colour in floating point, twice; then in grey, or where its margins are filled
_FLOAT, _COLOURS = 4, 3
_DESCRIBED = 5_000_000  # keypoints before and after their descriptors are rounded
_KEPT = 16  # a pixel of the small picture: planes, flow and correlation of a placement
_COMPARED = 100_000_000  # distances of 2048 matches from each other, and products of descriptors


def finding_bytes(reference: tuple[int, int]) -> int:
    """What `find_features` takes, by height and width of the reference."""
    height, width = size_at_most(reference, DETECTED)
    return _REDUCED * height * width


def placing_bytes(size: tuple[int, int], features: ReferenceFeatures, threads: int) -> int:
    """What `place` takes: the worst of finding keypoints, matching them, and comparing what each plane shows.

    With more than one thread, two sizes of the reference are searched at once, and flow in both directions.
    """
    height, width = size_at_most(size, WORKED)
    pixels = height * width
    enlarged = pixels * enlargement((height, width)) ** 2
    unsearched = sum(level.gray.size for level in features.levels if not level.is_searched)
    searched = _SEARCHED * max(enlarged, min(unsearched, features.levels[0].gray.size * (3 if threads > 1 else 2) // 2))
    points = [min(MOST_POINTS, pixels // _DENSEST) for pixels in (enlarged, features.levels[0].gray.size)]
    matched = 2 * _FLOAT * points[0] * points[1]
    placed = (_PLACED + _FLOW * (threads > 1)) * pixels
    copied = size[0] * size[1] * _COLOURS * _FLOAT
    return copied + max(searched + _DESCRIBED, matched, placed) + _KEPT * pixels


def dense_matches_bytes(channels: int, positions: int, keys: int) -> int:
    """What `dense_matches` takes: descriptors of both pictures, scaled and then rounded."""
    return channels * _FLOAT * (positions + keys + max(positions, keys)) + _COMPARED
