"""Every position leads back to its place in the picture that was given, whatever view it was found in."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from reference.views import original_point

from srntt.upscale import References, Upscaler, _pass
from srntt.views import PlaneMap

_KINDS = [(scale, turns) for scale in (1.0, 0.5) for turns in range(4)]  # of the plain and the turned views, in order


@pytest.fixture(scope="module")
def upscaler():
    return Upscaler.from_pretrained("lite-rec", device="cpu")


@pytest.fixture
def traced(monkeypatch):
    """What ``trace`` was given last."""
    given = {}
    real = _pass.trace

    def trace(match, views, sources, share, *rest):
        given.update(match=match, share=share)
        return real(match, views, sources, share, *rest)

    monkeypatch.setattr(_pass, "trace", trace)
    return given


def found_at(traced, row: int, column: int) -> tuple[int, tuple[Fraction, Fraction]]:
    """The view that gave most at a position, and the point of it, in its pixels."""
    candidate = traced["share"][:, row, column].argmax()
    position = traced["match"].position[candidate, row, column].tolist()
    point = tuple(4 * Fraction(value) + Fraction(3, 2) for value in position)
    return int(traced["match"].reference[candidate, row, column]), (point[0], point[1])


@pytest.mark.usefixtures("searched_everywhere")  # the references consist of rectangles
def test_turned_and_scaled_views_are_traced_to_a_ten_thousandth_of_a_pixel(upscaler, traced):
    random = np.random.default_rng(3)
    coarse = random.integers(0, 256, (23, 17, 3), dtype=np.uint8).repeat(5, 0).repeat(5, 1)
    sizes = [(115, 85), (93, 85)]
    references = upscaler.encode_references([coarse, coarse[::-1][:93]], views=["plain", "turned"])
    parts = [np.rot90(coarse[::step, ::step], turns)[:10, :10] for step in (4, 8) for turns in range(4)]
    low_res = np.concatenate(parts, 1)
    where = upscaler.upscale(low_res, references).provenance
    views = set()
    for row, column in np.ndindex(where.reference.shape):
        view, point = found_at(traced, row, column)
        number, kind = divmod(view, len(_KINDS))
        expected = original_point(point, sizes[number], *_KINDS[kind])
        assert where.reference[row, column] == number
        assert abs(where.y[row, column] - expected[0]) < 1e-4
        assert abs(where.x[row, column] - expected[1]) < 1e-4
        views.add(view)
    assert {view % len(_KINDS) for view in views} == set(range(len(_KINDS)))
    assert {view // len(_KINDS) for view in views} == {0, 1}


def test_a_homography_is_followed(upscaler, traced):
    picture = np.random.default_rng(1).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    encoded = upscaler.encode_references([picture])
    tilted = PlaneMap(((1.5, 0.25, 8.0), (-0.5, 2.0, 3.0), (0.0, 1 / 64, 1.0)))
    references = References(encoded.fingerprint, [replace(encoded[0], to_original=tilted)])
    where = upscaler.upscale(picture[::4, ::4], references).provenance
    for row, column in np.ndindex(where.reference.shape):
        y, x = found_at(traced, row, column)[1]
        weight = x / 64 + 1
        assert abs(where.y[row, column] - (Fraction(3, 2) * y + x / 4 + 8) / weight) < 1e-4
        assert abs(where.x[row, column] - (-y / 2 + 2 * x + 3) / weight) < 1e-4
