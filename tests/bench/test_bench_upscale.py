"""The benchmarks of the engine report what they say they measure."""

import json

import numpy as np
import pytest
import torch

from srntt.bench import bench_memory, bench_upscale
from srntt.bench._memory import _mosaic, _photographed, _size, _write, measure
from srntt.bench._upscale import made_pictures
from srntt.errors import InputError, ModelError
from srntt.image import Picture, load, save


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
    low_res, references = made_pictures((64, 80), (96, 120), 2, 4)
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
        height, width = _size(amount, 4)
        assert height % 4 == width % 4 == 0
        assert height * width == pytest.approx(amount * 1e6, rel=0.02)
        assert width / height == pytest.approx(1.5, rel=0.02)


@pytest.fixture
def case(tmp_path):
    scene = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    files = _write([scene], (64, 96), 4, (48, 64), 2, tmp_path)
    return {"model": "lite-rec", "matcher": "fast", "memory": None, "output": [64, 96], "references": 2, **files}


def test_a_case_of_memory_is_measured_next_to_its_prediction(case, capsys):
    measure(json.dumps(case))
    figures = json.loads(capsys.readouterr().out)
    assert (figures["output"], figures["references"], figures["matcher"]) == ([64, 96], 2, "fast")
    assert figures["peak_over_predicted"] == figures["peak_bytes"] / figures["predicted_bytes"]
    assert max(figures["encode_peak_bytes"], figures["upscale_peak_bytes"]) <= figures["peak_bytes"]
    written = load(case["written"])
    assert (written.height, written.width) == (64, 96)


def test_a_case_that_memory_does_not_allow_says_so(case, capsys):
    measure(json.dumps({**case, "memory": "150MB"}))
    assert "the program alone uses" in json.loads(capsys.readouterr().out)["refused"]


def test_a_mosaic_mirrors_scenes():
    scene = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    whole = _mosaic([scene], (8, 12), (0, 0))
    np.testing.assert_array_equal(whole, np.pad(scene, ((0, 4), (0, 6), (0, 0)), mode="symmetric"))
    np.testing.assert_array_equal(_mosaic([scene], (5, 7), (2, 3)), whole[2:7, 3:10])


def test_photographs_make_pictures_of_any_size(tmp_path):
    color = np.random.default_rng(1).integers(0, 256, (1030, 1540, 3), dtype=np.uint8)
    save(Picture(color), tmp_path / "large.png")
    save(Picture(color[:100]), tmp_path / "small.png")
    (tmp_path / "notes.txt").write_text("none")
    (scene,) = _photographed(tmp_path)
    np.testing.assert_array_equal(scene, color[3:1027, 2:1538])
    with pytest.raises(InputError, match="has no photographs in colour of at least 1536 x 1024"):
        _photographed(tmp_path / "nowhere")


@pytest.mark.slow
def test_memory_grows_with_the_output_and_is_as_it_was_predicted():
    report = bench_memory(megapixels=(0.25, 1.0, 2.0), references=(1, 3), reference=(100, 152))
    small, large, largest, several = report["cases"]
    assert (small["references"], several["references"]) == (1, 3)
    assert small["output"] == several["output"]
    for case in report["cases"]:
        assert 1 / 1.2 <= case["peak_over_predicted"] <= 1
    assert largest["peak_bytes"] > large["peak_bytes"] > small["peak_bytes"]
    assert report["growth"]["bytes"] < 1.2


@pytest.mark.parametrize("wrong", [{"megapixels": ()}, {"references": (0,)}, {"reference": (0, 8)}])
def test_sizes_of_nothing_are_refused(wrong):
    with pytest.raises(InputError, match="at least one of each"):
        bench_memory(**wrong)


def test_a_model_that_is_not_here_is_refused_before_any_process():
    with pytest.raises(ModelError, match="No model 'nowhere'"):
        bench_memory(model="nowhere")
