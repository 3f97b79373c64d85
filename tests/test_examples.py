"""The shipped pictures are what examples/README.md says, and the demo runs and tells the truth."""

import re
from pathlib import Path

import numpy as np
from loading import load_module
from PIL import Image

from srntt import load
from srntt.data import read_pairs

EXAMPLES = Path(__file__).parent.parent / "examples"
MOTORCYCLE = EXAMPLES / "motorcycle"


def test_low_res_is_made_from_the_truth():
    truth = Image.open(MOTORCYCLE / "truth.png")
    shipped = Image.open(MOTORCYCLE / "low-res.png")
    assert shipped.mode == truth.mode == "RGB"
    again = truth.resize((truth.width // 4, truth.height // 4), Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(np.asarray(shipped), np.asarray(again))


def test_reference_shows_the_scene_but_not_the_same_pixels():
    truth = np.asarray(Image.open(MOTORCYCLE / "truth.png"), np.float64)
    reference = np.asarray(Image.open(MOTORCYCLE / "reference.png"), np.float64)[:, : truth.shape[1]]
    shifts = [np.abs(truth[:, shift:] - reference[:, : truth.shape[1] - shift]).mean() for shift in range(60)]
    assert np.argmin(shifts) > 10  # pixels: the camera had moved
    assert min(shifts) < 0.8 * shifts[0]


def test_every_shipped_picture_has_its_source_named():
    named = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in MOTORCYCLE.glob("*.png") if f"`{path.name}`" not in named] == []


def test_index_names_the_pair():
    (pair,) = read_pairs(MOTORCYCLE)
    assert (pair.target.name, [path.name for path in pair.references]) == ("truth.png", ["reference.png"])


def test_demo_prints_the_gain_and_writes_the_picture(tmp_path, monkeypatch, capsys):
    demo = load_module(EXAMPLES / "demo.py")
    monkeypatch.chdir(tmp_path)

    demo.main()

    printed = capsys.readouterr().out
    psnr = {
        name: float(value)
        for name, value in re.findall(r"^(bicubic|no reference|with reference) +(\d+\.\d\d)", printed, re.M)
    }
    assert psnr["bicubic"] + 0.5 < psnr["no reference"] < psnr["with reference"] - 0.3
    assert str(tmp_path / "out" / "motorcycle.png") in printed
    assert load(tmp_path / "out" / "motorcycle.png").rgb().shape == load(MOTORCYCLE / "truth.png").rgb().shape
