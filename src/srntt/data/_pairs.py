"""``index.json``: which target goes with which references. It may come from anywhere, so it is read with suspicion."""

import math
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


@dataclass(frozen=True)
class Pair:
    """A target and the pictures that may help it.

    Attributes:
        name: unique in its index.
        target: the high-resolution picture.
        references: pictures of the same scene, most similar first.
        similarity: of each reference to the target, as the index has it; empty where it says nothing.
        unrelated: a picture of something else.
        low_res: the set's own low-res picture.
    """

    name: str
    target: Path
    references: tuple[Path, ...]
    similarity: tuple[float, ...] = ()
    unrelated: Path | None = None
    low_res: Path | None = None

    def chosen(self, kind: ReferenceKind) -> tuple[Path, ...]:
        """The files of the references of a kind; none for ``self``, which is made of the low-res picture.

        Raises:
            InputError: there are none of this kind for this target.
        """
        if kind in ("none", "self"):
            return ()
        unrelated = () if self.unrelated is None else (self.unrelated,)
        found = {"first": self.references[:1], "all": self.references, "unrelated": unrelated}[kind]
        if not found:
            wanted = "unrelated picture" if kind == "unrelated" else "references"
            raise InputError(f"{self.name} has no {wanted} in this set. Leave {kind!r} out of the kinds (--refs).")
        return found


def read_pairs(folder: Path) -> tuple[Pair, ...]:
    """Read ``folder/index.json``: a list of {target, refs[, name, similarity, unrelated]}, files below the folder.

    A pair without a name has that of its target.

    Raises:
        InputError: no such file, not such a list, names that repeat, a file that is not there or not below the folder.
    """
    path = folder / "index.json"
    entries = read_json(
        path,
        what="an index of pairs",
        most=_MAX_BYTES,
        get="Give a folder with an index.json and the pictures that it names.",
        repair="Repair it, or fetch it again.",
    )
    if not isinstance(entries, list):
        raise InputError(
            f"{path} holds {_kind(entries)}; expected a list of {{target, refs, name, similarity, unrelated}}."
        )
    pairs = tuple(_pair(path, number, entry) for number, entry in enumerate(entries, 1))
    counts = Counter(pair.name for pair in pairs)
    if repeated := sorted(name for name, count in counts.items() if count > 1):
        raise InputError(
            f"{path} uses a name twice: {', '.join(map(repr, repeated[:6]))}. Give each target a name of its own."
        )
    return pairs


def _pair(path: Path, number: int, entry: Any) -> Pair:
    where = f"{path}, entry {number}"
    if not isinstance(entry, dict):
        raise InputError(f"{where} is {_kind(entry)}; expected an object with target and refs.")
    if missing := sorted(_REQUIRED - set(entry)):
        raise InputError(f"{where} lacks {', '.join(missing)}.")
    if unknown := sorted(set(entry) - _REQUIRED - _OPTIONAL):
        raise InputError(
            f"{where} has unknown keys: {', '.join(map(repr, unknown[:6]))}. "
            f"Known: {', '.join(sorted(_REQUIRED | _OPTIONAL))}."
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
    """A file below the folder, judged by its name: one that climbs out is refused, whatever system wrote it."""
    name = _text(where, key, value)
    for pure in (PurePosixPath(name), PureWindowsPath(name)):
        if pure.anchor or ".." in pure.parts:
            raise InputError(
                f"{where}: {key} {name!r} leaves the folder of the index. Only files in it or below it are read."
            )
    file = path.parent / name
    try:
        found = file.is_file()
    except (OSError, ValueError):
        found = False
    if not found:
        raise InputError(
            f"{where}: {key} {name!r} is not there (or not a file). Fetch the data again, or correct the index."
        )
    return file


def _text(where: str, key: str, value: Any) -> str:
    if not isinstance(value, str) or not value or not value.isprintable():
        raise InputError(f"{where}: {key} is {_kind(value)}; expected text that can be printed.")
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
    names = {dict: "an object", list: "a list", str: "text", bool: "a truth value", type(None): "null"}
    return repr(value)[:60] if isinstance(value, str | int | float) else names.get(type(value), "something else")
