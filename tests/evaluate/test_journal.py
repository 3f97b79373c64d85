"""An interrupted evaluation goes on where it stopped, and never with what is not the same."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from evaluate.pictures import PAIRS, bicubic, scene, write_pairs
from PIL import Image

from srntt.data import read_pairs
from srntt.errors import OutputError
from srntt.evaluate import PreparedReference, ReferenceChange, Score, Upscaled, protocol_named, score_pairs
from srntt.evaluate._journal import JOURNAL_FILE, Journal

CONTEXT = {"model": "abc", "device": "cpu"}


class Counting:
    """Bicubic that counts, and is interrupted when it has been called so often."""

    def __init__(self, calls: int = 99) -> None:
        self.left, self.calls = calls, 0

    def __call__(self, low_res: np.ndarray, references: Sequence[PreparedReference]) -> Upscaled:
        if self.calls == self.left:
            raise KeyboardInterrupt
        self.calls += 1
        return bicubic(low_res, references)


def scored(folder: Path, out: Path, method, kind="first", context=None, change=None, protocol=PAIRS):
    journal = Journal.open(out, context or CONTEXT)
    return score_pairs(method, read_pairs(folder), kind, protocol, None, None, change, journal)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_pairs(tmp_path / "data")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def test_goes_on_where_it_was_interrupted(folder: Path, out: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        scored(folder, out, Counting(1))
    rest = Counting()
    reported: list[tuple[str, int, int]] = []
    journal = Journal.open(out, CONTEXT)
    scores = score_pairs(
        rest, read_pairs(folder), "first", PAIRS, lambda *step: reported.append(step), None, None, journal
    )
    assert rest.calls == 1
    assert [score.name for score in scores] == ["scene/1", "scene/2"]
    assert reported == [("first", 1, 2), ("first", 2, 2)]
    again = Counting(0)
    assert scored(folder, out, again) == scores  # infinities, None and fallbacks included
    names = [list(score.values) for score in scores]
    assert names == [["psnr_y", "ssim_y", "lpips", "lr_psnr"]] * 2  # the order of the columns, too
    assert [score.values for score in scores] == [score.values for score in scored(folder, out.parent / "new", bicubic)]


def test_only_whole_and_true_lines_count(folder: Path, out: Path) -> None:
    scored(folder, out, bicubic)
    file = out / JOURNAL_FILE
    line = file.read_bytes().splitlines(keepends=True)[0]
    for text in (
        line[:-1],  # torn before its end
        line[:40] + b"\n",
        line.replace(b"psnr_y", b"psnr_x"),
        b"[]\n",
        b'{"line": 3, "sha256": ""}\n',
        b"\xff\n",
        b"[" * 9999 + b"\n",
    ):
        file.write_bytes(text)
        rest = Counting()
        scored(folder, out, rest)
        assert rest.calls == 2, text[:60]


def test_what_follows_a_torn_line_stands_on_its_own(folder: Path, out: Path) -> None:
    scored(folder, out, bicubic)
    file = out / JOURNAL_FILE
    first, second = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(second + first[:50])
    rest = Counting()
    scored(folder, out, rest)
    assert rest.calls == 1
    lines = file.read_bytes().splitlines(keepends=True)
    assert lines[:2] == [second, first[:50] + b"\n"]
    scored(folder, out, Counting(0))


@pytest.mark.parametrize(
    "other",
    [
        {"context": {**CONTEXT, "model": "abd"}},
        {"context": {**CONTEXT, "device": "cuda"}},
        {"kind": "all"},
        {"kind": "self"},
        {"change": ReferenceChange("noise", 5.0)},
        {"protocol": protocol_named("sisr-pillow")},
    ],
)
def test_nothing_is_taken_from_another_evaluation(folder: Path, out: Path, other: dict) -> None:
    scored(folder, out, bicubic)
    rest = Counting()
    scored(folder, out, rest, **other)
    assert rest.calls == 2
    scored(folder, out, Counting(0))  # and the first is there still


@pytest.mark.parametrize(("name", "calls"), [("near.png", 2), ("target.png", 1), ("second.png", 1), ("other.png", 0)])
def test_a_picture_that_changed_is_scored_again(folder: Path, out: Path, name: str, calls: int) -> None:
    scored(folder, out, bicubic)
    Image.fromarray(scene(50, 61, 77)).save(folder / name)
    rest = Counting()
    scored(folder, out, rest)
    assert rest.calls == calls


def test_another_program_scores_again(folder: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scored(folder, out, bicubic)
    monkeypatch.setattr("srntt.__version__", "99")
    rest = Counting()
    scored(folder, out, rest)
    assert rest.calls == 2


def test_scores_survive_the_file(tmp_path: Path) -> None:
    score = Score("a", {"psnr_y": float("inf"), "lpips": None, "ssim_y": 0.1234567890123}, 1.25, ("tile 32",))
    Journal.open(tmp_path, {}).add("key", score)
    assert Journal.open(tmp_path, {}).scores == {"key": score}
    Journal.open(tmp_path, {}).close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
@pytest.mark.parametrize("kind", ["fifo", "link"])
def test_a_journal_that_would_block_or_lead_elsewhere_is_refused(out: Path, kind: str) -> None:
    out.mkdir()
    if kind == "fifo":
        os.mkfifo(out / JOURNAL_FILE)
    else:
        (out / JOURNAL_FILE).symlink_to("../elsewhere")
    with pytest.raises(OutputError, match=r"scored\.jsonl is not a regular file"):
        Journal.open(out, CONTEXT)


def test_a_journal_that_cannot_be_used_is_reported_before_the_work(folder: Path, out: Path) -> None:
    (out / JOURNAL_FILE).mkdir(parents=True)
    with pytest.raises(OutputError, match=r"scored.jsonl is not a regular file.*another folder"):
        Journal.open(out, CONTEXT)
    out2 = out.parent / "file"
    out2.touch()
    with pytest.raises(OutputError, match=r"cannot be written"):
        scored(folder, out2, bicubic)
