"""Options of commands that use a library."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from srntt.errors import InputError

if TYPE_CHECKING:
    import srntt.image
    import srntt.library

LibraryFile = Annotated[
    Path | None,
    Parameter(
        name="--library-file",
        help="File of the library. Default: $SRNTT_LIBRARY, else library.sqlite in the user's data folder.",
    ),
]


@Parameter(name="*")
@dataclass(frozen=True)
class LibraryOptions:
    """References from a library.

    Attributes:
        library: Find references in your library of photographs (srntt library add FOLDER).
        library_file: File of the library, if it is not the default one: $SRNTT_LIBRARY, else library.sqlite in the
            user's data folder. Implies --library.
    """

    library: bool = False
    library_file: Path | None = None

    @property
    def is_used(self) -> bool:
        """Whether references are found in a library."""
        return self.library or self.library_file is not None

    def open(self, limits: "srntt.image.Limits") -> "srntt.library.Library | None":
        """Return the library, if one is used.

        Raises:
            InputError: There is none, or it is empty or damaged.
        """
        if not self.is_used:
            return None
        from srntt.library import Library

        library = Library(self.library_file, limits=limits)
        if not library.info().photographs:
            raise InputError(f"{library.path} contains no photographs. Add some: srntt library add FOLDER.")
        return library


def found_as_json(found: "srntt.library.Found") -> dict[str, Any]:
    """Return the result of a search."""
    return {
        "choices": [
            {
                "path": str(choice.path),
                "share": round(choice.share, 4),
                "similarity": round(choice.similarity, 4),
                "reason": choice.reason,
            }
            for choice in found.choices
        ],
        "copies": [str(path) for path in found.copies],
        "compared": found.compared,
        "notes": list(found.notes),
    }
