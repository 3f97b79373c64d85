"""The licence of a photograph: what is written next to it."""

import csv
import json
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

_NAMES = re.compile(r"(licen[cs]e|copying|copyright)([.-](txt|md|rst))?", re.IGNORECASE)
_MOST_BYTES = 1 << 20
_MOST_LETTERS = 100


class Licence(NamedTuple):
    """A licence as it is recorded, in a line, and the file with authors and text; None if it was given as an option."""

    name: str
    file: Path | None = None


class Licences:
    """Licences of many pictures; what is written in a folder is read once."""

    def __init__(self) -> None:
        self._of_folder, self._of_debian = cache(_of_folder), cache(_of_debian)
        self._manifest = cache(_manifest)

    def find(self, picture: Path, root: Path) -> Licence | None:
        """The licence of a picture; from its folder upwards to a root, the nearest of these, or None:

        ``MANIFEST.tsv`` with columns ``file`` and ``licence``; ``metadata.json`` of a KDE wallpaper; a file called
        ``LICENCE``, ``LICENSE``, ``COPYING`` or ``copyright``, with .txt or .md or without; at the root also the
        ``copyright`` of the one Debian package that was unpacked there.
        """
        for folder in (folder for folder in picture.parents if folder == root or root in folder.parents):
            entered = self._manifest(folder / "MANIFEST.tsv").get(picture.relative_to(folder).as_posix())
            if entered:
                return Licence(_short(entered), folder / "MANIFEST.tsv")
            if found := self._of_folder(folder):
                return found
        return self._of_debian(root)


def _of_folder(folder: Path) -> Licence | None:
    if found := _from_kde(folder / "metadata.json"):
        return found
    files = sorted(file for file in folder.iterdir() if _NAMES.fullmatch(file.name) and file.is_file())
    return next((Licence(name, file) for file in files if (name := _title(_read(file)))), None)


def _manifest(file: Path) -> dict[str, str]:
    rows = csv.DictReader(_read(file).splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    named = [{str(key).lower(): value for key, value in row.items()} for row in rows]
    return {row.get("file") or "": row.get("licence") or row.get("license") or "" for row in named}


def _from_kde(file: Path) -> Licence | None:
    try:
        name = json.loads(_read(file))["KPlugin"]["License"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return Licence(_short(name), file) if isinstance(name, str) and name.strip() else None


def _of_debian(root: Path) -> Licence | None:
    files = sorted((root / "usr" / "share" / "doc").glob("*/copyright"))
    if len(files) != 1 or not (name := _title(_read(files[0]))):
        return None
    return Licence(f"{files[0].parent.name}: {name}", files[0])


def _title(text: str) -> str:
    """The names that a machine-readable Debian copyright gives, or else the first line."""
    names = re.findall(r"^License:[ \t]*(\S.*)$", text, re.MULTILINE)
    if names and re.search(r"^(Format|Files):", text, re.MULTILINE):
        return _short(", ".join(dict.fromkeys(name.strip() for name in names)))
    return _short(next((line for line in text.splitlines() if line.strip()), ""))


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _MOST_LETTERS else text[: _MOST_LETTERS - 4].rstrip() + " ..."


def _read(file: Path) -> str:
    """The beginning of a text; empty if there is none."""
    try:
        with file.open("rb") as opened:
            return opened.read(_MOST_BYTES).decode("utf-8", "replace").removeprefix("\ufeff")
    except OSError:
        return ""
