"""The predicted time of the whole work."""

from pathlib import Path

import pytest
import torch

from srntt.upscale import Schedule, Speeds, Upscaler, Workload

_CPU = torch.device("cpu")


@pytest.fixture
def speeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Speeds:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return Speeds.of("tiny", _CPU)


class Clock:
    """That goes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_units_follow_the_sizes(upscaler: Upscaler) -> None:
    alone = upscaler.units(Workload((100, 80), [], (400, 320)))
    assert [stage for stage, _ in alone] == ["start", "render", "finish"]
    assert alone[-1][1] == 400 * 320
    both = upscaler.units(Workload((100, 80), [(500, 400)] * 2, (800, 640)))
    assert [stage for stage, _ in both] == [
        *("start", "encode", "align", "match", "render", "align", "match", "render", "finish")
    ]
    assert both[6][1] > both[3][1]  # the second pass starts from a larger picture
    eight = upscaler.units(Workload((100, 80), [(500, 400)], (400, 320), aligned=False, repeated=8))
    assert [stage for stage, _ in eight].count("match") == 8


def test_a_measured_upscale_is_what_later_ones_are_predicted_from(speeds: Speeds) -> None:
    assert not speeds.calibrated
    units = [("start", 1.0), ("encode", 1e6), ("match", 2.0), ("render", 1e5), ("finish", 1e6)]
    clock = Clock()
    schedule = Schedule(units, speeds, clock)
    for stage, seconds in (("start", 1.0), ("encode", 2.0), ("match", 8.0), ("render", 3.0)):
        clock.now += seconds
        schedule(stage, 1, 1)
    clock.now += 0.5
    schedule.finish()
    again = Speeds.of("tiny", _CPU)
    assert again.calibrated
    assert Schedule(units, again).predicted == pytest.approx(14.5)
    assert not Speeds.of("other", _CPU).calibrated


def test_time_that_other_processes_took_is_not_learned(speeds: Speeds) -> None:
    """On a busy machine, each stage waits; one of two threads takes more processor time than wall time."""
    clock, processor = Clock(), Clock()
    schedule = Schedule([("match", 1.0), ("render", 1.0)], speeds, clock, processor=processor)
    clock.now, processor.now = clock.now + 10, processor.now + 2
    schedule("match", 1, 1)
    clock.now, processor.now = clock.now + 3, processor.now + 5
    schedule("render", 1, 1)
    schedule.finish()
    learned = Speeds.of("tiny", _CPU).seconds
    assert (learned["match"], learned["render"]) == (2.0, 3.0)


def test_the_whole_work_moves_within_a_stage_and_over_two_passes(speeds: Speeds) -> None:
    speeds.seconds |= {"start": 1.0, "match": 1.0, "render": 1.0, "finish": 1.0}
    clock = Clock()
    units = [("start", 1.0), ("match", 4.0), ("render", 4.0), ("match", 10.0), ("render", 10.0), ("finish", 1.0)]
    schedule = Schedule(units, speeds, clock)
    assert (schedule.predicted, schedule.left) == (30, 30)
    seen = []
    for stage, done, total in (
        *(("start", 1, 1), ("match", 1, 2), ("match", 2, 2), ("render", 2, 2)),
        *(("match", 1, 10), ("match", 10, 10), ("base", 1, 1), ("render", 1, 2)),
    ):
        schedule(stage, done, total)
        seen.append(round(30 * schedule.done))
    assert seen == [1, 3, 5, 9, 10, 19, 19, 24]


def test_what_is_left_follows_the_pace(speeds: Speeds) -> None:
    speeds.seconds |= {"render": 1.0}
    clock = Clock()
    schedule = Schedule([("render", 100.0)], speeds, clock)
    clock.now += 160  # twice as slow as predicted
    schedule("render", 80, 100)
    assert 20 < schedule.left <= 40


@pytest.mark.parametrize("content", ["", "[]", '{"version": 1, "speeds": 3}', '{"version": 9}', "\x00"])
def test_a_damaged_file_counts_as_none(speeds: Speeds, content: str) -> None:
    speeds.path.parent.mkdir(parents=True)
    speeds.path.write_text(content)
    assert not Speeds.of("tiny", _CPU).calibrated
    speeds.learn({"render": 2.0}, {"render": 4.0})
    assert Speeds.of("tiny", _CPU).seconds["render"] == 0.5
