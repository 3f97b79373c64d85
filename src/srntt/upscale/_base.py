"""Base: the output of another upscaler, from which the model starts."""

from srntt import image
from srntt.errors import InputError, ModelError
from srntt.image import Limits, Picture, Source, in_colors_of
from srntt.models import Drive, models_with_base


def check_takes_base(drive: Drive, name: str) -> None:
    """Raise ModelError, with the models that were, unless a model was trained to start from a base."""
    if drive.takes_base:
        return
    able = ", ".join(models_with_base()) or "none of the embedded ones"
    raise ModelError(f"Model {name} does not support a base. Give a model that does ({able}), or no base.")


def load_base(base: Source, source: Picture, scale: int, limits: Limits) -> Picture:
    """Read a base, in the range of values of the low-res picture, and check that it is ``scale`` times as large.

    Returns:
        The base, upright, in the colour space of the low-res picture, without alpha.

    Raises:
        PictureError: The base is not a complete picture.
        InputError: The base has another size, is grey for a picture in colour, or its colours cannot be converted.
    """
    values = source.levels and (source.levels.low, source.levels.high)  # None for uint8 and uint16
    picture = image.load(base, limits=limits, value_range=None if values == (0.0, 1.0) else values)
    wanted = (source.width * scale, source.height * scale)
    if (picture.width, picture.height) != wanted:
        raise InputError(
            f"The base {picture.source} has {picture.width} x {picture.height} pixels; {source.source} has "
            f"{source.width} x {source.height}, so its base must have {wanted[0]} x {wanted[1]}. Enlarge the picture "
            f"exactly {scale} times, without cropping or turning it."
        )
    if picture.is_gray and not source.is_gray:
        raise InputError(
            f"The base {picture.source} is grey and {source.source} is in colour. Give a base with the same colours."
        )
    return in_colors_of(picture, source)
