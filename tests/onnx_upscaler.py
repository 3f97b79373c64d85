"""Upscalers as ONNX, of one node."""

from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

OPEN = [1, 3, "h", "w"]


def graph_of(nodes, inputs=None, outputs=None, tensors=(), kind=TensorProto.FLOAT):
    inputs = inputs or [helper.make_tensor_value_info("small", kind, OPEN)]
    outputs = outputs or [helper.make_tensor_value_info("large", TensorProto.FLOAT, [1, 3, "H", "W"])]
    return helper.make_graph(nodes, "upscaler", inputs, outputs, tensors)


def saved(path, graph, **options):
    opsets = [helper.make_opsetid("", 18), *options.pop("domains", [])]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8, **options)
    path.write_bytes(model.SerializeToString())
    return path


def resizing(scale=4, mode="nearest"):
    """Enlarges by repeating pixels, or linearly."""
    factors = numpy_helper.from_array(np.array([1, 1, scale, scale], np.float32), "factors")
    way = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"} if mode == "nearest" else {}
    return helper.make_node("Resize", ["small", "", "factors"], ["large"], mode=mode, **way), factors


def repeating_file(folder: Path) -> Path:
    """``repeat.onnx``, which repeats each pixel 4 x 4 times."""
    node, factors = resizing()
    return saved(folder / "repeat.onnx", graph_of([node], tensors=[factors]))
