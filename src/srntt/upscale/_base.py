"""A base: the picture as another upscaler enlarged it, which the model goes on from."""

from srntt import image
from srntt.errors import InputError, ModelError
from srntt.image import Limits, Picture, Source, in_colors_of
from srntt.models import BasedDrive, Drive, models_with_base


def check_takes_base(drive: Drive, name: str) -> None:
    """Refuse a base for a model that was not trained to go on from one.

    Raises:
        ModelError: it was not; the text names the models that were.
    """
    if isinstance(drive, BasedDrive) and drive.takes_base:
        return
    able = ", ".join(models_with_base()) or "none of the embedded ones"
    raise ModelError(f"Model {name} takes no base. Give one that does ({able}), or no base.")


def load_base(base: Source, source: Picture, scale: int, limits: Limits) -> Picture:
    """Read a base, and hold it against the picture that it is an enlargement of.

    Args:
        base: as ``srntt.load`` takes it. Of a picture with a range of values of its own, the base has the same.
        source: the small picture.
        scale: how many times larger the base must be.
        limits: on what is read.

    Returns:
        the base, upright, in the colours of the small picture, without alpha.

    Raises:
        PictureError: no whole picture.
        InputError: of another size, grey for a picture in colour, or in colours that cannot be converted.
    """
    picture = image.load(base, limits=limits, value_range=_range_of(source))
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


def _range_of(source: Picture) -> tuple[float, float] | None:
    """Of a source whose values are no plain integers; for floats from 0 to 1 none has to be named."""
    levels = source.levels
    return None if levels is None or (levels.low, levels.high) == (0.0, 1.0) else (levels.low, levels.high)
