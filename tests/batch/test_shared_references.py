"""The descriptor finds the same scene again; the best of a folder are chosen by it."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from batch.pictures import pixels, write_pictures
from PIL import Image

from srntt.batch import LocalFolder, SharedReferences, describe_references
from srntt.batch._descriptor import describe
from srntt.batch._lines import LocalLines
from srntt.batch._shared_references import DescriptorCache
from srntt.errors import OutputError
from srntt.image import Limits, load


def small(path: Path) -> np.ndarray:
    image = Image.open(path).convert("RGB")
    return np.asarray(image.resize((image.width // 4, image.height // 4), Image.Resampling.BICUBIC))


def pool_of(folder: Path, lines: LocalLines | None = None) -> SharedReferences:
    names = sorted(path.name for path in folder.iterdir())
    return describe_references(LocalFolder(folder), names, lines, Limits())


def similarity(one: np.ndarray, two: np.ndarray) -> float:
    return float(describe(load(one)) @ describe(load(two)))


def test_size_depth_and_greyness_hardly_matter_and_another_picture_does():
    picture = pixels(96, 128).repeat(2, 0).repeat(2, 1)
    half = np.asarray(Image.fromarray(picture).resize((128, 96), Image.Resampling.BICUBIC))
    deep = picture.astype(np.uint16) * 257
    itself, other = similarity(picture, picture), similarity(picture, pixels(192, 256, seed=5))
    assert similarity(picture, half) > itself - 0.02
    assert similarity(picture, deep) == pytest.approx(itself, abs=1e-5)
    assert other < itself - 0.08
    gray = np.asarray(Image.fromarray(picture).convert("L"))
    np.testing.assert_allclose(describe(load(gray))[:512], describe(load(picture))[:512], atol=0.02)


@pytest.mark.parametrize("picture", [np.zeros((1, 1, 3), np.uint8), np.full((9, 5), 255, np.uint8)])
def test_flat_and_tiny_pictures_have_a_descriptor(picture: np.ndarray):
    assert np.isfinite(describe(load(picture))).all()


def test_the_best_come_first_never_the_picture_itself_and_never_twice(tmp_path: Path):
    write_pictures(tmp_path, [f"{n}.png" for n in range(6)], size=(64, 48))
    (tmp_path / "4.png").write_bytes((tmp_path / "3.png").read_bytes())
    (tmp_path / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    pool = pool_of(tmp_path)
    assert [file.name for file in pool.files] == ["0.png", "1.png", "2.png", "3.png", "5.png"]
    assert [problem.name for problem in pool.failures] == ["torn.png"]
    own = describe(load(tmp_path / "3.png"))
    assert pool.best(own, 1)[0].name == "3.png"
    assert "3.png" not in [file.name for file in pool.best(own, 9, but=pool.files[3].sha256)]
    assert len(pool.best(own, 9)) == 5
    assert pool.best(own, 2) == pool.best(own, 9)[:2]


def test_a_descriptor_that_cannot_be_kept_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Left out for a full disk, a reference made other pictures of all that it had been the best for."""
    write_pictures(tmp_path / "refs", ["a.png", "b.png"], size=(40, 32))

    def full(_: int) -> None:
        raise OSError(28, os.strerror(28))

    with LocalLines(tmp_path / "known.jsonl", "batch descriptors") as lines:
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OutputError, match=r"known\.jsonl: cannot be written: No space left"):
            pool_of(tmp_path / "refs", lines)


def test_no_references_give_none():
    pool = describe_references(LocalFolder(Path("nowhere")), [], None, Limits())
    assert pool.best(describe(load(pixels(9, 9))), 4) == ()


def test_descriptors_are_made_once_for_each_content_and_are_the_same_when_read_again(tmp_path: Path, monkeypatch):
    write_pictures(tmp_path / "refs", ["a.png", "b.png"], size=(64, 48))
    with LocalLines(tmp_path / "kept", "batch descriptors") as lines:
        first = pool_of(tmp_path / "refs", lines)
    monkeypatch.setattr("srntt.batch._shared_references.describe", lambda _: pytest.fail("made again"))
    (tmp_path / "refs" / "a.png").rename(tmp_path / "refs" / "c.png")
    with LocalLines(tmp_path / "kept", "batch descriptors") as lines:
        assert len(lines.items) == 2
        second = pool_of(tmp_path / "refs", lines)
    np.testing.assert_array_equal(first.descriptors, second.descriptors[::-1])


@pytest.mark.parametrize("text", [None, 5, "", "AAAA", "!", "/" * 2390])
def test_a_damaged_descriptor_is_made_again(tmp_path: Path, text: object):
    with LocalLines(tmp_path / "kept", "batch descriptors") as lines:
        lines.append({"sha256": "a", "descriptor": text})
    with LocalLines(tmp_path / "kept", "batch descriptors") as lines:
        made = DescriptorCache(lines).get("a", lambda: np.ones(896, np.float32))
    assert (made == 1).all()


def scenes(folder: Path) -> list[dict]:
    return json.loads((folder / "index.json").read_text())


def test_finds_photographs_of_the_same_scene(shared_data: Path):
    """Of 21 small photographs, each against 59 others by other cameras, or from other places, of a dozen scenes."""
    folders = [shared_data / "refpairs-dev", shared_data / "refpairs-near-dev"]
    names = [path for folder in folders for path in sorted(folder.glob("*.jpg"))]
    pool = describe_references(LocalFolder(folders[0]), [str(path) for path in names], None, Limits())
    where = {Path(file.name).name: file for file in pool.files}
    first = among = best = 0
    items = [(folder, item) for folder in folders for item in scenes(folder)]
    for folder, item in items:
        found = pool.best(describe(load(small(folder / item["target"]))), 4, but=where_of(where, item["target"]))
        chosen = [scene(Path(file.name).name) for file in found]
        first += chosen[0] == scene(item["target"])
        among += scene(item["target"]) in chosen
        best += item["refs"][0] in [Path(file.name).name for file in found]
    assert first >= 15
    assert among >= 20
    assert best >= 16


def where_of(where: dict, name: str) -> str:
    return where[name].sha256 if name in where else ""


def scene(name: str) -> str:
    return "fox" if name.startswith("fox") else name.rsplit("_", 1)[0]
