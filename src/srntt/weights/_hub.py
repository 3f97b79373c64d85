"""Models on the Hugging Face Hub, or the server set by HF_ENDPOINT: ``hf://owner/name[@revision]``.

The prefix, which the tools of the hub use too, makes downloads explicit; ``owner/name`` without it is a local folder.
At most three files are downloaded from a repository, within a size limit for each, and their hashes are compared with
those of the hub before they are read.
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
#: Files downloaded from a repository, and their maximum size. The model card is optional.
MAX_BYTES = {"config.json": 1 << 16, "model.safetensors": 1 << 30, "README.md": 1 << 20}
_NEEDED = ("config.json", "model.safetensors")
_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9]|[._-](?![.-]))*"
_REVISION = r"[A-Za-z0-9](?:[A-Za-z0-9_/-]|\.(?!\.))*"
_ADDRESS = re.compile(rf"(?P<repository>{_NAME}/{_NAME})(?:@(?P<revision>{_REVISION}))?")
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class HubAddress:
    """Repository and revision.

    Attributes:
        repository: ``owner/name``.
        revision: Branch, tag or commit; None for ``main``.
    """

    repository: str
    revision: str | None = None

    @classmethod
    def parse(cls, address: str) -> "HubAddress":
        """Parse ``hf://owner/name`` or ``hf://owner/name@revision``; raise InputError for anything else."""
        found = _ADDRESS.fullmatch(address.removeprefix(PREFIX))
        if found is None or not address.startswith(PREFIX):
            raise InputError(
                f"{address!r} is not the address of a model on a hub. Give {PREFIX}owner/name, or "
                f"{PREFIX}owner/name@revision for a branch, tag or commit."
            )
        return cls(found["repository"], found["revision"])

    def __str__(self) -> str:
        return f"{PREFIX}{self.repository}" + (f"@{self.revision}" if self.revision else "")


def is_hub_address(name: str | Path) -> bool:
    """Return whether the name of a model is an address on a hub."""
    return isinstance(name, str) and name.startswith(PREFIX)


def fetch_model(address: str) -> Path:
    """Download a model from a hub to the cache of the hub's tools (HF_HOME, managed by `hf cache`).

    The network is not used for a cached commit given by its 40 digits, nor if HF_HUB_OFFLINE=1 is set. Otherwise the
    hub is asked for the commit of the revision, and missing files are downloaded.

    Args:
        address: ``hf://owner/name`` or ``hf://owner/name@revision``.

    Returns:
        Folder of the model in the cache.

    Raises:
        InputError: Not such an address.
        MissingDependencyError: The extra ``hub`` is not installed.
        ModelError: The repository or revision does not exist or is not accessible; it is not a model of srntt; a file
            is too large, or its hash differs from that of the hub (it is then deleted); the hub cannot be reached.
    """
    place = HubAddress.parse(address)
    client = hub_client()
    from huggingface_hub import is_offline_mode  # pyright: ignore[reportMissingImports]

    offline = is_offline_mode()
    if (offline or _is_commit(place)) and (folder := _cached(place)):
        return folder
    if offline:
        raise ModelError(f"{place} is not in the cache, and HF_HUB_OFFLINE forbids downloading it. Unset it once.")
    with explained(place):
        return _fetched(client, place)


def hub_client() -> "HfApi":
    """Create the client of the hub.

    Raises:
        MissingDependencyError: The extra ``hub`` is not installed.
    """
    try:
        from huggingface_hub import HfApi  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise MissingDependencyError(
            "Models on a hub require an extra: in the source folder of srntt, run pip install '.[hub]'. "
            "Or download the repository otherwise and give its folder."
        ) from error
    return HfApi(library_name="srntt")


@contextmanager
def explained(place: HubAddress) -> Iterator[None]:
    """Convert exceptions of the client to a ModelError that says what to do."""
    from huggingface_hub import errors  # pyright: ignore[reportMissingImports]

    try:
        yield
    except SrnttError:
        raise
    except errors.GatedRepoError as error:
        raise ModelError(f"{place} is gated: request access on its page, then log in with `hf auth login`.") from error
    except errors.RepositoryNotFoundError as error:
        raise ModelError(
            f"{place} does not exist, or it is private and you are not logged in. Check the spelling, or log in with "
            "`hf auth login` (or set HF_TOKEN)."
        ) from error
    except errors.RevisionNotFoundError as error:
        raise ModelError(f"{place.repository} has no revision {place.revision!r}. Check it on its page.") from error
    except Exception as error:  # the client's HTTP library, and thus its exceptions, depend on its version
        if getattr(getattr(error, "response", None), "status_code", None) in (401, 403):
            raise ModelError(
                f"{place}: the hub denies access. Log in with `hf auth login` or HF_TOKEN and a token that has it."
            ) from error
        raise ModelError(
            f"{place}: the request to the hub failed: {reason(error)}. Try again later; with HF_HUB_OFFLINE=1, files "
            "downloaded before are used without the network."
        ) from error


def _fetched(client: "HfApi", place: HubAddress) -> Path:
    info = client.model_info(place.repository, revision=place.revision, files_metadata=True)
    offered = {item.rfilename: item for item in info.siblings or []}
    if missing := [name for name in _NEEDED if name not in offered]:
        raise ModelError(f"{place} is not a model of srntt: it has no {' and no '.join(missing)}.")
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
    """Return the folder of a complete cached model, or None; blobs of the cache are named by their hash."""
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
        raise ModelError(f"{place}: {name} has {size:,} bytes; the limit is {MAX_BYTES[name]:,}.")


def _refuse_changed(place: HubAddress, path: Path, expected: str | None) -> None:
    """Verify the SHA-256 (large files) or the git blob hash (small files); delete the file if it differs."""
    found = _hash_like(path, expected or "")
    if found is None or found == expected:
        return
    path.resolve().unlink()
    path.unlink(missing_ok=True)
    raise ModelError(
        f"{place}: {path.name} has the hash {found}, but the hub states {expected}. The file was deleted; try again."
    )


def _hash_like(path: Path, expected: str) -> str | None:
    """Compute the hash of the kind that is expected; None if that is not a hash (a cache without links)."""
    if re.fullmatch(r"[0-9a-f]{64}", expected):
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    if re.fullmatch(r"[0-9a-f]{40}", expected):
        content = path.read_bytes()  # a config or model card: weights are in LFS
        return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    return None
