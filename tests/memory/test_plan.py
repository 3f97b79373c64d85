import re

import numpy as np
import pytest

from srntt.errors import InputError, MemoryBudgetError
from srntt.memory import (
    Appetite,
    Job,
    Needs,
    Room,
    Work,
    format_memory,
    parse_memory,
    peak_bytes,
    plan_pieces,
    plan_reference,
    resident_bytes,
    start_peak,
)


def _tile(candidates):
    return Work(2500 + 300 * (candidates - 1) if candidates else 1250)


_APPETITE = Appetite(encode=Work(60), encoded=32, matched=60, candidates=3, tile=_tile, first=10_000_000)
_JOB = Job(750, 1000, 3, 1)


def _needs(candidates=3, job=_JOB):
    return Needs(job, _APPETITE, 24, 4, candidates)


def _matching(rows):
    return rows * _JOB.width * 1000


@pytest.mark.parametrize(
    ("text", "size"),
    [("1.5GB", 1_500_000_000), ("2 GiB", 2 * 2**30), ("800M", 800_000_000), ("123", 123), (77, 77), (None, None)],
)
def test_amounts_of_memory(text, size):
    assert parse_memory(text) == size


@pytest.mark.parametrize("text", ["", "many", "-1GB", "0", "1.5.GB", "1TBB", "nan", "1e9"])
def test_what_is_no_amount_is_refused_with_an_example(text):
    with pytest.raises(InputError, match=r"1\.5GB"):
        parse_memory(text)


def test_amounts_are_written_for_people():
    assert (format_memory(1_500_000_000), format_memory(12_345_678)) == ("1.50 GB", "12 MB")


def test_peak_is_counted_from_its_start():
    big = np.ones(200_000_000, np.uint8)
    assert peak_bytes() > resident_bytes() - 1e6
    del big
    start_peak()
    calm = peak_bytes()
    bump = np.ones(150_000_000, np.uint8)
    assert peak_bytes() - calm > 100_000_000
    del bump


def test_more_memory_gives_larger_tiles_and_the_peak_stays_within_the_budget():
    sides = []
    for budget in (500e6, 700e6, 1000e6, 2000e6):
        plan = plan_pieces(_needs(), Room(200_000_000, int(budget)), None, _matching)
        assert plan.peak <= budget
        sides.append(plan.tile)
    assert sides == sorted(sides)
    assert sides[0] < sides[-1]


def test_a_budget_too_small_is_refused_with_the_numbers():
    with pytest.raises(MemoryBudgetError, match=r"needs \d+ MB.*4000 x 3000.*The budget is 300 MB") as refusal:
        plan_pieces(_needs(), Room(200_000_000, 300_000_000), None)
    enough = int(re.findall(r"; (\d+) MB would suffice", str(refusal.value))[0]) * 10**6
    plan_pieces(_needs(), Room(200_000_000, enough), None)
    with pytest.raises(MemoryBudgetError):
        plan_pieces(_needs(), Room(200_000_000, enough - 10**7), None)


def test_a_tile_the_user_asked_for_is_kept_or_refused():
    assert plan_pieces(_needs(), Room(0, 9_000_000_000), 96).tile == 96
    with pytest.raises(InputError, match="at least 32"):
        plan_pieces(_needs(), Room(0, 9_000_000_000), 31)
    with pytest.raises(MemoryBudgetError, match="tiles of 256"):
        plan_pieces(_needs(), Room(200_000_000, 500_000_000), 256)


def test_a_reference_is_planned_in_bands_and_refused_when_it_cannot_stay():
    assert plan_reference((3000, 4000), [(3000, 4000)], 0, _APPETITE, 48, Room(0, 9_000_000_000)).band == 1024
    assert plan_reference((3000, 4000), [(3000, 4000)], 0, _APPETITE, 48, Room(0, 520_000_000)).band < 1024
    with pytest.raises(MemoryBudgetError, match="4000 x 3000 needs"):
        plan_reference((3000, 4000), [(3000, 4000)], 0, _APPETITE, 48, Room(0, 350_000_000))


def test_an_accelerator_has_room_of_its_own():
    """Little of the process's memory, much on the device, and the other way round."""
    on_device = plan_pieces(_needs(), Room(0, 400_000_000, 9_000_000_000), None)
    on_host = plan_pieces(_needs(), Room(0, 400_000_000), None)
    assert on_device.tile > on_host.tile
    with pytest.raises(MemoryBudgetError, match=r"and 1 MB are free on the device"):
        plan_pieces(_needs(), Room(0, 9_000_000_000, 1_000_000), None)


def test_views_of_a_reference_count():
    room = Room(0, 1_500_000_000)
    assert plan_reference((3000, 4000), [(3000, 4000)], 0, _APPETITE, 48, room).band > 0
    with pytest.raises(MemoryBudgetError, match="4000 x 3000 needs"):
        plan_reference((3000, 4000), [(3000, 4000)] * 5, 0, _APPETITE, 48, room)


def test_holes_are_fewer_between_blocks_that_do_not_come_from_the_heap():
    work = Work(position=1000, widest=100, fixed=5)
    positions = 32 * 2**20 // 100
    assert work.bytes(0) == 5
    assert work.bytes(positions) == 5 + int(positions * 1000 * 1.6)
    assert work.bytes(positions + 1) == 5 + int((positions + 1) * 1000 * 1.2)
