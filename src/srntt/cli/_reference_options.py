"""Options of ``srntt evaluate`` that make references worse on purpose."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from cyclopts import Parameter

from srntt.errors import InputError

if TYPE_CHECKING:
    import srntt.data
    import srntt.evaluate


@Parameter(name="*")
@dataclass(frozen=True)
class ReferenceOptions:
    """What is done to references; each value, separated by commas, is an evaluation of its own: a point of a curve.

    Attributes:
        ref_noise: Add Gaussian noise of these standard deviations (of 255) to the references, such as 0,5,10,20.
        ref_scale: Resize the references by these factors, such as 1,0.5,0.25.
        ref_rotate: Turn the references by these degrees, counter-clockwise, such as 0,15,45,90.
        ref_exposure: Expose the references by these stops, such as -2,-1,0,1,2.
    """

    ref_noise: str | None = None
    ref_scale: str | None = None
    ref_rotate: str | None = None
    ref_exposure: str | None = None

    def changes(self) -> list["srntt.evaluate.ReferenceChange"]:
        """One thing at a time, in the order given.

        Raises:
            InputError: what is no number, or out of range.
        """
        from srntt.evaluate import ReferenceChange

        given = {field.name.removeprefix("ref_"): getattr(self, field.name) for field in fields(self)}
        return [
            ReferenceChange(kind, number)  # pyright: ignore[reportArgumentType] (the options are the kinds)
            for kind, text in given.items()
            if text is not None
            for number in _numbers(kind, text)
        ]

    def runs(self, kinds: Sequence["srntt.data.ReferenceKind"]) -> list["srntt.evaluate.Run"]:
        """Every kind with every change; without references there is nothing to change.

        Raises:
            InputError: as `changes`, or changes and no references.
        """
        changes = self.changes()
        if changes and list(kinds) == ["none"]:
            raise InputError(
                "--ref-noise, --ref-scale, --ref-rotate and --ref-exposure need references: say which (--refs)."
            )
        return [(kind, change) for kind in kinds for change in (changes if changes and kind != "none" else [None])]


def _numbers(kind: str, text: str) -> list[float]:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        raise InputError(f"--ref-{kind} {text!r}: give numbers separated by commas.") from None
    return list(dict.fromkeys(numbers))
