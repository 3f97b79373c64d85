"""What is to be done, decided before anything is opened: which pictures, with which references, to which names.

The same folders give the same plan on every machine.
"""

from dataclasses import dataclass

from srntt.batch._beside import BESIDE, Beside
from srntt.batch._listing import Listing, Problem, list_folder
from srntt.batch._names import output_names
from srntt.batch._own_references import SIDECAR, OwnReferences
from srntt.batch._place import Place, inside
from srntt.errors import InputError


@dataclass(frozen=True)
class PlannedPicture:
    """One picture of the inputs' folder.

    Attributes:
        name: relative to that folder, ``/`` between folders.
        outputs: names that its output may get, relative to the outputs' folder; the first that can hold it is taken.
        references: its own, relative to the references' folder; None to choose from the shared ones.
        problem: why it cannot be done, known already; else empty.
    """

    name: str
    outputs: tuple[str, ...]
    references: tuple[str, ...] | None = ()
    problem: str = ""


@dataclass(frozen=True)
class Plan:
    """Everything to be done.

    Attributes:
        inputs, outputs: folders, of this machine or behind URLs.
        references: folder, or None.
        pictures: in order of their names.
        shared: references of all pictures that have none of their own, relative to their folder.
        ignored: files without the suffix of a picture, which are left alone.
        linked: folders that are symbolic links, which are not followed.
        problems: folders that could not be listed.
        also: what is written beside each output that had references.
    """

    inputs: Place
    outputs: Place
    references: Place | None
    pictures: tuple[PlannedPicture, ...]
    shared: tuple[str, ...] = ()
    ignored: int = 0
    linked: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    also: tuple[Beside, ...] = ()

    @property
    def chooses(self) -> bool:
        """At least one picture takes the best of the shared references."""
        return any(picture.references is None for picture in self.pictures)


def plan_batch(
    inputs: Place,
    outputs: Place,
    references: Place | None = None,
    *,
    recursive: bool = False,
    suffix: str | None = None,
    also: tuple[Beside, ...] = (),
) -> Plan:
    """List the folders and decide.

    For a picture ``photo.png``, its own references are those listed in ``photo.refs.txt``; else pictures ``photo.*``
    and those in the folder ``photo`` of the references' folder; else there are the shared ones. In a folder below the
    inputs', the folder of the same name below the references' is meant.

    Args:
        inputs: folder of pictures.
        outputs: where the large ones go. It may lie in one of the others, and is then left out of it.
        references: folder of sharp pictures; None for none.
        recursive: folders below, too.
        suffix: of all outputs, such as ``.png``; None keeps each picture's.
        also: what is written beside each output that had references.

    Raises:
        InputError: folders that cannot be listed or that coincide; references without a picture among them.
    """
    _refuse_same(inputs, outputs, references)
    found = list_folder(inputs, recursive=recursive, leave_out=[path for path in (outputs, references) if path])
    names = output_names(found.pictures, suffix, [BESIDE[kind] for kind in also])
    _refuse_outputs_among_inputs(inputs, outputs, names)
    ignored, linked = len(found.files) - len(found.pictures), found.linked
    if references is None:
        pictures = tuple(PlannedPicture(name, names[name]) for name in found.pictures)
        return Plan(inputs, outputs, None, pictures, (), ignored, linked, found.problems, also)
    beside = list_folder(references, recursive=True, leave_out=[outputs, inputs])
    own = OwnReferences.of(references, _with_pictures(references, beside))
    shared = own.shared(found.pictures, recursive=recursive)
    return Plan(
        inputs,
        outputs,
        references,
        tuple(_planned(own, name, names[name]) for name in found.pictures),
        shared,
        ignored,
        linked + beside.linked,
        found.problems + beside.problems,
        also,
    )


def _planned(own: OwnReferences, name: str, outputs: tuple[str, ...]) -> PlannedPicture:
    try:
        return PlannedPicture(name, outputs, own.of_picture(name))
    except InputError as error:
        return PlannedPicture(name, outputs, problem=str(error))


def _with_pictures(references: Place, listing: Listing) -> Listing:
    if not listing.pictures and not any(name.endswith(SIDECAR) for name in listing.files):
        raise InputError(
            f"There are no pictures in {references}. Give a folder of sharp pictures, or leave out --refs."
        )
    return listing


def _refuse_same(inputs: Place, outputs: Place, references: Place | None) -> None:
    real = {"outputs": outputs, "references": references}
    for what, path in real.items():
        if path is not None and inside(path, inputs) == ".":
            raise InputError(f"{inputs} holds the inputs and cannot be the folder of {what}, too. Give another.")
    if references is not None and inside(outputs, references) == ".":
        raise InputError(f"{outputs} holds the references and cannot be the folder of outputs, too. Give another.")


def _refuse_outputs_among_inputs(inputs: Place, outputs: Place, names: dict[str, tuple[str, ...]]) -> None:
    """Outputs of one run would be the inputs of the next; only possible if the inputs' folder lies in the outputs'."""
    within = inside(inputs, outputs)
    for name in names if within else ():
        if name.startswith(f"{within}/"):
            raise InputError(f"The output of {name} would lie among the inputs, in {inputs}. Give another -o.")
