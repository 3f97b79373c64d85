"""Limits of an order: what is refused, with which message."""

from pathlib import Path

import numpy as np
import pytest

from srntt.demo import OrderLimits
from srntt.demo._limits import matching_work
from srntt.errors import InputError, PictureError, SrnttError
from srntt.image import Limits, load


def blank(height: int, width: int):
    return load(np.zeros((height, width, 3), np.uint8))


def test_work_is_what_matching_compares() -> None:
    assert matching_work(blank(10, 20), []) == 0
    assert matching_work(blank(10, 20), [blank(41, 83), blank(8, 4)]) == 10 * 20 * (10 * 20 + 2 * 1)


def test_work_at_the_limit_is_accepted_and_above_refused() -> None:
    picture, references = blank(10, 10), [blank(40, 40), blank(40, 40)]
    OrderLimits(max_work=20_000).check_work(picture, references)
    with pytest.raises(InputError, match=r"10 x 10 pixels with 2 references give .* Give fewer"):
        OrderLimits(max_work=19_999).check_work(picture, references)


def test_count() -> None:
    OrderLimits(max_references=2).check_count(2)
    with pytest.raises(InputError, match="3 references; the limit here is 2"):
        OrderLimits(max_references=2).check_count(3)
    with pytest.raises(InputError, match="3 small pictures; the limit here is 2"):
        OrderLimits(max_pictures=2).check_pictures(3)


def test_pictures_come_under_their_own_name(files: Path) -> None:
    picture = OrderLimits().read_small(str(files / "small.png"), "small.png")
    assert (picture.source, picture.width, picture.height) == ("small.png", 20, 14)


@pytest.mark.parametrize(
    ("limits", "name", "message"),
    [
        (OrderLimits(), "bad.png", "is not a whole PNG"),
        (OrderLimits(max_pixels=279), "small.png", "20 x 14 = 280 pixels, the limit is 279"),
        (OrderLimits(max_bytes=50), "small.png", "bytes, the limit is 50"),
        (OrderLimits(), "gone.png", "cannot be opened"),
    ],
)
def test_refusals_name_the_file_but_not_its_place(files: Path, limits: OrderLimits, name: str, message: str) -> None:
    with pytest.raises(PictureError) as refused:
        limits.read_small(str(files / name), name)
    text = str(refused.value)
    assert text.startswith(f"{name}: ")
    assert message in text
    assert str(files) not in text
    assert "--max" not in text


def test_references_have_a_separate_limit(files: Path) -> None:
    limits = OrderLimits(max_pixels=1000, max_reference_pixels=64 * 48)
    assert limits.read_reference(str(files / "sharp.png"), "sharp.png").width == 64
    with pytest.raises(PictureError, match="the limit is 1,000"):
        limits.read_small(str(files / "sharp.png"), "sharp.png")


@pytest.mark.parametrize(
    ("given", "name", "option"),
    [
        ({"max_pixels": 279}, "small.png", "--max-pixels 280"),
        ({"max_bytes": 50}, "small.png", "--max-bytes "),
        ({"memory": 1}, "small.png", "--memory"),
    ],
)
def test_who_runs_the_server_is_given_the_option_that_lifts_a_limit(files: Path, given, name: str, option: str) -> None:
    with pytest.raises(SrnttError) as refused:
        OrderLimits.of_machine(**given).read_small(str(files / name), name)
    assert option in str(refused.value)
    assert "Python" not in str(refused.value)
    assert str(files) not in str(refused.value)


def test_counts_and_work_name_their_options_to_who_runs_the_server() -> None:
    limits = OrderLimits.of_machine(max_references=2, max_work=100, max_seconds=10)
    for refuse, option in (
        (lambda: limits.check_count(3), "--max-references 3."),
        (lambda: limits.check_work(blank(10, 10), [blank(40, 40)]), "--max-work 10000."),
        (lambda: limits.check_time(12.3), "--max-seconds 13."),
    ):
        with pytest.raises(InputError) as refused:
            refuse()
        assert str(refused.value).endswith(f", or start srntt serve with {option}")
    with pytest.raises(InputError) as refused:
        OrderLimits(max_seconds=10).check_time(12.3)
    assert "--" not in str(refused.value)


def test_who_runs_the_server_has_the_limits_of_the_machine() -> None:
    local, public = OrderLimits.of_machine(max_bytes=1000), OrderLimits()
    assert local.max_bytes == 1000
    assert (local.max_pixels, local.max_work, local.local) == (Limits().max_pixels, None, True)
    assert (public.max_pixels, public.max_seconds, public.local) == (512 * 512, None, False)


@pytest.mark.parametrize("name", ["max_bytes", "max_pixels", "max_reference_pixels", "max_references", "max_work"])
def test_limits_below_one_are_refused(name: str) -> None:
    with pytest.raises(InputError, match=f"--{name.replace('_', '-')} 0: must be at least 1"):
        OrderLimits(**{name: 0})


def test_the_page_holds_the_number_of_a_reference_in_a_byte() -> None:
    with pytest.raises(InputError, match="--max-references 300: must be at most 255"):
        OrderLimits(max_references=300)
