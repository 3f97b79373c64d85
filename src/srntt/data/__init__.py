"""Data sets for training and evaluation: pairs, layouts of public test sets, folders of photographs."""

from srntt.data._layouts import LAYOUTS, Layout
from srntt.data._listing import Failure, Listing, in_order, is_picture, list_folder, pictures_in
from srntt.data._pairs import REFERENCE_KINDS, Pair, ReferenceKind, read_pairs
from srntt.data._read_json import read_json
from srntt.data._read_rgb import as_unit, read_rgb
from srntt.data._training_pairs import Pairs

__all__ = ["Pair", "read_pairs"]
