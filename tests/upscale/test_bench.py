"""The benchmarks of the engine report what they say they measure."""

import json

import pytest
import torch

from srntt.errors import InputError
from srntt.upscale import bench_memory, bench_upscale
from srntt.upscale._bench import made_pictures
from srntt.upscale._bench_memory import _size, measure


def test_an_upscale_is_timed_stage_by_stage():
    report = bench_upscale(size=(32, 48), reference=(40, 44), references=2, repeats=2, matcher="exact")
    assert (report["size"], report["reference"], report["references"]) == ([32, 48], [40, 44], 2)
    assert (report["matcher"], report["threads"]) == ("exact", torch.get_num_threads())
    seconds = report["seconds"]
    assert min(seconds.values()) > 0
    assert seconds["end_to_end"] > max(seconds["encode"], seconds["match"])
    assert report["over_yardstick"].keys() == seconds.keys() - {"first", "yardstick"}
    for name, ratio in report["over_yardstick"].items():
        assert ratio == seconds[name] / seconds["yardstick"]


def test_a_reference_shows_the_picture_moved():
    low_res, references = made_pictures((64, 80), (96, 120), 2)
    assert low_res.shape == (3, 16, 20)
    assert [picture.shape for picture in references] == [(3, 96, 120)] * 2
    torch.testing.assert_close(references[0][:, 24:, 40:], references[1][:, :-24, :-40])
    assert 0.05 < low_res.std() < 0.5


@pytest.mark.parametrize("wrong", [{"size": (30, 48)}, {"references": 0}, {"repeats": 0}])
def test_what_cannot_be_timed_is_refused(wrong):
    with pytest.raises(InputError, match="give at least 1 of each"):
        bench_upscale(**wrong)


def test_outputs_of_some_size_are_3_to_2():
    for amount in (0.25, 1.0, 24.0):
        height, width = _size(amount)
        assert height % 4 == width % 4 == 0
        assert height * width == pytest.approx(amount * 1e6, rel=0.02)
        assert width / height == pytest.approx(1.5, rel=0.02)


def _case(**other):
    return {"model": "lite-rec", "reference": [48, 64], "matcher": "fast", "memory": None, "output": [64, 96],
            "references": 1, **other}  # fmt: skip


def test_a_case_of_memory_is_measured_beside_its_prediction(capsys):
    measure(json.dumps(_case(references=2)))
    told = json.loads(capsys.readouterr().out)
    assert (told["output"], told["references"], told["matcher"]) == ([64, 96], 2, "fast")
    assert told["peak_over_predicted"] == told["peak_bytes"] / told["predicted_bytes"] <= 1
    assert told["held_bytes"] <= told["peak_bytes"]


def test_a_case_that_memory_does_not_allow_says_so(capsys):
    measure(json.dumps(_case(memory="150MB")))
    assert "Allowed are 150 MB" in json.loads(capsys.readouterr().out)["refused"]


@pytest.mark.slow
def test_memory_grows_with_the_output_and_stays_within_what_was_predicted():
    report = bench_memory(megapixels=(0.25, 1.0), references=(1, 3), reference=(100, 152))
    small, large, several = report["cases"]
    assert (small["references"], several["references"]) == (1, 3)
    assert small["output"] == several["output"]
    for case in report["cases"]:
        assert case["peak_over_predicted"] <= 1
    assert large["peak_bytes"] > small["peak_bytes"]
    assert report["growth"]["bytes"] < 1.2


def test_sizes_of_nothing_are_refused():
    with pytest.raises(InputError, match="at least one of each"):
        bench_memory(megapixels=())
