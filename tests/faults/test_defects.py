"""Defects found by injected faults, and fixed: a minimal test of each."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from batch.pictures import write_pictures

from srntt._lock import locked
from srntt.errors import OutputError
from srntt.models import load_model, save_model
from srntt.models.lite import Lite, LiteConfig
from srntt.train import Recipe, Schedule, Surroundings, train
from srntt.train._log import Log, PrintedLines

_SMALL = LiteConfig(channels=8, content_blocks=1, transfer_blocks=1, descriptor=8)


@pytest.fixture
def place(tmp_path: Path) -> Surroundings:
    write_pictures(tmp_path / "photographs", ["1.png"], size=(96, 80))
    return Surroundings((tmp_path / "photographs",), tmp_path / "run", every=0.0)


def _recipe(steps: int) -> Recipe:
    schedule = Schedule(steps=steps, batch=1, warmup=1, precision="fp32")
    return Recipe(config=_SMALL, pairs=replace(Recipe().pairs, target=32, reference=48), schedule=schedule)


def test_a_model_folder_is_there_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files were written one by one: a kill in between left a folder that neither loads nor can be rewritten without
    --overwrite."""
    seen = []
    monkeypatch.setattr(
        "srntt._files.os.replace", lambda *_, real=os.replace: seen.append(_there(tmp_path)) or real(*_)
    )
    folder = save_model(Lite(_SMALL), tmp_path / "model")
    assert len(seen) == 3
    assert not any("model" in there for there in seen)
    load_model(folder)
    assert _there(tmp_path) == ["model"]


def test_a_model_folder_that_cannot_be_replaced_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that was full after the weights left new weights next to the old config."""
    folder = save_model(Lite(_SMALL), tmp_path / "model", card="old")
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    calls = []

    def full(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("srntt._files.os.fsync", full)
    with pytest.raises(OutputError, match=r"model/README.md: cannot be written: No space left on device"):
        save_model(Lite(replace(_SMALL, channels=16)), folder, overwrite=True)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_a_run_that_had_reached_its_end_does_not_go_beyond_it(place: Surroundings) -> None:
    """A run killed between its last checkpoint and its weights ran one step too many."""
    weights = train(_recipe(2), place)
    whole = weights.read_bytes()
    weights.unlink()
    train(_recipe(2), replace(place, resume=True))
    assert weights.read_bytes() == whole
    assert [json.loads(line)["step"] for line in (place.output / "log.jsonl").read_text().splitlines()] == [1, 2]


def test_a_torn_line_of_the_log_goes(tmp_path: Path) -> None:
    """The next line was appended to a line truncated by a full disk."""
    (tmp_path / "log.jsonl").write_text('{"step": 1}\n{"ste')
    Log(tmp_path, PrintedLines()).write(2, {})
    assert [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()] == [
        {"step": 1},
        {"step": 2},
    ]


def test_half_a_line_of_the_log_is_never_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines were appended in place: a kill or a full disk left a partial line."""
    log, real = Log(tmp_path, PrintedLines()), os.replace
    log.write(1, {})
    before = (tmp_path / "log.jsonl").read_bytes()

    def full(*names: str) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OutputError, match=r"No space .* step 2 is whole: make room, and continue with --resume"):
        log.write(2, {})
    assert (tmp_path / "log.jsonl").read_bytes() == before
    monkeypatch.setattr(os, "replace", real)
    log.write(3, {})
    assert (tmp_path / "log.jsonl").read_bytes().startswith(before)


def test_a_panic_of_safetensors_is_missing_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not an Exception, and bypassed all error reporting."""
    panic = type("PanicException", (BaseException,), {})

    def panics(*_: object, **__: object) -> bytes:
        raise panic("PyObject pointer is null")

    monkeypatch.setattr("srntt._safetensors.save", panics)
    with pytest.raises(MemoryError, match="safetensors: PyObject pointer is null"):
        save_model(Lite(_SMALL), tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_a_second_run_into_a_folder_is_refused(place: Surroundings) -> None:
    """Each run overwrote the checkpoints of the other."""
    place.output.mkdir()
    with locked(place.output / ".srntt-lock", place.output):
        with pytest.raises(OutputError, match=r"run: is being written to by process \d+ on .* Wait until it has ended"):
            train(_recipe(2), place)
        assert _there(place.output) == []
    train(_recipe(2), place)


def test_what_a_killed_run_left_unfinished_goes_when_it_goes_on(place: Surroundings) -> None:
    place.output.mkdir()
    (place.output / f".srntt-{'0a' * 8}.part").write_bytes(bytes(10))
    (place.output / f".srntt-{'0a' * 8}.part.png").write_bytes(b"somebody's own")
    train(_recipe(2), place)
    assert sorted(path.name for path in place.output.glob(".*")) == [".srntt-0a0a0a0a0a0a0a0a.part.png", ".srntt-lock"]


def test_a_lock_on_a_full_disk_holds_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Failure to write the name of the holder was an unhandled error."""

    def full(*_: object) -> int:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "write", full)
    refused = pytest.raises(OutputError, match="is being written to by another process")
    with locked(tmp_path / "lock", tmp_path), refused, locked(tmp_path / "lock", tmp_path):
        pytest.fail("two hold one lock")
    assert (tmp_path / "lock").read_bytes() == b""


def test_a_folder_that_cannot_be_written_to_is_refused_before_a_run_begins(place: Surroundings) -> None:
    """It was an unhandled error; for a read-only folder, only after all steps of the first checkpoint."""
    place.output.write_text("a file")
    with pytest.raises(OutputError, match=r"run: the folder cannot be created: File exists\. Choose another"):
        train(_recipe(2), place)


def test_a_read_only_folder_is_refused_before_a_run_begins(
    place: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: path != place.output)
    with pytest.raises(OutputError, match=r"run: cannot be written to\. Choose another folder"):
        train(_recipe(2), place)


def _there(folder: Path) -> list[str]:
    return [name for name in os.listdir(folder) if not name.startswith(".")]
