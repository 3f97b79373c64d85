"""Which references belong to which picture, and which folders make no sense together."""

import os
import unicodedata
from pathlib import Path

import pytest
from batch.pictures import write_pictures

from srntt.batch import Batch, plan_batch
from srntt.errors import InputError


def own(plan: Batch) -> dict[str, tuple[str, ...] | None]:
    return {task.name: task.references for task in plan.tasks}


def test_same_stem_same_folder_list_or_shared(tmp_path: Path):
    write_pictures(tmp_path / "in", ["a.png", "b.png", "c.png", "d.png", "s/a.png"])
    write_pictures(tmp_path / "refs", ["a.jpg", "a.tif", "b/1.png", "b/deep/2.png", "s/a.png", "x.png", "s/y.png"])
    (tmp_path / "refs" / "c.refs.txt").write_text("# of the same room\n./x.png\n\n  a.jpg \r\nx.png\n")
    (tmp_path / "refs" / "d.refs.txt").write_text("")
    (tmp_path / "refs" / "a.txt").touch()
    plan = plan_batch(tmp_path / "in", tmp_path / "out", tmp_path / "refs", recursive=True)
    assert own(plan) == {
        "a.png": ("a.jpg", "a.tif"),
        "b.png": ("b/1.png", "b/deep/2.png"),
        "c.png": ("x.png", "a.jpg"),
        "d.png": (),
        "s/a.png": ("s/a.png",),
    }
    assert plan.shared == ("s/y.png", "x.png")
    assert not plan.chooses
    assert not (tmp_path / "out").exists()
    flat = plan_batch(tmp_path / "in", tmp_path / "out", tmp_path / "refs")
    assert flat.shared == ("x.png",)


def test_those_without_their_own_choose(tmp_path: Path):
    write_pictures(tmp_path / "in", ["a.png", "b.png"])
    write_pictures(tmp_path / "refs", ["a.jpg", "x.png"])
    plan = plan_batch(tmp_path / "in", tmp_path / "out", tmp_path / "refs")
    assert own(plan) == {"a.png": ("a.jpg",), "b.png": None}
    assert plan.shared == ("x.png",)
    assert plan.chooses


def test_names_from_a_mac_match(tmp_path: Path):
    write_pictures(tmp_path / "in", [unicodedata.normalize("NFC", "é.png")])
    reference = unicodedata.normalize("NFD", "é.jpg")
    write_pictures(tmp_path / "refs", [reference])
    plan = plan_batch(tmp_path / "in", tmp_path / "out", tmp_path / "refs")
    assert list(own(plan).values()) == [(reference,)]


@pytest.mark.parametrize("line", ["../secret.png", "/etc/x.png", "s/../../secret.png", "C:\\x.png", "link/secret.png"])
def test_a_list_that_leads_out_is_refused_for_its_picture_alone(tmp_path: Path, line: str):
    write_pictures(tmp_path, ["secret.png", "in/a.png", "in/b.png", "refs/b.png"])
    (tmp_path / "refs" / "a.refs.txt").write_text(f"b.png\n{line}\n")
    (tmp_path / "refs" / "link").symlink_to(tmp_path)
    first, second = plan_batch(tmp_path / "in", tmp_path / "out", tmp_path / "refs").tasks
    assert "is outside" in first.problem
    assert repr(line) in first.problem
    assert (second.problem, second.references) == ("", ("b.png",))


@pytest.mark.parametrize(
    ("content", "words"), [(b"\xff\xfe\x00", "UTF-8"), (b"x" * 2**21, "limit"), (b"x.txt", "not a picture")]
)
def test_a_list_that_is_none_is_refused(tmp_path: Path, content: bytes, words: str):
    write_pictures(tmp_path, ["in/a.png", "refs/b.png"])
    (tmp_path / "refs" / "a.refs.txt").write_bytes(content)
    (picture,) = plan_batch(tmp_path / "in", tmp_path / "out", tmp_path / "refs").tasks
    assert words in picture.problem


def test_folders_within_folders_are_left_out(tmp_path: Path):
    write_pictures(tmp_path / "in", ["a.png", "out/a.png", "refs/r.png", "refs/small/s.png"])
    plan = plan_batch(tmp_path / "in", tmp_path / "in" / "out", tmp_path / "in" / "refs", recursive=True)
    assert [task.name for task in plan.tasks] == ["a.png"]
    assert plan.shared == ("r.png", "small/s.png")
    turned = plan_batch(tmp_path / "in" / "refs" / "small", tmp_path / "out", tmp_path / "in" / "refs", recursive=True)
    assert turned.shared == ("r.png",)


def test_folders_that_coincide_are_refused(tmp_path: Path):
    write_pictures(tmp_path, ["in/a.png", "refs/b.png"])
    (tmp_path / "alias").symlink_to(tmp_path / "in")
    inputs, references = tmp_path / "in", tmp_path / "refs"
    for outputs, sharp in ((tmp_path / "alias", None), (tmp_path / "out", inputs), (references, references)):
        with pytest.raises(InputError, match="cannot be the folder of"):
            plan_batch(inputs, outputs, sharp)


def test_outputs_that_would_be_inputs_next_time_are_refused(tmp_path: Path):
    write_pictures(tmp_path, ["in/a.png", "in/in/b.png"])
    with pytest.raises(InputError, match=r"The output of in/b\.png would be among the inputs"):
        plan_batch(tmp_path / "in", tmp_path, recursive=True)
    assert [task.outputs for task in plan_batch(tmp_path / "in", tmp_path).tasks] == [("a.png",)]


def test_references_without_pictures_are_refused(tmp_path: Path):
    write_pictures(tmp_path, ["in/a.png"])
    os.mkdir(tmp_path / "refs")
    with pytest.raises(InputError, match="contains no pictures"):
        plan_batch(tmp_path / "in", tmp_path / "out", tmp_path / "refs")


def test_other_files_are_counted(tmp_path: Path):
    write_pictures(tmp_path, ["in/a.png"])
    (tmp_path / "in" / "Thumbs.db").touch()
    (tmp_path / "in" / ".DS_Store").touch()
    assert plan_batch(tmp_path / "in", tmp_path / "out").ignored == 1
