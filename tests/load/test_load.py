"""A few visitors for a short time (make load: fifty for two minutes); violations are detected."""

import sys
from collections import Counter
from dataclasses import replace
from importlib.util import find_spec

import pytest
from load.run import QUEUE, Held, load, table
from load.server import Sample
from load.visits import BUSY, DONE, Counts

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at memory as Linux tells it")


def held(counts: Counts | None = None, **changes: object) -> Held:
    """Two minutes without violations."""
    fine = Counts(pages=2, orders=3, ended=Counter({DONE: 2, BUSY: 1}), most_waiting=QUEUE, seconds=[1.0, 2.0])
    samples = tuple(Sample(float(second), 400.0, 9, 20) for second in range(120))
    return replace(Held(2, 120.0, counts or fine, samples, 0, True, 0, 143, ""), **changes)  # pyright: ignore


@pytest.mark.slow
@pytest.mark.skipif(find_spec("gradio") is None, reason="needs the extra demo: gradio is not installed")
def test_a_small_crowd_loses_nothing() -> None:
    crowd = load(clients=10, seconds=20)
    assert crowd.wrong() == []
    assert crowd.counts.ended[DONE]
    assert crowd.counts.orders == crowd.counts.ended.total()
    assert crowd.code == 143


def test_the_judgement_sees_what_must_not_be() -> None:
    assert held().wrong() == []
    growing = tuple(Sample(float(second), 400.0 + second / 5, 9, 20) for second in range(120))
    for bad, message in (
        (held(Counts(orders=2, ended=Counter({DONE: 1}))), "1 orders lost"),
        (held(Counts(most_waiting=QUEUE + 1)), "9 pictures waited"),
        (held(Counts(wrong=["visitor 3 was given visitor-4_x4.png"])), "visitor 3 was given"),
        (held(samples=growing), "12.0 MiB a minute more"),
        (held(results=1), "1 results kept"),
        (held(left=2), "2 files left"),
        (held(log="ERROR\nTraceback (most recent call last):\n"), "1 errors in the server's log"),
        (held(served_last=False), "one more visitor was not served"),
        (held(code=1), "exit code 1"),
    ):
        assert any(message in text for text in bad.wrong()), message


def test_the_table_has_a_row_for_each_ending() -> None:
    rows = list(table(held()))
    assert "| jobs | 3 |" in rows
    assert "| ... done | 2 |" in rows
    assert "| ... refused: too busy | 1 |" in rows
    assert "| memory, slope after a quarter of the time | +0.0 MiB a minute |" in rows
