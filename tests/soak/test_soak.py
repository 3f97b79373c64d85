"""What grows is seen, in made-up figures and in a process that loses something in each round."""

import sys

import pytest
from soak.run import Held, ends, soak
from soak.workers import LEAKS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts descriptors as Linux does")


def _held(name: str, values: list[float]) -> Held:
    return Held({name: values}, len(values), 1.0)


def test_only_settled_rounds_count() -> None:
    assert ends([100.0] * 10 + [1.0] * 15 + [2.0] * 15) == (1.0, 2.0)


@pytest.mark.parametrize("name", ["MiB of memory", "descriptors", "threads", "temporary files", "MiB on disk"])
def test_growth_is_seen(name: str) -> None:
    assert _held(f"page: {name}", [400.0, 300.0, 500.0, *[450.0] * 40]).grown() == []
    growing = _held(f"page: {name}", [400.0 + 2.0 * number for number in range(40)])
    assert growing.grown() == [f"page: {name}: 429.0 after a quarter of the rounds, 469.0 at the end"]


def test_a_failure_is_told() -> None:
    assert Held(wrong=["round 3, page: gone"]).grown() == ["round 3, page: gone"]


@pytest.mark.slow
@pytest.mark.parametrize("leak", LEAKS)
def test_a_leak_is_found(leak: str) -> None:
    (grown,) = soak(1.0, leak, only=("python",)).grown()
    where = {"temporary files": "all: temporary files", "disk": "all: MiB on disk"}
    assert grown.startswith(where.get(leak, "python: "))
    assert leak.split()[-1] in grown


@pytest.mark.slow
def test_work_is_flat() -> None:
    assert soak(1.0, only=("python",)).grown() == []
