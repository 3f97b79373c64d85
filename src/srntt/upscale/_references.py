"""Encoded references."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from srntt._safetensors import Header, read_header, read_tensors, write_tensors
from srntt.errors import InputError, ModelError
from srntt.models import EncodedView
from srntt.views import PlaneMap
from srntt.views.aligned import Original

_MISFIT = "These references contain maps that this model does not produce. Encode the pictures again."
_ORIGINAL = "original"
_FORMAT, _VERSION = "srntt-references", 2
_VALID = "valid positions"  # contains a space, unlike the names of maps


class References(Sequence[EncodedView]):
    """References encoded by ``Upscaler.encode_references`` for a model, reusable, and saved as safetensors.

    Args:
        fingerprint: Fingerprint of the model with which they were encoded.
        encoded: Encoded views.
        originals: Original pictures, from which aligned views are computed.
        fallbacks: Deviations from the plan during encoding; not saved.
        model: Name of the model.
    """

    def __init__(
        self,
        fingerprint: str,
        encoded: Sequence[EncodedView],
        originals: Sequence[Original] = (),
        fallbacks: tuple[str, ...] = (),
        model: str = "",
    ) -> None:
        self.fingerprint, self.originals, self.fallbacks = fingerprint, tuple(originals), fallbacks
        self.model, self._encoded = model, tuple(encoded)

    def __repr__(self) -> str:
        kinds = ", ".join(dict.fromkeys(item.view for item in self)) if len(self) < 20 else f"{len(self)} views"
        pictures = len(self.sources)
        many = "" if pictures == 1 else "s"
        devices = ", ".join(dict.fromkeys(str(map_.device) for item in self for map_ in item.maps.values()))
        made = f"for {self.model or self.fingerprint[:12]!r} on {devices or 'no device'}"
        return f"<References of {pictures} picture{many} {made}: {kinds or 'no views'}; {self.bytes:,} bytes>"

    def __len__(self) -> int:
        return len(self._encoded)

    def __getitem__(self, index):
        return self._encoded[index]

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the references, in the order given."""
        return tuple({item.number: item.source for item in self}.values())

    @property
    def bytes(self) -> int:
        """Memory used by maps and pictures, in bytes."""
        return sum(item.bytes for item in self) + sum(original.pixels.nbytes for original in self.originals)

    def on(self, device: torch.device) -> "References":
        """Return the references on a device."""
        moved = [item.on(device) for item in self]
        return References(self.fingerprint, moved, self.originals, self.fallbacks, self.model)

    @classmethod
    def joined(cls, parts: Sequence["References"], sources: Sequence[str]) -> "References":
        """Combine references of one picture each, in order.

        Args:
            parts: At least one, all of the same model.
            sources: Name of each reference.
        """
        named = list(enumerate(zip(sources, parts, strict=True)))
        views = [replace(item, number=number, source=source) for number, (source, part) in named for item in part]
        originals = [one.named(number, source) for number, (source, part) in named for one in part.originals]
        fallbacks = tuple(text for part in parts for text in part.fallbacks)
        return cls(parts[0].fingerprint, views, originals, fallbacks, parts[0].model)

    def save(self, path: str | Path) -> None:
        """Write the references to a safetensors file, atomically.

        Raises:
            OutputError: The file cannot be written.
        """
        tensors = {f"{i}.{name}": tensor for i, item in enumerate(self) for name, tensor in _tensors(item).items()}
        tensors |= {f"{_ORIGINAL}.{item.number}": torch.tensor(item.pixels) for item in self.originals}
        head = {
            "format": _FORMAT,
            "version": _VERSION,
            "fingerprint": self.fingerprint,
            "model": self.model,
            "views": [_facts(item) for item in self],
            "originals": [item.number for item in self.originals],
        }
        write_tensors(path, tensors, {"references": json.dumps(head)})

    @classmethod
    def load(cls, path: str | Path) -> "References":
        """Load references written by ``save``.

        Raises:
            ModelError: The file is missing, damaged, has another format version, or contains something else.
        """
        header = read_header(path, pixels=True)
        try:
            head = json.loads(header.metadata["references"])
            if head["format"] != _FORMAT:
                raise ValueError(f"format {head['format']}")
            if head["version"] != _VERSION:
                raise ModelError(
                    f"{path} contains references in format version {repr(head['version'])[:20]}, but this version of "
                    f"srntt reads version {_VERSION}. Encode the pictures again."
                )
            fingerprint, model = str(head["fingerprint"]), str(head.get("model", ""))[:100]
            views = [_checked(facts) for facts in head["views"]]
            shapes = [_shapes(header, i, names) for i, (_, names) in enumerate(views)]
            shapes.append(_original_shapes(header, head["originals"], views))
        except (KeyError, ValueError, TypeError, OverflowError, RecursionError) as error:
            raise ModelError(
                f"{path} does not contain references that this version of srntt reads ({repr(error)[:200]}). Encode "
                "the pictures again."
            ) from error
        tensors = read_tensors(path, {name: shape for view in shapes for name, shape in view.items()}, pixels=True)
        encoded = []
        for i, (facts, names) in enumerate(views):
            maps = {name: tensors[f"{i}.{name}"] for name in names}
            encoded.append(EncodedView(**facts, valid=maps.pop(_VALID, None), maps=maps))
        sources = {item.number: item.source for item in encoded}
        originals = [
            Original(number, sources[number], tensors[f"{_ORIGINAL}.{number}"].numpy()) for number in head["originals"]
        ]
        return cls(fingerprint, encoded, originals, model=model)

    def check_made_for(self, fingerprint: str, pattern: Mapping[str, Tensor], key: str) -> None:
        """Check that a model can have produced the maps; those of a manipulated file are arbitrary.

        ``pattern`` are its maps of a small picture. The sizes of others relate to the one that is matched, ``key``.

        Raises:
            InputError: Weights, names, channels, relative sizes or dtypes differ.
        """
        if self.fingerprint != fingerprint:
            raise InputError(
                "These references were encoded with other weights than this model's. "
                "Encode the pictures again with this upscaler's encode_references()."
            )
        for item in self:
            if set(item.maps) != set(pattern) or any(map_.dim() != 3 for map_ in item.maps.values()):
                raise InputError(_MISFIT)
            rows, columns = item.maps[key].shape[1:]
            for name, own in pattern.items():
                times = own.shape[1] // pattern[key].shape[1]
                made = item.maps[name]
                if made.shape != (own.shape[0], rows * times, columns * times) or made.dtype != own.dtype:
                    raise InputError(_MISFIT)
            if item.valid is not None and item.valid.shape != (rows, columns):
                raise InputError(_MISFIT)


def _original_shapes(header: Header, numbers: Any, views: list[tuple[dict[str, Any], list[str]]]) -> dict[str, Any]:
    """Return the shapes of the original pictures; KeyError or ValueError unless each is of a view, with its size."""
    sizes = {facts["number"]: (facts["height"], facts["width"]) for facts, _ in views}
    shapes = {}
    for number in numbers:
        info = header.tensors[f"{_ORIGINAL}.{int(number)}"]
        if info.dtype not in ("U8", "U16") or info.shape not in ((*sizes[number], 1), (*sizes[number], 3)):
            raise ValueError(f"picture {number} of {info.dtype} {info.shape}")
        shapes[f"{_ORIGINAL}.{number}"] = info.shape
    return shapes


def _tensors(item: EncodedView) -> dict[str, Tensor]:
    return item.maps if item.valid is None else {**item.maps, _VALID: item.valid}


def _facts(item: EncodedView) -> dict[str, Any]:
    """Return the metadata of a view for a file."""
    if not isinstance(item.to_original, PlaneMap):
        kind = type(item.to_original).__name__
        raise InputError(
            f"The view {item.view!r} of {item.source} cannot be saved: its mapping is a {kind}, not a PlaneMap."
        )
    facts = {name: getattr(item, name) for name in ("number", "source", "view", "height", "width")}
    return {**facts, "to_original": item.to_original.matrix, "maps": list(_tensors(item))}


def _checked(facts: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the metadata of a view and the names of its tensors; KeyError, TypeError or ValueError if invalid."""
    number, height, width = (int(facts[name]) for name in ("number", "height", "width"))
    names = {"source": facts["source"], "view": facts["view"]}
    if not 0 <= number < 2**31 or not 0 < height < 2**31 or not 0 < width < 2**31:
        raise ValueError("invalid number or size of a view")
    if not all(isinstance(name, str) for name in names.values()) or not facts["maps"]:
        raise ValueError("invalid name of a view")
    to_original = PlaneMap.read(facts["to_original"])
    sizes = {"number": number, "height": height, "width": width}
    return {**sizes, **names, "to_original": to_original}, [str(name) for name in facts["maps"]]


def _shapes(header: Header, index: int, names: list[str]) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the tensors of a view by name in the file, if only the valid positions are boolean."""
    found = {name: header.tensors[f"{index}.{name}"] for name in names}
    for name, info in found.items():
        if (info.dtype == "BOOL") != (name == _VALID):
            raise ValueError(f"{name[:50]} of {info.dtype}")
    return {f"{index}.{name}": info.shape for name, info in found.items()}
