"""The one way in which srntt writes files: whole or not at all. (Pictures: tests/image/test_save.py.)"""

import os
from pathlib import Path

import pytest

from srntt._files import remove_unfinished, unfinished_file, whole_file, write_bytes
from srntt.errors import ModelError, OutputError


def test_a_file_gets_its_name_once_it_is_whole(tmp_path: Path) -> None:
    with whole_file(tmp_path / "x", overwrite=False) as file:
        file.write(b"half")
        assert [name for name in os.listdir(tmp_path) if not name.endswith(".part")] == []
        file.write(b" and half")
    assert os.listdir(tmp_path) == ["x"]
    assert (tmp_path / "x").read_bytes() == b"half and half"


def test_nothing_is_replaced_without_leave(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"mine")
    with pytest.raises(OutputError, match="exists already"), whole_file(tmp_path / "x", overwrite=False) as file:
        file.write(b"yours")
    assert (tmp_path / "x").read_bytes() == b"mine"
    write_bytes(tmp_path / "x", b"yours")
    assert (tmp_path / "x").read_bytes() == b"yours"
    assert os.listdir(tmp_path) == ["x"]


@pytest.mark.parametrize(
    ("error", "raised"), [(OSError(28, "No space left"), OutputError), (ModelError("so"), ModelError)]
)
def test_an_error_leaves_nothing_and_ours_are_passed_on(tmp_path: Path, error: Exception, raised: type) -> None:
    with pytest.raises(raised, match=str(error.args[-1])), whole_file(tmp_path / "x", overwrite=True):
        raise error
    assert os.listdir(tmp_path) == []


def test_bytes_make_their_folder_or_say_why_not(tmp_path: Path) -> None:
    write_bytes(tmp_path / "a" / "b" / "x", b"content")
    assert (tmp_path / "a" / "b" / "x").read_bytes() == b"content"
    with pytest.raises(OutputError, match=r"cannot be written: .*Choose another folder"):
        write_bytes(tmp_path / "a" / "b" / "x" / "y", b"content")


def test_what_is_under_way_can_be_removed_before_the_process_is_cut_short(tmp_path: Path) -> None:
    with unfinished_file(tmp_path) as path:
        Path(path).write_bytes(b"half")
        remove_unfinished()
        assert os.listdir(tmp_path) == []
    with unfinished_file(tmp_path) as path:
        Path(path).write_bytes(b"half")
    assert os.listdir(tmp_path) == []
