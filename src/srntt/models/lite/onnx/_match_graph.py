"""Exact matching to sub-position accuracy, as ONNX: the twin of srntt.match and of the first half of srntt.transfer."""

from typing import NamedTuple

import numpy as np

from srntt.models.lite.onnx._encode_graph import Described
from srntt.models.lite.onnx._graph import FLOAT, INT64, Graph, tensor
from srntt.transfer import SMOOTH

_AROUND = np.array([(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)])
_NEVER = -1e9  # a logit that a softmax in float32 makes zero


class Matches(NamedTuple):
    """Names of values, for every position of the LR grid: where it lies in one reference, and how well."""

    position: str  # (h, w, 2)
    key_index: str  # (h, w)
    similarity: str  # (h, w)
    sharpness: str  # (h, w)


class Frames(NamedTuple):
    """Names of values: each match's local affine frame (h, w, 2, 2), and the agreement (h, w) of its neighbours."""

    jacobian: str
    agreement: str


def match(graph: Graph, query: Described, key: Described, temperature: float, depth: int) -> Matches:
    """Match row by row: no more than one row's cosines with the whole reference is ever held."""
    rows = graph("Transpose", graph("Squeeze", query.descriptor, [0]), perm=[1, 2, 0])
    keys = graph("Reshape", key.descriptor, [depth, -1])
    size = graph("Shape", key.descriptor, start=2)
    row = Graph("row", graph)
    found = _match_row(row, "row.query", keys, size, temperature)
    body = row.finished(
        [tensor("row.query", FLOAT, "w", depth)],
        [
            tensor(found.position, FLOAT, "w", 2),
            tensor(found.key_index, INT64, "w"),
            tensor(found.similarity, FLOAT, "w"),
            tensor(found.sharpness, FLOAT, "w"),
        ],
    )
    return Matches(*graph.several("Scan", len(found), rows, body=body, num_scan_inputs=1))


def _match_row(graph: Graph, query: str, keys: str, size: str, temperature: float) -> Matches:
    cosine = graph("MatMul", query, keys)
    index = graph("ArgMax", cosine, axis=1, keepdims=0)
    width = graph("Gather", size, np.array(1))
    place = graph("Concat", *(graph("Unsqueeze", graph(part, index, width), [1]) for part in ("Div", "Mod")), axis=1)
    near = graph("Add", graph("Unsqueeze", place, [1]), _AROUND)  # (w, 9, 2)
    bounded = graph("Max", graph("Min", near, graph("Sub", size, [1])), [0])
    strides = graph("Concat", graph("Unsqueeze", width, [0]), [1], axis=0)
    neighbour = graph("ReduceSum", graph("Mul", bounded, strides), [2], keepdims=0)
    outside = graph("ReduceMax", graph("Abs", graph("Sub", near, bounded)), [2], keepdims=0)
    logits = graph("Mul", graph("GatherElements", cosine, neighbour, axis=1), temperature)
    share = graph("Softmax", graph("Where", graph("Equal", outside, [0]), logits, _NEVER), axis=1)
    offset = graph("MatMul", share, _AROUND.astype(np.float32))
    return Matches(
        graph("Add", graph("Cast", place, to=FLOAT), offset),
        index,
        graph("ReduceMax", cosine, [1], keepdims=0),
        graph("ReduceMax", share, [1], keepdims=0),
    )


def local_frames(graph: Graph, position: str) -> Frames:
    """As srntt.transfer.local_frames, for a position (h, w, 2)."""
    (down, votes_down), (right, votes_right) = (_column(graph, position, axis) for axis in (0, 1))
    jacobian = graph("Concat", *(graph("Unsqueeze", column, [3]) for column in (down, right)), axis=3)
    votes = graph("Squeeze", graph("Add", votes_down, votes_right), [2])
    return Frames(jacobian, graph("Mul", votes, 0.25))


def _column(graph: Graph, position: str, axis: int) -> tuple[str, str]:
    """One column of the frames (h, w, 2), and the number of neighbours (h, w, 1) that it was taken from."""
    unit = np.eye(2, dtype=np.float32)[axis]
    later, earlier = graph("Slice", position, [1], [2**31], [axis]), graph("Slice", position, [0], [-1], [axis])
    step = graph("Sub", later, earlier)
    strangeness = graph("ReduceMax", graph("Abs", graph("Sub", step, unit)), [2], keepdims=1)
    smooth = graph("Cast", graph("Less", strangeness, SMOOTH), to=FLOAT)
    count, total = (_both_sides(graph, x, axis) for x in (smooth, graph("Mul", step, smooth)))
    mean = graph("Div", total, graph("Max", count, 1.0))
    return graph("Where", graph("Greater", count, 0.0), mean, unit), count


def _both_sides(graph: Graph, between: str, axis: int) -> str:
    """To what lies between neighbours along an axis, its sum over the two sides of each position."""
    ahead, behind = [0] * 6, [0] * 6
    ahead[axis + 3], behind[axis] = 1, 1
    return graph("Add", graph("Pad", between, ahead), graph("Pad", between, behind))
