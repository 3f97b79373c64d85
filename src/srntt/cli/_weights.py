"""``srntt weights``: what models there are, and how to come by the weights that are not shipped."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from srntt.cli._exit import Exit
from srntt.cli._options import Json, refuse_missing
from srntt.cli._progress import ProgressOnStderr
from srntt.cli._say import say, say_json

_FAMILIES = ("torchvision", "caffe")


def list_weights(*, json: Json = False) -> int:
    """List the models that can be named, and whether VGG19 (for the paper's models) has been fetched."""
    from srntt.network import vgg19_path
    from srntt.upscale import list_models

    models = list_models()
    vgg19 = [_vgg19(family, vgg19_path(family)) for family in _FAMILIES]
    if json:
        say_json({"models": models, "vgg19": vgg19})
    else:
        say(*(_model_line(model) for model in models))
        say(*(_vgg19_line(item) for item in vgg19))
    return Exit.DONE


def get(
    what: Literal["vgg19"],
    /,
    *,
    source: Annotated[Path | None, Parameter(name="--from")] = None,
    family: Literal["torchvision", "caffe"] | None = None,
    json: Json = False,
) -> int:
    """Fetch VGG19, which the paper's models need: from torchvision's server (575 MB, hash-checked), or from a file.

    Args:
        what: vgg19.
        source: A file that is here already: torchvision's .pth, MatConvNet's imagenet-vgg-verydeep-19.mat (the family
            of the official SRNTT), or .safetensors. Nothing is downloaded then.
        family: Whose weights the file holds, where it does not say so itself.
    """
    if source:
        refuse_missing([source])
    from srntt.network import get_vgg19

    with ProgressOnStderr() as progress:
        path = get_vgg19(source, family=family, progress=lambda done, total: progress("download", done, total))
    if json:
        say_json({what: str(path), "bytes": path.stat().st_size})
    else:
        say(f"{path}: {path.stat().st_size / 1e6:.1f} MB")
    return Exit.DONE


def convert(
    upscale: Path,
    transfer: Path | None = None,
    /,
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    overwrite: bool = False,
    json: Json = False,
) -> int:
    """Convert the official SRNTT weights (.npz) to a model that srntt loads.

    Args:
        upscale: The official upscale.npz.
        transfer: The official srntt.npz or srntt_init.npz. Without it, only the content extractor is converted.
        output: Folder of the model, or a .safetensors file.
        overwrite: Replace what is there.
    """
    refuse_missing([upscale, *([transfer] if transfer else [])])
    from srntt.network import convert_official

    path = convert_official(output, upscale, transfer, overwrite=overwrite)
    if json:
        say_json({"model": str(path), "files": sorted(str(file) for file in _files(path))})
    else:
        say(f"{path}: use it with --model {path}")
    return Exit.DONE


def _vgg19(family: str, path: Path) -> dict[str, str | int | None]:
    return {"family": family, "path": str(path), "bytes": path.stat().st_size if path.is_file() else None}


def _vgg19_line(item: dict[str, str | int | None]) -> str:
    if item["bytes"] is not None:
        return f"vgg19 ({item['family']}): at {item['path']}"
    how = " --from imagenet-vgg-verydeep-19.mat" if item["family"] == "caffe" else ""
    return f"vgg19 ({item['family']}): not fetched (srntt weights get vgg19{how})"


def _model_line(model: dict) -> str:
    return f"{model['name']}: {model['bytes'] / 1e6:.1f} MB. {model['description']}".rstrip()


def _files(path: Path) -> list[Path]:
    return list(path.iterdir()) if path.is_dir() else [path]
