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


def put_model(hub: Hub, folder: Path) -> Repository:
    """Put a model into a hub."""
    repository = hub.repositories["someone/tiny"] = Repository()
    repository.commit({path.name: path.read_bytes() for path in tiny_model(folder).iterdir()})
    return repository


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub with a model, next to a cache that lies in a folder with a file of the user."""
    (tmp_path / PRECIOUS).write_bytes(b"mine")
    with serving() as hub:
        put_model(hub, tmp_path / "models")
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
    hub.repositories["someone/tiny"].slow = (name,)
    began = time.monotonic()
    with pytest.raises(ModelError, match=r"The hub is too slow: \d bytes so far"):
        fetch_model(ADDRESS)
    assert time.monotonic() - began < 20
    assert list((tmp_path / "cache").rglob("*.part")) == []


def test_a_slow_answer_that_keeps_the_minimum_rate_is_abandoned_at_the_deadline(hub: Hub, monkeypatch):
    monkeypatch.setattr(_hub_requests, "SECONDS", 0.5)
    monkeypatch.setattr(_hub_requests, "_LEAST_BYTES", 1)
    monkeypatch.setattr(_hub_requests, "_LONGEST_SECONDS", 2.0)
    hub.repositories["someone/tiny"].slow = ("model.safetensors",)
    began = time.monotonic()
    with pytest.raises(ModelError, match=r"The hub is too slow: \d+ bytes so far"):
        fetch_model(ADDRESS)
    assert 2 <= time.monotonic() - began < 20


def test_an_answer_that_takes_several_periods_at_the_minimum_rate_is_received(hub: Hub, monkeypatch):
    monkeypatch.setattr(_hub_requests, "SECONDS", 0.5)
    monkeypatch.setattr(_hub_requests, "_LEAST_BYTES", 1)
    monkeypatch.setattr(_hub_requests, "_LISTING_BYTES", 10)
    hub.repositories["someone/tiny"].slow = ("list",)
    with pytest.raises(ModelError, match="the hub sends more than 10 bytes"):  # 2 s, of which no half was without any
        fetch_model(ADDRESS)


def test_a_redirect_is_followed_but_the_token_stays(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_TOKEN", hub.token)
    repository = hub.repositories["someone/tiny"]
    commit = repository.commits[-1][0]
    with serving() as storage:
        storage.repositories["someone/tiny"] = Repository(commits=repository.commits)
        repository.location = f"{storage.address}/someone/tiny/resolve/{commit}/README.md"
        with pytest.raises(ModelError, match=r"the hub sends more than|has the hash"):  # it is another file
            fetch_model(ADDRESS)
    asked = ["GET /api/models/someone/tiny", f"GET /someone/tiny/resolve/{commit}/config.json"]
    assert hub.requests == asked, "nothing else is asked for"
    assert hub.tokens == [f"Bearer {hub.token}"] * 2
    assert storage.tokens == [None]
