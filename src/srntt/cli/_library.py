"""``srntt library``: an album of photographs that finds references."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from srntt.cli._exit import Exit
from srntt.cli._library_options import LibraryFile, found_as_json
from srntt.cli._options import Json, LimitOptions, refuse_missing
from srntt.cli._progress import ProgressOnStderr
from srntt.cli._say import complain, complain_of_each, say_either

if TYPE_CHECKING:
    import srntt.library


def add(
    folders: tuple[Path, ...],
    /,
    *,
    library_file: LibraryFile = None,
    limits: LimitOptions = LimitOptions(),  # noqa: B008 (frozen)
    json: Json = False,
) -> int:
    """Add folders of photographs with their subfolders, or bring them up to date. Only new and changed files are read.

    An interrupted or killed run keeps what it has added; the next one continues.

    Args:
        folders: Folders of photographs.
    """
    refuse_missing(folders)
    from srntt.library import Library

    library = Library(library_file, limits=limits.limits())
    with ProgressOnStderr(counted="photographs") as progress:
        update = library.add(folders, progress=progress)
    return _report(library, update, json)


def update(
    *,
    library_file: LibraryFile = None,
    limits: LimitOptions = LimitOptions(),  # noqa: B008 (frozen)
    json: Json = False,
) -> int:
    """Bring all folders up to date: find photographs that are new, changed, moved or deleted."""
    from srntt.library import Library

    library = Library(library_file, limits=limits.limits())
    with ProgressOnStderr(counted="photographs") as progress:
        done = library.update(progress=progress)
    return _report(library, done, json)


def find(
    picture: Path,
    /,
    *,
    best: Annotated[int, Parameter(validator=Number(gte=1))] = 5,
    library_file: LibraryFile = None,
    limits: LimitOptions = LimitOptions(),  # noqa: B008 (frozen)
    json: Json = False,
) -> int:
    """Find photographs of the same scene that are sharper than a picture, and state why each is chosen.

    Args:
        picture: The low-res picture.
        best: Number of photographs at most. Default: 5.
    """
    refuse_missing([picture])
    from srntt.library import Library

    found = Library(library_file, limits=limits.limits()).find(picture, most=best)
    say_either(found.reasons, found_as_json(found), as_json=json)
    for text in () if json else found.remarks:
        complain(text)
    return Exit.DONE if found.choices else Exit.NOTHING_TO_DO


def remove(folders: tuple[Path, ...], /, *, library_file: LibraryFile = None, json: Json = False) -> int:
    """Remove folders from the library. Photographs themselves are not deleted.

    Args:
        folders: Folders, which may no longer exist.
    """
    from srntt.library import Library

    library = Library(library_file)
    removed = library.remove(folders)
    value = {"library": str(library.path), "removed": removed}
    say_either([f"{library.path}: {removed} files removed"], value, as_json=json)
    return Exit.DONE


def list_files(*, library_file: LibraryFile = None, json: Json = False) -> int:
    """List the files of all photographs."""
    from srntt.library import Library

    files = [str(path) for path in Library(library_file).files()]
    say_either(files, files, as_json=json)
    return Exit.DONE if files else Exit.NOTHING_TO_DO


def info(*, library_file: LibraryFile = None, json: Json = False) -> int:
    """Show the folders, the number of photographs and the size of the library."""
    from srntt.library import Library

    about = Library(library_file).info()
    figures = f"{about.photographs:,} photographs in {about.files:,} files, {about.bytes / 1e6:.1f} MB"
    lines = (f"{about.path}: {figures}", *(f"folder: {path}" for path in about.folders))
    value = {**asdict(about), "path": str(about.path), "folders": [str(path) for path in about.folders]}
    say_either(lines, value, as_json=json)
    return Exit.DONE


def _report(library: "srntt.library.Library", update: "srntt.library.Update", json: bool) -> int:
    """Print the outcome of an update, with failures on stderr, and return the exit code."""
    photographs, failures = library.info().photographs, update.failures
    counts = {name: count for name, count in vars(update).items() if name != "failures"}
    counted = [f"{count} {name}" for name, count in {**counts, "cannot be read": len(failures)}.items() if count]
    line = f"{library.path}: {', '.join(counted) or 'nothing new'}; {photographs:,} photographs now"
    failed = [failure._asdict() for failure in failures]
    value = {"library": str(library.path), **counts, "failed": failed, "photographs": photographs}
    say_either([line], value, as_json=json)
    complain_of_each(failures)
    return Exit.SOME_FAILED if update.failures else Exit.DONE
