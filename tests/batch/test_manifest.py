"""What the manifest takes for done, and what it refuses to believe."""

import hashlib
import pickle
from dataclasses import replace
from pathlib import Path

import pytest

from srntt.batch import LocalFolder, Record, Task, UpscaleOptions
from srntt.batch._lines import LocalLines
from srntt.batch._local_folder import OutputFile
from srntt.batch._record import History
from srntt.batch._resolve import InputFile, ResolvedTask
from srntt.batch._shared_references import ReferenceFile
from srntt.errors import OutputError
from srntt.image import Limits

_REFERENCES = (ReferenceFile("r.png", "b" * 64), ReferenceFile("s.png", "c" * 64))
OPTIONS = UpscaleOptions()
OUTPUTS = ("a.webp", "a.png")


def resolved(content: bytes = b"input", references: tuple[ReferenceFile, ...] = _REFERENCES, **task) -> ResolvedTask:
    named = Task(**{"name": "a.png", "outputs": OUTPUTS} | task)
    return ResolvedTask(named, InputFile(content, "/in/a.png", Limits(), UpscaleOptions()), references, ())


TASK = resolved()
KEY = TASK.key(OPTIONS, "model")


def made(output: str = "a.png", content: bytes = b"content", key: str = KEY) -> Record:
    file = OutputFile(output, len(content), hashlib.sha256(content).hexdigest())
    return Record("a.png", key, (file,), {"seconds": 1.5})


def opened(path: Path) -> History:
    with LocalLines(path, "batch manifest") as lines:
        return History(lines.items, lines.path)


def written(path: Path, *items: dict) -> None:
    with LocalLines(path, "batch manifest") as lines:
        for item in items:
            lines.append(item)


def test_tasks_and_records_can_be_sent_to_another_process():
    for item in (TASK.task, made()):
        assert pickle.loads(pickle.dumps(item)) == item


def test_the_key_depends_on_bytes_and_options_and_on_nothing_else():
    moved = resolved(name="b.png", outputs=("b.png",))
    renamed = resolved(references=tuple(file._replace(name="x") for file in _REFERENCES))
    assert {moved.key(OPTIONS, "model"), renamed.key(OPTIONS, "model")} == {KEY}
    others = [
        resolved(b"another").key(OPTIONS, "model"),
        resolved(references=_REFERENCES[:1]).key(OPTIONS, "model"),
        resolved(references=_REFERENCES[::-1]).key(OPTIONS, "model"),
        resolved(references=()).key(OPTIONS, "model"),
        TASK.key(OPTIONS, "other"),
        *(
            TASK.key(UpscaleOptions(**change), "model")
            for change in (
                {"tile": 64},
                {"views": ("plain", "turned")},
                {"strip": True},
                {"quality": 90},
                {"bits": 8},
                {"matcher": "exact"},
                {"consistent": True},
                {"self_ensemble": True},
            )
        ),
    ]
    assert len({KEY, *others}) == len(others) + 1


def test_the_key_is_that_of_manifests_that_earlier_versions_wrote():
    assert KEY == "b7ff3b87f4ef8677dd7968b4eca427edc99a441f95aee5faac766613e576021d"


def test_what_was_made_is_found_by_key_under_any_of_its_names(tmp_path: Path):
    assert History().find(OUTPUTS, KEY) is None
    written(tmp_path / "m", made("a.png").as_json(), Record("b.png", reason="torn").as_json())
    again = opened(tmp_path / "m")
    assert again.find(OUTPUTS, KEY) == made("a.png")
    assert again.find(OUTPUTS, "f" * 64) is None
    assert again.find(("b.png",), KEY) is None
    assert (again.owns("a.png"), again.owns("a.webp"), len(again.records)) == (True, False, 1)


def test_the_last_word_on_a_name_counts(tmp_path: Path):
    written(tmp_path / "m", made().as_json(), made(key="e" * 64).as_json())
    assert opened(tmp_path / "m").find(OUTPUTS, KEY) is None
    assert opened(tmp_path / "m").owns("a.png")
    written(tmp_path / "m", {"event": "foreign", "output": "a.png"})
    assert not opened(tmp_path / "m").owns("a.png")


def test_whole_is_the_same_bytes_in_a_regular_file(tmp_path: Path):
    (record,) = made().files
    assert not LocalFolder(tmp_path).is_whole(record)
    for content, whole in ((b"content", True), (b"conten", False), (b"c0ntent", False)):
        (tmp_path / "a.png").write_bytes(content)
        assert LocalFolder(tmp_path).is_whole(record) is whole
    (tmp_path / "a.png").rename(tmp_path / "b.png")
    (tmp_path / "b.png").write_bytes(b"content")
    (tmp_path / "a.png").symlink_to("b.png")
    assert not LocalFolder(tmp_path).is_whole(record)


def test_side_files_are_known_too(tmp_path: Path):
    side = OutputFile("a.png.map.png", 3, hashlib.sha256(b"map").hexdigest())
    with_map = replace(TASK, side_files=("map",))
    assert with_map.key(OPTIONS, "model") == KEY
    record = replace(made(), files=(side, *made().files))
    written(tmp_path / "m", record.as_json())
    again = opened(tmp_path / "m")
    assert again.find(OUTPUTS, KEY) == record
    assert again.files["a.png.map.png"] == side
    assert pickle.loads(pickle.dumps(again)).owns("a.png.map.png")
    outputs = LocalFolder(tmp_path)
    (tmp_path / "a.png").write_bytes(b"content")
    assert again.is_done(TASK, KEY, outputs)
    assert not again.is_done(with_map, KEY, outputs)
    (tmp_path / "a.png.map.png").write_bytes(b"map")
    assert again.is_done(with_map, KEY, outputs)
    assert not again.is_done(replace(TASK, side_files=("map", "provenance")), KEY, outputs)


@pytest.mark.parametrize(
    "change",
    [
        {"event": "forged"},
        {"event": None},
        {"key": "short"},
        {"key": 5},
        {"sha256": "Z" * 64},
        {"bytes": -1},
        {"bytes": True},
        {"bytes": "7"},
        {"output": "../outside.png"},
        {"output": "/etc/passwd"},
        {"output": "a\0b"},
        {"output": ["a.png"]},
        {"about": 1},
        {"side_files": 1},
        {"side_files": [{"output": "a.png.map.png"}]},
        {"side_files": [{"output": "b.png", "bytes": 1, "sha256": "b" * 64}]},
        {"side_files": [{"output": "a.png./../../b.png", "bytes": 1, "sha256": "b" * 64}]},
        {"side_files": [{"output": "a.png.map.png", "bytes": 1, "sha256": "b"}]},
    ],
)
def test_hostile_records_are_refused(tmp_path: Path, change: dict):
    written(tmp_path / "m", made().as_json(), made().as_json() | change)
    with pytest.raises(OutputError, match=r"line 3: not written by srntt \("):
        opened(tmp_path / "m")


def test_missing_facts_are_refused(tmp_path: Path):
    written(tmp_path / "m", {"event": "made", "key": "a" * 64})
    with pytest.raises(OutputError, match="line 2"):
        opened(tmp_path / "m")
