"""Which references are meant for one picture alone: by the same stem, or by a list beside them."""

import os
import posixpath
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PureWindowsPath

from srntt.batch._listing import Listing, is_picture
from srntt.batch._place import Place, Remote, join
from srntt.batch._read import read
from srntt.errors import InputError, PictureError
from srntt.image import Limits

SIDECAR = ".refs.txt"
_MOST_BYTES = 2**20


@dataclass(frozen=True)
class OwnReferences:
    """The references folder, seen from single pictures. Names are relative to it, or to the inputs' folder.

    Attributes:
        root: of the references.
        by_stem: pictures ``photo.*`` and all pictures below a folder ``photo``, by their name without suffix.
        sidecars: lists ``photo.refs.txt``, likewise.
        pictures: all.
    """

    root: Place
    by_stem: dict[str, tuple[str, ...]]
    sidecars: dict[str, str]
    pictures: tuple[str, ...]

    @classmethod
    def of(cls, root: Place, listing: Listing) -> "OwnReferences":
        """Sort what a folder holds by the names that it may be asked for."""
        by_stem: dict[str, list[str]] = defaultdict(list)
        for name in listing.pictures:
            for stem in (posixpath.splitext(name)[0], *_above(name)):
                by_stem[_composed(stem)].append(name)
        sidecars = {_composed(name[: -len(SIDECAR)]): name for name in listing.files if name.endswith(SIDECAR)}
        return cls(root, {stem: tuple(names) for stem, names in by_stem.items()}, sidecars, listing.pictures)

    def of_picture(self, name: str) -> tuple[str, ...] | None:
        """Those of one picture: its list if it has one (which may be empty), else those of its stem; None for neither.

        Raises:
            InputError: a list that cannot be read, or names something outside the references' folder.
        """
        stem = _composed(posixpath.splitext(name)[0])
        if stem in self.sidecars:
            return _listed(self.root, self.sidecars[stem])
        return self.by_stem.get(stem)

    def shared(self, pictures: Iterable[str], *, recursive: bool) -> tuple[str, ...]:
        """All but those that bear the stem of one picture.

        Args:
            pictures: names of all inputs.
            recursive: also those in folders below.
        """
        stems = (_composed(posixpath.splitext(name)[0]) for name in pictures)
        claimed = {reference for stem in stems for reference in self.by_stem.get(stem, ())}
        return tuple(name for name in self.pictures if name not in claimed and (recursive or "/" not in name))


def _listed(root: Place, sidecar: str) -> tuple[str, ...]:
    try:
        text = read(join(root, sidecar), Limits(max_bytes=_MOST_BYTES)).decode("utf-8-sig")
    except PictureError as error:
        if _is_empty(root, sidecar):
            return ()  # this picture is to have none
        raise InputError(f"The list of references {error}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"The list of references {root / sidecar} is not text in UTF-8.") from error
    lines = (line.strip() for line in text.splitlines())
    return _unique([_confined(root, sidecar, line) for line in lines if line and not line.startswith("#")])


def _is_empty(root: Place, name: str) -> bool:
    file = root / name
    if isinstance(file, Remote):
        return bool(file.files.isfile(file.path)) and file.files.size(file.path) == 0
    return file.is_file() and file.stat().st_size == 0


def _confined(root: Place, sidecar: str, line: str) -> str:
    """A line of a list as a name relative to the references' folder.

    Raises:
        InputError: it leads out of that folder, by its text or through symbolic links.
    """
    name = posixpath.normpath(posixpath.join(posixpath.dirname(sidecar), line))
    outside = line.startswith("/") or bool(PureWindowsPath(line).drive) or name.split("/")[0] == ".." or "\0" in line
    if not outside and not isinstance(root, Remote):
        real, within = os.path.realpath(root / name), os.path.realpath(root)
        outside = os.path.commonpath([real, within]) != within
    if outside:
        raise InputError(
            f"{root / sidecar} lists {line!r}, which leads out of {root}. "
            "List files within that folder, by paths relative to the list."
        )
    if not is_picture(name):
        raise InputError(f"{root / sidecar} lists {line!r}, which is no picture by its suffix. List picture files.")
    return name


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _above(name: str) -> Iterable[str]:
    while name := posixpath.dirname(name):
        yield name


def _composed(name: str) -> str:
    """Names written on macOS have their accents apart."""
    return unicodedata.normalize("NFC", name)
