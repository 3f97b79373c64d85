"""Models of a hub: fetched whole, checked, from the cache without a network, pushed as they were; a hub on loopback."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tiny import tiny_model
from weights.hub_server import Hub, Repository, lead_to, serving

from srntt import Upscaler
from srntt.errors import InputError, MissingDependencyError, ModelError, OutputError
from srntt.models import load_model, push_model, save_model
from srntt.weights import HubAddress, fetch_model, is_hub_address

huggingface_hub = pytest.importorskip("huggingface_hub", reason="needs the extra hub")
# The client's own, as it uploads a large file.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>':DeprecationWarning")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A light model of the smallest size."""
    return tiny_model(tmp_path_factory.mktemp("models"))


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[Hub]:
    """A hub with the public model someone/tiny, an empty cache, and nobody logged in."""
    with serving() as hub:
        repository = hub.repositories["someone/tiny"] = Repository()
        repository.commit({**files_of(folder), "training.pkl": b"\x80\x04cos\nsystem\n", ".gitattributes": b""})
        lead_to(hub, tmp_path, monkeypatch)
        yield hub
        huggingface_hub.close_session()


@pytest.mark.parametrize(
    ("address", "repository", "revision"),
    [
        ("hf://someone/tiny", "someone/tiny", None),
        ("hf://some-one/ti.ny_2@v1.0", "some-one/ti.ny_2", "v1.0"),
        ("hf://a/b@refs/pr/1", "a/b", "refs/pr/1"),
    ],
)
def test_addresses(address: str, repository: str, revision: str | None):
    assert HubAddress.parse(address) == HubAddress(repository, revision)
    assert str(HubAddress.parse(address)) == address
    assert is_hub_address(address)


@pytest.mark.parametrize(
    "address",
    [
        "hf://tiny",
        "hf://a/b/c",
        "hf://a/..",
        "hf://../b",
        "hf://a/b@",
        "hf://a/b@x/../../y",
        "hf://a/b c",
        "hf:///b",
        "hf://a--b/c",
        "someone/tiny",
    ],
)
def test_what_is_no_address(address: str):
    with pytest.raises(InputError, match=r"not the address of a model on a hub\. Give hf://owner/name"):
        fetch_model(address)


def test_owner_and_name_alone_are_a_folder(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert not is_hub_address("someone/tiny")
    with pytest.raises(ModelError, match=r"No model 'someone/tiny'.*hf://owner/name"):
        Upscaler.from_pretrained("someone/tiny")
    assert hub.requests == []


def test_a_model_is_fetched_once_and_nothing_next_to_it(hub: Hub, folder: Path):
    fetched = fetch_model("hf://someone/tiny")
    assert files_of(fetched) == files_of(folder)
    assert not [line for line in hub.requests if "training.pkl" in line]
    downloads = [line for line in hub.requests if line.startswith("GET /someone")]
    assert len(downloads) == 3
    assert fetch_model("hf://someone/tiny") == fetched
    assert [line for line in hub.requests if line.startswith("GET /someone")] == downloads


def test_upscaler_takes_the_address(hub: Hub, folder: Path):
    upscaler = Upscaler.from_pretrained("hf://someone/tiny", device="cpu")
    assert upscaler.model_name == "hf://someone/tiny"
    here = Upscaler.from_pretrained(folder, device="cpu")
    assert upscaler.encode_references([]).fingerprint == here.encode_references([]).fingerprint


def test_main_follows_the_hub_and_a_commit_stays(hub: Hub, folder: Path):
    first = hub.repositories["someone/tiny"].commits[-1][0]
    hub.repositories["someone/tiny"].commit({"README.md": b"# better\n"})
    assert (fetch_model("hf://someone/tiny") / "README.md").read_bytes() == b"# better\n"
    assert (fetch_model(f"hf://someone/tiny@{first}") / "README.md").read_bytes() == files_of(folder)["README.md"]


def test_a_commit_in_the_cache_needs_no_hub(hub: Hub):
    commit = hub.repositories["someone/tiny"].commits[-1][0]
    fetched = fetch_model(f"hf://someone/tiny@{commit}")
    hub.requests.clear()
    assert fetch_model(f"hf://someone/tiny@{commit}") == fetched
    assert hub.requests == []


def test_offline_takes_what_is_there_and_says_what_is_not(hub: Hub, monkeypatch: pytest.MonkeyPatch):
    from huggingface_hub import constants

    commit = hub.repositories["someone/tiny"].commits[-1][0]
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match="not in the cache, and HF_HUB_OFFLINE forbids downloading it"):
        fetch_model(f"hf://someone/tiny@{commit}")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    fetched = fetch_model(f"hf://someone/tiny@{commit}")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert fetch_model(f"hf://someone/tiny@{commit}") == fetched


def test_a_file_changed_in_the_cache_is_found(hub: Hub):
    commit = hub.repositories["someone/tiny"].commits[-1][0]
    weights = fetch_model(f"hf://someone/tiny@{commit}") / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.resolve().write_bytes(content)
    with pytest.raises(ModelError, match=r"model\.safetensors in the cache has the hash .* It was deleted; try again"):
        fetch_model(f"hf://someone/tiny@{commit}")
    assert load_model(fetch_model(f"hf://someone/tiny@{commit}"))


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_what_is_not_what_the_hub_says_is_deleted(hub: Hub, tmp_path: Path, name: str):
    content = hub.repositories["someone/tiny"].commits[-1][1][name]
    kind = hashlib.sha256 if len(content) >= 4096 else hashlib.sha1
    hub.repositories["someone/tiny"].claimed_hashes[name] = kind(b"other").hexdigest()
    with pytest.raises(ModelError, match=rf"{name} has the hash \w+, but the hub states {kind(b'other').hexdigest()}"):
        fetch_model("hf://someone/tiny")
    assert [path for path in (tmp_path / "cache").rglob("*") if path.name == name] == []


def test_a_file_too_large_is_not_fetched(hub: Hub):
    hub.repositories["someone/tiny"].claimed_sizes["model.safetensors"] = 2 << 30
    with pytest.raises(ModelError, match=r"model\.safetensors has 2,147,483,648 bytes; the limit is 1,073,741,824"):
        fetch_model("hf://someone/tiny")
    assert not [line for line in hub.requests if "/resolve/" in line]


def test_a_repository_of_something_else(hub: Hub):
    hub.repositories["someone/other"] = other = Repository()
    other.commit({"pytorch_model.bin": b"\x80\x04", "config.json": b"{}"})
    with pytest.raises(ModelError, match=r"hf://someone/other is not a model of srntt: it has no model\.safetensors"):
        fetch_model("hf://someone/other")
    other.commit({"model.safetensors": b"\x80\x04cos\nsystem\n"})
    with pytest.raises(ModelError, match="is a pickle"):
        Upscaler.from_pretrained("hf://someone/other")


def test_private_missing_and_misspelt(hub: Hub, monkeypatch: pytest.MonkeyPatch, folder: Path):
    hub.repositories["someone/tiny"].private = True
    for address in ("hf://someone/tiny", "hf://nobody/nothing"):
        with pytest.raises(ModelError, match=r"or it is private and you are not logged in.*hf auth login"):
            fetch_model(address)
    monkeypatch.setenv("HF_TOKEN", hub.token)
    assert files_of(fetch_model("hf://someone/tiny")) == files_of(folder)
    with pytest.raises(ModelError, match="someone/tiny has no revision 'v9'"):
        fetch_model("hf://someone/tiny@v9")


def test_a_hub_that_is_gone(hub: Hub, monkeypatch: pytest.MonkeyPatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ModelError, match=r"the request to the hub failed: .*HF_HUB_OFFLINE=1"):
        fetch_model("hf://someone/tiny")


def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingDependencyError, match=r"pip install '\.\[hub\]'"):
        fetch_model("hf://someone/tiny")


def test_a_model_comes_back_as_it_was_pushed(hub: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_TOKEN", hub.token)
    pushed = push_model(folder, "hf://me/mine", message="First")
    assert hub.messages == ["First"]
    assert pushed.private
    assert pushed.address == f"hf://me/mine@{pushed.commit}"
    assert set(pushed.files) == {"config.json", "model.safetensors", "README.md"}
    fetched = files_of(fetch_model(pushed.address))
    card = fetched.pop("README.md")
    assert card.startswith(b"---\nlibrary_name: srntt\n")
    assert card.endswith(b"# tiny\n\nFor tests.\n")
    assert fetched == {name: content for name, content in files_of(folder).items() if name != "README.md"}
    assert hub.large  # the weights went as a large file, the others within the commit


def test_a_second_push_is_a_new_commit_and_opens_nothing(hub: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_TOKEN", hub.token)
    first = push_model(folder, "hf://me/mine", private=False)
    second = push_model(folder, "hf://me/mine")
    assert (first.private, second.private) == (False, False)
    assert hub.repositories["me/mine"].at(first.commit or "") is not None


def test_a_card_with_front_matter_stays(hub: Hub, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_TOKEN", hub.token)
    card = "---\nlicense: apache-2.0\n---\n\n# tiny\n"
    push_model(save_model(load_model(folder), tmp_path / "model", card=card), "hf://me/mine")
    assert hub.repositories["me/mine"].commits[-1][1]["README.md"].decode() == card


def test_a_dry_run_needs_neither_hub_nor_login(hub: Hub, folder: Path):
    pushed = push_model(folder, "hf://me/mine", dry_run=True)
    assert (pushed.commit, pushed.private, pushed.address) == (None, None, "hf://me/mine")
    assert pushed.files["model.safetensors"] == (folder / "model.safetensors").stat().st_size
    assert hub.requests == []


def test_what_is_not_pushed(hub: Hub, folder: Path, tmp_path: Path):
    with pytest.raises(InputError, match="Leave @v1 out"):
        push_model(folder, "hf://me/mine@v1")
    with pytest.raises(ModelError, match="is no model folder"):
        push_model(folder / "model.safetensors", "hf://me/mine")
    broken = save_model(load_model(folder), tmp_path / "broken")
    (broken / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="config"):
        push_model(broken, "hf://me/mine")
    bare = save_model(load_model(folder), tmp_path / "bare")
    (bare / "README.md").unlink()
    with pytest.raises(ModelError, match=r"has no README\.md"):
        push_model(bare, "hf://me/mine")
    assert hub.requests == []


def test_a_push_without_login(hub: Hub, folder: Path):
    with pytest.raises(OutputError, match="hf auth login"):
        push_model(folder, "hf://me/mine")
    assert "me/mine" not in hub.repositories


def test_the_endpoint_of_the_environment_is_used(hub: Hub, tmp_path: Path):
    code = "import sys; from srntt.weights import fetch_model; print(fetch_model('hf://someone/tiny'))"
    environment = {**os.environ, "HF_ENDPOINT": hub.address, "HF_HOME": str(tmp_path / "home"), "NO_PROXY": "127.0.0.1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert Path(done.stdout.strip()).is_relative_to(tmp_path / "home")
