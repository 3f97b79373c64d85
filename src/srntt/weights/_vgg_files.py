"""VGG19 weights: our safetensors files, and the names and layouts that others use."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import cast, get_args

from torch import Tensor

from srntt._safetensors import read_header, read_tensors, write_tensors
from srntt.errors import InputError, ModelError
from srntt.features import LAYERS, Family, Layer, VGG19Features, conv_names, tensor_shapes

_FORMAT = "srntt-vgg19"


def load_vgg19(path: str | Path, *, family: Family | None = None, last: Layer = "relu3_1") -> VGG19Features:
    """Read VGG19 up to `last` from a safetensors file.

    Args:
        path: the file, as for `read_vgg19`. It may hold more layers than needed; they are not read.
        family: whose weights these are. None: as the file's metadata says.
        last: the deepest layer wanted.

    Raises:
        ModelError: as `read_vgg19`; or the file does not reach `last`.
    """
    tensors, family = read_vgg19(path, family=family, last=last)
    features = VGG19Features(family, last)
    features.load_state_dict(tensors)
    return features


def read_vgg19(
    path: str | Path, *, family: Family | None = None, last: Layer | None = None
) -> tuple[dict[str, Tensor], Family]:
    """Read VGG19 tensors, under our names, from a safetensors file with those (conv1_1.weight) or torchvision's
    (features.0.weight).

    Args:
        path: the file.
        family: whose weights these are. None: as the file's metadata says. Names prove nothing: files with
            torchvision's names and the original weights are about.
        last: the deepest layer wanted. None: the deepest that the file reaches.

    Raises:
        ModelError: not a safetensors file, layers missing, of other shapes, not finite; family unknown or contradicted.
    """
    header = read_header(path)
    family = _family(path, header.metadata.get("family"), family)
    names = _names_in(header.tensors)
    last = last or _deepest({our for our, theirs in names.items() if theirs in header.tensors})
    shapes = tensor_shapes(last)
    if missing := [names[name] for name in shapes if names[name] not in header.tensors]:
        raise ModelError(
            f"{path} does not reach {last}: {', '.join(missing[:4])} missing. "
            "Get a deeper file with `srntt weights get vgg19`, or ask for a shallower layer."
        )
    tensors = read_tensors(path, {names[name]: shape for name, shape in shapes.items()})
    return {name: tensors[names[name]] for name in shapes}, family


def save_vgg19(path: str | Path, tensors: Mapping[str, Tensor], family: Family) -> None:
    """Write weights under our names, with the family in the metadata; whole file or none.

    Args:
        path: where.
        tensors: weight and bias of each convolution.
        family: whose they are.

    Raises:
        ModelError: a value that is not finite.
        OutputError: cannot be written.
    """
    write_tensors(path, tensors, {"format": _FORMAT, "family": family})


def torchvision_names() -> dict[str, str]:
    """Torchvision's name of each tensor -> ours, down to conv5_1. ReLU and pooling count in theirs.

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
        raise ModelError(f"{path} says that it holds {recorded} weights; {given} was asked for.")
    found = given or recorded
    if found not in get_args(Family):
        raise ModelError(
            f"{path} does not say whose weights it holds (its metadata has family={recorded!r}). "
            "Say it: --family caffe for the original ones in RGB order, --family torchvision for vgg19-dcbb9e9d "
            "(in Python family=)."
        )
    return cast("Family", found)


def _names_in(held: Collection[str]) -> dict[str, str]:
    """Our name of each tensor -> its name in a file that holds these."""
    ours = {our: theirs for theirs, our in torchvision_names().items()}
    return ours if "features.0.weight" in held else {our: our for our in ours}


def _deepest(held: set[str]) -> Layer:
    within_reach: list[Layer] = [layer for layer in LAYERS if set(tensor_shapes(layer)) <= held]
    if "relu3_1" not in within_reach:
        missing = sorted(set(tensor_shapes("relu3_1")) - held)
        raise ModelError(f"Not a VGG19 down to relu3_1: {', '.join(missing[:6])} missing.")
    return within_reach[-1]
