"""``srntt corpus build``: what it says, and what it returns."""

import json
from pathlib import Path

import pytest
from cli.pictures import contents, pixels
from PIL import Image


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two pictures with detail, one without, and a text."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in range(2):
        Image.fromarray(pixels(160, 200, seed=seed)).save(folder / f"{seed}.png")
    Image.new("RGB", (160, 200), (9, 90, 200)).save(folder / "sky.png")
    (folder / "notes.md").touch()
    return folder


@pytest.fixture
def build(run, photos: Path, tmp_path: Path):
    return lambda *tokens: run("corpus", "build", photos, "-o", tmp_path / "out", "--smallest", 128, *tokens)


def test_says_what_was_added_and_what_was_left_out_and_why(build, photos: Path, tmp_path: Path) -> None:
    ran = build()
    assert ran.code == 0, ran.err
    first, second, third = ran.out.splitlines()
    assert first == (
        f"{tmp_path / 'out'}: 2 added (0.1 megapixels), 0 present already, 1 files of other types ignored; "
        "2 pictures now"
    )
    assert second == f"skipped, because they have too little detail: {photos / 'sky.png'} (0% of it has detail)"
    assert third == "licence unknown: 2 of those added. State it with --licence, or in a file next to them."


def test_again_is_nothing_to_do_and_changes_nothing(build, tmp_path: Path) -> None:
    build("--licence", "CC-BY 4.0")
    before = contents(tmp_path / "out")
    ran = build()
    assert (ran.code, contents(tmp_path / "out")) == (3, before)
    assert "0 added" in ran.out
    assert "licence" not in ran.out


def test_a_bad_file_is_named_and_gives_1(build, photos: Path) -> None:
    (photos / "bad.jpg").write_bytes(b"\xff\xd8\xff")
    ran = build("--json", "--licence", "CC-BY 4.0")
    assert ran.code == 1
    assert f"srntt: {photos / 'bad.jpg'}: " in ran.err
    report = json.loads(ran.out)
    assert (report["pictures"], report["known"], report["ignored"], report["unknown_licence"]) == (2, 0, 1, 0)
    assert {item["licence"] for item in report["added"]} == {"CC-BY 4.0"}
    assert [item["reason"] for item in report["left_out"]] == ["flat"]
    assert [Path(item["path"]).name for item in report["failed"]] == ["bad.jpg"]


def test_photographs_that_are_not_there_and_limits_that_mean_nothing_are_usage(run, build, tmp_path: Path) -> None:
    assert run("corpus", "build", tmp_path / "gone", "-o", tmp_path / "out").code == 2
    ran = build("--textured", 2)
    assert ran.code == 2
    assert "0 to 1" in ran.err
    assert not (tmp_path / "out").exists()
