"""The light model as a file for ONNX Runtime, checked against the model before it is written."""

import copy
import json
import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from torch import nn

import srntt
from srntt._files import exists_error, whole_file
from srntt.errors import InputError, MissingDependencyError, OutputError
from srntt.models import fingerprint
from srntt.models.lite import Lite


@dataclass(frozen=True)
class OnnxFile:
    """What was written.

    Attributes:
        path: of the file.
        bytes: its size.
        metadata: what it says of itself: model, weights (a hash), srntt version, opset, parity.
        parity: for each case its sizes (``low_res``, ``references``), the ``largest`` difference from the model in
            levels of 255, and the ``share_above`` a tenth of one; none if it was not checked.
    """

    path: Path
    bytes: int
    metadata: dict[str, str]
    parity: tuple[dict[str, Any], ...]


def export_onnx(
    model: nn.Module, path: str | Path, *, name: str = "model", check: bool = True, overwrite: bool = False
) -> OnnxFile:
    """Write a light model as one ONNX graph of any sizes and any number of references.

    The inputs are ``low_res`` (1, 3, h, w) and ``references``, a sequence (empty for single-image super-resolution)
    of (1, 3, H, W), each at least one LR pixel; the output is ``picture`` (1, 3, scale * h, scale * w); all float32
    RGB in 0..1. The same model makes the same bytes, with the same versions of its packages.

    Args:
        model: a light model; weights of any kind of it.
        path: of the file.
        name: what its metadata calls the model.
        check: compare the file with the model at several sizes and with up to seven references, and keep the largest
            differences in the metadata.
        overwrite: replace what is there.

    Raises:
        InputError: not a light model.
        MissingDependencyError: onnx, or for the check onnxruntime, is not installed.
        ModelError: the file and the model disagree; nothing is written.
        OutputError: something is there already; cannot be written.
    """
    if not isinstance(model, Lite):
        raise InputError(f"ONNX export takes a light model (architecture lite), not a {type(model).__name__}.")
    if missing := [package for package in ["onnx", *["onnxruntime"] * check] if find_spec(package) is None]:
        raise MissingDependencyError.of_extra(f"ONNX export needs {' and '.join(missing)}", "onnx")
    path = Path(path)
    if os.path.lexists(path) and not overwrite:
        raise exists_error(str(path))
    if not path.parent.is_dir():
        raise OutputError(f"{path}: the folder {path.parent} does not exist. Create it first, or choose another.")
    content, metadata, parity = _content(model, name, check)
    with whole_file(path, overwrite=overwrite) as file:
        file.write(content)
    return OnnxFile(path, len(content), metadata, tuple(parity))


def _content(model: Lite, name: str, check: bool) -> tuple[bytes, dict[str, str], list[dict[str, Any]]]:
    import onnx

    from srntt.models.lite.onnx._lite_graph import OPSET, lite_graph
    from srntt.models.lite.onnx._parity import check_parity

    proto = lite_graph(model)
    proto.producer_name, proto.producer_version = "srntt", srntt.__version__
    onnx.checker.check_model(proto, full_check=True)
    parity = check_parity(copy.deepcopy(model).cpu().eval(), proto.SerializeToString()) if check else []
    metadata = {
        "srntt_version": srntt.__version__,
        "model": name,
        "fingerprint": fingerprint(model),
        "opset": str(OPSET),
        "parity": json.dumps(parity) if check else "not checked",
    }
    onnx.helper.set_model_props(proto, metadata)
    return proto.SerializeToString(deterministic=True), metadata, parity
