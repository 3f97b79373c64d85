"""ONNX files given as base models that read other files, ask for more memory than there is, or return no picture."""

import resource
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from attacks.attack import Attack
from attacks.material import file, harmless

_OPEN = [1, 3, "h", "w"]
_TIB = 2**40
_COMMAND = ("upscale", "a.png", "-o", "out/x.png", "--base-model", "m.onnx")
_MEMORY = "Out of memory in m.onnx"


def attacks() -> Iterator[Attack]:
    """All of them, where ONNX is installed."""
    if find_spec("onnx") is None or find_spec("onnxruntime") is None:
        return
    outside, unloaded = "m.onnx stores factors in another file", "cannot load m.onnx"
    for name, location in (("absolute", "/etc/passwd"), ("climbing", "../../secret"), ("device", "/dev/zero")):
        yield _case(f"tensor-{name}", f"weights in {location}", outside, partial(_resize, _external(location)))
    yield _case("tensor-1-tib", "a tensor that claims 1 TiB and holds nothing", unloaded, partial(_resize, _claimed))
    for name, shape, says in (
        ("1-tib", [1, 3, _TIB // 12, 1], "Out of memory in m.onnx"),
        ("2-64", [1, 3, 2**32, 2**32], "m.onnx failed at 64 x 64"),
        ("negative", [1, 3, -1, -1], unloaded),
        ("empty", [1, 3, 0, 0], "m.onnx returned"),
        ("fixed", [1, 3, 200, 240], "m.onnx returned"),
    ):
        yield _case(f"output-{name}", f"a picture of shape {shape} is made", says, partial(_filled, shape))
    yield _case("output-not-finite", "a picture of NaN is made", "m.onnx returned .*not finite", _not_a_number)
    yield _case("operator", "an operator of somebody's own", "m.onnx uses the custom operator evil::Run", _foreign)
    yield _case("nested", "2,000 branches inside each other", f"m.onnx is not an ONNX file|{unloaded}", _nested)
    yield _case("recursion", "a function that calls itself", f"m.onnx.*itself|{unloaded}", partial(_functions, 1))
    yield _case("mutual", "two functions that call each other", f"m.onnx.*itself|{unloaded}", partial(_functions, 2))
    yield _case(
        "expanding", "40 functions, each twice in the next", "m.onnx has more than 100,000 operators", _expanding
    )
    for name, about, says, make in (
        ("doubling", "60 operators that each double a picture", _MEMORY, _doubling),
        ("folded", "60 operators that each double a constant", _MEMORY, _folded),
        ("loop", "a loop without end", "m.onnx.* took more than 4 seconds, and was ended", partial(_loop, _waiting)),
        ("growing", "a loop that doubles a picture", _MEMORY, partial(_loop, _growing)),
    ):
        command = ("attacks.base_models:hurried",)
        yield _case(name, about, says, make, command=command, seconds=30, mib=1000)
    yield _case("scale", "a picture enlarged 10^9 times", "m.onnx", partial(_resize, _factors(1e9)))
    yield _case(
        "shrinks", "a picture reduced 4 times", "m.onnx returned|m.onnx failed", partial(_resize, _factors(0.25))
    )
    yield _case("cycle", "two operators that wait for each other", unloaded, _cycle)


def _case(name: str, about: str, says: str, make: Any, *, command: tuple[str, ...] = _COMMAND, **more: Any) -> Attack:
    def written(folder: Path) -> None:
        harmless(folder, "a.png")
        file("m.onnx", make)(folder)

    return Attack(f"base-model-{name}", about, written, command, 4, says, **({"mib": 200} | more))


def hurried() -> int:
    """Run the command with a gigabyte of memory, and four seconds for the first picture in place of minutes."""
    from srntt.cli import main
    from srntt.upscale import _base_file

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    space = pages * resource.getpagesize() + 2**30
    resource.setrlimit(resource.RLIMIT_AS, (space, space))
    _base_file._LONGEST = 0.001
    return main(list(_COMMAND))


def _model(
    nodes: list[Any], tensors: tuple[Any, ...] = (), domains: tuple[str, ...] = (), functions: tuple[Any, ...] = ()
) -> bytes:
    from onnx import TensorProto, helper

    pictures = [helper.make_tensor_value_info(name, TensorProto.FLOAT, _OPEN) for name in ("small", "large")]
    graph = helper.make_graph(nodes, "attack", pictures[:1], pictures[1:], tensors)
    opsets = [helper.make_opsetid("", 17), *(helper.make_opsetid(domain, 1) for domain in domains)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8, functions=functions).SerializeToString()


def _resize(factors: Any) -> bytes:
    from onnx import helper

    node = helper.make_node("Resize", ["small", "", "factors"], ["large"], mode="nearest")
    return _model([node], (factors() if callable(factors) else factors,))


def _factors(times: float) -> Any:
    from onnx import numpy_helper

    return numpy_helper.from_array(np.array([1, 1, times, times], np.float32), "factors")


def _functions(count: int) -> bytes:
    """Functions, each of which calls the next, and the last the first."""
    from onnx import helper

    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    functions = []
    for number in range(count):
        node = helper.make_node(f"F{(number + 1) % count}", ["x"], ["y"], domain="own")
        functions.append(helper.make_function("own", f"F{number}", ["x"], ["y"], [node], opsets))
    called = helper.make_node("F0", ["small"], ["large"], domain="own")
    return _model([called], domains=("own",), functions=tuple(functions))


def _expanding() -> bytes:
    """A file of two kilobytes that would have 2^40 operators."""
    from onnx import helper

    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    nodes, functions = [helper.make_node("Neg", ["x"], ["y"])], []
    for number in range(40):
        functions.append(helper.make_function("own", f"F{number}", ["x"], ["y"], nodes, opsets))
        nodes = [helper.make_node(f"F{number}", [a], [b], domain="own") for a, b in (("x", "z"), ("z", "y"))]
    called = helper.make_node("F39", ["small"], ["large"], domain="own")
    return _model([called], domains=("own",), functions=tuple(functions))


def _doubled(first: str) -> list[Any]:
    from onnx import helper

    names = [first, *(f"x{number}" for number in range(59)), "large"]
    return [helper.make_node("Concat", [a, a], [b], axis=3) for a, b in pairwise(names)]


def _doubling() -> bytes:
    return _model(_doubled("small"))


def _folded() -> bytes:
    from onnx import numpy_helper

    return _model(_doubled("one"), (numpy_helper.from_array(np.ones((1, 3, 1, 1), np.float32), "one"),))


def _loop(body: Any) -> bytes:
    """A loop of 2^62 rounds that carries the picture."""
    from onnx import TensorProto, helper, numpy_helper

    values = [
        helper.make_tensor_value_info("round", TensorProto.INT64, []),
        helper.make_tensor_value_info("on", TensorProto.BOOL, []),
    ]
    carried = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("before", "after")]
    still = helper.make_tensor_value_info("still", TensorProto.BOOL, [])
    graph = helper.make_graph(
        [*body(), helper.make_node("Identity", ["on"], ["still"])], "body", [*values, carried[0]], [still, carried[1]]
    )
    rounds = numpy_helper.from_array(np.array(2**62, np.int64), "rounds")
    begin = numpy_helper.from_array(np.array(True), "begin")
    return _model([helper.make_node("Loop", ["rounds", "begin", "small"], ["large"], body=graph)], (rounds, begin))


def _waiting() -> list[Any]:
    from onnx import helper

    return [helper.make_node("Neg", ["before"], ["after"])]


def _growing() -> list[Any]:
    from onnx import helper

    return [helper.make_node("Concat", ["before", "before"], ["after"], axis=2)]


def _external(location: str) -> Any:
    def tensor() -> Any:
        from onnx import TensorProto

        made = TensorProto(name="factors", data_type=TensorProto.FLOAT, dims=[4])
        made.data_location = TensorProto.EXTERNAL
        made.external_data.add(key="location", value=location)
        return made

    return tensor


def _claimed() -> Any:
    from onnx import TensorProto

    return TensorProto(name="factors", data_type=TensorProto.FLOAT, dims=[_TIB // 4])


def _filled(shape: list[int]) -> bytes:
    from onnx import helper, numpy_helper

    size = numpy_helper.from_array(np.array(shape, np.int64), "size")
    return _model([helper.make_node("ConstantOfShape", ["size"], ["large"])], (size,))


def _not_a_number() -> bytes:
    from onnx import helper, numpy_helper

    factors = numpy_helper.from_array(np.array([1, 1, 4, 4], np.float32), "factors")
    enlarge = helper.make_node("Resize", ["small", "", "factors"], ["enlarged"], mode="nearest")
    nothing = helper.make_node("Sub", ["enlarged", "enlarged"], ["nothing"])
    return _model([enlarge, nothing, helper.make_node("Div", ["nothing", "nothing"], ["large"])], (factors,))


def _foreign() -> bytes:
    from onnx import helper

    return _model([helper.make_node("Run", ["small"], ["large"], domain="evil")], domains=("evil",))


def _cycle() -> bytes:
    from onnx import helper

    return _model([helper.make_node("Add", ["small", "b"], ["large"]), helper.make_node("Neg", ["large"], ["b"])])


def _nested() -> bytes:
    """As bytes: a graph (field 7) with a node (1) with an attribute (5) with a graph (6), and so on."""
    inner = b""
    for _ in range(2000):
        attribute = _field(6, inner)
        node = _field(4, b"If") + _field(5, attribute)
        inner = _field(1, node)
    return b"\x08\x08" + _field(7, inner + _field(12, b"\x0a\x05large"))


def _field(number: int, content: bytes) -> bytes:
    size, written = len(content), b""
    while size > 127:
        written, size = written + bytes([size & 127 | 128]), size >> 7
    return bytes([number << 3 | 2]) + written + bytes([size]) + content
