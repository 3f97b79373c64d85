"""A hub of models that lies, never ends, or is slow: nothing is stored elsewhere, and the disk stays free."""

import tempfile
from collections.abc import Iterator
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from attacks.attack import Attack
from attacks.material import harmless
from tiny import tiny_model
from weights.hub_server import Repository, digest_of

_NAME = "someone/tiny"
_COMMAND = ("upscale", "a.png", "-o", "out/x.png", "--model", f"hf://{_NAME}")
_CLIMBING = "../../../precious"
_FILES = ("config.json", "model.safetensors")
_MALFORMED = "list of files is malformed|has no (config.json and no )?model.safetensors"
_LISTS = {
    "deep": b"[" * 1_000_000,
    "noise": b"\xff\xfe\0",
    "array": b"[]",
    "empty": b"",
    "names": b'{"sha": "%s", "siblings": [{"rfilename": ["x"], "size": 1}]}' % (b"f" * 40),
    "nothing": b'{"sha": "%s", "siblings": null}' % (b"f" * 40),
    "digits": b'{"sha": ' + b"9" * 1_000_000 + b"}",
    "objects": b'{"sha": "%s", "siblings": [{}%s]}' % (b"f" * 40, b",{}" * 340_000),  # many times their size in memory
}


def attacks() -> Iterator[Attack]:
    """All of them, where the hub's client is installed."""
    if find_spec("huggingface_hub") is None:
        return
    yield from _names()
    yield from _lists()
    yield from _answers()


def _names() -> Iterator[Attack]:
    """Hashes and commits, which become names in the cache."""
    for name, etag in (("climbs", _CLIMBING), ("absolute", "/etc/passwd"), ("empty", ""), ("long", "x" * 300)):
        written = (*_written(*_model()), "cache/models--someone--tiny/refs/main")
        more = {"code": 0, "writes": ("x.png", *written)}
        yield _case(f"etag-{name}", f"an ETag {etag[:20]!r}", "out/x.png", etag=etag, more=more)
    for number, commit in enumerate(("../../..", "main", "f" * 39, "F" * 40, "f" * 40 + "\n", "/" + "f" * 39)):
        says = "a commit that is not 40 hex digits"
        yield _case(f"commit-{number}", f"a commit {commit!r}", says, claimed_commit=commit)
    for file in _FILES:
        for number, digest in enumerate((_CLIMBING, "", "f" * 63, "None")):
            says = f"the hub states no hash of {file}"
            yield _case(f"hash-{file}-{number}", f"a hash {digest!r}", says, claimed_hashes={file: digest})
        says = f"{file} has the hash .*, but the hub states f"
        more = {"writes": _written_before(file)}
        yield _case(f"hash-{file}-other", "another file's hash", says, claimed_hashes={file: "f" * 64}, more=more)


def _lists() -> Iterator[Attack]:
    for number, size in enumerate((-1, 1.5, "9" * 5000, None, True, [[]], {})):
        claimed = {"model.safetensors": size}
        yield _case(f"size-{number}", f"a size {str(size)[:10]}", _MALFORMED, claimed_sizes=claimed)
    claimed = {"model.safetensors": 10**12}
    yield _case("size-huge", "a size of 1 TB", "model.safetensors has .* bytes; the limit is", claimed_sizes=claimed)
    for name, answer in _LISTS.items():
        yield _case(f"list-{name}", "a malformed list of files", _MALFORMED, listing=answer)
    says = "the hub sends more than 1,048,576 bytes"
    yield _case("list-large", "a list of 15 MB", says, listing=b"[%s{}]" % (b"{}," * 5_000_000))


def _answers() -> Iterator[Attack]:
    for name in ("list", *_FILES):
        more = {"writes": _written_before(name)}
        says = r"the hub sends more than [\d,]+ bytes\. Nothing was stored"
        yield _case(f"endless-{name}", "an answer without end", says, endless=(name,), more=more)
        says = "[Tt]he hub is too slow|sends more than"
        yield _case(f"slow-{name}", "five bytes a second", says, slow=(name,), more=more | {"slow": True})
    elsewhere, often = "redirects, but to no http or https address", "redirects more than 5 times"
    for name, place, says in (
        ("file", "file:///etc/passwd", elsewhere),
        ("circle", "", often),
        ("noise", "\xff:/", often),
        ("port", "http://127.0.0.1:x/", elsewhere),
    ):
        about = f"files are at {place!r}; empty: where they were asked for"
        yield _case(f"redirect-{name}", about, says, location=place)
    about = "redirects whose content never ends"
    yield _case("redirect-endless", about, often, location="", endless=("redirect",))


def _case(name: str, about: str, says: str, *, more: dict[str, Any] | None = None, **claims: Any) -> Attack:
    def make(folder: Path) -> None:
        harmless(folder, "a.png")

    settings = {"code": 4, "mib": 150, **(more or {})}
    return Attack(f"hub-{name}", about, make, _COMMAND, says=says, hub=partial(_repository, **claims), **settings)


def _repository(**claims: Any) -> dict[str, Repository]:
    """What the hub holds: a model, about which it tells falsehoods."""
    repository = Repository(**claims)
    repository.commit(_model())
    return {_NAME: repository}


@cache
def _model() -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        return {path.name: path.read_bytes() for path in tiny_model(Path(folder)).iterdir()}


def _written(*names: str) -> tuple[str, ...]:
    """Where files of the model are in the cache."""
    folder, (commit, files) = "cache/models--someone--tiny", _repository()[_NAME].commits[-1]
    places = ((f"blobs/{digest_of(files[name])}", f"snapshots/{commit}/{name}") for name in names)
    return tuple(f"{folder}/{place}" for both in places for place in both)


def _written_before(file: str) -> tuple[str, ...]:
    """What is in the cache when the download of this file fails."""
    return _written("config.json") if file == "model.safetensors" else ()
