"""References meant for a single picture: with the same stem, or given in a list."""

import posixpath
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PureWindowsPath

from srntt.batch._names import folders_above
from srntt.batch._remote_folder import Place
from srntt.data import Listing, is_picture
from srntt.errors import InputError, PictureError
from srntt.image import Limits

_LIST_SUFFIX = ".refs.txt"
_MOST_BYTES = 2**20


@dataclass(frozen=True)
class OwnReferences:
    """Index of the reference folder by pictures. Names are relative to it, or to the input folder.

    Attributes:
        root: Folder of the references.
        by_stem: Pictures ``photo.*`` and all pictures in a folder ``photo``, by name without suffix.
        lists: Files ``photo.refs.txt``, by name without suffix.
        pictures: All pictures.
    """

    root: Place
    by_stem: dict[str, tuple[str, ...]]
    lists: dict[str, str]
    pictures: tuple[str, ...]

    @classmethod
    def of(cls, root: Place, listing: Listing) -> "OwnReferences":
        """Index the content of a folder; raise InputError if it contains neither pictures nor lists."""
        by_stem: dict[str, list[str]] = defaultdict(list)
        for name in listing.pictures:
            for stem in (_stem(name), *folders_above(name)):
                by_stem[_composed(stem)].append(name)
        listed = (name for name in listing.files if name.endswith(_LIST_SUFFIX))
        lists = {_composed(name.removesuffix(_LIST_SUFFIX)): name for name in listed}
        if not by_stem and not lists:
            raise InputError(f"{root} contains no pictures. Give a folder of sharp pictures, or omit --refs.")
        return cls(root, {stem: tuple(names) for stem, names in by_stem.items()}, lists, listing.pictures)

    def of_picture(self, name: str) -> tuple[str, ...] | None:
        """Return the references of one picture: those of its list (which may be empty), else those with its stem.

        None if it has neither.

        Raises:
            InputError: A list cannot be read, or names a file outside the reference folder.
        """
        stem = _composed(_stem(name))
        return self._listed(self.lists[stem]) if stem in self.lists else self.by_stem.get(stem)

    def shared(self, pictures: Iterable[str], *, recursive: bool) -> tuple[str, ...]:
        """Return the references that do not belong to a single one of these pictures, the names of all inputs."""
        claimed = {reference for name in pictures for reference in self.by_stem.get(_composed(_stem(name)), ())}
        return tuple(name for name in self.pictures if name not in claimed and (recursive or "/" not in name))

    def _listed(self, list_name: str) -> tuple[str, ...]:
        try:
            text = self.root.read(list_name, Limits(max_bytes=_MOST_BYTES)).decode("utf-8-sig")
        except PictureError as error:
            if self.root.is_empty_file(list_name):
                return ()  # an empty list: no references for this picture
            raise InputError(f"The list of references {error}") from error
        except UnicodeDecodeError as error:
            raise InputError(f"The list of references {self.root.locate(list_name)} is not text in UTF-8.") from error
        lines = (line.strip() for line in text.splitlines())
        listed = (self._confined(list_name, line) for line in lines if line and not line.startswith("#"))
        return tuple(dict.fromkeys(listed))

    def _confined(self, list_name: str, line: str) -> str:
        """Convert a line of a list to a name relative to the reference folder.

        Raises:
            InputError: It is outside that folder, literally or through symbolic links, or not a picture.
        """
        name = posixpath.normpath(posixpath.join(posixpath.dirname(list_name), line))
        absolute = line.startswith("/") or bool(PureWindowsPath(line).drive)
        if absolute or name.split("/")[0] == ".." or "\0" in line or not self.root.confines(name):
            raise InputError(
                f"{self.root.locate(list_name)} lists {line!r}, which is outside {self.root}. "
                "List files within that folder, by paths relative to the list."
            )
        if not is_picture(name):
            raise InputError(
                f"{self.root.locate(list_name)} lists {line!r}, which is not a picture. List picture files."
            )
        return name


def _stem(name: str) -> str:
    return posixpath.splitext(name)[0]


def _composed(name: str) -> str:
    """Normalise a name: macOS writes accents decomposed."""
    return unicodedata.normalize("NFC", name)
