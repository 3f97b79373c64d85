"""A cache that somebody changed, and a hub that is slow. tests/attacks/hub.py tries hubs that lie or never end."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tiny import tiny_model
from weights.hub_server import Hub, Repository, lead_to, serving

from srntt.errors import ModelError
from srntt.weights import _hub_requests, fetch_model

huggingface_hub = pytest.importorskip("huggingface_hub", reason="needs the extra hub")
ADDRESS = "hf://someone/tiny"
PRECIOUS = "precious"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub with a model, next to a cache that lies in a folder with a file of the user."""
    model = tiny_model(tmp_path / "models")
    (tmp_path / PRECIOUS).write_bytes(b"mine")
    with serving() as hub:
        repository = hub.repositories["someone/tiny"] = Repository()
        repository.commit({path.name: path.read_bytes() for path in model.iterdir()})
        lead_to(hub, tmp_path, monkeypatch)
        yield hub
        huggingface_hub.close_session()


def test_a_link_in_the_cache_that_leaves_it_is_replaced(hub: Hub, tmp_path: Path):
    commit = hub.repositories["someone/tiny"].commits[-1][0]
    fetched = fetch_model(f"{ADDRESS}@{commit}") / "config.json"
    fetched.unlink()
    fetched.symlink_to(tmp_path / PRECIOUS)
    again = fetch_model(f"{ADDRESS}@{commit}") / "config.json"
    assert again.resolve().parent.name == "blobs"
    assert (tmp_path / PRECIOUS).read_bytes() == b"mine"


def test_a_remembered_commit_that_climbs_is_ignored(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    fetch_model(ADDRESS)
    (tmp_path / "cache/models--someone--tiny/refs/main").write_text("../../..")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match="is not in the cache"):
        fetch_model(ADDRESS)


@pytest.mark.parametrize("name", ["list", "config.json", "model.safetensors"])
def test_a_slow_answer_is_abandoned(hub: Hub, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(_hub_requests, "SECONDS", 1.0)
    monkeypatch.setattr(_hub_requests, "_BYTES_PER_SECOND", 1e9)
    hub.repositories["someone/tiny"].slow = (name,)
    began = time.monotonic()
    with pytest.raises(ModelError, match="did not finish an answer within 1 s"):
        fetch_model(ADDRESS)
    assert time.monotonic() - began < 20
    assert list((tmp_path / "cache").rglob("*.part")) == []
