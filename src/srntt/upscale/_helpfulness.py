"""Whether references helped, measured by where the model used them.

Measured with `lite-rec` on 21 photographs, each upscaled with references of the same scene and with an unrelated one
(tests/upscale/test_helpfulness.py): unrelated ones gave detail at less than 13% of the places, all that gained 0.5 dB
of PSNR or more at more than 21%. In between, under 0.5 dB, a small gain may be called none. For `lite-real`, which
takes a little of nearly every reference, places count from a share of 0.5 (`Provenance.level`), chosen on training
pairs: docs/serve.md.
"""

from collections.abc import Sequence

from srntt.upscale._used_reference import UsedReference

HELPED = 0.17  #: fraction of positions from which references are reported as helpful; chosen on those photographs


def helped(references: Sequence[UsedReference]) -> bool:
    """Return whether references helped, all together."""
    return sum(each.share for each in references) >= HELPED


def verdict(references: Sequence[UsedReference]) -> str:
    """Return a message on whether the references, at least one, helped."""
    whole = sum(each.share for each in references)
    one = len(references) == 1
    subject = "The reference" if one else "The references"
    if not helped(references):
        return (
            f"{subject} did not help: the model found detail that fits at {whole:.0%} of the places only, about "
            "what an unrelated picture gives. The result is nearly what it would be without. Try a sharper picture "
            "of the same thing, seen from about the same side and of about the same size."
        )
    little = HELPED / len(references)  # several references share the places
    text = f"{subject} helped: detail at {whole:.0%} of the places came from {'it' if one else 'them'}."
    idle = [f"{each.source} ({each.share:.0%})" for each in references if each.share < little]
    return text if one or not idle else f"{text} Little or nothing came from {', '.join(idle)}."
