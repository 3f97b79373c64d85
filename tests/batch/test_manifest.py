"""What the manifest takes for done, and what it refuses to believe."""

import hashlib
import pickle
from dataclasses import replace
from pathlib import Path

import pytest

from srntt.batch import Job, Lines, LocalOutputs, Made, MadeFile, Manifest, ReferenceFile, Settings
from srntt.errors import OutputError

_REFERENCES = (ReferenceFile("r.png", "/refs/r.png", "b" * 64), ReferenceFile("s.png", "/refs/s.png", "c" * 64))
JOB = Job("a.png", "/in/a.png", "a" * 64, _REFERENCES, ("a.webp", "a.png"), Settings(), "model")


def made(output: str = "a.png", content: bytes = b"content", key: str = JOB.key) -> Made:
    return Made(key, "a.png", output, len(content), hashlib.sha256(content).hexdigest(), {"seconds": 1.5})


def opened(path: Path) -> Manifest:
    with Lines(path, "batch manifest") as lines:
        return Manifest(lines)


def test_a_job_can_be_sent_to_another_process():
    assert pickle.loads(pickle.dumps(JOB)) == JOB


def test_the_key_depends_on_bytes_and_settings_and_on_nothing_else():
    moved = replace(JOB, name="b.png", path="/elsewhere", outputs=("b.png",))
    renamed = replace(JOB, references=tuple(file._replace(name="x", path="y") for file in _REFERENCES))
    assert {moved.key, renamed.key} == {JOB.key}
    others = [
        replace(JOB, sha256="d" * 64),
        replace(JOB, references=_REFERENCES[:1]),
        replace(JOB, references=_REFERENCES[::-1]),
        replace(JOB, references=()),
        replace(JOB, model="other"),
        *(
            replace(JOB, settings=Settings(**change))
            for change in (
                {"tile": 64},
                {"views": ("plain", "turned")},
                {"strip": True},
                {"quality": 90},
                {"bits": 8},
                {"matcher": "exact"},
                {"consistent": True},
            )
        ),
    ]
    assert len({JOB.key, *(job.key for job in others)}) == len(others) + 1


def test_what_was_made_is_found_by_key_under_any_of_its_names(tmp_path: Path):
    path = tmp_path / "m"
    with Lines(path, "batch manifest") as lines:
        manifest = Manifest(lines)
        assert manifest.find(JOB) is None
        manifest.add_made(made("a.png"))
        manifest.add_failed("b.png", "torn")
    again = opened(path)
    assert again.find(JOB) == made("a.png")
    assert again.find(replace(JOB, model="other")) is None
    assert again.find(replace(JOB, outputs=("b.png",))) is None
    assert (again.owns("a.png"), again.owns("a.webp"), len(again)) == (True, False, 1)


def test_the_last_word_on_a_name_counts(tmp_path: Path):
    path = tmp_path / "m"
    with Lines(path, "batch manifest") as lines:
        manifest = Manifest(lines)
        manifest.add_made(made())
        manifest.add_made(made(key="e" * 64))
        assert manifest.find(JOB) is None
        manifest.add_foreign("a.png")
    assert not opened(path).owns("a.png")


def test_whole_is_the_same_bytes_in_a_regular_file(tmp_path: Path):
    (record,) = made().files
    assert not LocalOutputs(tmp_path).is_whole(record)
    for content, whole in ((b"content", True), (b"conten", False), (b"c0ntent", False)):
        (tmp_path / "a.png").write_bytes(content)
        assert LocalOutputs(tmp_path).is_whole(record) is whole
    (tmp_path / "a.png").rename(tmp_path / "b.png")
    (tmp_path / "b.png").write_bytes(b"content")
    (tmp_path / "a.png").symlink_to("b.png")
    assert not LocalOutputs(tmp_path).is_whole(record)


def test_what_is_beside_an_output_is_known_too(tmp_path: Path):
    beside = MadeFile("a.png.map.png", 3, hashlib.sha256(b"map").hexdigest())
    asks = replace(JOB, also=("map",))
    assert asks.key == JOB.key
    with Lines(tmp_path / "m", "batch manifest") as lines:
        Manifest(lines).add_made(replace(made(), beside=(beside,)))
    again = opened(tmp_path / "m")
    assert again.find(JOB) == replace(made(), beside=(beside,))
    assert again.file("a.png.map.png") == beside
    assert pickle.loads(pickle.dumps(again.known())).owns("a.png.map.png")
    outputs = LocalOutputs(tmp_path)
    (tmp_path / "a.png").write_bytes(b"content")
    assert again.is_done(JOB, outputs.is_whole)
    assert not again.is_done(asks, outputs.is_whole)
    (tmp_path / "a.png.map.png").write_bytes(b"map")
    assert again.is_done(asks, outputs.is_whole)
    assert not again.is_done(replace(asks, also=("map", "provenance")), outputs.is_whole)


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
        {"beside": 1},
        {"beside": [{"output": "a.png.map.png"}]},
        {"beside": [{"output": "b.png", "bytes": 1, "sha256": "b" * 64}]},
        {"beside": [{"output": "a.png./../../b.png", "bytes": 1, "sha256": "b" * 64}]},
        {"beside": [{"output": "a.png.map.png", "bytes": 1, "sha256": "b"}]},
    ],
)
def test_hostile_records_are_refused(tmp_path: Path, change: dict):
    with Lines(tmp_path / "m", "batch manifest") as lines:
        lines.append(made().as_json())
        lines.append(made().as_json() | change)
    with pytest.raises(OutputError, match=r"line 3: this is not what srntt wrote \("):
        opened(tmp_path / "m")


def test_missing_facts_are_refused(tmp_path: Path):
    with Lines(tmp_path / "m", "batch manifest") as lines:
        lines.append({"event": "made", "key": "a" * 64})
    with pytest.raises(OutputError, match="line 2"):
        opened(tmp_path / "m")
