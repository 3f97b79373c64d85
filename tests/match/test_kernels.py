"""The compiled parts by themselves: the product's vector code, and an installation that cannot be written to."""

import numpy as np
import pytest

from srntt.match import _kernels as match_kernels


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_row_products_are_products(dtype: type):
    generator = np.random.default_rng(0)
    query_width = match_kernels.QUERY_BYTES // np.dtype(dtype).itemsize
    keys = generator.random((3, 7, match_kernels.KEY_WIDTH)).astype(dtype)
    query = generator.random((2, 7, query_width)).astype(dtype)
    out = np.full((3 * match_kernels.KEY_WIDTH, 2 * query_width), np.nan, dtype)
    match_kernels._row_products(keys, query, out)
    expected = np.concatenate(keys.transpose(0, 2, 1)) @ np.concatenate(query, axis=1)
    np.testing.assert_allclose(out, expected, rtol=1e-6)
