"""Upscalers in ONNX files as base."""

import json
import os
import subprocess
import sys
from itertools import pairwise

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx_upscaler import OPEN, graph_of, repeating_file, resizing, saved

from srntt.errors import InputError, MemoryBudgetError, ModelError
from srntt.image import load
from srntt.memory import resident_bytes
from srntt.upscale import BaseModel, Upscaler


@pytest.fixture
def repeating(tmp_path):
    return repeating_file(tmp_path)


@pytest.fixture
def fixed(tmp_path):
    """The same, for 64 x 80 alone."""
    node, factors = resizing()
    small = helper.make_tensor_value_info("small", TensorProto.FLOAT, [1, 3, 64, 80])
    return saved(tmp_path / "fixed.onnx", graph_of([node], inputs=[small], tensors=[factors]))


def _noise(height, width):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize("size", [(5, 3), (64, 80), (70, 200), (300, 90)])
@pytest.mark.parametrize("kind", ["repeating", "fixed"])
def test_tiles_make_the_whole(request, kind, size):
    model, small = BaseModel(request.getfixturevalue(kind)), _noise(*size)
    made = model.enlarge(load(small), 2 * 10**9, lambda *_: None)
    want = small.astype(np.uint16).repeat(4, 0).repeat(4, 1) * 257
    assert np.abs(made.picture.color.astype(int) - want).max() <= 1  # weights of tiles sum to one but for rounding
    assert (model.scale, made.fallbacks) == (4, ())


def test_a_small_picture_is_not_padded_unless_it_must_be(tmp_path):
    """Pixels beyond the frame are context that networks see."""
    mean = [
        helper.make_node("GlobalAveragePool", ["small"], ["mean"]),
        helper.make_node("Sub", ["small", "mean"], ["d"]),
    ]
    node, factors = resizing()
    node.input[0] = "d"
    centred = BaseModel(saved(tmp_path / "centred.onnx", graph_of([*mean, node], tensors=[factors])))
    bright = np.full((70, 90, 3), 255, np.uint8)
    bright[-1] = 0  # repeated beyond the frame, it would change the mean
    made = centred.enlarge(load(bright), 2 * 10**9, lambda *_: None).picture.color / 65_535
    assert made.max() == pytest.approx(1 / 70, abs=1e-3)
    windows = numpy_helper.from_array(np.array([-1, 3, 64, 64], np.int64), "windows")
    picky = [
        helper.make_node("Shape", ["small"], ["shape"]),
        helper.make_node("Reshape", ["small", "windows"], ["cut"]),
        helper.make_node("Relu", ["cut"], ["bent"]),
        helper.make_node("Reshape", ["bent", "shape"], ["d"]),
        node,
    ]
    whole = BaseModel(saved(tmp_path / "picky.onnx", graph_of(picky, tensors=[factors, windows])))
    with pytest.raises(ModelError, match="failed at 50 x 40"):
        whole._file(np.zeros((1, 3, 40, 50), np.float32), 2 * 10**9)
    assert whole.enlarge(load(bright[:40, :50]), 2 * 10**9, lambda *_: None).picture.color.shape == (160, 200, 3)


def test_what_it_makes_is_the_base(upscaler, repeating, low_res):
    small = np.asarray(low_res)
    with_model = Upscaler(upscaler.model, name="lite-rec", device="cpu", base_model=repeating)
    given = upscaler.upscale(small, base=small.repeat(4, 0).repeat(4, 1))
    result = with_model.upscale(small)
    assert np.array_equal(result.array, given.array)
    assert result.base == "repeat.onnx"
    assert not np.array_equal(result.array, upscaler.upscale(small).array)
    other = np.asarray(low_res.resize((low_res.width * 4, low_res.height * 4)))
    assert np.array_equal(with_model.upscale(small, base=other).array, upscaler.upscale(small, base=other).array)


def test_progress_is_reported(upscaler, repeating):
    stages = []
    with_model = Upscaler(upscaler.model, device="cpu", base_model=repeating)
    with_model.upscale(_noise(300, 20), progress=lambda *step: stages.append(step))
    assert stages[:2] == [("base", 1, 2), ("base", 2, 2)]


@pytest.mark.parametrize("freed", [False, True], ids=["as it is", "after much was freed"])
def test_peak_stays_within_its_prediction(upscaler, tmp_path, freed):
    """A network of 64 channels at the output's size, which takes a lot; memory that a long process has freed and still
    holds hides what the model takes, and scatters it.
    """
    rng = np.random.default_rng(0)
    node, factors = resizing()
    node.output[0] = "plain"
    tensors = [
        numpy_helper.from_array(rng.normal(0, 0.05, shape).astype(np.float32), name)
        for name, shape in {"in": (64, 3, 3, 3), "out": (3, 64, 3, 3)}.items()
    ]
    nodes = [
        node,
        helper.make_node("Conv", ["plain", "in"], ["wide"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["wide"], ["bent"]),
        helper.make_node("Conv", ["bent", "out"], ["large"], pads=[1, 1, 1, 1]),
    ]
    path = saved(tmp_path / "wide.onnx", graph_of(nodes, tensors=[factors, *tensors]))
    upscaler.upscale(_noise(64, 64))
    if freed:
        bytearray(30 * 2**20)  # from now on, blocks below this size are taken from the heap
        blocks = [bytearray(30_000) for _ in range(15_000)]
        last = blocks.pop()  # holds the memory below it
        blocks.clear()
    within = Upscaler(upscaler.model, device="cpu", memory=resident_bytes() + 500_000_000, base_model=path)
    result = within.upscale(_noise(300, 400))
    assert result.peak_bytes <= result.predicted_bytes * 1.25
    assert max(result.peak_bytes, result.predicted_bytes) <= within.memory
    with pytest.raises(MemoryBudgetError, match=r"base model wide\.onnx needs .* even in tiles of 64 x 64"):
        within.base_model.enlarge(load(_noise(300, 400)), resident_bytes() + 10_000_000, lambda *_: None)
    if freed:
        assert len(last) == 30_000


def test_a_file_of_another_factor_is_refused(upscaler, tmp_path):
    node, factors = resizing(2)
    path = saved(tmp_path / "twice.onnx", graph_of([node], tensors=[factors]))
    with pytest.raises(InputError, match=r"twice\.onnx has scale 2, but lite-rec has scale 4"):
        Upscaler(upscaler.model, name="lite-rec", device="cpu", base_model=path)


def test_a_model_that_takes_no_base_is_refused(repeating):
    with pytest.raises(ModelError, match="Model lite-gan does not support a base"):
        Upscaler.from_pretrained("lite-gan", device="cpu", base_model=repeating)


def _external(graph):
    tensor = TensorProto(name="factors", data_type=TensorProto.FLOAT, dims=[4])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    graph.initializer[0].CopyFrom(tensor)
    return graph


def _inner_external(graph):
    """Hidden in a branch."""
    inner = helper.make_graph([], "inner", [], [helper.make_tensor_value_info("x", TensorProto.FLOAT, [])])
    tensor = inner.initializer.add(name="x", data_type=TensorProto.FLOAT)
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights.bin")
    graph.node.append(helper.make_node("If", ["c"], ["unused"], then_branch=inner, else_branch=inner))
    return graph


def _constant_external(graph):
    node = helper.make_node("Constant", [], ["unused"], value=numpy_helper.from_array(np.zeros(1, np.float32)))
    node.attribute[0].t.data_location = TensorProto.EXTERNAL
    node.attribute[0].t.external_data.add(key="location", value="weights.bin")
    graph.node.append(node)
    return graph


@pytest.mark.parametrize("hide", [_external, _inner_external, _constant_external])
def test_tensors_in_other_files_are_refused(tmp_path, hide):
    node, factors = resizing()
    path = saved(tmp_path / "outside.onnx", hide(graph_of([node], tensors=[factors])))
    with pytest.raises(ModelError, match=r"stores .* in another file\. Export the upscaler with all tensors inside"):
        BaseModel(path)


def test_operators_that_are_not_of_onnx_are_refused(tmp_path):
    node = helper.make_node("Enlarge", ["small"], ["large"], domain="evil")
    path = saved(tmp_path / "custom.onnx", graph_of([node]), domains=[helper.make_opsetid("evil", 1)])
    with pytest.raises(ModelError, match="uses the custom operator evil::Enlarge"):
        BaseModel(path)


def _info(name, shape, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


@pytest.mark.parametrize(
    ("inputs", "outputs", "text"),
    [
        ([_info("small", OPEN), _info("noise", [1])], None, "has inputs small, noise and outputs large"),
        ([_info("small", [1, 1, "h", "w"])], None, r"small is float of shape 1 x 1 x \? x \?"),
        ([_info("small", [8, 3, "h", "w"])], None, r"small is float of shape 8 x 3"),
        ([_info("small", ["h", "w", 3])], None, r"small is float of shape \? x \? x 3"),
        ([_info("small", OPEN, TensorProto.UINT8)], None, "small is uint8"),
        ([_info("small", [1, 3, 16, 16])], None, "tiles need at least 48 x 48"),
        (None, [_info("large", [1, 1, "h", "w"])], "large is float of shape 1 x 1"),
    ],
)
def test_inputs_and_outputs_of_another_form_are_refused(tmp_path, inputs, outputs, text):
    node, factors = resizing()
    path = saved(tmp_path / "form.onnx", graph_of([node], inputs, outputs, [factors]))
    with pytest.raises(ModelError, match=text):
        BaseModel(path)


def test_what_fails_or_is_no_picture_is_refused_in_words(tmp_path):
    flat = saved(tmp_path / "flat.onnx", graph_of([helper.make_node("GlobalAveragePool", ["small"], ["large"])]))
    with pytest.raises(ModelError, match=r"returned float32 of shape \(1, 3, 1, 1\)"):
        BaseModel(flat)
    nan = saved(tmp_path / "nan.onnx", graph_of([helper.make_node("Log", ["minus"], ["large"]),
                                                 helper.make_node("Neg", ["small"], ["minus"])][::-1]))  # fmt: skip
    with pytest.raises(ModelError, match="not finite"):
        BaseModel(nan)


def _endless(path, operation, *inputs, **attributes):
    """A file with a loop of 2^62 rounds, each of which does something with the picture ``x``."""
    ports = [_info("count", [], TensorProto.INT64), _info("again", [], TensorProto.BOOL), _info("x", None)]
    nodes = [
        helper.make_node("Identity", ["again"], ["more"]), helper.make_node(operation, inputs, ["y"], **attributes)
    ]  # fmt: skip
    body = helper.make_graph(nodes, "body", ports, [_info("more", [], TensorProto.BOOL), _info("y", None)])
    most, yes = numpy_helper.from_array(np.array(2**62), "most"), numpy_helper.from_array(np.array(True), "yes")
    node = helper.make_node("Loop", ["most", "yes", "small"], ["large"], body=body)
    return saved(path, graph_of([node], tensors=[most, yes]))


def test_a_loop_without_end_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr("srntt.upscale._base_file._LONGEST", 1e-4)
    path = _endless(tmp_path / "endless.onnx", "Neg", "x")
    with pytest.raises(ModelError, match=r"endless\.onnx failed at 64 x 64: it took more than 0 seconds"):
        BaseModel(path)


def test_a_base_model_keeps_to_the_budget(tmp_path):
    path = _endless(tmp_path / "growing.onnx", "Concat", "x", "x", axis=2)
    with pytest.raises(MemoryBudgetError, match=r"Out of memory in .*growing\.onnx at 64 x 64"):
        Upscaler("lite-rec", device="cpu", memory=resident_bytes() + 150_000_000, base_model=path)


@pytest.mark.parametrize(("calls", "text"), [(2, "more than 100,000 operators"), (1, None)])
def test_functions_that_would_expand_without_end_are_refused(tmp_path, calls, text):
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("own", 1)]
    nodes, functions = [helper.make_node("Neg", ["x0"], ["y"])], []
    for number in range(20):
        functions.append(helper.make_function("own", f"F{number}", ["x0"], ["y"], nodes, opsets))
        names = [*(f"x{place}" for place in range(calls)), "y"]
        nodes = [helper.make_node(f"F{number}", [a], [b], domain="own") for a, b in pairwise(names)]
    resize, factors = resizing()
    resize.output[0] = "enlarged"
    called = helper.make_node("F19", ["enlarged"], ["large"], domain="own")
    graph = graph_of([resize, called], tensors=[factors])
    path = saved(tmp_path / "nested.onnx", graph, domains=opsets[1:], functions=functions[::-1])
    if text:
        with pytest.raises(ModelError, match=text):
            BaseModel(path)
    else:
        assert BaseModel(path).scale == 4


def test_onnx_runtime_keeps_nothing_in_the_users_folders(tmp_path):
    code = "from srntt._onnx_runtime import import_onnx_runtime as load; load().get_available_providers()"
    environment = {key: value for key, value in os.environ.items() if "TELEMETRY" not in key and key[:3] != "XDG"}
    subprocess.run([sys.executable, "-c", code], env=environment | {"HOME": str(tmp_path)}, check=True)
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x80\x04pickle", bytes(1000)])
def test_what_is_no_onnx_is_refused(tmp_path, content):
    (tmp_path / "x.onnx").write_bytes(content)
    with pytest.raises(ModelError, match=r"x\.onnx is not an ONNX file, or damaged"):
        BaseModel(tmp_path / "x.onnx")
    with pytest.raises(ModelError, match="does not exist or is not a file"):
        BaseModel(tmp_path)


def test_a_truncated_file_is_refused(repeating):
    repeating.write_bytes(repeating.read_bytes()[:-20])
    with pytest.raises(ModelError):
        BaseModel(repeating)


def test_the_file_is_only_read(repeating, low_res):
    assert onnx.load(repeating).graph.node
    before = repeating.read_bytes()
    BaseModel(repeating).enlarge(load(low_res), 2 * 10**9, lambda *_: None)
    assert repeating.read_bytes() == before
    assert json.dumps([file.name for file in repeating.parent.iterdir()]) == '["repeat.onnx"]'
