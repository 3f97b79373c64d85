"""What is done to references: against values worked out by hand, and the same every time."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from evaluate.pictures import PAIRS, scene, write_pairs
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from srntt.data import Pair, read_pairs, read_rgb
from srntt.errors import InputError
from srntt.evaluate import ReferenceChange
from srntt.evaluate._changes import CHANGE_KINDS
from srntt.evaluate._prepare import prepare

PICTURE = scene(40, 60, 3)


@pytest.mark.parametrize(("what", "value"), [("noise", 0), ("scale", 1), ("rotate", 0), ("exposure", 0)])
def test_nothing_changes_at_the_neutral_value(what, value: float) -> None:
    assert np.array_equal(ReferenceChange(what, value).apply(PICTURE), PICTURE)


def test_noise_has_the_deviation_asked_for_and_is_the_same_draw_at_every_strength() -> None:
    grey = np.full((200, 200, 3), 128, np.uint8)
    weak, strong = (ReferenceChange("noise", value).apply(grey).astype(float) - 128 for value in (5, 10))
    assert weak.std() == pytest.approx(5, abs=0.1)
    assert strong.std() == pytest.approx(10, abs=0.15)
    assert abs(strong - 2 * weak).max() <= 1.5  # rounding alone
    assert np.array_equal(ReferenceChange("noise", 5).apply(grey), weak.astype(int) + 128)
    seed = int.from_bytes(hashlib.sha256(grey.tobytes()).digest()[:8], "big")
    draw = np.random.default_rng(seed).standard_normal(grey.shape)
    assert np.array_equal(strong, np.rint(128 + 10 * draw) - 128)


def test_noise_differs_between_pictures() -> None:
    other = PICTURE.copy()
    other[0, 0, 0] ^= 1
    first, second = (ReferenceChange("noise", 8).apply(picture).astype(int) - picture for picture in (PICTURE, other))
    assert (first != second).mean() > 0.5


def test_scale_is_pillows_bicubic() -> None:
    expected = Image.fromarray(PICTURE).resize((30, 20), Image.Resampling.BICUBIC)
    assert np.array_equal(ReferenceChange("scale", 0.5).apply(PICTURE), np.asarray(expected))
    assert ReferenceChange("scale", 1.5).apply(PICTURE).shape == (60, 90, 3)
    with pytest.raises(InputError, match=r"--ref-scale 0.05 leaves 3x2 of a reference of 60x40"):
        ReferenceChange("scale", 0.05).apply(PICTURE)


@pytest.mark.parametrize(("degrees", "quarters"), [(90, 1), (180, 2), (270, 3), (-90, 3), (360, 0)])
def test_quarter_turns_are_exact_and_counter_clockwise(degrees: float, quarters: int) -> None:
    assert np.array_equal(ReferenceChange("rotate", degrees).apply(PICTURE), np.rot90(PICTURE, quarters))


@pytest.mark.parametrize("degrees", [30.0, -17.0, 89.999])
def test_a_turned_ramp_is_the_ramp_in_turned_coordinates(degrees: float) -> None:
    """Bicubic interpolation reproduces a plane, so every pixel well inside has a value known beforehand."""
    height, width = 61, 81
    y, x = np.mgrid[:height, :width] - np.array([(height - 1) / 2, (width - 1) / 2])[:, None, None]
    ramp = np.rint(128 + 1.0 * x + 0.5 * y).astype(np.uint8)
    turned = ReferenceChange("rotate", degrees).apply(np.dstack([ramp] * 3)).astype(float)[:, :, 0]
    angle = np.radians(degrees)
    rows, columns = turned.shape
    assert rows == np.ceil(abs(width * np.sin(angle)) + abs(height * np.cos(angle)))
    v, u = np.mgrid[:rows, :columns] - np.array([(rows - 1) / 2, (columns - 1) / 2])[:, None, None]
    # counter-clockwise on a screen whose y points down: what was at (x, y) goes to (x cos + y sin, y cos - x sin)
    source_x, source_y = u * np.cos(angle) - v * np.sin(angle), u * np.sin(angle) + v * np.cos(angle)
    inside = (abs(source_x) < (width - 7) / 2) & (abs(source_y) < (height - 7) / 2)
    assert inside.sum() > 0.7 * height * width
    assert abs(turned - (128 + source_x + 0.5 * source_y))[inside].max() <= 1.2  # two roundings and overshoot of one


def test_a_turned_picture_has_no_black_corners() -> None:
    bright = np.full((40, 60, 3), 200, np.uint8)
    assert (ReferenceChange("rotate", 33).apply(bright) == 200).all()


def test_exposure_doubles_linear_light() -> None:
    """sRGB 188 is half of full light, 137 a quarter (IEC 61966-2-1); the brightest clip."""
    levels = np.array([[[0, 137, 188], [255, 188, 137]]], np.uint8).repeat(3, 0)
    assert ReferenceChange("exposure", 1).apply(levels)[0].tolist() == [[0, 188, 255], [255, 255, 188]]
    assert ReferenceChange("exposure", -1).apply(levels)[0].tolist() == [[0, 99, 137], [188, 137, 99]]


@given(st.sampled_from(CHANGE_KINDS), st.floats(-20, 20))
@settings(max_examples=60, deadline=None)
def test_any_value_is_applied_alike_twice_or_refused(what, value: float) -> None:
    try:
        change = ReferenceChange(what, value)
        first = change.apply(PICTURE)
    except InputError:
        return
    assert first.dtype == np.uint8
    assert first.flags.c_contiguous
    assert np.array_equal(first, change.apply(PICTURE.copy()))


@pytest.mark.parametrize(
    ("what", "value"),
    [("noise", -1), ("noise", float("nan")), ("scale", 0), ("scale", 9), ("rotate", 400), ("exposure", float("inf"))],
)
def test_values_out_of_range_are_refused(what, value: float) -> None:
    with pytest.raises(InputError, match=rf"--ref-{what} .*the value must be from"):
        ReferenceChange(what, value)


def test_what_was_done_is_reported() -> None:
    reported = ReferenceChange("noise", 10.0).as_json()
    assert (reported["what"], reported["value"]) == ("noise", 10.0)
    assert "SHA-256" in reported["exactly"]
    assert str(ReferenceChange("scale", 0.5)) == "scale 0.5"


def test_references_are_changed_before_the_protocol_prepares_them(tmp_path: Path) -> None:
    (pair, _) = read_pairs(write_pairs(tmp_path))
    change = ReferenceChange("rotate", 90)
    near = read_rgb(tmp_path / "near.png")
    (first,) = prepare(PAIRS, pair, "first", change).references
    assert np.array_equal(first, np.rot90(near))
    (own,) = prepare(PAIRS, pair, "self", change).references
    assert np.array_equal(own, np.rot90(prepare(PAIRS, pair, "self").low_res))
    assert prepare(PAIRS, pair, "none", change).references == ()
    plain = prepare(PAIRS, Pair("a", pair.target, pair.references), "first")
    assert np.array_equal(plain.low_res, prepare(PAIRS, pair, "first", change).low_res)
