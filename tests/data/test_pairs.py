"""``index.json`` from anywhere: read whole, or refused with the entry and what is wrong with it."""

import json
import os
from pathlib import Path

import pytest
from evaluate.pictures import entry, write_pairs
from hypothesis import given, settings
from hypothesis import strategies as st

from srntt.data import REFERENCE_KINDS, read_pairs
from srntt.errors import InputError


def test_reads_what_is_there(tmp_path: Path) -> None:
    first, second = read_pairs(write_pairs(tmp_path))
    assert (first.name, second.name) == ("scene/1", "scene/2")
    assert first.target == tmp_path / "target.png"
    assert first.similarity == (0.9, 0.4)
    near, far, other = (tmp_path / f"{name}.png" for name in ("near", "far", "other"))
    chosen = {kind: first.chosen(kind) for kind in REFERENCE_KINDS}
    assert chosen == {"first": (near,), "all": (near, far), "none": (), "unrelated": (other,), "self": ()}


def test_a_pair_without_a_name_has_that_of_its_target(tmp_path: Path) -> None:
    (pair,) = read_pairs(write_pairs(tmp_path, [{"target": "target.png", "refs": []}]))
    assert pair.name == "target.png"


def test_similarity_and_unrelated_may_be_absent(tmp_path: Path) -> None:
    plain = {"name": "a", "target": "target.png", "refs": []}
    (pair,) = read_pairs(write_pairs(tmp_path, [plain]))
    assert (pair.references, pair.similarity, pair.unrelated) == ((), (), None)
    assert pair.chosen("none") == ()
    with pytest.raises(InputError, match=r"a has no references in this set. Omit 'first'"):
        pair.chosen("first")
    with pytest.raises(InputError, match="a has no unrelated picture"):
        pair.chosen("unrelated")


def test_what_is_known_of_the_geometry_of_references_is_for_people(tmp_path: Path) -> None:
    known = entry(inliers=[18, 300], scale=[2.17, 1], turn=[14, -9])
    assert read_pairs(write_pairs(tmp_path, [known])) == read_pairs(write_pairs(tmp_path, [entry()]))


HOSTILE = {
    "not JSON": ("{", "is not JSON in UTF-8"),
    "not UTF-8": ("\udcff", "is not JSON in UTF-8"),
    "nested without end": ("[" * 100_000, "is not JSON in UTF-8"),
    "an object": ({"name": "a"}, "contains an object; expected a list"),
    "text": ('"pairs"', "contains 'pairs'; expected a list"),
    "entry is a list": ([[]], "entry 1 is a list; expected an object"),
    "entry lacks keys": ([{"name": "a"}], "entry 1 is missing refs, target"),
    "second entry is wrong": ([entry(), entry(name="b", target=7)], "entry 2: target is 7; expected printable text"),
    "unknown key": ([entry(exec="rm")], "unknown keys: 'exec'"),
    "name is null": ([entry(name=None)], "name is null; expected printable text"),
    "name is empty": ([entry(name="")], "name is ''; expected printable text"),
    "name steers the terminal": ([entry(name="\x1b[2J")], "name is .*expected printable text"),
    "name twice": ([entry(), entry()], "duplicate names: 'scene/1'"),
    "target is absent": ([entry(target="gone.png")], "target 'gone.png' does not exist"),
    "target is a folder": ([entry(target=".")], "target '.' does not exist"),
    "target is absolute": ([entry(target="/etc/passwd")], "outside the folder of the index"),
    "target climbs": ([entry(target="../target.png")], "outside the folder of the index"),
    "target climbs inside": ([entry(target="a/../../target.png")], "outside the folder of the index"),
    "target climbs as in Windows": ([entry(target="..\\target.png")], "outside the folder of the index"),
    "target on another drive": ([entry(target="C:target.png")], "outside the folder of the index"),
    "target with a null byte": ([entry(target="a\0b")], "target is .*expected printable text"),
    "target without end": ([entry(target="a" * 5000)], "does not exist"),
    "refs is text": ([entry(refs="near.png")], "refs is 'near.png'; expected a list"),
    "a ref is a number": ([entry(refs=["near.png", 3])], "refs is 3; expected printable text"),
    "a ref climbs": ([entry(refs=["../near.png", "far.png"])], "refs '../near.png' is outside"),
    "unrelated is a list": ([entry(unrelated=[])], "unrelated is a list; expected printable text"),
    "similarity is too short": ([entry(similarity=[1])], "similarity must be a list of 2 finite numbers"),
    "similarity is not finite": (
        '[{"name":"a","target":"target.png","refs":["near.png"],"similarity":[NaN]}]',
        "1 finite",
    ),
    "similarity is huge": ([entry(similarity=[10**400, 1])], "2 finite numbers"),
    "similarity is a truth value": ([entry(similarity=[True, False])], "2 finite numbers"),
}


@pytest.mark.parametrize(("index", "message"), HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_index_is_refused(tmp_path: Path, index: object, message: str) -> None:
    folder = write_pairs(tmp_path / "data", [])
    text = index if isinstance(index, str) else json.dumps(index)
    (folder / "index.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError, match=message) as caught:
        read_pairs(folder)
    assert str(folder / "index.json") in str(caught.value)


def test_no_index_and_no_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"index.json does not exist or is not a file. Give a folder"):
        read_pairs(tmp_path)
    with pytest.raises(InputError, match=r"index.json does not exist"):
        read_pairs(tmp_path / "gone")


def test_index_that_is_no_file_cannot_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "index.json")
    with pytest.raises(InputError, match=r"index.json does not exist"):
        read_pairs(tmp_path)


def test_enormous_index_is_not_read_whole(tmp_path: Path) -> None:
    with (tmp_path / "index.json").open("wb") as file:
        file.truncate(17 << 20)
    with pytest.raises(InputError, match="larger than 16,777,216 bytes"):
        read_pairs(tmp_path)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("target.png"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "target", "refs", "similarity", "unrelated"]), inner, max_size=5)
    ),
    max_leaves=12,
)


@given(json_values)
@settings(max_examples=200, deadline=None)
def test_whatever_json_holds_it_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, value: object) -> None:
    folder = tmp_path_factory.getbasetemp() / "any"
    if not folder.is_dir():
        write_pairs(folder)
    (folder / "index.json").write_text(json.dumps(value))
    try:
        pairs = read_pairs(folder)
    except InputError:
        return
    assert all(pair.target.is_file() for pair in pairs)
