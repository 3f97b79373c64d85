"""Models of a hub (huggingface.co, or the server that HF_ENDPOINT names): ``hf://owner/name[@revision]``.

The address says by itself that something is to be fetched: ``owner/name`` alone is a folder, and stays one. It is also
how the hub's own tools write it. Of a repository three files are fetched, whatever else it holds, each no larger than
its kind may be, and each compared with the hash that the hub tells before anything reads it.
"""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from srntt._failures import reason
from srntt.errors import InputError, MissingDependencyError, ModelError, SrnttError

if TYPE_CHECKING:
    from huggingface_hub import HfApi  # pyright: ignore[reportMissingImports]

PREFIX = "hf://"
#: What is fetched of a repository, and how large each file may be. The card may be missing.
MAX_BYTES = {"config.json": 1 << 16, "model.safetensors": 1 << 30, "README.md": 1 << 20}
_NEEDED = ("config.json", "model.safetensors")
_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9]|[._-](?![.-]))*"
_REVISION = r"[A-Za-z0-9](?:[A-Za-z0-9_/-]|\.(?!\.))*"
_ADDRESS = re.compile(rf"(?P<repository>{_NAME}/{_NAME})(?:@(?P<revision>{_REVISION}))?")
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class HubAddress:
    """A repository, and which of its states.

    Attributes:
        repository: ``owner/name``.
        revision: a branch, tag or commit; None for ``main``.
    """

    repository: str
    revision: str | None = None

    @classmethod
    def parse(cls, address: str) -> "HubAddress":
        """Raises InputError unless it is ``hf://owner/name`` or ``hf://owner/name@revision``."""
        found = _ADDRESS.fullmatch(address.removeprefix(PREFIX))
        if found is None or not address.startswith(PREFIX):
            raise InputError(
                f"{address!r} is no address of a model on a hub. Give {PREFIX}owner/name, or "
                f"{PREFIX}owner/name@revision for a branch, tag or commit."
            )
        return cls(found["repository"], found["revision"])

    def __str__(self) -> str:
        return f"{PREFIX}{self.repository}" + (f"@{self.revision}" if self.revision else "")


def is_hub_address(name: str | Path) -> bool:
    """Whether a model's name asks for something from a hub."""
    return isinstance(name, str) and name.startswith(PREFIX)


def fetch_model(address: str) -> Path:
    """The folder of a model on a hub, in the cache of the hub's tools (HF_HOME; `hf cache` lists and empties it).

    A commit of 40 digits that is in the cache needs no network, and neither does anything with HF_HUB_OFFLINE=1. All
    else asks the hub which commit the revision is, and fetches what is not here yet.

    Args:
        address: ``hf://owner/name`` or ``hf://owner/name@revision``.

    Raises:
        InputError: not such an address.
        MissingDependencyError: the extra ``hub`` is not installed.
        ModelError: no such repository or revision, or none that may be read; not a model of srntt; a file too large,
            or not the one that the hub says it is (it is deleted then); the hub cannot be reached.
    """
    place = HubAddress.parse(address)
    client = hub_client()
    from huggingface_hub import is_offline_mode  # pyright: ignore[reportMissingImports]

    offline = is_offline_mode()
    if (offline or _is_commit(place)) and (folder := _cached(place)):
        return folder
    if offline:
        raise ModelError(f"{place} is not in the cache, and HF_HUB_OFFLINE forbids to fetch it. Unset it once.")
    with explained(place):
        return _fetched(client, place)


def hub_client() -> "HfApi":
    """What talks to the hub.

    Raises:
        MissingDependencyError: the extra ``hub`` is not installed.
    """
    try:
        from huggingface_hub import HfApi  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise MissingDependencyError(
            "Models of a hub need an extra: in the folder of srntt's source, pip install '.[hub]'. "
            "Or fetch the repository by other means and give its folder."
        ) from error
    return HfApi(library_name="srntt")


@contextmanager
def explained(place: HubAddress) -> Iterator[None]:
    """Turns whatever the client raises into a ModelError that says what to do."""
    from huggingface_hub import errors  # pyright: ignore[reportMissingImports]

    try:
        yield
    except SrnttError:
        raise
    except errors.GatedRepoError as error:
        raise ModelError(f"{place} is gated: ask for access on its page, then log in with `hf auth login`.") from error
    except errors.RepositoryNotFoundError as error:
        raise ModelError(
            f"There is no {place}, or it is private and you are not logged in. Check the spelling, or log in with "
            "`hf auth login` (or set HF_TOKEN)."
        ) from error
    except errors.RevisionNotFoundError as error:
        raise ModelError(f"{place.repository} has no revision {place.revision!r}. Check it on its page.") from error
    except Exception as error:  # of the client and of the HTTP library below it, which changes with its version
        if getattr(getattr(error, "response", None), "status_code", None) in (401, 403):
            raise ModelError(
                f"{place}: the hub does not let you. Log in with `hf auth login` or HF_TOKEN, with a token that may."
            ) from error
        raise ModelError(
            f"{place}: the hub did not do as asked: {reason(error)}. Try again later; what was fetched before is used "
            "without the network where HF_HUB_OFFLINE=1 is set."
        ) from error


def _fetched(client: "HfApi", place: HubAddress) -> Path:
    info = client.model_info(place.repository, revision=place.revision, files_metadata=True)
    offered = {item.rfilename: item for item in info.siblings or []}
    if missing := [name for name in _NEEDED if name not in offered]:
        raise ModelError(f"{place} is no model of srntt: it has no {' and no '.join(missing)}.")
    names = [name for name in MAX_BYTES if name in offered]
    for name in names:
        _refuse_large(place, name, offered[name].size)
    paths = [Path(client.hf_hub_download(place.repository, name, revision=info.sha)) for name in names]
    for name, path in zip(names, paths, strict=True):
        _refuse_large(place, name, path.stat().st_size)
        large = offered[name].lfs
        _refuse_changed(place, path, large.sha256 if large else offered[name].blob_id)
    return paths[0].parent


def _cached(place: HubAddress) -> Path | None:
    """The folder of what was fetched before, if it is all there; a blob of the cache is called by its hash."""
    from huggingface_hub import try_to_load_from_cache  # pyright: ignore[reportMissingImports]

    found = [try_to_load_from_cache(place.repository, name, revision=place.revision) for name in _NEEDED]
    paths = [Path(path) for path in found if isinstance(path, str)]
    if len(paths) < len(_NEEDED):
        return None
    for path in paths:
        _refuse_changed(place, path, path.resolve().name)
    return paths[0].parent


def _is_commit(place: HubAddress) -> bool:
    return place.revision is not None and _COMMIT.fullmatch(place.revision) is not None


def _refuse_large(place: HubAddress, name: str, size: int | None) -> None:
    if size is not None and size > MAX_BYTES[name]:
        raise ModelError(f"{place}: {name} has {size:,} bytes; a model of srntt has {MAX_BYTES[name]:,} at most there.")


def _refuse_changed(place: HubAddress, path: Path, expected: str | None) -> None:
    """Compare with SHA-256 (large files) or git's hash of a blob (small ones); what differs is deleted."""
    found = _hash_like(path, expected or "")
    if found is None or found == expected:
        return
    path.resolve().unlink()
    path.unlink(missing_ok=True)
    raise ModelError(
        f"{place}: {path.name} has the hash {found}, and the hub says {expected}. It was deleted; try again."
    )


def _hash_like(path: Path, expected: str) -> str | None:
    """The file's hash of the kind that is expected; None where that is no hash (a cache without links)."""
    if re.fullmatch(r"[0-9a-f]{64}", expected):
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    if re.fullmatch(r"[0-9a-f]{40}", expected):
        content = path.read_bytes()  # no larger than a config or card: git keeps weights as LFS
        return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    return None
