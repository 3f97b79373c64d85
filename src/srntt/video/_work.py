"""Folder of an unfinished output: what is done of each shot, and what its next frame needs."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from srntt._files import make_folder, remove_leftovers, whole_file, write_bytes
from srntt._lock import locked
from srntt._shapes import Shaped
from srntt.data import read_json
from srntt.errors import InputError, OutputError
from srntt.video._survey import Shot, Survey

_FORMAT, _VERSION = "video work", 2
_ADVICE = "Start again with --overwrite."
_MOST_BYTES = 2**26  # of the survey of a million frames
_DONE = "done"


class Work:
    """Work folder.

    Args:
        folder: Its path; the run that created it holds its lock.
        key: What must be the same to continue.
        notes: Warnings for the user.
    """

    def __init__(self, folder: Path, key: Mapping[str, Any], notes: tuple[str, ...] = ()) -> None:
        self.folder, self._key, self.notes = folder, dict(key), notes

    def check(self) -> None:
        """Check that an earlier run had the same input and options.

        Raises:
            InputError: It had others.
        """
        known = _read(self._manifest)
        if known.get("key") != self._key:
            changed = sorted(name for name, value in self._key.items() if (known.get("key") or {}).get(name) != value)
            raise InputError(
                f"{self.folder} belongs to a run with another {', '.join(changed) or 'version'}. Repeat that command, "
                f"or start again with --overwrite."
            )

    def clear(self) -> None:
        """Forget an earlier run."""
        for path in self.folder.iterdir():
            if path.name != "lock":
                path.unlink()

    @property
    def is_begun(self) -> bool:
        """Whether an earlier run was interrupted."""
        return self._manifest.exists()

    def survey(self) -> Survey | None:
        """The survey of an earlier run."""
        place = self.folder / "survey.json"
        if not place.exists():
            return None
        found = _read(place)
        try:
            survey = Survey(
                [int(time) for time in found["times"]],
                [Shot(int(shot["first"]), int(shot["stop"])) for shot in found["shots"]],
                [float(value) for value in found["sharpness"]],
            )
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise OutputError(f"{place}: is damaged ({error!r}). {_ADVICE}") from error
        edges = [0, *(shot.stop for shot in survey.shots)]
        if len(survey.sharpness) != len(survey.times) - 1 or edges[-1] != survey.frames:
            raise OutputError(f"{place}: is damaged. {_ADVICE}")
        return survey

    def keep_survey(self, survey: Survey) -> None:
        """Store the survey."""
        about = {"srntt": _FORMAT, "version": _VERSION, "key": self._key}
        with _writing(self.folder):
            write_bytes(self.folder / "survey.json", json.dumps(asdict(survey)).encode())
            write_bytes(self._manifest, json.dumps(about).encode())

    def done(self, shot: int) -> int:
        """Number of finished segments of a shot."""
        return int(self._kept(shot, _DONE).get(_DONE, 0))

    def state(self, shot: int) -> dict[str, Shaped[np.ndarray, "..."]]:
        """What the next frame of a shot needs of the frames before it."""
        return {name: value for name, value in self._kept(shot).items() if name != _DONE}

    def finish(self, shot: int, done: int, state: Mapping[str, Shaped[np.ndarray, "..."]]) -> None:
        """Record that another segment of a shot is finished.

        Args:
            shot: Number of the shot.
            done: Number of its finished segments.
            state: What its next frame needs.
        """
        with _writing(self.folder), whole_file(self._shot(shot), overwrite=True) as file:
            np.savez(file, **{_DONE: np.array(done)}, **state)  # pyright: ignore[reportArgumentType]

    def _kept(self, shot: int, *names: str) -> dict[str, Shaped[np.ndarray, "..."]]:
        """What is recorded of a shot: all of it, or arrays of these names."""
        place = self._shot(shot)
        if not place.exists():
            return {}
        try:
            with np.load(place, allow_pickle=False) as arrays:
                return {name: arrays[name] for name in names or arrays.files}
        except (OSError, ValueError, EOFError, KeyError, BadZipFile) as error:
            raise OutputError(f"{place}: is damaged ({error}). {_ADVICE}") from error

    def remove(self) -> None:
        """Remove the folder, when the output is complete."""
        with suppress(OSError):
            for path in self.folder.iterdir():
                path.unlink()
            self.folder.rmdir()

    @property
    def _manifest(self) -> Path:
        return self.folder / "manifest.json"

    def _shot(self, number: int) -> Path:
        return self.folder / f"shot-{number:06d}.npz"


@contextmanager
def open_work(folder: Path, key: Mapping[str, Any], *, resume: bool, overwrite: bool) -> Iterator[Work]:
    """Create the work folder, lock it, and continue an earlier run if requested.

    Args:
        folder: Its path.
        key: What must be the same to continue.
        resume: Continue an earlier run.
        overwrite: Start again instead.

    Raises:
        OutputError: The folder cannot be written to, or another process uses it.
        InputError: There is an earlier run, and neither is requested; or it had other options.
    """
    if os.path.islink(folder):
        raise OutputError(f"{folder}: is a symbolic link. Move it away.")
    make_folder(folder)
    with locked(folder / "lock", folder) as warning:
        remove_leftovers(folder)
        work = Work(folder, key, (warning,) if warning else ())
        if work.is_begun and resume:
            work.check()
        elif work.is_begun and not overwrite:
            raise InputError(
                f"{folder} holds an interrupted run. Continue it with --resume, or start again with --overwrite."
            )
        else:
            work.clear()
        try:
            yield work
        except BaseException:
            if not work.is_begun:
                work.remove()
            raise
        work.remove()


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        reason = error.strerror or error
        raise OutputError(f"{folder}: cannot be written to: {reason}. Free some space; --resume continues.") from error


def _read(path: Path) -> dict[str, Any]:
    found = read_json(path, what="the state of a film", most=_MOST_BYTES, get=_ADVICE, repair=_ADVICE)
    if not isinstance(found, dict):
        raise OutputError(f"{path}: is damaged. {_ADVICE}")
    return found
