"""``index.json``: a list of targets with their references. The file is not trusted: everything is validated."""

import math
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, Literal, get_args

from srntt.data._read_json import read_json
from srntt.errors import InputError

ReferenceKind = Literal["first", "all", "none", "unrelated", "self"]
REFERENCE_KINDS: tuple[ReferenceKind, ...] = get_args(ReferenceKind)
_MAX_BYTES = 16 << 20
_REQUIRED, _OPTIONAL = {"target", "refs"}, {"name", "similarity", "unrelated"}
_ABOUT = {"inliers", "scale", "turn"}  # geometry of each reference, for people: not used


@dataclass(frozen=True)
class Pair:
    """Target with its references.

    Attributes:
        name: Unique name within the set.
        target: High-resolution picture.
        references: Pictures of the same scene, most similar first.
        similarity: Similarity of each reference to the target according to the index; empty if not stated.
        unrelated: Picture of a different scene.
        low_res: Low-res picture provided by the set.
    """

    name: str
    target: Path
    references: tuple[Path, ...]
    similarity: tuple[float, ...] = ()
    unrelated: Path | None = None
    low_res: Path | None = None

    def chosen(self, kind: ReferenceKind) -> tuple[Path, ...]:
        """Return the references of a kind; empty for ``self``, which is derived from the low-res picture.

        Raises:
            InputError: The target has no references of this kind.
        """
        if kind in ("none", "self"):
            return ()
        unrelated = () if self.unrelated is None else (self.unrelated,)
        found = {"first": self.references[:1], "all": self.references, "unrelated": unrelated}[kind]
        if not found:
            wanted = "unrelated picture" if kind == "unrelated" else "references"
            raise InputError(f"{self.name} has no {wanted} in this set. Omit {kind!r} from --refs.")
        return found


def read_pairs(folder: Path) -> tuple[Pair, ...]:
    """Read ``folder/index.json``: a list of {target, refs[, name, similarity, unrelated]}, with paths in the folder.

    The name defaults to that of the target. ``inliers``, ``scale`` and ``turn`` describe the geometry of each reference
    for people, and are not used.

    Raises:
        InputError: The index is missing or malformed, names are not unique, or a file is missing or outside the folder.
    """
    path = folder / "index.json"
    entries = read_json(
        path,
        what="an index of pairs",
        most=_MAX_BYTES,
        get="Give a folder with an index.json and the pictures it lists.",
        repair="Correct it, or download it again.",
    )
    if not isinstance(entries, list):
        raise InputError(
            f"{path} contains {_kind(entries)}; expected a list of {{target, refs, name, similarity, unrelated}}."
        )
    pairs = tuple(_pair(path, number, entry) for number, entry in enumerate(entries, 1))
    counts = Counter(pair.name for pair in pairs)
    if repeated := sorted(name for name, count in counts.items() if count > 1):
        raise InputError(
            f"{path} contains duplicate names: {', '.join(map(repr, repeated[:6]))}. Give each target a unique name."
        )
    return pairs


def _pair(path: Path, number: int, entry: Any) -> Pair:
    where = f"{path}, entry {number}"
    if not isinstance(entry, dict):
        raise InputError(f"{where} is {_kind(entry)}; expected an object with target and refs.")
    if missing := sorted(_REQUIRED - set(entry)):
        raise InputError(f"{where} is missing {', '.join(missing)}.")
    if unknown := sorted(set(entry) - _REQUIRED - _OPTIONAL - _ABOUT):
        raise InputError(
            f"{where} has unknown keys: {', '.join(map(repr, unknown[:6]))}. "
            f"Known: {', '.join(sorted(_REQUIRED | _OPTIONAL | _ABOUT))}."
        )
    references = tuple(_file(path, where, "refs", name) for name in _list(where, "refs", entry["refs"]))
    unrelated = entry.get("unrelated")
    return Pair(
        name=_text(where, "name", entry.get("name", entry["target"])),
        target=_file(path, where, "target", entry["target"]),
        references=references,
        similarity=_similarity(where, entry.get("similarity"), len(references)),
        unrelated=None if unrelated is None else _file(path, where, "unrelated", unrelated),
    )


def _file(path: Path, where: str, key: str, value: Any) -> Path:
    """Resolve a file name within the folder; names that leave it, in the syntax of any system, are rejected."""
    name = _text(where, key, value)
    for pure in (PurePosixPath(name), PureWindowsPath(name)):
        if pure.anchor or ".." in pure.parts:
            raise InputError(
                f"{where}: {key} {name!r} is outside the folder of the index. Only files inside it are read."
            )
    file = path.parent / name
    if not os.path.isfile(file):  # unlike Path's, it answers for any name
        raise InputError(
            f"{where}: {key} {name!r} does not exist or is not a file. Download the data again, or correct the index."
        )
    return file


def _text(where: str, key: str, value: Any) -> str:
    if not isinstance(value, str) or not value or not value.isprintable():
        raise InputError(f"{where}: {key} is {_kind(value)}; expected printable text.")
    return value


def _list(where: str, key: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise InputError(f"{where}: {key} is {_kind(value)}; expected a list.")
    return value


def _similarity(where: str, value: Any, count: int) -> tuple[float, ...]:
    if value is None:
        return ()
    numbers = _list(where, "similarity", value)
    sane = all(
        isinstance(n, int | float) and not isinstance(n, bool) and abs(n) <= 1e6 and math.isfinite(n) for n in numbers
    )
    if not sane or len(numbers) != count:
        raise InputError(f"{where}: similarity must be a list of {count} finite numbers, one for each of refs.")
    return tuple(float(number) for number in numbers)


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "a boolean", type(None): "null"}
    return repr(value)[:60] if isinstance(value, str | int | float) else names.get(type(value), "something else")
