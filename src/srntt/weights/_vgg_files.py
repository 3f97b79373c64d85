"""Reading and writing of VGG19 weights as safetensors, with our tensor names or torchvision's."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import cast, get_args

from torch import Tensor

from srntt._safetensors import read_header, read_tensors, write_tensors
from srntt.errors import InputError, ModelError
from srntt.features import LAYERS, Family, Layer, VGG19Features, conv_names, tensor_shapes

_FORMAT = "srntt-vgg19"


def load_vgg19(path: str | Path, *, family: Family | None = None, last: Layer = "relu3_1") -> VGG19Features:
    """Load VGG19 up to `last` from a safetensors file.

    Args:
        path: File in the format of `read_vgg19`. Layers after `last` are not read.
        family: Origin of the weights; None to use the metadata of the file.
        last: Deepest layer.

    Raises:
        ModelError: See `read_vgg19`; or the file does not contain the layers up to `last`.
    """
    tensors, family = read_vgg19(path, family=family, last=last)
    features = VGG19Features(family, last)
    features.load_state_dict(tensors)
    return features


def read_vgg19(
    path: str | Path, *, family: Family | None = None, last: Layer | None = None
) -> tuple[dict[str, Tensor], Family]:
    """Read VGG19 tensors from a safetensors file, with our names (conv1_1.weight) or torchvision's (features.0.weight).

    Args:
        path: File to read.
        family: Origin of the weights; None to use the metadata of the file. It is not inferred from the names, since
            files of the original weights with torchvision's names are in circulation.
        last: Deepest layer to read; None for all.

    Returns:
        Tensors under our names, and the family.

    Raises:
        ModelError: Not a safetensors file, missing layers, other shapes, values that are not finite, or a family that
            is unknown or contradicts the metadata.
    """
    header = read_header(path)
    family = _family(path, header.metadata.get("family"), family)
    names = _names_in(header.tensors)
    last = last or _deepest({our for our, theirs in names.items() if theirs in header.tensors})
    shapes = tensor_shapes(last)
    if missing := [names[name] for name in shapes if names[name] not in header.tensors]:
        raise ModelError(
            f"{path} does not contain the layers up to {last}: {', '.join(missing[:4])} missing. "
            "Get a complete file with `srntt weights get vgg19`, or use a shallower layer."
        )
    tensors = read_tensors(path, {names[name]: shape for name, shape in shapes.items()})
    return {name: tensors[names[name]] for name in shapes}, family


def save_vgg19(path: str | Path, tensors: Mapping[str, Tensor], family: Family) -> None:
    """Write weights to a safetensors file atomically, with our names and the family in the metadata.

    Raises:
        ModelError: A value is not finite.
        OutputError: The file cannot be written.
    """
    write_tensors(path, tensors, {"format": _FORMAT, "family": family})


def torchvision_names() -> dict[str, str]:
    """Map torchvision's tensor names, which number ReLUs and poolings too, to ours, up to conv5_1.

    Example:
        >>> torchvision_names()["features.5.weight"]
        'conv2_1.weight'
    """
    names: dict[str, str] = {}
    index = 0
    for conv in conv_names(LAYERS[-1]):
        if conv.endswith("_1") and conv != "conv1_1":
            index += 1  # the pooling before this block
        names |= {f"features.{index}.{part}": f"{conv}.{part}" for part in ("weight", "bias")}
        index += 2  # itself and its ReLU
    return names


def _family(path: str | Path, recorded: str | None, given: Family | None) -> Family:
    if given is not None and given not in get_args(Family):
        raise InputError(f"No VGG19 weights called {given!r}; there are {', '.join(get_args(Family))}.")
    if given is not None and recorded is not None and given != recorded:
        raise ModelError(f"{path} contains {recorded} weights according to its metadata; {given} was requested.")
    found = given or recorded
    if found not in get_args(Family):
        raise ModelError(
            f"{path} does not state the origin of its weights (its metadata has family={recorded!r}). "
            "Add --family caffe for the original weights in RGB order, or --family torchvision for vgg19-dcbb9e9d "
            "(family= in Python)."
        )
    return cast("Family", found)


def _names_in(held: Collection[str]) -> dict[str, str]:
    """Map our tensor names to those of a file that holds these."""
    ours = {our: theirs for theirs, our in torchvision_names().items()}
    return ours if "features.0.weight" in held else {our: our for our in ours}


def _deepest(held: set[str]) -> Layer:
    within_reach: list[Layer] = [layer for layer in LAYERS if set(tensor_shapes(layer)) <= held]
    if "relu3_1" not in within_reach:
        missing = sorted(set(tensor_shapes("relu3_1")) - held)
        raise ModelError(f"Not a VGG19 up to relu3_1: {', '.join(missing[:6])} missing.")
    return within_reach[-1]
