"""Whether references helped, judged by how far the model let them in.

Measured with `lite-rec` on 21 photographs, each upscaled with references of the same scene and with an unrelated one
(tests/demo/test_helpfulness.py): unrelated ones gave detail at less than 13 % of the places, all that gained 0.5 dB of
PSNR or more at more than 21 %. In between, under 0.5 dB, it may call a small gain none.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from srntt.upscale import Provenance

LET_IN = 0.25  #: share above which the detail of a place counts as the reference's
HELPED = 0.17  #: part of all places from which on references are said to have helped; chosen on those photographs


@dataclass(frozen=True)
class Contribution:
    """What came from one reference.

    Attributes:
        name: of the reference.
        part: of all places, those whose detail came from it: 0..1.
    """

    name: str
    part: float

    @property
    def helped(self) -> bool:
        return self.part >= HELPED


def contributions(provenance: Provenance) -> list[Contribution]:
    """Of each reference, in the order given."""
    used = provenance.share > LET_IN
    return [
        Contribution(name, float((used & (provenance.reference == number)).mean()))
        for number, name in enumerate(provenance.sources)
    ]


def judged(parts: Sequence[Contribution]) -> str:
    """In words, for whoever gave the references."""
    whole = sum(each.part for each in parts)
    one = len(parts) == 1
    subject = "The reference" if one else "The references"
    if whole < HELPED:
        return (
            f"{subject} did not help: the model found detail that fits at {_percent(whole)} of the places only, about "
            "what an unrelated picture gives. The result is nearly what it would be without. Try a sharper picture "
            "of the same thing, seen from about the same side and of about the same size."
        )
    text = f"{subject} helped: detail at {_percent(whole)} of the places came from {'it' if one else 'them'}."
    idle = [f"{each.name} ({_percent(each.part)})" for each in parts if not each.helped]
    return text if one or not idle else f"{text} Little or nothing came from {', '.join(idle)}."


def _percent(part: float) -> str:
    return f"{part:.0%}"
