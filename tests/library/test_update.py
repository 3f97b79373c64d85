"""A library follows its folders: only what is new is read, and what moved is recognised."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from library.album import save

from srntt.errors import InputError
from srntt.library import Library, Update


def counts(update: Update) -> dict[str, int]:
    """What is not zero, and the number of failures."""
    found = {name: count for name, count in vars(update).items() if name != "failures" and count}
    return found | ({"failures": len(update.failures)} if update.failures else {})


@pytest.fixture
def filled(library: Library, album: Path) -> Library:
    """With four photographs."""
    assert counts(library.add([album])) == {"added": 4}
    return library


def test_the_second_time_nothing_is_read(filled: Library, album: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("srntt.library._update.read_photograph", lambda *_, **__: pytest.fail("was read"))
    assert counts(filled.add([album])) == {"unchanged": 4}


def test_a_touched_file_is_hashed_and_its_content_is_known(filled: Library, album: Path, monkeypatch):
    monkeypatch.setattr("srntt.library._read.describe", lambda _: pytest.fail("was described"))
    os.utime(album / "near.png", ns=(1, 1))
    assert counts(filled.update()) == {"unchanged": 3}
    assert counts(filled.update()) == {"unchanged": 4}


def test_a_moved_file_is_found_by_its_hash(filled: Library, album: Path, monkeypatch):
    monkeypatch.setattr("srntt.library._read.describe", lambda _: pytest.fail("was described"))
    (album / "2024").mkdir()
    (album / "near.png").rename(album / "2024" / "renamed.png")
    assert counts(filled.update()) == {"moved": 1, "unchanged": 3}
    assert album / "2024" / "renamed.png" in filled.files()


def test_a_file_that_moves_to_another_folder_is_recognised(filled: Library, album: Path, monkeypatch):
    other = album.with_name("other")
    other.mkdir()
    filled.add([other])
    monkeypatch.setattr("srntt.library._read.describe", lambda _: pytest.fail("was described"))
    (album / "near.png").rename(other / "near.png")
    assert counts(filled.update()) == {"moved": 1, "unchanged": 3}


def test_a_deleted_file_leaves_nothing(filled: Library, album: Path):
    (album / "near.png").unlink()
    assert counts(filled.update()) == {"removed": 1, "unchanged": 3}
    info = filled.info()
    assert (info.photographs, info.files) == (3, 3)


def test_a_replaced_file_is_read_again(filled: Library, album: Path):
    save(np.full((40, 50, 3), 7, np.uint8), album / "near.png")
    assert counts(filled.update()) == {"added": 1, "changed": 1, "unchanged": 3}
    assert filled.info().photographs == 4


def test_duplicates_share_a_photograph(filled: Library, album: Path):
    shutil.copy(album / "near.png", album / "copy.png")
    assert counts(filled.update()) == {"unchanged": 4}
    info = filled.info()
    assert (info.photographs, info.files) == (4, 5)
    (album / "near.png").unlink()
    filled.update()
    assert filled.info().photographs == 4


def test_unreadable_files_are_reported_and_the_others_added(library: Library, album: Path):
    (album / "broken.jpg").write_bytes(b"\xff\xd8 not a picture")
    (album / "text.txt").write_text("not a picture by its name")
    update = library.add([album])
    assert counts(update) == {"added": 4, "failures": 1}
    assert update.failures[0].name.endswith("broken.jpg")
    assert "<bytes>" not in update.failures[0].reason


def test_a_file_that_becomes_unreadable_is_forgotten(filled: Library, album: Path):
    (album / "near.png").write_bytes(b"\x89PNG")
    assert counts(filled.update()) == {"unchanged": 3, "failures": 1}
    assert filled.info().photographs == 3
    assert album / "near.png" not in filled.files()


def test_a_folder_that_is_not_there_keeps_its_photographs(filled: Library, album: Path):
    album.rename(album.with_name("away"))
    assert counts(filled.update()) == {"failures": 1}
    assert filled.info().files == 4


def test_a_folder_is_removed_and_the_photographs_remain(filled: Library, album: Path):
    assert filled.remove([album]) == 4
    assert filled.info().photographs == 0
    assert filled.info().folders == ()
    assert len(list(album.iterdir())) == 4
    with pytest.raises(InputError, match="contains nothing of"):
        filled.remove([album])


def test_a_folder_that_was_never_there_is_refused(library: Library, tmp_path: Path):
    with pytest.raises(InputError, match="is not a folder"):
        library.add([tmp_path / "nowhere"])


def test_names_that_are_no_unicode(library: Library, album: Path):
    (album / "near.png").rename(os.fsdecode(os.fsencode(album) + b"/\xff\xfe.png"))
    assert counts(library.add([album])) == {"added": 4}
    assert any(os.fsencode(path).endswith(b"\xff\xfe.png") for path in library.files())


def test_progress_and_cancelling_keep_what_was_done(library: Library, album: Path, monkeypatch):
    monkeypatch.setattr("srntt.library._update._COMMIT_SECONDS", 0.0)

    def stop(stage: str, done: int, total: int) -> None:
        assert (stage, total) == ("index", 4)
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        library.add([album], progress=stop)
    assert library.info().files == 2
    assert counts(library.update()) == {"added": 2, "unchanged": 2}


def test_a_photograph_that_is_replaced_while_it_is_read_is_added_later(library: Library, album: Path, monkeypatch):
    path = str(album / "near.png")

    def replaced_meanwhile(name: str, limits: object) -> bytes:
        content = Path(name).read_bytes()
        if name == path:
            save(np.full((40, 50, 3), 7, np.uint8), album / "new.png")
            os.replace(album / "new.png", path)
        return content

    with monkeypatch.context() as patched:
        patched.setattr("srntt.library._read.read_file", replaced_meanwhile)
        update = library.add([album])
    assert counts(update) == {"added": 3, "failures": 1}
    assert "changed while it was read" in update.failures[0].reason
    assert counts(library.update()) == {"added": 1, "unchanged": 3}
