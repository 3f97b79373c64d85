"""An album of photographs that finds the references of a picture."""

from srntt.library._codebook import Codebook
from srntt.library._database import reading
from srntt.library._find import most_alike
from srntt.library._library import Choice, Found, Library, LibraryInfo, default_library
from srntt.library._update import Update

__all__ = ["Choice", "Found", "Library", "LibraryInfo", "Update", "default_library"]
