"""``srntt export onnx``: export a light model to ONNX."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from srntt.cli._exit import Exit
from srntt.cli._options import Json
from srntt.cli._say import say_either

if TYPE_CHECKING:
    from srntt.models.lite.onnx import OnnxFile


def onnx(
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    model: str = "lite-rec",
    check: Annotated[bool, Parameter(negative="--no-check")] = True,
    overwrite: bool = False,
    json: Json = False,
) -> int:
    """Export a light model as a single ONNX graph, for pictures of any size and any number of references.

    Args:
        output: The file, such as model.onnx.
        model: A name (srntt weights list), a model folder or a .safetensors file. Default: lite-rec.
        check: Compare the file with the model at several sizes, with up to seven references, and write it only if they
            agree. Default: yes; --no-check disables it.
        overwrite: Replace an existing file.
    """
    from srntt.models import export_model, open_model

    name = Path(model).name.removesuffix(".safetensors")
    done = export_model(open_model(model), output, name=name, check=check, overwrite=overwrite)
    lines = [f"{done.path}: {done.bytes / 1e6:.1f} MB, {name}, opset {done.metadata['opset']}", _agreement(done)]
    say_either(lines, {**dataclasses.asdict(done), "path": str(done.path)}, as_json=json)
    return Exit.DONE


def _agreement(done: "OnnxFile") -> str:
    if not done.parity:
        return "not compared with the model"
    largest = max(case["largest"] for case in done.parity)
    return f"at most {largest:.2g} levels of 255 from the model, in {len(done.parity)} cases"
