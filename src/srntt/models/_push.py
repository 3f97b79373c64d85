"""A model folder to a hub: validated like by a loader, then three files in one commit."""

from dataclasses import dataclass
from pathlib import Path

from srntt.errors import InputError, ModelError, OutputError
from srntt.models._files import load_model
from srntt.weights import MAX_BYTES, PREFIX, HubAddress, explained, hub_client

#: Put before a card that has no front matter, so that the hub's search finds the model. No licence: that is for its
#: maker to say.
_FRONT_MATTER = """---
library_name: srntt
pipeline_tag: image-to-image
tags:
- super-resolution
- reference-based-super-resolution
---

"""


@dataclass(frozen=True)
class Pushed:
    """What lies on the hub now, or would.

    Attributes:
        repository: ``owner/name``.
        files: their sizes in bytes, by name.
        commit: which holds them; None if nothing was sent.
        private: whether the repository is; None if nothing was sent.
    """

    repository: str
    files: dict[str, int]
    commit: str | None = None
    private: bool | None = None

    @property
    def address(self) -> str:
        """By which exactly these files are loaded."""
        return f"{PREFIX}{self.repository}" + (f"@{self.commit}" if self.commit else "")


def push_model(
    folder: str | Path, address: str, *, private: bool = True, message: str = "", dry_run: bool = False
) -> Pushed:
    """Upload a model folder to a hub as one new commit; as the user who is logged in (`hf auth login`, HF_TOKEN).

    The three files of a model folder are sent and nothing else. The card gets a front matter if it has none. What the
    repository held before stays in its history.

    Args:
        folder: with config.json, model.safetensors and README.md, as `save_model` writes it.
        address: ``hf://owner/name``.
        private: of a repository that is made by this; the visibility of an existing one stays unchanged.
        message: of the commit.
        dry_run: judge the folder and say what would be sent; no network.

    Raises:
        InputError: not such an address, or one with a revision.
        MissingDependencyError: the extra ``hub`` is not installed.
        ModelError: the folder is no model that loads, or lacks its card.
        OutputError: the hub refuses, or cannot be reached.
    """
    place = HubAddress.parse(address)
    if place.revision:
        raise InputError(f"{address}: a push makes a new commit on main. Leave @{place.revision} out.")
    given = _judged(Path(folder))
    sizes = {name: len(item) if isinstance(item, bytes) else item.stat().st_size for name, item in given.items()}
    if dry_run:
        return Pushed(place.repository, sizes)
    client = hub_client()
    try:
        with explained(place):
            from huggingface_hub import CommitOperationAdd  # pyright: ignore[reportMissingImports]

            client.create_repo(place.repository, private=private, exist_ok=True)
            added = [CommitOperationAdd(path_in_repo=name, path_or_fileobj=item) for name, item in given.items()]
            commit = client.create_commit(place.repository, added, commit_message=message or "Upload a model of srntt")
            return Pushed(place.repository, sizes, commit.oid, client.model_info(place.repository).private)
    except ModelError as error:
        raise OutputError(f"Nothing was pushed, or not all of it. {error}") from error


def _judged(folder: Path) -> dict[str, Path | bytes]:
    """What is to be sent, by name: unchanged files, and the card with its front matter."""
    if not folder.is_dir():
        raise ModelError(
            f"{folder} is no model folder. A single .safetensors becomes one with "
            "srntt.models.save_model(load_model(FILE), FOLDER, card=TEXT)."
        )
    load_model(folder)  # nobody is to fetch what does not load
    if not (folder / "README.md").is_file():
        raise ModelError(f"{folder} has no README.md. Write what it was trained on, how, and how well it does.")
    card = (folder / "README.md").read_bytes()
    if not card.startswith(b"---"):
        card = _FRONT_MATTER.encode() + card
    if len(card) > MAX_BYTES["README.md"]:
        raise ModelError(f"{folder}: the card has {len(card):,} bytes; {MAX_BYTES['README.md']:,} are allowed there.")
    return {name: folder / name for name in MAX_BYTES} | {"README.md": card}
