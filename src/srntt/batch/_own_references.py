"""Which references are meant for one picture alone: by the same stem, or by a list next to them."""

import posixpath
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PureWindowsPath

from srntt.batch._listing import Listing
from srntt.batch._remote_folder import Place
from srntt.data import is_picture
from srntt.errors import InputError, PictureError
from srntt.image import Limits

_LIST_SUFFIX = ".refs.txt"
_MOST_BYTES = 2**20


@dataclass(frozen=True)
class OwnReferences:
    """The references' folder, seen from single pictures. Names are relative to it, or to the inputs' folder.

    Attributes:
        root: of the references.
        by_stem: pictures ``photo.*`` and all pictures below a folder ``photo``, by their name without suffix.
        lists: files ``photo.refs.txt``, by the same.
        pictures: all.
    """

    root: Place
    by_stem: dict[str, tuple[str, ...]]
    lists: dict[str, str]
    pictures: tuple[str, ...]

    @classmethod
    def of(cls, root: Place, listing: Listing) -> "OwnReferences":
        """Sort what a folder holds by the names that it may be asked for.

        Raises:
            InputError: it holds neither pictures nor lists of them.
        """
        by_stem: dict[str, list[str]] = defaultdict(list)
        for name in listing.pictures:
            for stem in (_stem(name), *_folders_above(name)):
                by_stem[_composed(stem)].append(name)
        lists = {_composed(name.removesuffix(_LIST_SUFFIX)): name for name in listing.files if _is_list(name)}
        if not by_stem and not lists:
            raise InputError(f"There are no pictures in {root}. Give a folder of sharp pictures, or leave out --refs.")
        return cls(root, {stem: tuple(names) for stem, names in by_stem.items()}, lists, listing.pictures)

    def of_picture(self, name: str) -> tuple[str, ...] | None:
        """Those of one picture: its list if it has one (which may be empty), else those of its stem; None for neither.

        Raises:
            InputError: a list that cannot be read, or names something outside the references' folder.
        """
        stem = _composed(_stem(name))
        return self._listed(self.lists[stem]) if stem in self.lists else self.by_stem.get(stem)

    def shared(self, pictures: Iterable[str], *, recursive: bool) -> tuple[str, ...]:
        """All but those that bear the stem of one picture.

        Args:
            pictures: names of all inputs.
            recursive: also those in folders below.
        """
        claimed = {reference for name in pictures for reference in self.by_stem.get(_composed(_stem(name)), ())}
        return tuple(name for name in self.pictures if name not in claimed and (recursive or "/" not in name))

    def _listed(self, list_name: str) -> tuple[str, ...]:
        try:
            text = self.root.read(list_name, Limits(max_bytes=_MOST_BYTES)).decode("utf-8-sig")
        except PictureError as error:
            if self.root.is_empty_file(list_name):
                return ()  # this picture is to have none
            raise InputError(f"The list of references {error}") from error
        except UnicodeDecodeError as error:
            raise InputError(f"The list of references {self.root.locate(list_name)} is not text in UTF-8.") from error
        lines = (line.strip() for line in text.splitlines())
        listed = (self._confined(list_name, line) for line in lines if line and not line.startswith("#"))
        return tuple(dict.fromkeys(listed))

    def _confined(self, list_name: str, line: str) -> str:
        """A line of a list as a name relative to the references' folder.

        Raises:
            InputError: it leads out of that folder, by its text or through symbolic links.
        """
        name = posixpath.normpath(posixpath.join(posixpath.dirname(list_name), line))
        absolute = line.startswith("/") or bool(PureWindowsPath(line).drive)
        if absolute or name.split("/")[0] == ".." or "\0" in line or not self.root.confines(name):
            raise InputError(
                f"{self.root.locate(list_name)} lists {line!r}, which leads out of {self.root}. "
                "List files within that folder, by paths relative to the list."
            )
        if not is_picture(name):
            raise InputError(
                f"{self.root.locate(list_name)} lists {line!r}, which is no picture by its suffix. List picture files."
            )
        return name


def _is_list(name: str) -> bool:
    return name.endswith(_LIST_SUFFIX)


def _stem(name: str) -> str:
    return posixpath.splitext(name)[0]


def _folders_above(name: str) -> Iterable[str]:
    while name := posixpath.dirname(name):
        yield name


def _composed(name: str) -> str:
    """Names written on macOS have their accents apart."""
    return unicodedata.normalize("NFC", name)
