"""Outputs written by another method, scored like those of a method that runs here."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from srntt.data import Pair, as_unit, pictures_in, read_rgb
from srntt.errors import InputError
from srntt.evaluate._journal import input_sha256
from srntt.evaluate._upscale import Upscaled
from srntt.image import Limits

_MOST_NAMED = 10  # targets without an output
_LONGEST_NAME = 100
_LARGER = 4  # times the pixels of the target, beyond which an output is not read


@dataclass(frozen=True)
class Outputs:
    """Outputs of a method, one file for each target.

    Attributes:
        name: Name of the method in reports.
        files: Files by the name of the target.
        made_of: Name of the folder and a SHA-256 over all files, for reports.
    """

    name: str
    files: Mapping[str, Path]
    made_of: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def find(cls, folder: Path, pairs: Sequence[Pair], name: str | None = None) -> "Outputs":
        """Assign the pictures of a folder to targets.

        A picture belongs to a target if its name without suffix equals the target's, or begins with it followed by
        ``_``, ``-`` or ``.``, as in ``003_SRNTT.png`` for ``003``; a slash in a target's name counts as ``_``, and its
        file's name does as well. Pictures of no target are ignored.

        Args:
            folder: Folder of the outputs; subfolders are not searched.
            pairs: The targets.
            name: Name of the method; by default that of the folder.

        Raises:
            InputError: The folder does not exist, a target has no output, or several, or the name cannot be shown.
        """
        advice = "Give --outputs a folder with one picture for each target, named like the target."
        there = pictures_in(folder, advice)
        files = {pair.name: _one(pair, there, folder) for pair in pairs}
        if without := [target for target, file in files.items() if file is None]:
            more = f" and {len(without) - _MOST_NAMED} more" if len(without) > _MOST_NAMED else ""
            listed = ", ".join(without[:_MOST_NAMED]) + more
            raise InputError(f"{folder} has no output for {len(without)} of {len(pairs)} targets: {listed}. {advice}")
        found = {target: file for target, file in files.items() if file}
        digest = hashlib.sha256(b"".join(bytes.fromhex(input_sha256(file)) for file in found.values()))
        label = folder.resolve().name
        shown = name or label
        if not shown.isprintable() or len(shown) > _LONGEST_NAME:
            raise InputError(
                f"{shown[:_LONGEST_NAME]!r} cannot be the name of a method. Give NAME=FOLDER, with a name of at most "
                f"{_LONGEST_NAME} printable characters."
            )
        return cls(shown, found, {"folder": label, "sha256": digest.hexdigest()})

    def read(self, target: str, pixels: int) -> Upscaled:
        """Read the output of a target, in 8 bits like all outputs; its time is unknown.

        Args:
            target: Name of the target.
            pixels: Pixels of the target.

        Raises:
            PictureError: The file cannot be read, or has many times the pixels of the target.
        """
        return Upscaled(as_unit(read_rgb(self.files[target], Limits(max_pixels=_LARGER * pixels))))


def _one(pair: Pair, there: Mapping[str, Path], folder: Path) -> Path | None:
    stems = dict.fromkeys((pair.name, pair.name.replace("/", "_"), pair.target.stem))
    files = list(there.values())
    exact = [file for file in files if file.stem in stems]
    begun = [file for file in files if any(file.stem.startswith(f"{stem}{mark}") for stem in stems for mark in "_-.")]
    found = exact or begun
    if len(found) > 1:
        listed = ", ".join(file.name for file in found[:_MOST_NAMED])
        raise InputError(f"{folder} has several pictures for {pair.name}: {listed}. Keep one for each target.")
    return found[0] if found else None
