"""Models by name or path, and the devices that they run on."""

import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from srntt.errors import InputError, MissingDependencyError, ModelError
from srntt.models._files import load_model
from srntt.models._table import ARCHITECTURES, architecture_of
from srntt.weights import fetch_model, is_hub_address

EMBEDDED = Path(__file__).parent.parent / "weights"


def list_models() -> list[dict[str, Any]]:
    """The embedded models: name, path, bytes, and the first line of text of the model card."""
    return [
        {
            "name": folder.name,
            "path": str(folder),
            "bytes": (folder / "model.safetensors").stat().st_size,
            "description": _first_line(folder / "README.md"),
        }
        for folder in sorted(EMBEDDED.iterdir())
        if (folder / "model.safetensors").is_file()
    ]


def models_with_base() -> list[str]:
    """Names of the embedded models that accept the output of another upscaler as base."""
    configs = {model["name"]: json.loads(Path(model["path"], "config.json").read_text()) for model in list_models()}
    return [name for name, content in configs.items() if content["config"].get("base")]


def find_model(name: str | Path) -> Path:
    """Where a model lies: the folder of an embedded one, the path as given, or what ``hf://owner/name`` fetches.

    Raises:
        ModelError: neither a name that we know nor a path that exists; a hub that does not have it.
        InputError: a mistake in the address of a hub.
        MissingDependencyError: a hub without the extra for it.
    """
    if is_hub_address(name):
        return fetch_model(str(name))
    if not isinstance(name, str | os.PathLike):
        raise InputError(f"model is {name!r}; give a name, a path, or hf://owner/name.")
    path = Path(name)
    if path.name == str(name) and os.path.isfile(EMBEDDED / path / "model.safetensors"):
        return EMBEDDED / path
    if os.path.exists(path):  # which, unlike Path's, takes a name that is too long for one that is not there
        return path
    known = ", ".join(model["name"] for model in list_models()) or "none"
    raise ModelError(
        f"No model {str(name)!r}. Embedded models: {known}. Or give the path of a model folder or .safetensors file, "
        "or hf://owner/name."
    )


def open_model(name: str | Path) -> nn.Module:
    """Load a model that the engine can drive.

    Raises:
        ModelError: missing, damaged, or of a kind that does not upscale on its own.
    """
    path = find_model(name)
    model = load_model(path)
    if architecture_of(model).drive is None:
        kinds = ", ".join(one.network.__name__ for one in ARCHITECTURES.values() if one.drive)
        raise ModelError(f"{path} holds a {type(model).__name__}; upscaling takes one of {kinds}.")
    return model


def fingerprint(model: nn.Module) -> str:
    """A hash of the configuration and the weights: two models of the same hash give the same outputs."""
    digest = hashlib.sha256(type(model).__name__.encode())
    config = asdict(model.config)  # pyright: ignore[reportArgumentType]
    digest.update(json.dumps(config, sort_keys=True).encode())
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def choose_device(device: str | torch.device) -> torch.device:
    """``auto`` is the GPU where there is one.

    Raises:
        InputError: not a device's name.
        MissingDependencyError: a device that this machine, or its torch, does not have.
    """
    if str(device) == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        chosen = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise InputError(f"{device!r} is not a device. Give auto, cpu, cuda, cuda:1 or mps.") from error
    if chosen.type == "meta":
        raise InputError("The device meta holds no values. Give auto, cpu, cuda, cuda:1 or mps.")
    try:
        torch.empty(1, device=chosen)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        text = str(error).splitlines()[0]
        raise MissingDependencyError(f"Device {device} cannot be used here ({text}). Give auto or cpu.") from error
    return chosen


def _first_line(card: Path) -> str:
    lines = card.read_text(encoding="utf-8").splitlines() if card.is_file() else []
    return next((line for line in lines if line.strip() and line[0] not in "#-"), "")
