"""A photograph as other cameras would see it, and how near a picture comes to it."""

import cv2
import numpy as np
from PIL import Image


def seen_from_elsewhere(truth: Image.Image, times: float, degrees: float, tilt: float = 0.0):
    """The truth as another camera would see it, and the homography from its pixels (x, y) to those of that picture."""
    width, height = truth.size
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, times)
    matrix = np.vstack([turn, [tilt / width, 0, 1]])
    corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]]) @ matrix.T
    low = (corners[:, :2] / corners[:, 2:]).min(0)
    matrix = np.array([[1, 0, -low[0]], [0, 1, -low[1]], [0, 0, 1]]) @ matrix
    corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]]) @ matrix.T
    size = tuple(np.ceil((corners[:, :2] / corners[:, 2:]).max(0)).astype(int).tolist())
    seen = cv2.warpPerspective(np.asarray(truth), matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    return np.ascontiguousarray(seen), matrix


def psnr(picture, truth):
    error = np.asarray(picture, float) - np.asarray(truth, float)
    return 10 * np.log10(255**2 / (error[8:-8, 8:-8] ** 2).mean())
