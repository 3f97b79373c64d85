"""References, encoded once."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from srntt._safetensors import read_header, read_tensors, write_tensors
from srntt.errors import InputError, ModelError
from srntt.memory import MappedFile

Matrix = tuple[tuple[float, float, float], tuple[float, float, float]]
"""2 x 3: takes (y, x, 1) to (y, x)."""

_MISFIT = "These references hold maps that this model does not make. Encode the pictures again."
_FORMAT, _VERSION = "srntt-references", 1


@dataclass(frozen=True, eq=False)
class EncodedReference:
    """One reference as a model needs it.

    Attributes:
        number: of the picture it came from, among those given.
        source: name of that picture.
        height, width: of the picture it came from, in pixels.
        to_original: from a pixel of the encoded picture to the same place in that one; not the identity where the
            encoded picture is a turned or scaled copy.
        maps: what the model computed from it, by name.
        file: that the maps lie in; None where they are in memory.
    """

    number: int
    source: str
    height: int
    width: int
    to_original: Matrix
    maps: dict[str, Tensor]
    file: MappedFile | None = None

    def rest(self) -> None:
        """Let maps that lie in a file leave memory; they come back where they are read."""
        if self.file:
            self.file.rest()

    def on(self, device: torch.device) -> "EncodedReference":
        """The same on a device."""
        return replace(self, maps={name: tensor.to(device) for name, tensor in self.maps.items()})


class References(Sequence[EncodedReference]):
    """References encoded for one model; made by ``Upscaler.encode_references``, reusable, saved and loaded as
    safetensors.

    Args:
        fingerprint: of the weights they were encoded with.
        encoded: the references, copies included.
        fallbacks: what had to be done otherwise than planned while they were encoded; not saved.
    """

    def __init__(self, fingerprint: str, encoded: Sequence[EncodedReference], fallbacks: tuple[str, ...] = ()) -> None:
        self.fingerprint, self.fallbacks = fingerprint, fallbacks
        self._encoded = tuple(encoded)

    def __len__(self) -> int:
        return len(self._encoded)

    def __getitem__(self, index):
        return self._encoded[index]

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the pictures, in the order given."""
        return picture_names(self._encoded)

    @property
    def bytes(self) -> int:
        """Memory that their maps take."""
        return sum(tensor.nbytes for item in self._encoded for tensor in item.maps.values())

    def save(self, path: str | Path) -> None:
        """Write them to one safetensors file, whole or not at all.

        Raises:
            OutputError: cannot be written.
        """
        tensors = {f"{i}.{name}": tensor for i, item in enumerate(self) for name, tensor in item.maps.items()}
        about = [
            [item.number, item.source, item.height, item.width, item.to_original, list(item.maps)] for item in self
        ]
        head = {"format": _FORMAT, "version": _VERSION, "fingerprint": self.fingerprint, "references": about}
        write_tensors(path, tensors, {"references": json.dumps(head)})

    @classmethod
    def load(cls, path: str | Path) -> "References":
        """Read what ``save`` wrote.

        Raises:
            ModelError: missing, damaged, or something else.
        """
        header = read_header(path)
        try:
            head = json.loads(header.metadata["references"])
            if (head["format"], head["version"]) != (_FORMAT, _VERSION):
                raise ValueError(f"format {head['format']} {head['version']}")
            about = [_facts(*facts) for facts in head["references"]]
            fingerprint = str(head["fingerprint"])
            shapes = {f"{i}.{n}": header.tensors[f"{i}.{n}"].shape for i, item in enumerate(about) for n in item[5]}
        except (KeyError, ValueError, TypeError, OverflowError, RecursionError) as error:
            raise ModelError(
                f"{path} does not hold references that this version saved ({repr(error)[:200]}). Encode the pictures "
                "again."
            ) from error
        tensors = read_tensors(path, shapes)
        encoded = [
            EncodedReference(*facts, {name: tensors[f"{i}.{name}"] for name in names})  # pyright: ignore
            for i, (*facts, names) in enumerate(about)
        ]
        return cls(fingerprint, encoded)

    def check_made_for(self, fingerprint: str) -> None:
        """Refuse references of another model.

        Raises:
            InputError: encoded with other weights.
        """
        if self.fingerprint != fingerprint:
            raise InputError(
                "These references were encoded with other weights than this model's. "
                "Encode the pictures again with this upscaler's encode_references()."
            )

    def check_maps(self, pattern: Mapping[str, Tensor], key: str) -> None:
        """Refuse maps that the model cannot have made; a file that was tampered with holds any.

        Args:
            pattern: maps that it made of a small picture.
            key: name of the map that is matched, which gives the measure.

        Raises:
            InputError: other names, channels, proportions or types.
        """
        for item in self:
            if set(item.maps) != set(pattern) or any(map_.dim() != 3 for map_ in item.maps.values()):
                raise InputError(_MISFIT)
            rows, columns = item.maps[key].shape[1:]
            for name, own in pattern.items():
                times = own.shape[1] // pattern[key].shape[1]
                made = item.maps[name]
                if made.shape != (own.shape[0], rows * times, columns * times) or made.dtype != own.dtype:
                    raise InputError(_MISFIT)


def _facts(
    number: Any, source: Any, height: Any, width: Any, matrix: Any, names: Any
) -> tuple[int, str, int, int, Matrix, list[str]]:
    """What a file says of a reference, if it makes sense; else ValueError, or whatever the conversion raises."""
    (a, b, c), (d, e, f) = ([float(value) for value in row] for row in matrix)
    whole = [int(value) for value in (number, height, width)]
    if not all(math.isfinite(value) for value in (a, b, c, d, e, f)) or not 0 <= whole[0] < 2**31:
        raise ValueError("a number of a reference that cannot be")
    if not all(0 < side < 2**31 for side in whole[1:]) or not names or not isinstance(source, str):
        raise ValueError("a size or name of a reference that cannot be")
    return whole[0], source, whole[1], whole[2], ((a, b, c), (d, e, f)), [str(name) for name in names]


def picture_names(encoded: Sequence[EncodedReference]) -> tuple[str, ...]:
    """Names of the pictures that references came from, by number; copies of one count once."""
    return tuple({item.number: item.source for item in encoded}.values())
