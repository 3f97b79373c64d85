"""Write an ONNX graph node by node. Values go by name; a subgraph sees what lies around it; constants are kept once.

Needs the package ``onnx``; only ``_file`` asks for this file.
"""

from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper
from torch import nn

Operand = str | float | list[int] | np.ndarray
"""The name of a value, or a constant: a float32 scalar, a list of int64, an array."""

FLOAT, INT64, BOOL = onnx.TensorProto.FLOAT, onnx.TensorProto.INT64, onnx.TensorProto.BOOL


class Graph:
    """Nodes in the order in which they run; ``outer`` is the graph in one of whose nodes this one runs.

    The name of a graph begins the names of its values.
    """

    def __init__(self, name: str, outer: "Graph | None" = None) -> None:
        self.name = name
        self._root: Graph = outer._root if outer else self
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}
        self._count = 0

    def __call__(self, kind: str, *operands: Operand, **attributes: Any) -> str:
        """Add a node with one output, and name that."""
        return self.several(kind, 1, *operands, **attributes)[0]

    def several(self, kind: str, outputs: int, *operands: Operand, **attributes: Any) -> list[str]:
        """Add a node with any number of outputs, and name them."""
        inputs = [operand if isinstance(operand, str) else self.constant(operand) for operand in operands]
        self._root._count += 1
        number = self._root._count
        names = [f"{self.name}.{kind}.{number}" + f".{place}" * (outputs > 1) for place in range(outputs)]
        self._nodes.append(helper.make_node(kind, inputs, names, name=f"{self.name}.{kind}.{number}", **attributes))
        return names

    def constant(self, content: float | list[int] | np.ndarray, name: str = "") -> str:
        """A constant of the whole model; of those of one name the first counts."""
        if isinstance(content, list):
            content = np.array(content, np.int64)
        array = np.asarray(content, np.float32 if isinstance(content, float) else None)
        name = name or f"constant {array.dtype} {array.shape} {array.tobytes().hex()}"
        constants = self._root._constants
        if name not in constants:
            shown = f"constant.{len(constants)}" if name.startswith("constant ") else name
            constants[name] = numpy_helper.from_array(array, shown)
        return constants[name].name

    def finished(self, inputs: list[onnx.ValueInfoProto], outputs: list[onnx.ValueInfoProto]) -> onnx.GraphProto:
        """The graph as ONNX has it; the outermost one holds the constants."""
        return helper.make_graph(self._nodes, self.name, inputs, outputs, list(self._constants.values()))


def tensor(name: str, kind: int, *shape: int | str | None) -> onnx.ValueInfoProto:
    """What is known of a graph's input or output; a named size is the same wherever it is named."""
    return helper.make_tensor_value_info(name, kind, list(shape))


def layers(graph: Graph, x: str, module: nn.Module, name: str) -> str:
    """A convolution, or several with ReLUs between; ``name`` is that of the module among the model's weights."""
    if isinstance(module, nn.Sequential):
        for place, layer in enumerate(module):
            x = layers(graph, x, layer, f"{name}.{place}")
        return x
    if isinstance(module, nn.ReLU):
        return graph("Relu", x)
    assert isinstance(module, nn.Conv2d), f"{name} is a {type(module).__name__}"
    assert module.bias is not None
    weight, bias = (
        graph.constant(value.detach().cpu().numpy(), f"{name}.{part}")
        for part, value in (("weight", module.weight), ("bias", module.bias))
    )
    down, right = module.kernel_size[0] // 2, module.kernel_size[1] // 2
    return graph("Conv", x, weight, bias, pads=[down, right, down, right])


def resize(graph: Graph, picture: str, factor: float) -> str:
    """Antialiased bicubic by a = -0.5; taps outside the picture are left out, as torch and Pillow do."""
    scales = np.array([1, 1, factor, factor], np.float32)
    return graph(
        "Resize", picture, "", scales, mode="cubic", antialias=1, cubic_coeff_a=-0.5, exclude_outside=1
    )  # fmt: skip
