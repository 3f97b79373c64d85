"""Models on the Hugging Face Hub, or the server set by HF_ENDPOINT: ``hf://owner/name[@revision]``.

The prefix, which the tools of the hub use too, makes downloads explicit; ``owner/name`` without it is a local folder.
At most three files are downloaded from a repository, each within a size limit and a deadline. Files whose hash is not
that of the hub's list are not stored.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from srntt._failures import reason
from srntt.errors import InputError, MissingDependencyError, ModelError, SrnttError
from srntt.weights._hub_cache import HubCache
from srntt.weights._hub_requests import Listed, download, is_commit, is_digest, list_files

if TYPE_CHECKING:
    from huggingface_hub import HfApi  # pyright: ignore[reportMissingImports]

PREFIX = "hf://"
#: Files downloaded from a repository, and their maximum size. The model card is optional.
MAX_BYTES = {"config.json": 1 << 16, "model.safetensors": 1 << 30, "README.md": 1 << 20}
_NEEDED = ("config.json", "model.safetensors")
_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9]|[._-](?![.-]))*"
_REVISION = r"[A-Za-z0-9](?:[A-Za-z0-9_/-]|\.(?!\.))*"
_ADDRESS = re.compile(rf"(?P<repository>{_NAME}/{_NAME})(?:@(?P<revision>{_REVISION}))?")


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
            is too large, or its hash differs from that of the hub (it is then deleted); the hub cannot be reached,
            or its answers are malformed, too long or too slow.
    """
    place = HubAddress.parse(address)
    hub_client()
    from huggingface_hub import is_offline_mode  # pyright: ignore[reportMissingImports]

    offline, cache = is_offline_mode(), HubCache.of(place.repository)
    if (offline or is_commit(place.revision)) and (folder := _cached(place, cache)):
        return folder
    if offline:
        raise ModelError(f"{place} is not in the cache, and HF_HUB_OFFLINE forbids downloading it. Unset it once.")
    with explained(place):
        return _fetched(place, cache)


def hub_client() -> "HfApi":
    """Create the client of the hub; raise MissingDependencyError if the extra ``hub`` is not installed."""
    try:
        from huggingface_hub import HfApi  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        what = "Models on a hub, unless you download the repository otherwise and give its folder, require an extra"
        raise MissingDependencyError.of_extra(what, "hub") from error
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


def _fetched(place: HubAddress, cache: HubCache) -> Path:
    commit, offered = list_files(place.repository, place.revision)
    if missing := [name for name in _NEEDED if name not in offered]:
        raise ModelError(f"{place} is not a model of srntt: it has no {' and no '.join(missing)}.")
    names = [name for name in MAX_BYTES if name in offered]
    for name in names:
        _refuse_listed(place, name, offered[name])
    for name in names:
        listed = offered[name]
        fill = partial(download, place.repository, commit, name, listed)
        if found := cache.store(commit, name, listed.digest, fill):
            raise ModelError(
                f"{place}: {name} has the hash {found}, but the hub states {listed.digest}. It was deleted; try again."
            )
    if not is_commit(place.revision):
        cache.remember(place.revision or "main", commit)
    return cache.snapshot(commit)


def _cached(place: HubAddress, cache: HubCache) -> Path | None:
    """Return the folder of a complete cached model, or None; blobs of the cache are named by their hash."""
    revision = place.revision or "main"
    commit = revision if is_commit(revision) else cache.commit_of(revision)
    if commit is None or not all(cache.is_in(cache.snapshot(commit) / name) for name in _NEEDED):
        return None
    for name in _NEEDED:
        if found := cache.differs(cache.snapshot(commit) / name):
            raise ModelError(
                f"{place}: {name} in the cache has the hash {found}, not that of its name. It was deleted; try again."
            )
    return cache.snapshot(commit)


def _refuse_listed(place: HubAddress, name: str, listed: Listed) -> None:
    if listed.size > MAX_BYTES[name]:
        raise ModelError(f"{place}: {name} has {listed.size:,} bytes; the limit is {MAX_BYTES[name]:,}.")
    if not is_digest(listed.digest):
        raise ModelError(f"{place}: the hub states no hash of {name} (40 or 64 hex digits). Nothing was downloaded.")
