"""Where each detail came from."""

from dataclasses import dataclass

import numpy as np
import torch

from srntt._shapes import Float, Int
from srntt.upscale._method import Field
from srntt.upscale._references import EncodedReference, picture_names


@dataclass(frozen=True, eq=False)
class Provenance:
    """For each LR position, where in the references its detail came from and how much came.

    Attributes:
        sources: names of the references.
        reference: index into ``sources``.
        y, x: place in that reference, in its pixels (0, 0 is the centre of the first).
        share: how far the model let the reference in: 0 not at all .. 1 fully. For the light models the mean opening
            of the gate that the reference's texture passes.
    """

    sources: tuple[str, ...]
    reference: Int[np.ndarray, "h w"]
    y: Float[np.ndarray, "h w"]
    x: Float[np.ndarray, "h w"]
    share: Float[np.ndarray, "h w"]


def trace(field: Field, references: list[EncodedReference], share: Float[np.ndarray, "h w"], scale: int) -> Provenance:
    """Follow each match back to a pixel of the picture that the user gave, through turned and scaled copies.

    Args:
        field: the matches.
        references: what it points into.
        share: how much of each position came through the references.
        scale: reference pixels for each position of the LR grid, along a side.
    """
    reference = field.reference.cpu()
    place = field.position.cpu() * scale + (scale - 1) / 2  # from the LR grid to pixels of the encoded picture
    original, number = torch.zeros_like(place), torch.zeros_like(reference)
    for index, item in enumerate(references):
        here = reference == index
        matrix = place.new_tensor(item.to_original)
        original[here] = place[here] @ matrix[:, :2].T + matrix[:, 2]
        number[here] = item.number
    y, x = (axis.numpy() for axis in original.unbind(-1))
    return Provenance(picture_names(references), number.numpy(), y, x, share)
