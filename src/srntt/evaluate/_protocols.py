"""Named protocols: everything that must be equal for two figures to be comparable, under one name."""

from dataclasses import dataclass

from srntt.errors import InputError


@dataclass(frozen=True)
class Protocol:
    """How a figure is made. A protocol is never changed once figures were published under its name; a new one is added.

    Attributes:
        name: as written on the command line and in reports.
        scale: target size over low-res size.
        crop: pixels left out at each edge before a metric is taken.
        description: one line for people: data, degradation, metrics, rounding.
    """

    name: str
    scale: int
    crop: int
    description: str


PAIRS = Protocol(
    name="pairs",
    scale=4,
    crop=4,
    description=(
        "targets with references of the same scene (index.json); the target cropped top-left to a multiple of 4, "
        "LR = Pillow bicubic on 8 bits; output rounded to 8 bits; PSNR and SSIM on Y of BT.601, unrounded, "
        "4 pixels cropped"
    ),
)

PROTOCOLS = {protocol.name: protocol for protocol in (PAIRS,)}


def protocol_named(name: str) -> Protocol:
    """Raises InputError, with the names there are, when there is no such protocol."""
    if name not in PROTOCOLS:
        raise InputError(f"There is no protocol called {name!r}; there are: {', '.join(PROTOCOLS)}.")
    return PROTOCOLS[name]
