"""Public interface: an album that finds references."""

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import torch

from srntt._files import user_folder
from srntt.errors import InputError
from srntt.image import Limits, Source, load
from srntt.library._database import opened_for_writing, reading, transaction
from srntt.library._find import find_references
from srntt.library._found import Found
from srntt.library._index import FileIndex
from srntt.library._update import Progress, Update, Updater, known_files, remove_unused
from srntt.views.aligned import deterministic

_MOST = 5


@dataclass(frozen=True)
class LibraryInfo:
    """Facts about a library.

    Attributes:
        path: Its file.
        folders: Folders that it is kept up to date with.
        photographs: Number of photographs with different content.
        files: Number of files.
        bytes: Size of the file of the library.
    """

    path: Path
    folders: tuple[Path, ...]
    photographs: int
    files: int
    bytes: int


class Library:
    """Index of your photographs, in one SQLite file, that finds references for a picture.

    Several processes may use a library at once. A process may be killed at any time: what it had stored is kept.

    Args:
        path: File; by default `default_library`. It is created by `add`.
        limits: Limits on pictures.

    Example:
        >>> import tempfile
        >>> folder = tempfile.mkdtemp()
        >>> library = Library(f"{folder}/library.sqlite")
        >>> library.add([folder]).added
        0
        >>> library.info().photographs
        0
    """

    def __init__(self, path: str | os.PathLike | None = None, *, limits: Limits = Limits()) -> None:  # noqa: B008
        self.path = Path(os.path.abspath(default_library() if path is None else path))
        self._limits = limits

    def __repr__(self) -> str:
        return f"<Library {str(self.path)!r}>"

    def add(self, folders: Iterable[str | os.PathLike], *, progress: Progress | None = None) -> Update:
        """Add folders with their subfolders, and keep them for later updates. Photographs are read, never changed.

        Args:
            folders: Folders.
            progress: Called with ("index", done, total); an exception stops the work, and what was done is kept.

        Returns:
            The number of photographs that are new, changed, moved, gone or unchanged, and files that cannot be read.

        Raises:
            InputError: A folder cannot be listed, or the file is not a library.
            OutputError: The library cannot be written: a full disk, permissions, or another process that keeps it
                locked.
        """
        roots = [_root(folder) for folder in folders]
        for root in roots:
            if not os.path.isdir(root):
                raise InputError(f"{root} is not a folder. Give a folder of photographs.")
        with opened_for_writing(self.path) as connection:
            with transaction(connection):
                rows = [(os.fsencode(root),) for root in roots]
                connection.executemany("INSERT OR IGNORE INTO folder VALUES (?)", rows)
            return self._updated(connection, roots, progress)

    def update(self, *, progress: Progress | None = None) -> Update:
        """Bring all folders up to date: find photographs that are new, changed, moved or deleted.

        Folders that do not exist at present, such as those on a drive that is not connected, are reported as failures,
        and their photographs are kept.

        Raises:
            InputError: There is no library.
            OutputError: See `add`.
        """
        self.info()  # raises if there is none
        with opened_for_writing(self.path) as connection:
            roots = [os.fsdecode(path) for (path,) in connection.execute("SELECT path FROM folder ORDER BY path")]
            return self._updated(connection, roots, progress)

    def remove(self, folders: Iterable[str | os.PathLike]) -> int:
        """Remove folders with their subfolders from the library. Photographs themselves are not deleted.

        Returns:
            Number of files removed.

        Raises:
            InputError: There is no library, or it contains nothing of a folder.
            OutputError: See `add`.
        """
        self.info()
        removed = 0
        with opened_for_writing(self.path) as connection, transaction(connection):
            for root in map(_root, folders):
                files = known_files(connection, root)
                row = (os.fsencode(root),)
                listed = connection.execute("DELETE FROM folder WHERE path = ?", row).rowcount
                if not files and not listed:
                    raise InputError(f"{self.path} contains nothing of {root}. srntt library info lists its folders.")
                connection.executemany("DELETE FROM file WHERE path = ?", [(path,) for path in files])
                removed += len(files)
            remove_unused(connection)
        return removed

    def find(self, picture: Source, *, most: int = _MOST, exclude: Sequence[str | os.PathLike] = ()) -> Found:
        """Find the references that would add the most detail to a picture.

        The 50 photographs most similar by a global descriptor are compared by keypoints. Those that show the same scene
        are opened and aligned, and of these the ones are chosen that are sharper than the picture, each for what it
        adds to the others. Copies and enlargements of the picture are not chosen.

        Args:
            picture: Low-res picture, as for `srntt.load`.
            most: Number of references at most.
            exclude: Files that are not chosen. The file of the picture itself never is.

        Raises:
            InputError: There is no library, or it is damaged.
            PictureError: The picture cannot be read.
        """
        if most < 1:
            raise InputError(f"most={most}: must be at least 1.")
        return find_references(FileIndex(self.path), load(picture, limits=self._limits), most, exclude, self._limits)

    def files(self) -> list[Path]:
        """List the files of all photographs, sorted.

        Raises:
            InputError: There is no library, or it is damaged.
        """
        with reading(self.path) as connection:
            rows = connection.execute("SELECT path FROM file ORDER BY path").fetchall()
        return [Path(os.fsdecode(path)) for (path,) in rows]

    def info(self) -> LibraryInfo:
        """Return facts about the library.

        Raises:
            InputError: There is no library, or it is damaged.
        """
        with reading(self.path) as connection:
            folders = connection.execute("SELECT path FROM folder ORDER BY path").fetchall()
            (photographs,) = connection.execute("SELECT count(*) FROM photograph").fetchone()
            (files,) = connection.execute("SELECT count(*) FROM file").fetchone()
        size = 0
        for name in (self.path, f"{self.path}-wal"):
            with suppress(OSError):
                size += os.stat(name).st_size
        return LibraryInfo(self.path, tuple(Path(os.fsdecode(path)) for (path,) in folders), photographs, files, size)

    def _updated(self, connection, roots: list[str], progress: Progress | None) -> Update:
        with deterministic():  # one thread for each photograph
            updater = Updater(connection, self._limits, torch.get_num_threads(), progress or (lambda *_: None))
            return updater.folders(roots)


def default_library() -> Path:
    """Return the file of the library if none is given: $SRNTT_LIBRARY, else in the user's data folder."""
    if given := os.environ.get("SRNTT_LIBRARY"):
        return Path(given)
    return user_folder("data") / "library.sqlite"


def _root(folder: str | os.PathLike) -> str:
    return os.path.realpath(os.fsdecode(folder))
