"""A small picture finds the sharper photographs of its scene, and nothing else."""

from pathlib import Path

import numpy as np
import pytest
from library.album import save
from views.aligned.scenes import reference_to_scene, scene, seen

from srntt.errors import InputError
from srntt.library import Library


@pytest.fixture
def filled(library: Library, album: Path) -> Library:
    library.add([album])
    return library


def test_sharper_photographs_of_the_scene_are_chosen(filled: Library, album: Path, small: np.ndarray):
    found = filled.find(small)
    assert {path.name for path in found.paths} == {"near.png", "turned.png"}
    assert found.compared == 4
    assert all("same scene" in choice.reason and "sharper" in choice.reason for choice in found.choices)
    assert all(0.03 <= choice.share <= 1 for choice in found.choices)


def test_one_suffices_if_one_is_asked_for(filled: Library, small: np.ndarray):
    assert len(filled.find(small, most=1).choices) == 1
    with pytest.raises(InputError, match="at least 1"):
        filled.find(small, most=0)


def test_neither_the_picture_itself_nor_its_copy_is_chosen(filled: Library, album: Path, small: np.ndarray):
    save(small, album / "small.png")
    save(small, album / "again" / "copy.png")
    filled.update()
    found = filled.find(album / "small.png")
    assert {path.name for path in found.paths} == {"near.png", "turned.png"}


def test_copies_and_enlargements_are_reported_and_not_chosen(filled: Library, album: Path, small: np.ndarray):
    original = seen(scene(1), reference_to_scene((384, 512), 2.0, 0.0, 0.0), (384, 512), 2)
    save(original, album / "original.png")
    filled.update()
    found = filled.find(small)
    assert {path.name for path in found.copies} == {"enlarged.png", "original.png"}
    assert {path.name for path in found.paths} == {"near.png", "turned.png"}


def test_excluded_files_are_not_chosen(filled: Library, album: Path, small: np.ndarray):
    assert {path.name for path in filled.find(small, exclude=[album / "near.png"]).paths} == {"turned.png"}


def test_what_is_gone_or_changed_is_skipped_with_a_note(filled: Library, album: Path, small: np.ndarray):
    (album / "near.png").unlink()
    save(np.zeros((64, 64, 3), np.uint8), album / "turned.png")
    found = filled.find(small)
    assert found.choices == ()
    assert any("near.png" in note for note in found.notes)
    assert any("turned.png: has changed" in note for note in found.notes)


def test_another_scene_has_no_references(filled: Library, album: Path):
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    assert filled.find(noise).choices == ()


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (16, 16)])
def test_tiny_pictures(filled: Library, size: tuple[int, int]):
    assert filled.find(np.zeros((*size, 3), np.uint8)).choices == ()


def test_without_a_library(library: Library, small: np.ndarray):
    with pytest.raises(InputError, match="There is no library"):
        library.find(small)
    assert not library.path.exists()
