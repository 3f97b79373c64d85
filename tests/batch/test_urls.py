"""Folders behind URLs: what holds of a folder here holds of them, as far as an object store can."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from batch.pictures import shown

from srntt.batch import LocalFolder, place, plan_batch
from srntt.batch import _lines as lines_module
from srntt.batch._lines import RemoteLines
from srntt.batch._record import History
from srntt.batch._remote_folder import RemoteFolder
from srntt.errors import InputError, MissingDependencyError, OutputError

fsspec = pytest.importorskip("fsspec")


@pytest.fixture
def memory() -> Iterator["fsspec.AbstractFileSystem"]:
    """fsspec's file system in memory, empty before and after."""
    files = fsspec.filesystem("memory")
    files.store.clear()
    yield files
    files.store.clear()


@pytest.fixture
def remote(folders: SimpleNamespace, memory: "fsspec.AbstractFileSystem") -> SimpleNamespace:
    """The folders of the same names behind URLs, in place of those here."""
    local = SimpleNamespace(**vars(folders))
    for folder in (folders.inputs, folders.references):
        for name, content in shown(folder).items():
            memory.pipe_file(f"/b/{folder.name}/{name}", content)
    folders.inputs, folders.references = place("memory://b/in"), place("memory://b/refs")
    folders.outputs = place("memory://b/out")
    return local


def made_in(files: "fsspec.AbstractFileSystem") -> dict[str, bytes]:
    """Outputs, without what srntt keeps beside them."""
    found = {path.removeprefix("/b/out/"): files.cat_file(path) for path in files.find("/b/out")}
    return {name: content for name, content in found.items() if not name.startswith(".srntt-batch/")}


def test_urls_give_what_folders_give(batch: Callable, folders, memory, remote, tmp_path: Path):
    done = batch()
    assert (done.tally.done, done.tally.failed) == (3, [])
    folders.inputs, folders.references, folders.outputs = remote.inputs, remote.references, tmp_path / "here"
    batch()
    assert made_in(memory) == shown(tmp_path / "here")
    assert memory.find("/b/out/.srntt-batch/unfinished") == []


def test_outputs_behind_a_url_are_resumed(batch: Callable, memory, remote):
    batch()
    whole = made_in(memory)
    memory.pipe_file("/b/out/a.png", whole["a.png"][:-10])
    memory.rm_file("/b/out/c.png")
    done = batch(resume=True)
    assert (done.tally.done, done.tally.skipped) == (2, 1)
    assert made_in(memory) == whole
    assert batch(resume=True).tally.skipped == 3


def test_foreign_objects_stay_and_bad_ones_fail_alone(batch: Callable, memory, remote):
    memory.pipe_file("/b/out/a.png", b"mine")
    memory.pipe_file("/b/in/bad.png", b"\x89PNG\r\n\x1a\n")
    memory.pipe_file("/b/in/empty.png", b"")
    done = batch()
    assert [name for name, _ in done.tally.failed] == ["a.png", "bad.png", "empty.png"]
    reasons = [reason for _, reason in done.tally.failed]
    assert reasons[0].startswith("memory://b/out/a.png: exists already, and the manifest")
    assert reasons[1].startswith("memory://b/in/bad.png: is not a whole PNG")
    assert reasons[2].startswith("memory://b/in/empty.png: is empty")
    assert memory.cat_file("/b/out/a.png") == b"mine"


def test_lists_own_references_and_folders_behind_urls(batch: Callable, memory, remote):
    memory.pipe_file("/b/refs/a.refs.txt", b"x.png\n")
    memory.pipe_file("/b/refs/b.refs.txt", b"")
    memory.pipe_file("/b/refs/c.refs.txt", b"../in/a.png\n")
    memory.pipe_file("/b/in/s/d.png", memory.cat_file("/b/in/a.png"))
    memory.pipe_file("/b/in/.hidden/e.png", memory.cat_file("/b/in/a.png"))
    plan = plan_batch(place("memory://b/in"), place("memory://b/in/out"), place("memory://b/refs"), recursive=True)
    own = {task.name: task.references for task in plan.tasks if not task.problem}
    assert own == {"a.png": ("x.png",), "b.jpg": (), "s/d.png": None}
    assert "is outside memory://b/refs" in next(task.problem for task in plan.tasks if task.problem)


def test_one_url_twice_is_refused(memory):
    memory.pipe_file("/b/in/in/x.png", b"1")
    with pytest.raises(InputError, match="cannot be the folder of outputs, too"):
        plan_batch(place("memory://b/in"), place("memory://b/in/"))
    with pytest.raises(InputError, match="would be among the inputs"):
        plan_batch(place("memory://b/in"), place("memory://b"), recursive=True)


@pytest.mark.parametrize(("url", "kind"), [("nowhere://b", InputError), ("gs://b", MissingDependencyError)])
def test_urls_that_cannot_be_opened_say_what_to_do(url: str, kind: type[Exception], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    with pytest.raises(kind, match=f"^{url}: "):
        place(url)


def test_file_urls_are_folders_of_this_machine():
    assert place("file:///some/a%20b") == LocalFolder(Path("/some/a b"))


def test_a_manifest_of_objects_remembers_in_order_and_is_merged(memory, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lines_module, "_MERGE", 4)
    folder = RemoteFolder("memory://b/lines")
    made = {"event": "made", "key": "a" * 64, "input": "i", "bytes": 1, "sha256": "b" * 64, "about": {}}
    for round_ in range(3):
        lines = RemoteLines(folder, "batch manifest")
        for number in range(3):
            lines.append(made | {"output": f"{round_}-{number}"})
        lines.append({"event": "foreign", "output": f"{round_}-0"})
    lines = RemoteLines(folder, "batch manifest")
    assert [item["output"] for item in lines.items] == [
        f"{round_}-{number}" for round_ in range(3) for number in (0, 1, 2, 0)
    ]
    assert len(History(lines.items).records) == 6
    assert len(memory.find("/b/lines")) == 1


def test_a_manifest_that_no_srntt_wrote_is_refused(memory):
    memory.pipe_file("/b/lines/000000000001-x.jsonl", json.dumps({"srntt": "other"}).encode() + b"\n")
    with pytest.raises(OutputError, match=r"000000000001-x\.jsonl: not written by srntt"):
        RemoteLines(RemoteFolder("memory://b/lines"), "batch manifest")
