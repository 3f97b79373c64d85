"""The official networks in NumPy, from their description alone: NHWC, HWIO, arrays taken in the order of the file.

Shares nothing with the package: no torch, no permuted kernels, no names. Slow and plain.
"""

import io
import pickle

import numpy as np

EPSILON = 1e-5


class Tape:
    """The arrays of an official file, taken one after the other; or made up on first use and recorded."""

    def __init__(self, arrays=None, seed=0):
        self.arrays = [] if arrays is None else list(arrays)
        self.making = arrays is None
        self.position = 0
        self.random = np.random.default_rng(seed)

    def take(self, shape, make):
        if self.making:
            self.arrays.append(make(shape).astype(np.float32))
        array = self.arrays[self.position]
        assert array.shape == shape, (self.position, array.shape, shape)
        self.position += 1
        return array.astype(np.float64)

    def kernel(self, size, channels, width):
        return self.take(
            (size, size, channels, width), lambda s: self.random.normal(0, (size * size * channels) ** -0.5, s)
        )

    def bias(self, width):
        return self.take((width,), lambda s: self.random.normal(0, 0.1, s))

    def norm(self, width):
        beta = self.take((width,), lambda s: self.random.normal(0, 0.1, s))
        gamma = self.take((width,), lambda s: self.random.uniform(0.3, 0.9, s))
        mean = self.take((width,), lambda s: self.random.normal(0, 0.2, s))
        variance = self.take((width,), lambda s: self.random.uniform(0.5, 1.5, s))
        return beta, gamma, mean, variance


def convolve(x, kernel):
    """Correlation of a map (h, w, in) with a kernel (kh, kw, in, out), zeros around it (SAME, stride 1)."""
    size = kernel.shape[0]
    padded = np.pad(x, ((size // 2,) * 2, (size // 2,) * 2, (0, 0)))
    height, width = x.shape[:2]
    return sum(padded[i : i + height, j : j + width] @ kernel[i, j] for i in range(size) for j in range(size))


def conv_bias(tape, x, width, size=3):
    return convolve(x, tape.kernel(size, x.shape[-1], width)) + tape.bias(width)


def conv_norm(tape, x, width):
    y = convolve(x, tape.kernel(3, x.shape[-1], width))
    beta, gamma, mean, variance = tape.norm(width)
    return gamma * (y - mean) / np.sqrt(variance + EPSILON) + beta


def relu(x):
    return np.maximum(x, 0)


def depth_to_space(x):
    """TensorFlow's tf.nn.depth_to_space(x, 2): the channels are 2x2 blocks, each with all channels of the output."""
    height, width, channels = x.shape
    out = np.empty((2 * height, 2 * width, channels // 4))
    for i in (0, 1):
        for j in (0, 1):
            start = (2 * i + j) * (channels // 4)
            out[i::2, j::2] = x[:, :, start : start + channels // 4]
    return out


def body(tape, x, blocks):
    for _ in range(blocks):
        x = x + conv_norm(tape, relu(conv_norm(tape, x, 64)), 64)
    return conv_norm(tape, x, 64)


def up(tape, x, width=64):
    return relu(depth_to_space(conv_bias(tape, x, 4 * width)))


def content_extractor(tape, image):
    """Picture (h, w, 3) in [-1,1] to content feature (h, w, 64) and the enlarged picture before tanh (4h, 4w, 3)."""
    head = relu(conv_bias(tape, image, 64))
    feature = body(tape, head, 16) + head
    return feature, conv_bias(tape, up(tape, up(tape, feature)), 3, size=1)


def texture_transfer(tape, feature, maps, scale=4):
    """Content feature and maps (h, w, 256), (2h, 2w, 128), (4h, 4w, 64) to the picture before tanh."""
    for swapped_map, blocks in zip(maps, (16, 8, 4), strict=True):
        start = feature
        x = relu(conv_bias(tape, np.concatenate([start, swapped_map], -1), 64))
        feature = body(tape, x, blocks) + start
        if blocks > 4:
            feature = up(tape, feature)
    x = conv_bias(tape, feature, 32)
    if scale > 4:
        x = relu(depth_to_space(x))
    if scale > 8:
        x = relu(depth_to_space(conv_bias(tape, x, 32)))
    return conv_bias(tape, x, 3, size=1)


def save_official(path, arrays, protocol=None):
    """As np.savez(path, params=arrays) wrote it; ``protocol`` 2 as the NumPy of that time pickled it."""
    objects = np.empty(len(arrays), object)
    objects[:] = arrays
    if protocol is None:
        np.savez(path, params=objects)
        return
    member = io.BytesIO()
    np.lib.format.write_array_header_1_0(member, {"descr": "|O", "fortran_order": False, "shape": objects.shape})
    content = pickle.dumps(objects, protocol).replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    save_member(path, member.getvalue() + content)


def save_member(path, content, name="params.npy"):
    import zipfile

    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
