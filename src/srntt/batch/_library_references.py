"""References of each picture from a library of photographs."""

from dataclasses import dataclass, replace
from pathlib import Path

from srntt.batch._local_folder import LocalFolder
from srntt.batch._shared_references import ReferenceFile
from srntt.batch._tasks import Batch
from srntt.data import Failure
from srntt.image import Limits, Picture
from srntt.library import FileIndex, Index, Library, find_references


@dataclass(frozen=True)
class LibraryFolder(LocalFolder):
    """All files of the machine, by their absolute paths; in messages, the file of the library."""

    library: Path = Path()

    def __str__(self) -> str:
        return str(self.library)


@dataclass(frozen=True)
class LibraryReferences:
    """Photographs of a library. It can be pickled.

    Attributes:
        index: Access to the library; on a cluster, to its file on the machine of the command.
        limits: Limits on reading photographs.
        folders: Folders of the library that exist; workers on other machines must have them, too.
        failures: None; as of `SharedReferences`.
    """

    index: Index
    limits: Limits
    folders: tuple[Path, ...] = ()
    failures: tuple[Failure, ...] = ()

    @classmethod
    def of(cls, library: Library, limits: Limits) -> "LibraryReferences":
        """Use the photographs of a library."""
        folders = tuple(folder for folder in library.info().folders if folder.is_dir())
        return cls(FileIndex(library.path), limits, folders)

    def best_for(self, picture: Picture, sha256: str, count: int) -> tuple[ReferenceFile, ...]:
        """Return the photographs that would add the most to a picture."""
        found = find_references(self.index, picture, count, (), self.limits)
        files = (ReferenceFile(str(choice.path), choice.sha256) for choice in found.choices)
        return tuple(file for file in files if file.sha256 != sha256)


def with_library(batch: Batch, library: Library) -> Batch:
    """Return a batch without reference folder whose pictures take their references from a library."""
    tasks = tuple(replace(task, references=None) for task in batch.tasks)
    return replace(batch, references=LibraryFolder(Path("/"), library.path), tasks=tasks)
