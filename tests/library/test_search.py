"""The search compares all descriptors; its slow twin sorts them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from srntt.library._index import Descriptors


def slow_nearest(descriptors: Descriptors, query: np.ndarray, count: int) -> list[int]:
    """Cosines one by one, in double precision; ties by number."""
    found = []
    for number, vector in zip(descriptors.numbers.tolist(), descriptors.vectors.astype(float), strict=True):
        length = max(float(np.sqrt((vector**2).sum())), 1e-6)
        found.append((-round(float((vector * query).sum()) / length, 5), number))
    return [number for _, number in sorted(found)[:count]]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 60), st.integers(1, 70), st.integers(0, 2**31))
def test_as_the_slow_twin(rows: int, count: int, seed: int):
    random = np.random.default_rng(seed)
    vectors = random.integers(-2, 3, (rows, 6)).astype(np.int8)  # few values: many ties
    descriptors = Descriptors(random.permutation(1000)[:rows].astype(np.int64), vectors)
    query = np.float32([1, 0, 0, 0, 0, 0])
    assert [number for number, _ in descriptors.nearest(query, count)] == slow_nearest(descriptors, query, count)


def test_in_pieces(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("srntt.library._index._AT_ONCE", 7)
    random = np.random.default_rng(0)
    vectors = random.integers(-100, 100, (50, 16)).astype(np.int8)
    descriptors = Descriptors(np.arange(50), vectors)
    query = vectors[31].astype(np.float32) / np.linalg.norm(vectors[31].astype(np.float32))
    assert descriptors.nearest(query, 3)[0] == (31, pytest.approx(1, abs=1e-5))
