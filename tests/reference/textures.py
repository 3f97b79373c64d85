"""Texture losses in NumPy, position by position, in float64."""

import numpy as np


def slow_gram(maps: np.ndarray) -> np.ndarray:
    """(c h w) to (c c): the outer product of each position's vector with itself, summed."""
    channels, height, width = maps.shape
    total = np.zeros((channels, channels))
    for y in range(height):
        for x in range(width):
            total += np.outer(maps[:, y, x], maps[:, y, x])
    return total


def slow_enlarged(similarity: np.ndarray, ratio: int) -> np.ndarray:
    """(h w) enlarged bilinearly: centres of pixels stay where they are, edges are repeated."""
    height, width = similarity.shape
    result = np.zeros((height * ratio, width * ratio))
    for i in range(height * ratio):
        for j in range(width * ratio):
            y = min(max((i + 0.5) / ratio - 0.5, 0), height - 1)
            x = min(max((j + 0.5) / ratio - 0.5, 0), width - 1)
            for row in (int(y), min(int(y) + 1, height - 1)):
                for column in (int(x), min(int(x) + 1, width - 1)):
                    share = max(0, 1 - abs(y - row)) * max(0, 1 - abs(x - column))
                    # At the far edge both neighbours are one and the same.
                    share /= (2 if row == int(y) == height - 1 else 1) * (2 if column == int(x) == width - 1 else 1)
                    result[i, j] += share * similarity[row, column]
    return result


def slow_texture_consistency(output: list[np.ndarray], swapped: list[np.ndarray], similarity: np.ndarray) -> float:
    """The twin of ``srntt.train.losses.texture_consistency``, for lists of (b c h w) and (b h w)."""
    terms = []
    for sample, score in enumerate(similarity):
        total = 0.0
        for one, other in zip(output, swapped, strict=True):
            share = slow_enlarged(score, one.shape[2] // score.shape[0])
            difference = slow_gram(one[sample] * share) - slow_gram(other[sample] * share)
            total += np.sqrt((difference**2).sum()) / (2 * one[sample].size)
        terms.append(total)
    return float(np.mean(terms))


def slow_texture_consistency_released(
    output: list[np.ndarray], swapped: list[np.ndarray], similarity: np.ndarray | None
) -> float:
    """The twin of ``srntt.train.losses.texture_consistency_released``, likewise."""
    terms = []
    for one, other in zip(output, swapped, strict=True):
        for sample in range(len(one)):
            share = np.ones(one.shape[2:])
            if similarity is not None:
                score = slow_enlarged(similarity[sample], one.shape[2] // similarity.shape[1])
                share = 1 / (1 + np.exp(20 * score - 0.65))
            difference = slow_gram(one[sample] * share) - slow_gram(other[sample] * share)
            terms.append((difference**2).mean() / (4 * one[sample].size ** 2))
    return float(np.mean(terms))
