"""Listing a folder: in order, without what is hidden, never in circles, never stopped by one bad folder."""

import os
from pathlib import Path

import pytest
from batch.pictures import write_pictures

from srntt.batch import LocalFolder
from srntt.data import list_folder
from srntt.errors import InputError


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def test_in_order_and_without_what_is_hidden(tmp_path: Path):
    touch(tmp_path, "b.png", "B.PNG", "a/z.jpg", ".hidden.png", ".folder/x.png", "notes.txt", "a.png", "a/b/c.tif")
    found = list_folder(tmp_path, recursive=True)
    assert found.files == ("B.PNG", "a/b/c.tif", "a/z.jpg", "a.png", "b.png", "notes.txt")
    assert "notes.txt" not in found.pictures
    assert list_folder(tmp_path, recursive=False).files == ("B.PNG", "a.png", "b.png", "notes.txt")


def test_folders_left_out_are_left_out_by_whatever_name(tmp_path: Path):
    touch(tmp_path / "in", "a.png", "out/a.png", "out/deep/a.png")
    (tmp_path / "alias").symlink_to(tmp_path / "in" / "out")
    assert list_folder(tmp_path / "in", recursive=True, leave_out=[tmp_path / "alias"]).files == ("a.png",)
    assert list_folder(tmp_path / "in", recursive=True, leave_out=[tmp_path / "gone"]).files[0] == "a.png"


def test_linked_folders_are_named_and_not_followed(tmp_path: Path):
    touch(tmp_path / "in", "a.png", "sub/b.png")
    (tmp_path / "in" / "circle").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "loop.png").symlink_to("loop.png")
    (tmp_path / "in" / "file.png").symlink_to("a.png")
    (tmp_path / "start").symlink_to(tmp_path / "in")
    found = list_folder(tmp_path / "start", recursive=True)
    assert found.files == ("a.png", "file.png", "loop.png", "sub/b.png")
    assert found.linked == ("circle",)


def test_a_folder_called_like_a_picture_is_a_folder(tmp_path: Path):
    touch(tmp_path, "x.png/y.png")
    assert list_folder(tmp_path, recursive=True).files == ("x.png/y.png",)
    assert list_folder(tmp_path, recursive=False).files == ()


def test_an_unreadable_folder_is_a_problem_and_the_rest_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    touch(tmp_path, "a.png", "locked/b.png", "open/c.png")
    scandir = os.scandir

    def guarded(path: str):
        if path.rstrip("/").endswith("locked"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    found = list_folder(tmp_path, recursive=True)
    assert found.files == ("a.png", "open/c.png")
    assert found.failures == (("locked", "the folder cannot be read: Permission denied."),)
    with pytest.raises(InputError, match="cannot be listed: Permission denied"):
        LocalFolder(tmp_path / "locked").list_files(recursive=True)


def test_no_folder_is_refused(tmp_path: Path):
    write_pictures(tmp_path, ["a.png"])
    for path in (tmp_path / "gone", tmp_path / "a.png"):
        with pytest.raises(InputError, match=r"cannot be listed: .*\. Give a folder of pictures\."):
            LocalFolder(path).list_files(recursive=True)
