"""Which files may be photographs, the largest first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from srntt.data import is_picture, list_folder
from srntt.errors import InputError


@dataclass(frozen=True)
class Candidate:
    """A file that may be a photograph.

    Attributes:
        path: of the file.
        root: the folder that was given, in which its licence is looked for; of a file, its folder.
        bytes: its size.
    """

    path: Path
    root: Path
    bytes: int


@dataclass(frozen=True)
class Sources:
    """What was found.

    Attributes:
        candidates: the largest files first, so that of several copies the one with the most detail comes first.
        failed: files and folders that cannot be looked at, and why.
        ignored: how many files have no suffix of a picture.
    """

    candidates: tuple[Candidate, ...]
    failed: tuple[tuple[Path, str], ...]
    ignored: int


def list_sources(given: Sequence[Path], *, recursive: bool, leave_out: Path) -> Sources:
    """List the pictures of folders and files. Hidden files and folders are skipped; links to folders are not followed.

    Nothing below ``leave_out`` is listed. InputError if one of the folders and files does not exist.
    """
    if missing := [str(path) for path in given if not path.exists()]:
        raise InputError(f"There is no {', no '.join(missing)}. Give folders of photographs, or photographs.")
    found: dict[Path, Candidate] = {}
    failed: list[tuple[Path, str]] = []
    ignored = 0
    for root in given:
        for path in _files(root, recursive, leave_out.resolve(), failed):
            if not is_picture(path):
                ignored += 1
                continue
            try:
                candidate = Candidate(path, root if root.is_dir() else root.parent, path.stat().st_size)
                found.setdefault(path.resolve(), candidate)
            except OSError as error:
                failed.append((path, f"cannot be looked at: {error.strerror}."))
    ordered = sorted(found.values(), key=lambda candidate: (-candidate.bytes, str(candidate.path)))
    return Sources(tuple(ordered), tuple(failed), ignored)


def _files(root: Path, recursive: bool, leave_out: Path, failed: list[tuple[Path, str]]) -> Iterable[Path]:
    if not root.is_dir():
        return [root]
    if root.resolve() == leave_out:
        return []
    try:
        listing = list_folder(root, recursive=recursive, leave_out=[leave_out])
    except OSError as error:
        failed.append((root, f"cannot be listed: {error.strerror}."))
        return []
    failed += [(root / name, reason) for name, reason in listing.failures]
    return [root / name for name in listing.files]
