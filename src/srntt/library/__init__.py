"""An album of photographs that finds the references of a picture."""

from srntt.library._codebook import Codebook
from srntt.library._database import reading
from srntt.library._describe import global_descriptor
from srntt.library._find import find_references
from srntt.library._found import Choice, Found
from srntt.library._index import FileIndex, Index, Nearest
from srntt.library._library import Library, LibraryInfo, default_library
from srntt.library._update import Update

__all__ = ["Choice", "Found", "Library", "LibraryInfo", "Update", "default_library"]
