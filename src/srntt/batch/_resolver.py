"""From a planned picture to a job: its bytes are hashed, its references chosen and hashed."""

import hashlib
import os
from collections.abc import Sequence

from srntt.batch._descriptor import describe
from srntt.batch._job import Job, Settings
from srntt.batch._place import Place, Remote, join, said_of
from srntt.batch._plan import Plan, PlannedPicture
from srntt.batch._pool import Pool, ReferenceFile
from srntt.batch._read import decode, read
from srntt.errors import InputError, PictureError
from srntt.image import Limits


class Resolver:
    """Makes jobs of planned pictures.

    Args:
        plan: that they are of.
        pool: the shared references, or None where no picture needs them.
        model: fingerprint of the weights.
        settings: of all jobs.
        best: how many of the shared references a picture gets.
        limits: on what is read.
    """

    def __init__(
        self,
        plan: Plan,
        pool: Pool | None,
        model: str,
        settings: Settings,
        *,
        best: int = 4,
        limits: Limits = Limits(),  # noqa: B008 (frozen)
    ) -> None:
        self._plan, self._pool, self._best = plan, pool, best
        self._model, self._settings, self._limits = model, settings, limits
        self._hashes: dict[tuple, str] = {}

    def resolve(self, planned: PlannedPicture) -> Job:
        """Read what the job depends on, and choose its references.

        Raises:
            InputError: what the plan found wrong already.
            PictureError: the picture or one of its own references is no whole picture; a reference is not there.
        """
        if planned.problem:
            raise InputError(planned.problem)
        path = join(self._plan.inputs, planned.name)
        content = read(path, self._limits)
        sha256 = hashlib.sha256(content).hexdigest()
        if planned.references is not None:
            references = self._own(planned.references)
        elif self._pool and self._pool.files:
            descriptor = describe(decode(content, path, self._limits))
            references = self._pool.best(descriptor, self._best, but=sha256)
        else:
            references = ()
        also = self._plan.also if references else ()
        return Job(planned.name, path, sha256, references, planned.outputs, self._settings, self._model, also)

    def _own(self, names: Sequence[str]) -> tuple[ReferenceFile, ...]:
        """Own references, each content once."""
        files = [self._reference(name) for name in names]
        return tuple({file.sha256: file for file in reversed(files)}.values())[::-1]

    def _reference(self, name: str) -> ReferenceFile:
        assert self._plan.references is not None
        path = join(self._plan.references, name)
        try:
            seen = path, *_identity(self._plan.references / name)
            if seen not in self._hashes:
                self._hashes[seen] = hashlib.sha256(read(path, self._limits)).hexdigest()
        except PictureError as error:
            raise PictureError(f"reference {error}") from error
        except OSError as error:
            raise PictureError(f"reference {path}: cannot be opened: {error.strerror}.") from error
        return ReferenceFile(name, path, self._hashes[seen])


def _identity(file: Place) -> tuple:
    """Other as soon as the file is."""
    if isinstance(file, Remote):
        with said_of(file, PictureError, "cannot be opened"):
            return (file.files.ukey(file.path),)
    status = os.stat(file)
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
