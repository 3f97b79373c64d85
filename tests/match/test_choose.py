"""The matcher that is chosen follows from the times predicted."""

import pytest

from srntt.errors import InputError
from srntt.match import Sizes, choose_matcher, fast_match_bytes


@pytest.mark.parametrize("patch", [1, 3])
@pytest.mark.parametrize("channels", [64, 256])
def test_small_problems_are_exact_and_large_ones_fast(channels: int, patch: int):
    assert choose_matcher(40**2, [40**2], channels, patch=patch).matcher == "exact"
    choice = choose_matcher(1024**2, [1024**2], channels, patch=patch)
    assert choice.matcher == "fast"
    assert choice.exact_seconds > 3 * choice.fast_seconds
    assert choice.reason.startswith("fast matching: predicted ")


def test_exact_time_grows_with_the_product_and_fast_time_nearly_with_the_sum():
    small, large = (choose_matcher(n, [n], 64, patch=1) for n in (128**2, 512**2))
    assert large.exact_seconds / small.exact_seconds == pytest.approx(256)
    assert 16 < large.fast_seconds / small.fast_seconds < 16 * 18 / 14 * 1.01


def test_references_add_up_and_threads_divide():
    one, two = (choose_matcher(9000, [8000] * n, 64, patch=1) for n in (1, 2))
    assert two.exact_seconds == pytest.approx(2 * one.exact_seconds)
    assert two.fast_seconds == pytest.approx(2 * one.fast_seconds)
    threaded = choose_matcher(9000, [8000], 64, patch=1, threads=2)
    assert threaded.exact_seconds == pytest.approx(one.exact_seconds / 2)


def test_what_fast_matching_cannot_do_is_exact_and_says_why():
    size = 512**2
    elsewhere = choose_matcher(size, [size], 64, patch=1, device="cuda")
    assert (elsewhere.matcher, elsewhere.reason) == (
        "exact",
        "exact matching: fast matching runs on the CPU, not on cuda",
    )
    needed = fast_match_bytes(Sizes(size, (size,), 64, 1), 1)
    starved = choose_matcher(size, [size], 64, patch=1, memory=needed - 1)
    assert starved.matcher == "exact"
    assert f"needs {needed / 1e6:.0f} MB, {(needed - 1) / 1e6:.0f} MB are available" in starved.reason
    assert choose_matcher(size, [size], 64, patch=1, memory=needed).matcher == "fast"


@pytest.mark.parametrize(
    "wrong", [{"query_positions": 0}, {"key_positions": []}, {"key_positions": [0]}, {"patch": 5}, {"threads": 0}]
)
def test_counts_are_checked(wrong: dict):
    given = {"query_positions": 5, "key_positions": [5], "channels": 4} | wrong
    with pytest.raises(InputError, match="counts must be at least 1"):
        choose_matcher(given.pop("query_positions"), given.pop("key_positions"), given.pop("channels"), **given)
