"""Pictures of one scene through known homographies."""

import cv2
import numpy as np
import torch

from srntt.views.aligned._matches import Matches

SCENE = 2400
LOW = (96, 128)  # height and width of the small picture, which sees the middle of the scene


def scene(seed: int = 0, side: int = SCENE) -> np.ndarray:
    """Texture with detail of every size, in colour."""
    random = np.random.default_rng(seed)
    total = np.zeros((side, side, 3), np.float32)
    for octave in range(2, 11):
        cells = max(2, side >> (11 - octave))
        noise = random.standard_normal((cells, cells, 3)).astype(np.float32)
        total += cv2.resize(noise, (side, side), interpolation=cv2.INTER_CUBIC) * 0.72**octave * 2
    return np.rint(np.clip(128 + 55 * total / total.std(), 0, 255)).astype(np.uint8)


def seen(picture: np.ndarray, to_scene: np.ndarray, size: tuple[int, int], samples: int) -> np.ndarray:
    """What a camera sees: many samples of each of its pixels, averaged."""
    dense = np.array([[1 / samples, 0, (1 / samples - 1) / 2], [0, 1 / samples, (1 / samples - 1) / 2], [0, 0, 1]])
    shape = size[1] * samples, size[0] * samples
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    large = cv2.warpPerspective(picture, to_scene @ dense, shape, flags=flags, borderMode=cv2.BORDER_REFLECT)
    return cv2.resize(large, size[::-1], interpolation=cv2.INTER_AREA)


def low_res_to_scene(step: float = 8.0) -> np.ndarray:
    """``step`` pixels of the scene for one of the small picture."""
    middle = (SCENE - 1) / 2
    return np.array(
        [[step, 0, middle - step * (LOW[1] - 1) / 2], [0, step, middle - step * (LOW[0] - 1) / 2], [0, 0, 1]]
    )


def reference_to_scene(size: tuple[int, int], step: float, turn: float, tilt: float) -> np.ndarray:
    """A reference that looks at the middle of the scene, turned in its plane and tilted out of it, in degrees."""
    angle, lean = np.radians(turn), np.radians(tilt)
    spin = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    # A plane seen from a distance of two widths, turned about its vertical axis.
    distance = 2.0 * size[1]
    tilted = np.array([[1 / np.cos(lean), 0, 0], [0, 1, 0], [np.tan(lean) / distance, 0, 1]])
    centre = np.array([[1, 0, -(size[1] - 1) / 2], [0, 1, -(size[0] - 1) / 2], [0, 0, 1]])
    back = np.array([[1, 0, (SCENE - 1) / 2], [0, 1, (SCENE - 1) / 2], [0, 0, 1]])
    return back @ spin @ np.diag([step, step, 1]) @ tilted @ centre


def unit(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(pixels.astype(np.float32) / 255).permute(2, 0, 1).contiguous()


def agreeing(points: int, *, copies: int = 0, wrong: int = 60, seed: int = 0) -> tuple[Matches, np.ndarray, np.ndarray]:
    """Matches by a turn and a shift; five that agree better, each found at so many sizes; and wrong ones."""
    random = np.random.default_rng(seed)
    turn, shift = np.array([[0.0, -4.2], [4.2, 0.0]]), np.array([500.0, 10])
    mine = random.uniform(0, 120, (points, 2))
    few = random.uniform(0, 120, (5, 2)).repeat(copies, 0)
    corners = random.uniform(0, 500, (5, 2)).repeat(copies, 0)
    again = random.uniform(-0.1, 0.1, few.shape)
    others = random.uniform(0, 120, (wrong, 2)), random.uniform(0, 500, (wrong, 2))
    right = 4.2j * np.exp(random.normal(0, 0.1, points) + 1j * random.normal(0, 0.1, points))
    any_change = np.exp(random.uniform(-1, 3, 5) + 1j * random.uniform(-np.pi, np.pi, 5)).repeat(copies)
    no_change = np.exp(random.uniform(-1, 3, wrong) + 1j * random.uniform(-np.pi, np.pi, wrong))
    return (
        Matches(
            np.concatenate([mine, few + again, others[0]]).astype(np.float32),
            np.concatenate([mine @ turn.T + shift, corners + again, others[1]]).astype(np.float32),
            np.concatenate([right, any_change, no_change]).astype(np.complex64),
        ),
        turn,
        shift,
    )
