"""Options of ``srntt evaluate`` that degrade the references."""

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
    """Changes of references. Each of the values, separated by commas, is a separate evaluation: a point of a curve.

    Attributes:
        ref_noise: Add Gaussian noise of these standard deviations (of 255) to the references, such as 0,5,10,20.
        ref_scale: Resize the references by these factors, such as 1,0.5,0.25.
        ref_rotate: Rotate the references by these degrees, counter-clockwise, such as 0,15,45,90.
        ref_exposure: Change the exposure of the references by these stops, such as -2,-1,0,1,2.
    """

    ref_noise: str | None = None
    ref_scale: str | None = None
    ref_rotate: str | None = None
    ref_exposure: str | None = None

    def changes(self) -> list["srntt.evaluate.ReferenceChange"]:
        """Return the changes, each applied separately, in the order given; raise InputError for an invalid value."""
        from srntt.evaluate import ReferenceChange

        given = {field.name.removeprefix("ref_"): getattr(self, field.name) for field in fields(self)}
        return [
            ReferenceChange(kind, number)  # pyright: ignore[reportArgumentType] (the options are the kinds)
            for kind, text in given.items()
            if text is not None
            for number in _numbers(kind, text)
        ]

    def runs(self, kinds: Sequence["srntt.data.ReferenceKind"]) -> list["srntt.evaluate.Run"]:
        """Combine every kind of references with every change; raise InputError for changes without references."""
        changes = self.changes()
        if changes and list(kinds) == ["none"]:
            raise InputError(
                "--ref-noise, --ref-scale, --ref-rotate and --ref-exposure need references: choose them with --refs."
            )
        return [(kind, change) for kind in kinds for change in (changes if changes and kind != "none" else [None])]


def _numbers(kind: str, text: str) -> list[float]:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        raise InputError(f"--ref-{kind} {text!r}: give numbers separated by commas.") from None
    return list(dict.fromkeys(numbers))
