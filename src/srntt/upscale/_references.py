"""References, encoded once."""

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

_MISFIT = "These references hold maps that this model does not make. Encode the pictures again."
_ORIGINAL = "original"
_FORMAT, _VERSION = "srntt-references", 2
_VALID = "valid positions"  # beside the names of maps, none of which has a space


class References(Sequence[EncodedView]):
    """References encoded for one model; made by ``Upscaler.encode_references``, reusable, saved and loaded as
    safetensors.

    Args:
        fingerprint: of the weights they were encoded with.
        encoded: their views.
        originals: the pictures as they came, from which aligned views are made.
        fallbacks: what had to be done otherwise than planned while they were encoded; not saved.
        model: its name.
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
        made = f"for {self.model or self.fingerprint[:12]!r} on {', '.join(self._devices) or 'no device'}"
        return f"<References of {pictures} picture{many} {made}: {kinds or 'no views'}; {self.bytes:,} bytes>"

    def __len__(self) -> int:
        return len(self._encoded)

    def __getitem__(self, index):
        return self._encoded[index]

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the pictures, in the order given."""
        return picture_names(self._encoded)

    @property
    def _devices(self) -> tuple[str, ...]:
        """Where their maps lie."""
        return tuple(dict.fromkeys(str(map_.device) for item in self for map_ in item.maps.values()))

    @property
    def bytes(self) -> int:
        """Memory that maps and pictures take."""
        return sum(item.bytes for item in self) + sum(original.bytes for original in self.originals)

    def on(self, device: torch.device) -> "References":
        """The same on a device."""
        moved = [item.on(device) for item in self]
        return References(self.fingerprint, moved, self.originals, self.fallbacks, self.model)

    @classmethod
    def joined(cls, parts: Sequence["References"], sources: Sequence[str]) -> "References":
        """References of one picture each as one, in order, with these names.

        Args:
            parts: at least one, all of one model.
            sources: a name for each.
        """
        named = list(enumerate(zip(sources, parts, strict=True)))
        views = [replace(item, number=number, source=source) for number, (source, part) in named for item in part]
        originals = [one.named(number, source) for number, (source, part) in named for one in part.originals]
        fallbacks = tuple(text for part in parts for text in part.fallbacks)
        return cls(parts[0].fingerprint, views, originals, fallbacks, parts[0].model)

    def save(self, path: str | Path) -> None:
        """Write them to one safetensors file, whole or not at all.

        Raises:
            OutputError: cannot be written.
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
        """Read what ``save`` wrote.

        Raises:
            ModelError: missing, damaged, of another format version, or something else.
        """
        header = read_header(path, pixels=True)
        try:
            head = json.loads(header.metadata["references"])
            if head["format"] != _FORMAT:
                raise ValueError(f"format {head['format']}")
            if head["version"] != _VERSION:
                raise ModelError(
                    f"{path} holds references in version {repr(head['version'])[:20]} of their format, and this srntt "
                    f"reads version {_VERSION}. Encode the pictures again."
                )
            fingerprint, model = str(head["fingerprint"]), str(head.get("model", ""))[:100]
            views = [_checked(facts) for facts in head["views"]]
            shapes = [_shapes(header, i, names) for i, (_, names) in enumerate(views)]
            shapes.append(_original_shapes(header, head["originals"], views))
        except (KeyError, ValueError, TypeError, OverflowError, RecursionError) as error:
            raise ModelError(
                f"{path} does not hold references that this srntt reads ({repr(error)[:200]}). Encode the pictures "
                "again."
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
            if item.valid is not None and item.valid.shape != (rows, columns):
                raise InputError(_MISFIT)


def _original_shapes(header: Header, numbers: Any, views: list[tuple[dict[str, Any], list[str]]]) -> dict[str, Any]:
    """Of the pictures as they came, if each is that of a view, and of its size.

    Raises:
        ValueError, TypeError, KeyError: anything else.
    """
    sizes = {facts["number"]: (facts["height"], facts["width"]) for facts, _ in views}
    shapes = {}
    for number in numbers:
        info = header.tensors[f"{_ORIGINAL}.{int(number)}"]
        if info.dtype not in ("U8", "U16") or info.shape not in ((*sizes[number], 1), (*sizes[number], 3)):
            raise ValueError(f"picture {number} of {info.dtype} {info.shape}")
        shapes[f"{_ORIGINAL}.{number}"] = info.shape
    return shapes


def picture_names(encoded: Sequence[EncodedView]) -> tuple[str, ...]:
    """Names of the pictures that views came from, by number; several of one count once."""
    return tuple({item.number: item.source for item in encoded}.values())


def _tensors(item: EncodedView) -> dict[str, Tensor]:
    return item.maps if item.valid is None else {**item.maps, _VALID: item.valid}


def _facts(item: EncodedView) -> dict[str, Any]:
    """What a file says of a view."""
    assert isinstance(item.to_original, PlaneMap)  # views in the frame of a small picture are not kept
    return {
        "number": item.number,
        "source": item.source,
        "view": item.view,
        "height": item.height,
        "width": item.width,
        "to_original": item.to_original.matrix,
        "maps": list(_tensors(item)),
    }


def _checked(facts: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """What a file says of a view but for its tensors, and their names, if it makes sense.

    Raises:
        ValueError: it does not; KeyError, TypeError and OverflowError likewise.
    """
    number, height, width = (int(facts[name]) for name in ("number", "height", "width"))
    names = {"source": facts["source"], "view": facts["view"]}
    if not 0 <= number < 2**31 or not 0 < height < 2**31 or not 0 < width < 2**31:
        raise ValueError("a number or size of a view that cannot be")
    if not all(isinstance(name, str) for name in names.values()) or not facts["maps"]:
        raise ValueError("a name of a view that cannot be")
    to_original = PlaneMap.read(facts["to_original"])
    sizes = {"number": number, "height": height, "width": width}
    return {**sizes, **names, "to_original": to_original}, [str(name) for name in facts["maps"]]


def _shapes(header: Header, index: int, names: list[str]) -> dict[str, tuple[int, ...]]:
    """Of the tensors of a view by their names in the file, if only the valid positions are true or false."""
    found = {name: header.tensors[f"{index}.{name}"] for name in names}
    for name, info in found.items():
        if (info.dtype == "BOOL") != (name == _VALID):
            raise ValueError(f"{name[:50]} of {info.dtype}")
    return {f"{index}.{name}": info.shape for name, info in found.items()}
