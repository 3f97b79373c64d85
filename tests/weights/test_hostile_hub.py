"""A hub that lies, never ends, or is slow: nothing is written or removed outside the cache, and the disk stays free."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tiny import tiny_model
from weights.hub_server import Hub, Repository, lead_to, serving

from srntt.errors import ModelError
from srntt.weights import MAX_BYTES, _hub_requests, fetch_model

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


def stored(tmp_path: Path) -> list[str]:
    """Everything outside the model and the user's file, with what was put outside the repository's folder first."""
    (cache,) = (tmp_path / "cache").glob("*") if (tmp_path / "cache").exists() else [tmp_path / "cache/none"]
    outside = [path for path in tmp_path.iterdir() if path.name not in ("cache", "models", PRECIOUS)]
    assert outside == []
    assert (tmp_path / PRECIOUS).read_bytes() == b"mine"
    assert cache.name in ("none", "models--someone--tiny")
    return sorted(str(path.relative_to(cache)) for path in cache.rglob("*") if not path.is_dir())


@pytest.mark.parametrize("etag", ["../../../precious", "/etc/passwd", "", "x" * 300])
def test_an_etag_names_no_file(hub: Hub, tmp_path: Path, etag: str):
    hub.repositories["someone/tiny"].etag = etag
    fetch_model(ADDRESS)
    assert {Path(name).parts[0] for name in stored(tmp_path)} == {"blobs", "refs", "snapshots"}
    assert all(_hub_requests.is_digest(Path(name).name) for name in stored(tmp_path) if name.startswith("blobs"))


@pytest.mark.parametrize("commit", ["../../..", "main", "f" * 39, "F" * 40, "f" * 40 + "\n", "/" + "f" * 39])
def test_a_commit_is_40_hex_digits(hub: Hub, tmp_path: Path, commit: str):
    hub.repositories["someone/tiny"].claimed_commit = commit
    with pytest.raises(ModelError, match="a commit that is not 40 hex digits"):
        fetch_model(ADDRESS)
    assert stored(tmp_path) == []
    assert not [line for line in hub.requests if "/resolve/" in line]


@pytest.mark.parametrize("digest", ["../../../precious", "", "f" * 63, "None"])
@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_hash_is_40_or_64_hex_digits(hub: Hub, tmp_path: Path, digest: str, name: str):
    hub.repositories["someone/tiny"].claimed_hashes[name] = digest
    with pytest.raises(ModelError, match=f"the hub states no hash of {name}"):
        fetch_model(ADDRESS)
    assert stored(tmp_path) == []


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
def test_an_answer_without_end_is_cut(hub: Hub, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(_hub_requests, "_LISTING_BYTES", 1 << 20)
    hub.repositories["someone/tiny"].endless = (name,)
    with pytest.raises(ModelError, match=r"the hub sends more than [\d,]+ bytes\. Nothing was stored"):
        fetch_model(ADDRESS)
    assert not [path for path in stored(tmp_path) if path.endswith(".part")]
    assert sum(path.stat().st_size for path in (tmp_path / "cache").rglob("*")) < 2 * MAX_BYTES["config.json"]


@pytest.mark.parametrize("name", ["list", "config.json", "model.safetensors"])
def test_a_slow_answer_is_abandoned(hub: Hub, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(_hub_requests, "SECONDS", 1.0)
    monkeypatch.setattr(_hub_requests, "_BYTES_PER_SECOND", 1e9)
    hub.repositories["someone/tiny"].slow = (name,)
    began = time.monotonic()
    with pytest.raises(ModelError, match="did not finish an answer within 1 s"):
        fetch_model(ADDRESS)
    assert time.monotonic() - began < 20
    assert not [path for path in stored(tmp_path) if path.endswith(".part")]


@pytest.mark.parametrize("size", [-1, 1.5, "9" * 5000, None, True])
def test_a_size_is_a_number_of_bytes(hub: Hub, tmp_path: Path, size: object):
    hub.repositories["someone/tiny"].claimed_sizes["model.safetensors"] = size  # pyright: ignore
    with pytest.raises(ModelError, match=r"list of files is malformed|has no model\.safetensors"):
        fetch_model(ADDRESS)
    assert stored(tmp_path) == []
