"""Shapes in signatures are promises that the suite holds: these tests fail when the checks are off."""

import jaxtyping
import numpy as np
import pytest

from srntt.metrics import luma


def test_wrong_shape_is_refused():
    with pytest.raises(jaxtyping.TypeCheckError, match="3 H W"):
        luma(np.ones((4, 2, 2), np.float32))


def test_wrong_type_is_refused():
    with pytest.raises(jaxtyping.TypeCheckError, match="picture"):
        luma(np.ones((3, 2, 2), np.int64))
