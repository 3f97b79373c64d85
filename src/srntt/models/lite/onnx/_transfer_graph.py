"""Textures through matches, and the picture from them, as ONNX: the twin of srntt.transfer and of the light network.

Candidates are kept as (k, c, h, w): the channels of ``Textures.bands`` and behind them those of ``Textures.evidence``.
"""

import numpy as np
from onnx import ValueInfoProto

from srntt.models.lite import Lite
from srntt.models.lite._agreement import RAMP, RICH, SOFT, TINY, WINDOW
from srntt.models.lite._fusion import EVIDENCE, LOW, MOST_TRUST
from srntt.models.lite.onnx._encode_graph import Described, box_mean, texture_bands
from srntt.models.lite.onnx._graph import FLOAT, Graph, layers, resize, tensor
from srntt.models.lite.onnx._match_graph import Frames, Matches, local_frames


def candidate_channels(model: Lite) -> int:
    """Channels of a candidate."""
    return model.config.band_channels + EVIDENCE


def sample_candidate(
    graph: Graph, model: Lite, reference: str, query: Described, key: Described, matches: Matches
) -> str:
    """The candidate (1, c, h, w) that one reference has for each position."""
    frames = local_frames(graph, matches.position)
    ratios = model.config.ratios
    bands = zip(texture_bands(graph, reference, ratios), ratios, strict=True)
    blocks = [_sample_blocks(graph, band, matches.position, frames, ratio) for band, ratio in bands]
    there = graph("Gather", graph("Reshape", key.contrast, [-1]), matches.key_index)
    ratio = graph("Div", graph("Squeeze", query.contrast, [0, 1]), there)
    contrast = graph("Clip", graph("Log", ratio), -1.0, 1.0)
    known = (matches.similarity, matches.sharpness, frames.agreement, contrast)
    evidence = [graph("Unsqueeze", value, [0, 1]) for value in known]
    return graph("Concat", *blocks, *evidence, axis=1)


def join(graph: Graph, model: Lite, best: str, found: str) -> str:
    """Candidates with one more: the twin of `srntt.match.keep_best`.

    While there is room it is added. Then, at each position, it takes the place of the least similar one, if it is more
    similar. None moves: the network's convolutions look along a candidate, which should be one map of one reference.
    """
    count, similarity = model.config.candidates, model.config.band_channels
    room = graph("Squeeze", graph("Less", graph("Shape", best, end=1), [count]), [0])
    add, swap = Graph("add", graph), Graph("swap", graph)
    branches = ((add, add("Concat", best, found, axis=0)), (swap, _replace_least(swap, best, found, count, similarity)))
    then, otherwise = (branch.finished([], [candidates_info(name, model)]) for branch, name in branches)
    return graph("If", room, then_branch=then, else_branch=otherwise)


def candidates_info(name: str, model: Lite) -> ValueInfoProto:
    """What is known of candidates beforehand: not how many there are."""
    return tensor(name, FLOAT, None, candidate_channels(model), "h", "w")


def synthesise(graph: Graph, model: Lite, low_res: str, candidates: str) -> str:
    """The picture (1, 3, scale h, scale w), within 0..1, from any number of candidates, none included."""
    head = layers(graph, graph("Sub", low_res, 0.5), model.head, "head")
    content = _residual_blocks(graph, head, model, "content")
    enlarged = resize(graph, low_res, float(model.scale))
    some = graph("Squeeze", graph("Greater", graph("Shape", candidates, end=1), [0]), [0])
    alone, used = Graph("alone", graph), Graph("used", graph)
    plain = _picture(alone, model, content, head, enlarged)
    made = _picture(used, model, _fuse(used, model, content, low_res, candidates), head, enlarged)
    if model.config.agreement:
        made = _trusted(used, model, _picture(used, model, content, head, enlarged), made, enlarged)
    then, otherwise = (
        branch.finished([], [tensor(name, FLOAT, 1, 3, None, None)]) for branch, name in ((used, made), (alone, plain))
    )
    return graph("Clip", graph("If", some, then_branch=then, else_branch=otherwise), 0.0, 1.0)


def _picture(graph: Graph, model: Lite, content: str, head: str, enlarged: str) -> str:
    body = graph("Add", _residual_blocks(graph, content, model, "transfer"), head)
    residual = graph("DepthToSpace", layers(graph, body, model.tail, "tail"), blocksize=model.scale, mode="CRD")
    return graph("Add", enlarged, residual)


def _trusted(graph: Graph, model: Lite, alone: str, made: str, enlarged: str) -> str:
    """The twin of `srntt.models.lite._agreement`: what was made, as far as it agrees with the picture alone."""
    own, change = graph("Sub", alone, enlarged), graph("Sub", made, alone)
    pairs = ((own, own), (own, change), (change, change))
    energy, shared, added = (_around(graph, graph("Mul", *pair), model.scale) for pair in pairs)
    least = graph("Add", energy, TINY)
    left = graph("Add", graph("Div", shared, least), 1.0)
    made_energy = graph("Add", graph("Add", energy, graph("Mul", shared, 2.0)), added)
    kept = graph("Div", graph("Sub", left, model.config.agreement), RAMP)
    poor = graph("Div", graph("Sub", RICH, graph("Div", made_energy, least)), RICH - SOFT)
    soft = graph("Min", poor, graph("Div", left, RAMP))
    trust = graph("Clip", graph("Max", kept, soft), 0.0, 1.0)
    scales = np.array([1, 1, model.scale, model.scale], np.float32)
    wide = graph("Resize", trust, "", scales, mode="linear", coordinate_transformation_mode="half_pixel")
    return graph("Add", alone, graph("Mul", wide, change))


def _around(graph: Graph, product: str, scale: int) -> str:
    mean = graph("ReduceMean", product, [1], keepdims=1)
    return box_mean(graph, graph("AveragePool", mean, kernel_shape=[scale, scale], strides=[scale, scale]), WINDOW)


def _sample_blocks(graph: Graph, band: str, position: str, frames: Frames, ratio: int) -> str:
    """A band (1, 3, H, W) as blocks (1, 3 * ratio^2, h, w) on the LR grid."""
    inside = (np.arange(ratio, dtype=np.float32) + 0.5) / ratio - 0.5
    offsets = np.stack(np.meshgrid(inside, inside, indexing="ij"), -1).reshape(-1, 2)
    turned = graph("MatMul", offsets, graph("Transpose", frames.jacobian, perm=[0, 1, 3, 2]))
    point = graph("Add", graph("Unsqueeze", position, [2]), turned)  # (h, w, ratio^2, 2)
    size = graph("Div", graph("Cast", graph("Shape", band, start=2), to=FLOAT), float(ratio))
    share = graph("Div", graph("Add", point, 0.5), size)
    grid = graph("Gather", graph("Sub", graph("Mul", share, 2.0), 1.0), [1, 0], axis=3)
    flat = graph("Reshape", grid, [1, -1, ratio**2, 2])
    mode = "bicubic" if ratio > 1 else "bilinear"
    sampled = graph("GridSample", band, flat, mode=mode, padding_mode="border", align_corners=0)
    blocks = graph("Transpose", sampled, perm=[0, 1, 3, 2])
    return graph("Reshape", blocks, graph("Concat", [1, 3 * ratio**2], graph("Shape", position, end=2), axis=0))


def _replace_least(graph: Graph, best: str, found: str, count: int, at: int) -> str:
    """``at``: the channel that holds the similarity, the first of the evidence."""
    similarity, rival = (graph("Slice", x, [at], [at + 1], [1]) for x in (best, found))
    least = graph("ArgMin", similarity, axis=0, keepdims=1)
    better = graph("Greater", rival, graph("ReduceMin", similarity, [0], keepdims=1))
    taken = graph("And", graph("Equal", least, np.arange(count).reshape(-1, 1, 1, 1)), better)
    return graph("Where", taken, found, best)


def _fuse(graph: Graph, model: Lite, content: str, low_res: str, candidates: str) -> str:
    """TextureFusion of candidates (k, c, h, w), taken as a batch: a sum over none of them is nothing."""
    bands, end = model.config.band_channels, candidate_channels(model)
    parts = ((0, bands - LOW), (bands - LOW, bands), (bands, end), (end - 1, end))
    detail, low, evidence, contrast = (graph("Slice", candidates, [start], [stop], [1]) for start, stop in parts)
    differs = graph("Sub", low_res, low)
    fitted = graph("Concat", graph("Mul", detail, graph("Exp", contrast)), low, differs, axis=1)
    texture = graph("Relu", layers(graph, fitted, model.fusion.texture, "fusion.texture"))
    each = graph("Expand", content, graph("Concat", graph("Shape", low, end=1), [1, 1, 1], axis=0))
    known = graph("Concat", evidence, differs, axis=1)
    merged = layers(graph, graph("Concat", each, texture, known, axis=1), model.fusion.merge, "fusion.merge")
    trust = graph("Exp", graph("Min", layers(graph, known, model.fusion.gate, "fusion.gate"), MOST_TRUST))
    total = graph("ReduceSum", graph("Mul", trust, merged), [0], keepdims=1)
    weight = graph("Add", graph("ReduceSum", trust, [0], keepdims=1), 1.0)
    return graph("Add", content, graph("Div", total, weight))


def _residual_blocks(graph: Graph, x: str, model: Lite, name: str) -> str:
    for place, block in enumerate(getattr(model, name)):
        hidden = graph("Relu", layers(graph, x, block.first, f"{name}.{place}.first"))
        x = graph("Add", x, layers(graph, hidden, block.second, f"{name}.{place}.second"))
    return x
