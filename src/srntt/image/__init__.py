"""Reads pictures from files and writes them: all handling of formats, colour, alpha, depth, metadata and resizing.

``load`` is the only way in for bytes of unknown origin, ``save`` the only way out. Between them a ``Picture`` provides
any band of its rows as float32 RGB tensors in [0, 1].
"""

from srntt.image._color import in_colors_of
from srntt.image._encode import to_pillow
from srntt.image._formats import PICTURE_SUFFIXES, RAW_ADVICE, RAW_SUFFIXES, holds_pages
from srntt.image._levels import ValueRange
from srntt.image._load import Source, load, load_content
from srntt.image._metadata import Metadata
from srntt.image._picture import Ground, Picture, picture_like, to_pixels, unit_floats
from srntt.image._resize import (
    bicubic_matlab,
    bicubic_pillow,
    enlarge,
    reduce,
    resize_bicubic,
    resize_pillow,
    resized,
    round_to_8bit,
)
from srntt.image._save import Quality, check_output, check_place, check_quality, save, save_pages
from srntt.image._source import ByteSink, Limits, check_limits, read_file

__all__ = ["Limits", "Metadata", "Picture", "load", "save", "save_pages"]
