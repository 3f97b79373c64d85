"""A protocol from files to figures: with methods whose score is known beforehand, and against published ones."""

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from evaluate.pictures import PAIRS, bicubic, entry, scene, write_pairs
from PIL import Image

from srntt.data import read_pairs
from srntt.errors import InputError, PictureError
from srntt.evaluate import Evaluation, Score, Upscaled, protocol_named, score_pairs
from srntt.evaluate._prepare import read_target
from srntt.image import load
from srntt.metrics import psnr_rgb, psnr_y, ssim_y
from srntt.report import as_json, check_report, table, write_report

GOLDEN = {  # picture of the official run: PSNR on RGB, PSNR on Y, SSIM on Y; nothing cropped, Y not rounded
    "Bicubic.png": (20.877, 22.379, 0.6476),
    "Upscale.png": (19.807, 21.450, 0.6374),
    "SRNTT.png": (19.890, 21.431, 0.6582),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_figures_of_the_official_run(shared_data: Path, name: str) -> None:
    target = load(shared_data / "golden-srntt" / "HR.png").rgb().numpy()
    output = load(shared_data / "golden-srntt" / name).rgb().numpy()
    figures = (psnr_rgb(output, target), psnr_y(output, target), ssim_y(output, target))
    assert figures == pytest.approx(GOLDEN[name], abs=5.001e-4)
    assert figures[2] == pytest.approx(GOLDEN[name][2], abs=5.001e-5)


@pytest.mark.parametrize(("data", "psnr"), [("refpairs-dev", 26.59), ("refpairs-near-dev", 32.17)])
def test_bicubic_scores_what_is_known(shared_data: Path, data: str, psnr: float) -> None:
    pairs = read_pairs(shared_data / data)
    evaluation = Evaluation("pairs", "bicubic", "none", score_pairs(bicubic, pairs, "none", PAIRS))
    assert evaluation.mean()["psnr_y"] == pytest.approx(psnr, abs=0.005)


def test_a_method_is_given_what_the_protocol_says(tmp_path: Path) -> None:
    """LR is Pillow's bicubic of the target cropped top-left to 60x48; references come as files."""
    pairs = read_pairs(write_pairs(tmp_path))
    seen: list[tuple[np.ndarray, list[str]]] = []

    def watched(low_res: np.ndarray, references: Sequence[Path]) -> Upscaled:
        seen.append((low_res, [file.name for file in references]))
        return bicubic(low_res, references)

    for kind in ("first", "all", "none", "unrelated"):
        score_pairs(watched, pairs[:1], kind, PAIRS)
    assert [names for _, names in seen] == [["near.png"], ["near.png", "far.png"], [], ["other.png"]]
    expected = Image.fromarray(scene(50, 61, 0)[:48, :60]).resize((15, 12), Image.Resampling.BICUBIC)
    assert np.array_equal(seen[0][0], np.asarray(expected))


def test_the_score_is_of_the_cropped_and_rounded_output(tmp_path: Path) -> None:
    pairs = read_pairs(write_pairs(tmp_path))
    target = scene(50, 61, 0)[:48, :60].transpose(2, 0, 1).astype(np.float32) / 255

    def nearly_right(low_res: np.ndarray, references: Sequence[Path]) -> Upscaled:
        output = target + np.float32(0.4 / 255)  # vanishes when rounded to 8 bits
        output[:, :4] = output[:, -4:] = output[:, :, :4] = output[:, :, -4:] = 0
        return Upscaled(output, ("continued on the cpu",))

    (score,) = score_pairs(nearly_right, pairs[:1], "none", PAIRS)
    assert score.values["psnr_y"] == math.inf
    assert score.values["ssim_y"] == pytest.approx(1)
    assert score.fallbacks == ("continued on the cpu",)
    assert 0 <= score.seconds < 5


def test_progress_counts_targets(tmp_path: Path) -> None:
    reported: list[tuple[str, int, int]] = []
    score_pairs(bicubic, read_pairs(write_pairs(tmp_path)), "none", PAIRS, lambda *step: reported.append(step))
    assert reported == [("none", 0, 2), ("none", 1, 2), ("none", 2, 2)]


def test_a_grey_or_transparent_or_deep_target_is_taken_as_8_bit_rgb(tmp_path: Path) -> None:
    grey = scene(32, 32, 5)[:, :, 0]
    Image.fromarray(grey).save(tmp_path / "grey.png")
    assert np.array_equal(read_target(tmp_path / "grey.png", PAIRS), np.dstack([grey] * 3))


def test_an_output_of_another_size_is_refused(tmp_path: Path) -> None:
    pairs = read_pairs(write_pairs(tmp_path))
    with pytest.raises(InputError, match="output is 15x12, the target 60x48"):
        score_pairs(lambda low_res, _: Upscaled(low_res.transpose(2, 0, 1) / np.float32(255)), pairs, "none", PAIRS)


def test_a_target_too_small_for_ssim_is_refused(tmp_path: Path) -> None:
    folder = write_pairs(tmp_path, [entry()])
    Image.fromarray(scene(19, 40, 0)).save(folder / "target.png")
    with pytest.raises(InputError, match=r"target.png has 40x19 pixels; protocol pairs needs 19x19 once cropped"):
        score_pairs(bicubic, read_pairs(folder), "none", PAIRS)


def test_a_damaged_target_ends_the_evaluation(tmp_path: Path) -> None:
    folder = write_pairs(tmp_path)
    (folder / "second.png").write_bytes(b"not a picture")
    with pytest.raises(PictureError, match=r"second.png"):
        score_pairs(bicubic, read_pairs(folder), "none", PAIRS)


def test_unknown_protocol_names_those_there_are() -> None:
    assert protocol_named("pairs") is PAIRS
    with pytest.raises(InputError, match=r"no protocol called 'pears'\. Did you mean pairs"):
        protocol_named("pears")


def scored(name: str, psnr: float, ssim: float, lpips: float | None, seconds: float, *fallbacks: str) -> Score:
    return Score(name, {"psnr_y": psnr, "ssim_y": ssim, "lpips": lpips}, seconds, fallbacks)


def evaluation_of(*scores: Score) -> Evaluation:
    return Evaluation("pairs", "lite-rec", "first", scores)


def test_json_has_the_promised_shape_and_no_infinity() -> None:
    reported = json.loads(
        as_json([evaluation_of(scored("a", 30.0, 0.9, 0.25, 1.5), scored("b", math.inf, 1.0, 0.75, 0.5))])
    )
    assert list(reported) == ["protocol", "model", "refs", "mean", "images", "environment"]
    assert reported["mean"] == {"psnr_y": None, "ssim_y": pytest.approx(0.95), "lpips": 0.5}
    assert reported["images"][0] == {"name": "a", "psnr_y": 30.0, "ssim_y": 0.9, "lpips": 0.25, "seconds": 1.5}
    assert reported["images"][1]["psnr_y"] is None
    assert {"srntt", "python", "torch", "numpy", "pillow"} <= set(reported["environment"])


def test_one_evaluation_is_an_object_and_several_a_list() -> None:
    one = evaluation_of(scored("a", 30.0, 0.9, None, 1.5, "continued on the cpu"))
    assert json.loads(as_json([one]))["mean"]["lpips"] is None
    assert json.loads(as_json([one]))["images"][0]["fallbacks"] == ["continued on the cpu"]
    assert [item["refs"] for item in json.loads(as_json([one, one]))] == ["first", "first"]


def test_report_holds_every_figure_and_is_not_overwritten_unasked(tmp_path: Path) -> None:
    evaluation = evaluation_of(scored("a|b", 30.126, 0.91234, None, 1.5))
    write_report([evaluation], tmp_path / "out")
    assert json.loads((tmp_path / "out" / "report.json").read_text()) == evaluation.as_json()
    text = (tmp_path / "out" / "report.md").read_text()
    assert "| lite-rec | first | 30.13 | 0.9123 | 1.50 |" in text
    assert "| a/b | 30.13 | 0.9123 | 1.50 |" in text
    assert PAIRS.description in text
    with pytest.raises(OSError, match=r"out contains report.json, report.csv, .*html already.*--overwrite"):
        check_report(tmp_path / "out")
    write_report([evaluation], tmp_path / "out", overwrite=True)
    with pytest.raises(OSError, match="is a file"):
        check_report(tmp_path / "out" / "report.md")


def test_table_has_a_row_for_each_evaluation() -> None:
    rows = table([evaluation_of(scored("a", 30.0, 0.9, 0.25, 1.5)), evaluation_of(scored("a", 31.0, 0.9, 0.2, 1.5))])
    assert len(rows) == 4
    assert rows[-1] == "| lite-rec | first | 31.00 | 0.9000 | 0.200 | 1.50 |"
