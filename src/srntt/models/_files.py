"""Model files: a folder with config.json, model.safetensors and README.md, or a single .safetensors with its config
inside.

A file is validated in full before a network is built from it: its size, its config (unknown keys fail), every name,
shape and dtype. Pickles are refused, by name and by content; there is no way around it.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import torch
from torch import Tensor, nn

from srntt._defaults import with_original_defaults
from srntt._files import exists_error, unfinished_file, write_bytes
from srntt._safetensors import Header, read_header, read_tensors, write_tensors
from srntt.errors import InputError, ModelError, OutputError, SrnttError
from srntt.models._table import ARCHITECTURES, architecture_of

_FORMAT, _VERSION = "srntt-model", 2
_MAX_CONFIG_BYTES = 1 << 16
_MAX_MODEL_BYTES = 1 << 30


def save_model(
    model: nn.Module, path: str | Path, *, card: str = "", half: bool = False, overwrite: bool = False
) -> Path:
    """Write a model: one file if `path` ends in .safetensors, else a folder.

    Args:
        model: of one of the architectures.
        path: where.
        card: text of the folder's README.md: what it was trained on, how, how well it does. Lost in a single file.
        half: store weights as float16, half the size; they are nevertheless used as float32. The averages of batch
            normalisation, which may be beyond float16, stay float32.
        overwrite: replace what is there.

    Raises:
        InputError: not one of the architectures.
        ModelError: weights that are not finite (as float16, if asked).
        OutputError: something is there already; cannot be written.
    """
    path = Path(path)
    name, values = architecture_of(model).name, asdict(model.config)  # pyright: ignore[reportArgumentType]
    content = {"format": _FORMAT, "version": _VERSION, "architecture": name, "config": values}
    config = json.dumps(content, indent=2, sort_keys=True)
    single = path.suffix == ".safetensors"
    if not overwrite and (path.exists() if single else path.is_dir() and any(path.iterdir())):
        raise exists_error(str(path))
    tensors = {name: _stored(name, tensor, half) for name, tensor in model.state_dict().items()}
    if single:
        write_tensors(path, tensors, {"config": config})
    else:
        with _whole_folder(path) as unfinished:
            write_tensors(unfinished / "model.safetensors", tensors, {"config": config})
            write_bytes(unfinished / "README.md", (card or _plain_card(model)).encode())
            write_bytes(unfinished / "config.json", (config + "\n").encode())
    return path


@contextmanager
def _whole_folder(path: Path) -> Iterator[Path]:
    """A folder to write into, which gets its name when the block ends without an error: all files of it, or none.

    Where there is a folder of that name already, the files are moved into it one after the other.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with unfinished_file(path if path.is_dir() else path.parent) as unfinished:
            try:
                yield Path(unfinished)
            except OutputError as error:
                raise OutputError(str(error).replace(unfinished, str(path))) from error
            if not os.path.lexists(path):
                os.rename(unfinished, path)
            else:
                for file in sorted(Path(unfinished).iterdir()):
                    os.replace(file, path / file.name)
    except SrnttError:
        raise
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}. Choose another folder.") from error


@with_original_defaults
def load_model(path: str | Path) -> nn.Module:
    """Read a model onto the CPU, in evaluation mode, as float32.

    Args:
        path: a folder with config.json and model.safetensors, or a .safetensors with its config in the metadata.

    Raises:
        ModelError: missing, damaged, a pickle, an unknown architecture or config key, a tensor too many, too few, of
            another shape or dtype, or not finite. The text says which and what to do.

    Example:
        >>> import tempfile
        >>> from srntt.models.paper import ContentExtractor
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = save_model(ContentExtractor(), Path(folder) / "extractor")
        ...     print(sorted(file.name for file in path.iterdir()), type(load_model(path)).__name__)
        ['README.md', 'config.json', 'model.safetensors'] ContentExtractor
    """
    path = Path(path)
    weights = path / "model.safetensors" if path.is_dir() else path
    header = read_header(weights)
    if (size := weights.stat().st_size) > _MAX_MODEL_BYTES:
        raise ModelError(f"{weights} has {size} bytes; a model has {_MAX_MODEL_BYTES} at most.")
    name, values = _parsed(path, _config_text(path, header))
    architecture = ARCHITECTURES[name]
    config = _config(path, architecture.config, values, architecture.added)
    with torch.device("meta"):
        expected = architecture.network(config).state_dict()
    _refuse_misfits(weights, header, expected)
    tensors = read_tensors(weights, {name: tuple(tensor.shape) for name, tensor in expected.items()})
    model = architecture.network(config)
    model.load_state_dict(tensors)
    return model.eval()


def _stored(name: str, tensor: Tensor, half: bool) -> Tensor:
    wide = not tensor.is_floating_point() or name.endswith(("running_mean", "running_var"))
    return tensor.half() if half and not wide else tensor


def _plain_card(model: nn.Module) -> str:
    count = sum(parameter.numel() for parameter in model.parameters())
    return f"# {type(model).__name__}\n\n{count:,} parameters. Load with `srntt.models.load_model(FOLDER)`.\n"


def _config_text(path: Path, header: Header) -> str:
    inside = header.metadata.get("config")
    if not path.is_dir():
        if inside is None:
            raise ModelError(
                f"{path} has no config in its metadata: not a model of srntt. If it came in a folder, give the folder."
            )
        return inside
    if not os.path.isfile(path / "config.json"):
        raise ModelError(f"{path / 'config.json'} is not a file. A model folder has config.json and model.safetensors.")
    try:
        with (path / "config.json").open("rb") as file:
            text = file.read(_MAX_CONFIG_BYTES + 1).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(
            f"Cannot read {path / 'config.json'}: {error}. A model folder has config.json and model.safetensors."
        ) from error
    if inside is not None and _json(path, inside) != _json(path, text):
        raise ModelError(
            f"{path}: config.json and model.safetensors belong to different models. Fetch or save the folder again."
        )
    return text


def _json(path: Path, text: str) -> Any:
    if len(text) > _MAX_CONFIG_BYTES:
        raise ModelError(f"{path}: the config is longer than {_MAX_CONFIG_BYTES} characters: not a model of srntt.")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path}: the config is not JSON ({error}).") from error


def _parsed(path: Path, text: str) -> tuple[str, dict[str, Any]]:
    """Architecture and config."""
    content = _json(path, text)
    keys = {"format", "version", "architecture", "config"}
    if not isinstance(content, dict) or set(content) != keys or not isinstance(content["config"], dict):
        raise ModelError(
            f"{path}: the config must have exactly the keys {', '.join(sorted(keys))}: not a model of srntt."
        )
    if content["format"] != _FORMAT or content["version"] not in list(range(1, _VERSION + 1)):
        raise ModelError(
            f"{path} is {content['format']!r} version {content['version']!r}; this srntt reads "
            f"{_FORMAT!r} up to version {_VERSION}. A newer srntt may read it."
        )
    if content["architecture"] not in list(ARCHITECTURES):  # of a list, as it may be unhashable
        raise ModelError(
            f"{path}: no architecture called {content['architecture']!r}; there are {', '.join(ARCHITECTURES)}."
        )
    return content["architecture"], content["config"]


def _config(path: Path, config_type: type, values: dict[str, Any], added: frozenset[str]) -> Any:
    known = {field.name for field in fields(config_type)}
    if unknown := sorted(set(values) - known):
        raise ModelError(
            f"{path}: unknown config keys {', '.join(unknown)}; known are {', '.join(sorted(known)) or 'none'}."
        )
    if missing := sorted(known - set(values) - added):
        raise ModelError(f"{path}: the config lacks {', '.join(missing)}.")
    for key, annotation in get_type_hints(config_type).items():
        if key in values and not _fits(values[key], annotation):
            raise ModelError(f"{path}: config key {key} is {values[key]!r}, which is no {annotation}.")
    try:
        return config_type(**values)
    except InputError as error:
        raise ModelError(f"{path}: {error}") from error


def _fits(value: object, annotation: Any) -> bool:
    if get_origin(annotation) is Literal:
        return any(value == choice and type(value) is type(choice) for choice in get_args(annotation))
    return type(value) is annotation


def _refuse_misfits(weights: Path, header: Header, expected: Mapping[str, Tensor]) -> None:
    if extra := sorted(set(header.tensors) - set(expected)):
        raise ModelError(f"{weights} has tensors that its architecture has not: {', '.join(extra[:6])}.")
    if missing := sorted(set(expected) - set(header.tensors)):
        raise ModelError(f"{weights} lacks {', '.join(missing[:6])}.")
    for name, info in header.tensors.items():
        if info.shape != tuple(expected[name].shape):
            raise ModelError(f"{weights}: {name} has shape {info.shape}, expected {tuple(expected[name].shape)}.")
        if info.dtype not in (("F32", "F16") if expected[name].is_floating_point() else ("I64",)):
            raise ModelError(f"{weights}: {name} is {info.dtype}, expected {expected[name].dtype}.")
