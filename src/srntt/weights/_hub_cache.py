"""Files of a model in the cache of the hub's tools: HF_HOME/hub/models--OWNER--NAME with blobs, snapshots and refs.

Every name written here is a checked hash, a checked commit, or one of the three file names.
"""

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from srntt._files import unfinished_file, write_bytes
from srntt.weights._hub_requests import is_commit, is_digest, new_digest

_CHUNK = 1 << 20


@dataclass(frozen=True)
class HubCache:
    """Folder of a repository in the cache."""

    folder: Path

    @classmethod
    def of(cls, repository: str) -> "HubCache":
        """Return the folder of ``owner/name``."""
        from huggingface_hub import constants  # pyright: ignore[reportMissingImports]

        return cls(Path(constants.HF_HUB_CACHE, f"models--{repository.replace('/', '--')}"))

    def commit_of(self, revision: str) -> str | None:
        """Return the commit that a branch or tag had when it was downloaded."""
        with suppress(OSError, UnicodeDecodeError):
            commit = (self.folder / "refs" / revision).read_text().strip()
            return commit if is_commit(commit) else None
        return None

    def remember(self, revision: str, commit: str) -> None:
        """Store the commit of a branch or tag."""
        write_bytes(self.folder / "refs" / revision, commit.encode())

    def snapshot(self, commit: str) -> Path:
        """Return the folder of a commit."""
        return self.folder / "snapshots" / commit

    def is_in(self, path: Path) -> bool:
        """Return whether a file of a snapshot exists, and is either itself there or a link to one of the blobs."""
        return path.is_file() and (not path.is_symlink() or path.resolve().parent == self._blobs.resolve())

    def differs(self, path: Path) -> str | None:
        """Return the hash of a file of a snapshot if it is not that of its blob's name; such a blob is deleted.

        Copies, in a cache without links, have no name to compare with.
        """
        blob = path.resolve()
        if not path.is_symlink() or not is_digest(blob.name):
            return None
        found = _digest_of(blob, blob.name)
        if found == blob.name:
            return None
        self._remove(path)
        return found

    def store(self, commit: str, name: str, digest: str, fill: Callable[[BinaryIO], str]) -> str | None:
        """Add a file to a commit, unless its blob is there and whole; ``fill`` writes the content and returns its hash.

        Returns:
            The hash of the content if it differs from ``digest``; nothing is stored then.
        """
        assert is_commit(commit)
        assert is_digest(digest)
        blob = self._blobs / digest
        if not blob.is_file() or blob.is_symlink() or _digest_of(blob, digest) != digest:
            self._blobs.mkdir(parents=True, exist_ok=True)
            with unfinished_file(self._blobs) as temporary:
                with open(temporary, "xb") as file:
                    found = fill(file)
                    file.flush()
                    os.fsync(file.fileno())
                if found != digest:
                    return found
                os.replace(temporary, blob)
        self._place(blob, self.snapshot(commit) / name)
        return None

    @property
    def _blobs(self) -> Path:
        return self.folder / "blobs"

    def _place(self, blob: Path, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with unfinished_file(path.parent) as temporary:
            try:
                os.symlink(Path("../../blobs", blob.name), temporary)
            except OSError:  # Windows without the right to make links
                shutil.copyfile(blob, temporary)
            os.replace(temporary, path)

    def _remove(self, path: Path) -> None:
        """Remove a link and its blob; nothing outside the blobs of this repository."""
        if (blob := path.resolve()).parent == self._blobs.resolve():
            blob.unlink(missing_ok=True)
        path.unlink(missing_ok=True)


def _digest_of(path: Path, digest: str) -> str:
    hashed = new_digest(digest, path.stat().st_size)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            hashed.update(chunk)
    return hashed.hexdigest()
