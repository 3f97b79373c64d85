"""What is to be done, decided before a picture is opened: which pictures, with which references, to which names.

The same folders give the same tasks on every machine.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from srntt.batch._listing import Failure
from srntt.batch._names import output_names
from srntt.batch._own_references import OwnReferences
from srntt.batch._remote_folder import Place, place
from srntt.errors import InputError

SideFile = Literal["map", "provenance"]

#: What is appended to the name of an output for each of its side files: no two outputs' files get one name.
SIDE_FILES: dict[SideFile, str] = {"map": ".map.png", "provenance": ".provenance.npz"}


@dataclass(frozen=True)
class Task:
    """One picture to upscale. It can be pickled.

    Attributes:
        name: of the picture, relative to the inputs' folder.
        outputs: names that its output may get, relative to the outputs' folder; the first that can hold it is taken.
        references: its own, relative to the references' folder; None to choose from the shared ones.
        problem: why it cannot be done, known already; else empty.
    """

    name: str
    outputs: tuple[str, ...]
    references: tuple[str, ...] | None = ()
    problem: str = ""


@dataclass(frozen=True)
class Batch:
    """Everything to be done.

    Attributes:
        inputs: of small pictures.
        outputs: for large ones.
        references: sharp pictures, or None.
        tasks: in order of their names.
        shared: references for all pictures that have none of their own, relative to their folder.
        ignored: how many files have no suffix of a picture, and are left alone.
        raw: cameras' raw files, which would have to be developed first; references by their whole paths.
        linked: folders that are symbolic links, which are not followed.
        failures: folders that could not be listed.
        side_files: what is written next to each output that had references.
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
        """At least one picture takes the best of the shared references."""
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
    """List the folders and decide.

    For a picture ``photo.png``, its own references are those listed in ``photo.refs.txt``; else pictures ``photo.*``
    and those in the folder ``photo`` of the references' folder; else there are the shared ones. In a folder below the
    inputs', the folder of the same name below the references' is meant.

    Args:
        inputs: folder of pictures, or its URL.
        outputs: where the large ones go. It may lie in one of the others, and is then left out of it.
        references: folder of sharp pictures; None for none.
        recursive: folders below, too.
        suffix: of all outputs, such as ``.png``; None keeps each picture's.
        side_files: what is written next to each output that had references.

    Raises:
        InputError: folders that cannot be listed or that coincide; references without a picture among them.
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
            raise InputError(f"{inputs} holds the inputs and cannot be the folder of {what}, too. Give another.")
    if references and outputs.name_within(references) == ".":
        raise InputError(f"{outputs} holds the references and cannot be the folder of outputs, too. Give another.")


def _refuse_outputs_among_inputs(inputs: Place, outputs: Place, names: dict[str, tuple[str, ...]]) -> None:
    """Outputs of one run would be the inputs of the next; only possible if the inputs' folder lies in the outputs'."""
    within = inputs.name_within(outputs)
    for name in names if within else ():
        if name.startswith(f"{within}/"):
            raise InputError(f"The output of {name} would lie among the inputs, in {inputs}. Give another -o.")
