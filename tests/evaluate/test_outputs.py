"""Scoring pictures that another method wrote: the same figures as if the method had been run."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from evaluate.outputs import write_outputs
from evaluate.pictures import PAIRS, bicubic, write_pairs
from PIL import Image

from srntt.data import read_pairs
from srntt.errors import InputError
from srntt.evaluate import Outputs, protocol_named, score_pairs
from srntt.evaluate._prepare import prepare
from srntt.metrics import round_to_bytes


@pytest.mark.parametrize("ending", [".png", "_x4.png", "-bicubic.png"])
def test_outputs_score_as_the_method_that_wrote_them(tmp_path: Path, ending: str) -> None:
    pairs = read_pairs(data := write_pairs(tmp_path / "data"))
    found = Outputs.find(write_outputs(data, tmp_path / "theirs", ending), pairs)
    written, ran = (score_pairs(method, pairs, "none", PAIRS) for method in (found, bicubic))
    assert found.name == "theirs"
    assert [score.values for score in written] == [score.values for score in ran]
    assert [score.seconds for score in written] == [None] * len(pairs)
    assert "seconds" not in written[0].as_json()


def test_outputs_may_lack_what_a_protocol_pads(tmp_path: Path) -> None:
    """Cut to the target's size they score the same; LR-PSNR, which is of the padded picture, is not taken."""
    masa = protocol_named("masa")
    pairs = read_pairs(write_pairs(tmp_path / "data"))
    for name in ("whole", "cut"):
        (tmp_path / name).mkdir()
    for pair in pairs:
        case = prepare(masa, pair, "none")
        whole = round_to_bytes(bicubic(case.low_res, []).picture)
        for name, picture in (("whole", whole), ("cut", case.cut(whole))):
            pixels = np.rint(picture.transpose(1, 2, 0) * 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{pair.target.stem}.png")
    whole, cut = (score_pairs(Outputs.find(tmp_path / name, pairs), pairs, "none", masa) for name in ("whole", "cut"))
    assert [score.values["psnr_y"] for score in whole] == [score.values["psnr_y"] for score in cut]
    assert whole[0].values["lr_psnr"] is not None
    assert cut[0].values["lr_psnr"] is None


def test_what_cannot_be_assigned_is_named(tmp_path: Path) -> None:
    pairs = read_pairs(data := write_pairs(tmp_path / "data"))
    folder = write_outputs(data, tmp_path / "theirs")
    file = folder / f"{pairs[0].target.stem}_x4.png"
    shutil.copy(file, folder / f"{pairs[0].target.stem}_again.png")
    with pytest.raises(InputError, match=rf"several pictures for {pairs[0].name}: .*Keep one"):
        Outputs.find(folder, pairs)
    (folder / f"{pairs[0].target.stem}_again.png").unlink()
    file.unlink()
    with pytest.raises(InputError, match=rf"no output for 1 of {len(pairs)} targets: {pairs[0].name}\."):
        Outputs.find(folder, pairs)
    with pytest.raises(InputError, match="nowhere"):
        Outputs.find(tmp_path / "nowhere", pairs)
    Image.new("RGB", (9, 9)).save(file)
    with pytest.raises(InputError, match="The output is 9x9, the target"):
        score_pairs(Outputs.find(folder, pairs), pairs, "none", PAIRS)
