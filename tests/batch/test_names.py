"""Names of outputs: like the inputs', and no two alike anywhere."""

import posixpath
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from srntt.batch._names import output_names, sameness


@pytest.mark.parametrize(
    ("pictures", "suffix", "names"),
    [
        (["a.png", "s/b.tif"], None, {"a.png": ("a.png",), "s/b.tif": ("s/b.tif", "s/b.png")}),
        (["p.jpg", "p.png"], None, {"p.jpg": ("p.jpg", "p.jpg.png"), "p.png": ("p.png",)}),
        (["p.jpg", "p.webp"], None, {"p.jpg": ("p.jpg", "p.jpg.png"), "p.webp": ("p.webp", "p.webp.png")}),
        (["p.jpg", "p.png"], ".png", {"p.jpg": ("p.jpg.png",), "p.png": ("p.png",)}),
        (["p.bmp", "p.jpg"], ".png", {"p.bmp": ("p.bmp.png",), "p.jpg": ("p.jpg.png",)}),
        (["P.png", "p.png"], None, {"P.png": ("P.png",), "p.png": ("p-2.png",)}),
        (["A/x.png", "a/x.png"], None, {"A/x.png": ("A/x.png",), "a/x.png": ("a/x-2.png",)}),
        (["P.png", "p-2.png", "p.png"], None, {"P.png": ("P.png",), "p-2.png": ("p-2.png",), "p.png": ("p-3.png",)}),
        (["p.jpg", "p.png/x.jpg"], ".png", {"p.jpg": ("p.jpg.png",), "p.png/x.jpg": ("p.png/x.png",)}),
        (["P.png", "p.png/x.png"], None, {"P.png": ("P-2.png",), "p.png/x.png": ("p.png/x.png",)}),
        (["p.PNG"], ".png", {"p.PNG": ("p.png",)}),
        (["a.b.jpg", "a.jpg"], ".png", {"a.b.jpg": ("a.b.png",), "a.jpg": ("a.png",)}),
    ],
)
def test_collisions(pictures: list[str], suffix: str | None, names: dict):
    assert output_names(pictures, suffix) == names


def test_what_goes_next_to_an_output_takes_no_name_either():
    sidecars = [".map.png"]
    assert output_names(["p.png", "p.png.map.png"], None, sidecars) == {
        "p.png": ("p.png",),
        "p.png.map.png": ("p.png.map-2.png",),
    }
    assert output_names(["p.jpg", "p.png.MAP.png"], ".png", sidecars) == {
        "p.jpg": ("p.jpg.png",),
        "p.png.MAP.png": ("p.png.MAP.png",),
    }


def test_accents_composed_and_decomposed():
    composed, decomposed = (unicodedata.normalize(form, "é.png") for form in ("NFC", "NFD"))
    first, second = (names[0] for names in output_names([decomposed, composed]).values())
    assert sameness(composed) == sameness(decomposed)
    assert sameness(first) != sameness(second)


_parts = st.sampled_from(["a", "A", "a-2", "a.jpg", "a.png", "é", "e\u0301", "ß", "ss", "\udcff"])
_pictures = st.lists(
    st.builds(
        lambda folders, stem, suffix: "/".join([*folders, stem + suffix]),
        st.lists(_parts, max_size=2),
        _parts,
        st.sampled_from([".jpg", ".png", ".PNG", ".webp"]),
    ),
    unique=True,
    max_size=12,
)


@given(_pictures, st.sampled_from([None, ".png", ".jpg"]), st.sampled_from([[], ["-2.png"], [".png", ".jpg"]]))
def test_no_two_alike_and_none_a_folder(pictures: list[str], suffix: str | None, sidecars: list[str]):
    folders = {folder for name in pictures for folder in _folders(name)}
    pictures = [name for name in pictures if name not in folders]  # no file is a folder, too
    names = output_names(pictures, suffix, sidecars)
    outputs = [name for candidates in names.values() for name in candidates]
    given = [sameness(name + more) for name in outputs for more in ("", *sidecars)]
    assert len(set(given)) == len(given)
    assert not set(given) & {sameness(folder) for name in pictures for folder in _folders(name)}
    for name, candidates in names.items():
        assert all(posixpath.dirname(output) == posixpath.dirname(name) for output in candidates)
        assert suffix is None or candidates[0].endswith(suffix)
    assert output_names(sorted(pictures, reverse=True), suffix, sidecars) == names


def _folders(name: str) -> set[str]:
    parts = name.split("/")[:-1]
    return {"/".join(parts[: n + 1]) for n in range(len(parts))}
