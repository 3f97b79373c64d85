"""Which files may be photographs, the largest first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from srntt.data import is_picture, list_folder
from srntt.errors import InputError
from srntt.train.corpus._outcome import CorpusReport


@dataclass(frozen=True)
class Candidate:
    """A file that may be a photograph, and its size; ``root`` is the given folder, in which its licence may be."""

    path: Path
    root: Path
    bytes: int


def list_sources(given: Sequence[Path], report: CorpusReport, *, recursive: bool) -> list[Candidate]:
    """List the pictures of folders and files, but not of the corpus itself. Hidden files and folders are skipped; links
    to folders are not followed. What cannot be looked at, and how many files are not pictures, is reported.

    Returns:
        The largest files first, so that of several copies the one with the most detail comes first.

    Raises:
        InputError: one of the folders and files does not exist.
    """
    if missing := [str(path) for path in given if not path.exists()]:
        raise InputError(f"There is no {', no '.join(missing)}. Give folders of photographs, or photographs.")
    found: dict[Path, Candidate] = {}
    for root in given:
        for path in _files(root, recursive, report.folder.resolve(), report.failed):
            if not is_picture(path):
                report.ignored += 1
                continue
            try:
                candidate = Candidate(path, root if root.is_dir() else root.parent, path.stat().st_size)
                found.setdefault(path.resolve(), candidate)
            except OSError as error:
                report.failed.append((path, f"cannot be looked at: {error.strerror}."))
    return sorted(found.values(), key=lambda candidate: (-candidate.bytes, str(candidate.path)))


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
