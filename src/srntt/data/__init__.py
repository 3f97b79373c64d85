"""Readers of what training and evaluation share: pairs, published layouts, folders of photographs."""

from srntt.data._folders import is_picture, pictures_in
from srntt.data._layouts import (
    CUFED5,
    MANGA109,
    PAIRS_OR_FOLDER,
    SELFEXSR,
    SINGLE_IMAGES,
    SUN80,
    URBAN100,
    WR_SR,
    Layout,
    drawn,
)
from srntt.data._pairs import REFERENCE_KINDS, Pair, ReferenceKind, read_pairs
from srntt.data._read_json import read_json
from srntt.data._read_rgb import as_unit, read_rgb
from srntt.data._training_pairs import Pairs

__all__ = [
    "CUFED5",
    "MANGA109",
    "PAIRS_OR_FOLDER",
    "REFERENCE_KINDS",
    "SELFEXSR",
    "SINGLE_IMAGES",
    "SUN80",
    "URBAN100",
    "WR_SR",
    "Layout",
    "Pair",
    "Pairs",
    "ReferenceKind",
    "as_unit",
    "drawn",
    "is_picture",
    "pictures_in",
    "read_json",
    "read_pairs",
    "read_rgb",
]
