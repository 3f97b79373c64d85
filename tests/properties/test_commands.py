"""The options that promises hang on, from the command line."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from properties.scenes import BICUBIC, largest_difference, scene

from srntt.batch import UpscaleOptions
from srntt.cli import main
from srntt.upscale import Upscaler, self_ensemble


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With in/small.png and sharp.png."""
    one = scene(0)
    (tmp_path / "in").mkdir()
    Image.fromarray(one.low_res[:16, :20]).save(tmp_path / "in" / "small.png")
    Image.fromarray(one.good[:80, :80]).save(tmp_path / "sharp.png")
    return tmp_path


def _upscale(folder: Path, *options: str) -> list[str]:
    places = [str(folder / "in" / "small.png"), "-r", str(folder / "sharp.png"), "-o", str(folder / "large.png")]
    return ["upscale", *places, "--device", "cpu", "--matcher", "exact", "--overwrite", *options]


def _pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.array(picture)


def test_upscale_consistent_keeps_the_input_and_says_how_closely(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert main(_upscale(folder, "--json")) == 0
    free = json.loads(capsys.readouterr().out)["consistency"]
    assert main(_upscale(folder, "--consistent", "--json")) == 0
    kept = json.loads(capsys.readouterr().out)["consistency"]
    assert free["largest"] > 1 >= kept["largest"]
    assert free["missed"] > 0 == kept["missed"]
    small, large = _pixels(folder / "in" / "small.png"), _pixels(folder / "large.png")
    assert largest_difference(np.asarray(Image.fromarray(large).resize((20, 16), BICUBIC)), small) <= 1
    assert main(_upscale(folder, "--consistent")) == 0
    report = capsys.readouterr()
    assert "\nconsistency: downsampled, it differs from the input by 0." in report.out
    assert "back-projecting: 100%" in report.err
    assert main(_upscale(folder)) == 0
    assert "consistency" not in capsys.readouterr().out


def test_upscale_self_ensemble_is_the_function(folder: Path):
    assert main(_upscale(folder, "--self-ensemble")) == 0
    upscaler = Upscaler.from_pretrained("lite-rec", device="cpu", matcher="exact")
    mean = self_ensemble(upscaler, folder / "in" / "small.png", [folder / "sharp.png"])
    np.testing.assert_array_equal(_pixels(folder / "large.png"), mean.array)


def test_batch_consistent_keeps_every_input_and_is_another_job(folder: Path):
    command = ["batch", str(folder / "in"), "-o", str(folder / "out"), "--device", "cpu"]
    assert main(command) == 0
    free = _pixels(folder / "out" / "small.png")
    assert main([*command, "--consistent", "--resume"]) == 0  # made again: the setting is part of the job's key
    kept, small = _pixels(folder / "out" / "small.png"), _pixels(folder / "in" / "small.png")
    assert largest_difference(kept, free) > 0
    assert largest_difference(np.asarray(Image.fromarray(kept).resize((20, 16), BICUBIC)), small) <= 1
    lines = (folder / "out" / ".srntt-batch" / "manifest.jsonl").read_text("utf-8").splitlines()
    made = [line for line in map(json.loads, lines) if line.get("event") == "made"]
    assert [line["about"]["settings"]["consistent"] for line in made] == [False, True]
    assert made[0]["about"]["consistency"]["largest"] > 1 >= made[1]["about"]["consistency"]["largest"]
    assert UpscaleOptions().consistent is False
