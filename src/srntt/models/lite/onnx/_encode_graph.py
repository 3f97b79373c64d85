"""What the light model matches and transfers, as ONNX: the twin of srntt.features."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from srntt.features import NOISE_FLOOR, WINDOW, TextureEncoder
from srntt.models.lite.onnx._graph import Graph, layers, resize

_SHORTEST = 1e-12  # vector that is divided by its own length


class Described(NamedTuple):
    """Names of values: unit descriptors (1, d, h, w) and the contrast (1, 1, h, w) that was divided out of them."""

    descriptor: str
    contrast: str


def whole_positions(graph: Graph, reference: str, scale: int) -> str:
    """A reference without what does not fill a whole LR pixel at the right and bottom."""
    whole = graph.constant([scale, scale])
    size = graph("Mul", graph("Div", graph("Shape", reference, start=2), whole), whole)
    return graph("Slice", reference, [0, 0], size, [2, 3])


def describe(graph: Graph, encoder: TextureEncoder, picture: str) -> Described:
    """A picture on the LR grid, as TextureEncoder describes it."""
    centred = graph("Sub", picture, box_mean(graph, picture, WINDOW))
    power = graph("ReduceMean", graph("Mul", centred, centred), [1], keepdims=1)
    contrast = graph("Sqrt", graph("Add", box_mean(graph, power, WINDOW), NOISE_FLOOR))
    features = layers(graph, graph("Div", centred, contrast), encoder.layers, "encoder.layers")
    length = graph("Max", graph("ReduceL2", features, [1], keepdims=1), _SHORTEST)
    return Described(graph("Div", features, length), contrast)


def describe_reference(graph: Graph, encoder: TextureEncoder, reference: str) -> Described:
    """A sharp picture as its LR picture, in 8 bits, would be described."""
    bounded = graph("Clip", resize(graph, reference, 1 / encoder.scale), 0.0, 1.0)
    in_8_bits = graph("Div", graph("Round", graph("Mul", bounded, 255.0)), 255.0)
    return describe(graph, encoder, in_8_bits)


def texture_bands(graph: Graph, reference: str, ratios: Sequence[int]) -> list[str]:
    """The bands of a reference, the finest first, in the order of ``Textures.bands``."""
    levels = [reference] + [resize(graph, reference, ratio / ratios[0]) for ratio in ratios[1:]]
    bands = [
        graph("Sub", fine, resize(graph, coarse, float(above // below)))
        for (fine, coarse), (above, below) in zip(pairwise(levels), pairwise(ratios), strict=True)
    ]
    return [*bands, levels[-1]]


def box_mean(graph: Graph, picture: str, window: int) -> str:
    """The twin of `srntt.features.box_mean`."""
    padded = graph("Pad", picture, [0, 0, window // 2, window // 2] * 2, mode="edge")
    columns = graph("AveragePool", padded, kernel_shape=[window, 1])
    return graph("AveragePool", columns, kernel_shape=[1, window])
