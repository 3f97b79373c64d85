"""Readers of the public sets: whole ones are read, others refused by name, with what the layout should be."""

import hashlib
import os
import shutil
from pathlib import Path

import pytest
from evaluate.pictures import write_pairs
from evaluate.sets import cufed5, flat, selfexsr, sun80, wr_sr, write

from srntt.data import Layout
from srntt.data._layouts import drawn
from srntt.errors import InputError
from srntt.evaluate import PROTOCOLS

LAYOUTS = {name: protocol.data for name, protocol in PROTOCOLS.items()}


def layout(name: str) -> Layout:
    return LAYOUTS[name]


def test_cufed5(tmp_path: Path) -> None:
    first, second = layout("c2").read(cufed5(tmp_path), subset=True)
    assert (first.name, second.name) == ("000", "001")
    assert first.target == tmp_path / "000_0.png"
    assert [file.name for file in first.references] == [f"000_{number}.png" for number in range(1, 6)]
    assert first.unrelated == second.target
    assert second.unrelated == first.target


def touched(folder: Path, names: list[str]) -> Path:
    folder.mkdir(exist_ok=True, parents=True)
    for name in names:
        (folder / name).touch()
    return folder


def test_the_pairs_are_those_that_c2_matching_published(tmp_path: Path) -> None:
    """datasets/CUFED5_pairs.txt and datasets/WR-SR_pairs.txt of github.com/yumingj/C2-Matching, by their SHA-256."""
    touched(tmp_path / "cufed5", [f"{group:03d}_{number}.png" for group in range(126) for number in range(6)])
    touched(tmp_path / "wr" / "input", [f"{number:03d}.png" for number in range(1, 81)])
    touched(tmp_path / "wr" / "ref", [f"{number:03d}_ref.png" for number in range(1, 81)])
    published = {
        ("c2", "cufed5"): "7a5208da4a05b6aca85a3ec2541b5cf1f90fae36818dd65d470fdf3b71731dfd",
        ("wr-sr", "wr"): "722d0a323f894f9fec1095d104f6b5252e930c462f6692cace4dbc3cdb8c68b2",
    }
    for (name, folder), digest in published.items():
        pairs = layout(name).read(tmp_path / folder)
        text = "".join(f"{pair.target.name} {pair.references[0].name}\n" for pair in pairs)
        assert hashlib.sha256(text.encode()).hexdigest() == digest


def test_sun80_draws_the_same_for_everyone(tmp_path: Path) -> None:
    pairs = layout("sun80").read(sun80(tmp_path, targets=3, references=5), subset=True)
    assert [len(pair.references) for pair in pairs] == [5, 5, 5]
    for pair in pairs:
        matches = sorted((tmp_path / "Sun_Hays_SR_scenematches" / pair.target.name).iterdir())
        assert pair.references[0] == matches[drawn(pair.target.name, 5)]
        assert sorted(pair.references) == matches
    draws = [drawn(f"{number:03d}.jpg", 20) for number in range(80)]
    assert hashlib.sha256(bytes(draws)).hexdigest()[:16] == "b257e28c818233ca", draws
    assert len(set(draws)) > 15


def test_wr_sr_flat_and_selfexsr(tmp_path: Path) -> None:
    (first, _) = layout("wr-sr").read(wr_sr(tmp_path / "wr"), subset=True)
    assert (first.name, first.references[0].name) == ("001", "001_ref.png")
    pages = layout("manga109-self").read(flat(tmp_path / "manga", ("B.png", "a.png")), subset=True)
    assert [page.name for page in pages] == ["B", "a"]
    selfexsr(tmp_path / "Set5" / "image_SRF_4")
    write(tmp_path / "Set5" / "image_SRF_4" / "img_001_SRF_4_A+.png", 36, 40, 0)  # another method's output
    for name in ("sisr", "sisr-pillow"):
        pairs = layout(name).read(tmp_path / "Set5")
        assert [pair.target.name for pair in pairs] == [f"img_{number:03d}_SRF_4_HR.png" for number in range(1, 6)]
        assert [pair.low_res is not None for pair in pairs] == [name == "sisr"] * 5
    assert len(layout("urban100-self").read(tmp_path / "Set5", subset=True)) == 5


def test_plain_folders(tmp_path: Path) -> None:
    pairs = layout("pairs")
    flat(tmp_path / "input", ("a.png", "b.jpg"))
    flat(tmp_path / "ref", ("a_ref.jpg",))
    flat(tmp_path / "ref" / "b", ("1.png", "2.png"))
    a, b = pairs.read(tmp_path)
    assert [file.name for file in a.references] == ["a_ref.jpg"]
    assert [file.name for file in b.references] == ["1.png", "2.png"]
    shutil.rmtree(tmp_path / "ref" / "b")
    with pytest.raises(InputError, match=r"ref has no reference for input/b.jpg. Expected: an index.json"):
        pairs.read(tmp_path)
    assert [pair.references for pair in pairs.read(tmp_path / "input")] == [(), ()]
    assert [pair.name for pair in pairs.read(write_pairs(tmp_path / "indexed"))] == ["scene/1", "scene/2"]
    with pytest.raises(InputError, match=r"index.json does not exist"):
        pairs.read(tmp_path / "gone")


def test_files_of_the_system_are_passed_over(tmp_path: Path) -> None:
    cufed5(tmp_path, 1)
    for name in (".DS_Store", "._000_0.png", "Thumbs.db", "README.txt"):
        (tmp_path / name).touch()
    assert len(layout("c2").read(tmp_path, subset=True)) == 1


def test_a_set_that_is_not_whole_needs_to_be_asked_for(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has 2 of the 126 targets of CUFED5. Expected: NNN_0.png .*--subset"):
        layout("c2").read(cufed5(tmp_path))
    with pytest.raises(InputError, match=r"has 4 of the 5 or 14 or 100 targets of Set5"):
        layout("sisr").read(selfexsr(tmp_path / "Set5", 4))
    assert layout("c2").missing(2) == 124
    assert [layout("sisr").missing(count) for count in (4, 5, 6, 14, 99)] == [1, 0, 8, 0, 1]
    assert layout("pairs").missing(7) == 0


def without(name: str):
    return lambda folder: (folder / name).unlink()


def sidecars(name: str):
    return lambda folder: write(folder / name, 20, 20, 0)


def empty(name: str):
    return lambda folder: [file.unlink() for file in (folder / name).iterdir()]


SCENE = "Sun_Hays_SR_scenematches/scene_0.jpg"
BROKEN = {
    "a reference gone": ("c2", cufed5, without("001_3.png"), r"is missing 001_3.png. Expected: NNN_0.png"),
    "a target gone": ("c2", cufed5, without("000_0.png"), r"is missing 000_0.png"),
    "a seventh picture": ("c2", cufed5, sidecars("000_6.png"), r"contains 000_6.png, which does not belong"),
    "another name": ("c2", cufed5, sidecars("holiday.jpg"), r"contains holiday.jpg.*Published: https://zzutk"),
    "digits of another script": ("c2", cufed5, sidecars("\u0660\u0660\u0660_0.png"), r"which (does|do) not belong"),
    "a folder named as a picture": ("c2", cufed5, lambda f: (f / "003_0.png").mkdir(), r"003_0.png cannot be read"),
    "a pipe": ("c2", cufed5, lambda f: os.mkfifo(f / "003_0.png"), r"003_0.png cannot be read as a file"),
    "a name with a line break": ("c2", cufed5, sidecars("0\n1.png"), r"0\\n1.png cannot be read"),
    "no matches for a scene": ("sun80", sun80, empty(SCENE), r"scene_0.jpg contains no pictures"),
    "no folder of matches": ("sun80", sun80, lambda f: shutil.rmtree(f / SCENE), r"matches is missing scene_0.jpg"),
    "no truth": ("sun80", sun80, lambda f: shutil.rmtree(f / "Sun_Hays_SR_groundtruth"), r"does not exist"),
    "a reference too many": ("wr-sr", wr_sr, sidecars("ref/009_ref.png"), r"ref contains 009_ref.png"),
    "a reference too few": ("wr-sr", wr_sr, without("ref/002_ref.png"), r"ref is missing 002_ref.png"),
    "an odd input": ("wr-sr", wr_sr, sidecars("input/01.png"), r"input contains 01.png"),
    "no LR": ("sisr", selfexsr, without("img_002_SRF_4_LR.png"), r"is missing img_002_SRF_4_LR.png"),
    "no HR": ("sisr", selfexsr, without("img_002_SRF_4_HR.png"), r"is missing img_002_SRF_4_HR.png"),
    "another scale": ("sisr", selfexsr, sidecars("img_001_SRF_3_HR.png"), r"contains img_001_SRF_3_HR.png"),
    "two of a name": ("manga109-self", lambda f: flat(f, ("a.png", "a.jpg")), lambda f: None, r"contains a with two"),
}


@pytest.mark.parametrize(("name", "make", "damage", "message"), BROKEN.values(), ids=BROKEN.keys())
def test_what_is_missing_or_odd_is_named(tmp_path: Path, name: str, make, damage, message: str) -> None:
    folder = make(tmp_path / "set")
    damage(folder)
    with pytest.raises(InputError, match=message) as caught:
        layout(name).read(folder, subset=True)
    assert str(folder) in str(caught.value)
    assert f"Expected: {layout(name).expected}" in str(caught.value)


@pytest.mark.parametrize("name", [name for name in LAYOUTS if not name.startswith("pairs")])
def test_no_folder_says_what_it_should_be(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"does not exist. Expected: .* Published: "):
        layout(name).read(tmp_path / "gone")
