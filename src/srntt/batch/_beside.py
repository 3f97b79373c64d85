"""What may be written beside an output: the files of ``srntt upscale --map --provenance``."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from srntt.image import save
from srntt.upscale import Result

Beside = Literal["map", "provenance"]

#: What is appended to the name of the output, its suffix included: no two outputs' files get one name.
BESIDE: dict[Beside, str] = {"map": ".map.png", "provenance": ".provenance.npz"}


def write_beside(kind: Beside, result: Result, references: Sequence[str], path: Path) -> tuple[str, ...]:
    """Write one of them, of a result that had references.

    Args:
        kind: which.
        result: what it is about.
        references: their names, in order; the same on every machine, which their paths are not.
        path: of the file.

    Returns:
        What the format could not hold: nothing.

    Raises:
        OutputError: cannot be written.
    """
    similarity, provenance = result.similarity_picture(), result.provenance
    assert similarity is not None
    assert provenance is not None
    if kind == "map":
        return save(similarity, path)
    replace(provenance, sources=tuple(references)).save(path)
    return ()
