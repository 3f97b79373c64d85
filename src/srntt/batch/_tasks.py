"""Planning of a batch before any picture is opened: inputs, their references, and the names of outputs.

The same folders give the same tasks on every machine.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from srntt.batch._names import output_names
from srntt.batch._own_references import OwnReferences
from srntt.batch._remote_folder import Place, place
from srntt.data import Failure
from srntt.errors import InputError

SideFile = Literal["map", "similarity", "provenance"]

#: What is appended to the name of an output for each of its side files: no two outputs' files get one name.
SIDE_FILES: dict[SideFile, str] = {"map": ".map.png", "similarity": ".similarity.png", "provenance": ".provenance.npz"}


@dataclass(frozen=True)
class Task:
    """Picture to upscale. It can be pickled.

    Attributes:
        name: Name of the picture, relative to the input folder.
        outputs: Candidate names of the output, relative to the output folder; the first whose format can represent the
            output is used.
        references: The picture's own references, relative to the reference folder; None to choose shared ones.
        problem: Reason why the task will fail, if known already; otherwise empty.
    """

    name: str
    outputs: tuple[str, ...]
    references: tuple[str, ...] | None = ()
    problem: str = ""


@dataclass(frozen=True)
class Batch:
    """Plan of a batch.

    Attributes:
        inputs: Folder of low-res pictures.
        outputs: Output folder.
        references: Folder of references, or None.
        tasks: Tasks, sorted by name.
        shared: References for all pictures without their own, relative to the reference folder.
        ignored: Number of files without the suffix of a picture format, which are ignored.
        raw: Raw files of cameras, which have to be developed first; references by their full paths.
        linked: Folders that are symbolic links, which are not followed.
        failures: Folders that could not be listed.
        side_files: Files written next to each output that has references.
    """

    inputs: Place
    outputs: Place
    references: Place | None
    tasks: tuple[Task, ...]
    shared: tuple[str, ...] = ()
    ignored: int = 0
    raw: tuple[str, ...] = ()
    linked: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()
    side_files: tuple[SideFile, ...] = ()

    @property
    def chooses(self) -> bool:
        """Whether any picture uses the most similar shared references."""
        return any(task.references is None for task in self.tasks)


def plan_batch(
    inputs: str | os.PathLike | Place,
    outputs: str | os.PathLike | Place,
    references: str | os.PathLike | Place | None = None,
    *,
    recursive: bool = False,
    suffix: str | None = None,
    side_files: Sequence[SideFile] = (),
) -> Batch:
    """List the folders and plan the tasks.

    The references of a picture ``photo.png`` are those listed in ``photo.refs.txt``; otherwise the pictures ``photo.*``
    and those in the folder ``photo`` of the reference folder; otherwise the shared ones. Subfolders of the inputs
    correspond to those of the same name in the reference folder.

    Args:
        inputs: Folder of pictures, or its URL.
        outputs: Output folder. If it is inside another of the folders, it is excluded from it.
        references: Folder of references, or None.
        recursive: Include subfolders.
        suffix: Suffix of all outputs, such as ``.png``; None keeps that of each picture.
        side_files: Files to write next to each output that has references.

    Raises:
        InputError: A folder cannot be listed, two folders coincide, or the references contain no pictures.
    """
    small, large = place(inputs), place(outputs)
    sharp = None if references is None else place(references)
    _refuse_same(small, large, sharp)
    found = small.list_files(recursive=recursive, leave_out=[other for other in (large, sharp) if other])
    names = output_names(found.pictures, suffix, [SIDE_FILES[kind] for kind in side_files])
    _refuse_outputs_among_inputs(small, large, names)
    linked, failures, raw, own = found.linked, found.failures, found.raw, None
    if sharp:
        listing = sharp.list_files(recursive=True, leave_out=[large, small])
        own = OwnReferences.of(sharp, listing)
        linked, failures = linked + listing.linked, failures + listing.failures
        raw += tuple(sharp.locate(name) for name in listing.raw)
    return Batch(
        inputs=small,
        outputs=large,
        references=sharp,
        tasks=tuple(_task(own, name, names[name]) for name in found.pictures),
        shared=own.shared(found.pictures, recursive=recursive) if own else (),
        ignored=len(found.files) - len(found.pictures) - len(found.raw),
        raw=raw,
        linked=linked,
        failures=failures,
        side_files=tuple(side_files),
    )


def _task(own: OwnReferences | None, name: str, outputs: tuple[str, ...]) -> Task:
    try:
        return Task(name, outputs, own.of_picture(name) if own else ())
    except InputError as error:
        return Task(name, outputs, problem=str(error))


def _refuse_same(inputs: Place, outputs: Place, references: Place | None) -> None:
    for what, other in (("outputs", outputs), ("references", references)):
        if other and other.name_within(inputs) == ".":
            raise InputError(f"{inputs} contains the inputs and cannot be the folder of {what}, too. Give another.")
    if references and outputs.name_within(references) == ".":
        raise InputError(f"{outputs} contains the references and cannot be the folder of outputs, too. Give another.")


def _refuse_outputs_among_inputs(inputs: Place, outputs: Place, names: dict[str, tuple[str, ...]]) -> None:
    """Raise if an output would be an input of the next run, possible if the input folder is in the output folder."""
    within = inputs.name_within(outputs)
    for name in names if within else ():
        if name.startswith(f"{within}/"):
            raise InputError(f"The output of {name} would be among the inputs, in {inputs}. Give another -o.")
