"""``--ref`` takes several files, folders and patterns."""

import json
from pathlib import Path

import pytest
from cli.pictures import contents
from PIL import Image


@pytest.fixture
def sources(run, folder: Path, model: Path):
    """References that an upscale used, given what follows the command."""

    def used(*tokens: object) -> list[str]:
        ran = run("upscale", folder / "small.png", *tokens, "--model", model, "--overwrite", "--json", "--align", "off")
        assert ran.code == 0, ran.err
        return [Path(one["source"]).name for one in json.loads(ran.out)["references"]]

    return used


def test_several_files_follow_one_option(sources, folder: Path) -> None:
    both = [folder / "sharp.jpg", folder / "other.png"]
    assert sources("--ref", *both) == ["sharp.jpg", "other.png"]
    assert sources("--ref", *both, "-o", folder / "large.png") == ["sharp.jpg", "other.png"]
    assert sources("-r", both[1], "--ref", both[0]) == ["other.png", "sharp.jpg"]


def test_a_folder_stands_for_its_pictures_without_the_small_one(sources, folder: Path) -> None:
    (folder / "notes.txt").write_text("no picture")
    assert sources("--ref", folder, "-o", folder.parent / "large.png") == ["other.png", "sharp.jpg"]


def test_a_pattern_that_no_shell_expanded(sources, folder: Path) -> None:
    assert sources("--ref", folder / "*.jpg") == ["sharp.jpg"]
    odd = folder / "[odd] sharp.png"  # a name, although it looks like a pattern
    Image.open(folder / "other.png").save(odd)
    assert sources("--ref", odd) == ["[odd] sharp.png"]


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        (["--ref", "{folder}/empty"], "--ref {folder}/empty: this folder contains no pictures"),
        (["--ref", "{folder}/*.webp"], "--ref {folder}/*.webp: nothing matches"),
        (["{folder}/other.png", "{folder}/sharp.jpg"], "takes one picture, but 3 were given"),
        (["{folder}/other.png"], "srntt batch FOLDER --refs FOLDER -o FOLDER"),
    ],
)
def test_what_is_no_reference_is_refused(run, folder: Path, model: Path, tokens: list[str], message: str) -> None:
    (folder / "empty").mkdir()
    before = contents(folder)
    given = [token.format(folder=folder) for token in tokens]
    ran = run("upscale", folder / "small.png", *given, "--model", model)
    assert (ran.code, ran.out) == (2, "")
    assert message.format(folder=folder) in ran.err
    assert contents(folder) == before


def test_a_small_picture_after_the_references_is_missed(run, folder: Path) -> None:
    ran = run("upscale", "--ref", folder / "sharp.jpg", folder / "small.png")
    assert ran.code == 2
    assert "Give a picture to upscale" in ran.err
