"""A corpus: what is taken, what is left out, what is remembered, and that nothing is replaced."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from srntt.errors import InputError, OutputError
from srntt.image import load, resize_pillow
from srntt.train.corpus import UNKNOWN, CorpusLimits, Manifest, build_corpus
from srntt.train.corpus._alike import bits_apart, fingerprint
from srntt.train.corpus._licences import Licences
from srntt.train.corpus._reduce import textured_part, textured_tiles, without_even_frame

_SMALL = CorpusLimits(smallest=64, lossless=True)


def scene(height: int, width: int, seed: int) -> np.ndarray:
    """Broad shapes, by which it is known, and fine texture."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(30, 225, (5, 5, 3)).astype(np.uint8)
    broad = np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)).astype(int)
    return np.clip(broad + rng.integers(-25, 26, (height, width, 1)), 0, 255).astype(np.uint8)


def write(pixels: np.ndarray, file: Path, **options) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(file, **options)
    return file


@pytest.fixture
def photos(tmp_path):
    """Three different pictures of 160 x 224."""
    for seed in range(3):
        write(scene(160, 224, seed), tmp_path / "photos" / f"{seed}.png")
    return tmp_path / "photos"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_pictures_arrive_as_they_were_and_are_entered(photos, tmp_path):
    report = build_corpus([photos], tmp_path / "out", limits=_SMALL)
    assert (len(report.taken), report.pictures, report.left_out, report.failed) == (3, 3, [], [])
    for entry in Manifest(tmp_path / "out").entries:
        file = tmp_path / "out" / entry.file
        source = Path(entry.source)
        assert entry.file == f"{source.stem}-{hashlib.sha256(source.read_bytes()).hexdigest()[:10]}.png"
        assert entry.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
        assert (entry.width, entry.height, entry.halved, entry.textured, entry.licence) == (224, 160, 0, 1.0, UNKNOWN)
        np.testing.assert_array_equal(load(file).color, load(source).color)


def test_the_order_in_which_files_are_given_does_not_matter(photos, tmp_path):
    for number in (0, 1):
        whole = Image.open(photos / f"{number}.png")
        whole.resize((448, 320), Image.Resampling.BICUBIC).save(photos / f"large{number}.png")
    files = sorted(photos.iterdir())
    build_corpus(files, tmp_path / "one", limits=_SMALL)
    build_corpus([*files[::-1], photos], tmp_path / "other", limits=_SMALL)
    assert contents(tmp_path / "one") == contents(tmp_path / "other")
    assert {Path(entry.source).stem for entry in Manifest(tmp_path / "one").entries} == {"large0", "large1", "2"}


def test_what_is_large_is_halved_until_it_is_not(tmp_path):
    pixels = scene(403, 602, 0)
    write(pixels, tmp_path / "photos" / "large.png")
    limits = CorpusLimits(smallest=64, megapixels=0.02, lossless=True)
    [entry] = build_corpus([tmp_path / "photos"], tmp_path / "out", limits=limits).taken
    assert (entry.halved, entry.width, entry.height, entry.source_width) == (2, 150, 100, 602)
    expected = resize_pillow(np.ascontiguousarray(pixels[:400, :600]), (100, 150))
    np.testing.assert_array_equal(load(tmp_path / "out" / entry.file).color, expected)


def test_jpeg_is_close_and_carries_no_metadata(photos, tmp_path):
    exif = Image.Exif()
    exif[0x010F] = "Camera"
    file = write(scene(160, 224, 7), tmp_path / "one" / "photo.jpg", quality=100, exif=exif)
    [entry] = build_corpus([file], tmp_path / "out", limits=CorpusLimits(smallest=64)).taken
    saved = load(tmp_path / "out" / entry.file)
    assert entry.file.endswith(".jpg")
    assert saved.metadata.exif is None
    assert np.abs(saved.color.astype(int) - load(file).color).mean() < 1.5


def test_flat_parts_are_cut_off_and_flat_small_and_transparent_pictures_left_out(tmp_path):
    pixels = scene(256, 256, 0)
    sky = np.concatenate([np.full_like(pixels[:140], 200), pixels])
    sky[0, 0] = 230  # a speck: no even frame, yet flat
    write(sky, tmp_path / "photos" / "sky.png")
    write(np.full((200, 200, 3), 90, np.uint8), tmp_path / "photos" / "even.png")
    ramp = (np.arange(200 * 200).reshape(200, 200) // 160).astype(np.uint8)
    write(ramp, tmp_path / "photos" / "ramp.png")
    write(scene(63, 200, 2), tmp_path / "photos" / "small.png")
    write(np.dstack([scene(100, 100, 3), np.full((100, 100), 128, np.uint8)]), tmp_path / "photos" / "glass.png")
    report = build_corpus([tmp_path / "photos"], tmp_path / "out", limits=_SMALL)
    [entry] = report.taken
    assert (entry.width, entry.height) == (256, 396 - 128)
    np.testing.assert_array_equal(load(tmp_path / "out" / entry.file).color, sky[128:])
    assert {item.path.stem: item.reason for item in report.left_out} == {
        "even": "flat", "ramp": "flat", "small": "small", "glass": "transparent"
    }  # fmt: skip


def test_a_letterbox_is_cut_off_to_the_pixel():
    pixels = scene(100, 120, 1)
    boxed = np.pad(pixels, ((11, 7), (3, 0), (0, 0)))
    np.testing.assert_array_equal(without_even_frame(boxed), pixels)
    assert without_even_frame(np.zeros((9, 9, 3), np.uint8)).size == 0


def test_tiles_are_textured_where_a_reduced_picture_loses_detail():
    pixels = np.full((130, 200, 3), 128, np.uint8)
    pixels[:64, 64:128] = np.indices((64, 64)).sum(0)[..., None] % 2 * 20 + 100
    assert textured_tiles(pixels).tolist() == [[False, True, False], [False, False, False]]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.booleans(), min_size=5, max_size=5), min_size=1, max_size=6))
def test_what_is_left_of_a_picture_has_no_flat_side_and_loses_little(rows):
    tiles = np.array(rows)
    part = tiles[textured_part(tiles)]
    assert bool(part.size) == bool(tiles.any())
    if part.size:
        assert min(part[0].mean(), part[-1].mean(), part[:, 0].mean(), part[:, -1].mean()) > 0
        assert part.sum() == tiles.sum()  # sides of up to 6 tiles: less than a tenth is none


def test_copies_in_other_sizes_shapes_and_qualities_count_as_one(tmp_path):
    pixels = scene(400, 640, 4)
    folder = tmp_path / "photos"
    write(pixels, folder / "whole.png")
    write(resize_pillow(pixels, (200, 320)), folder / "half.jpg", quality=40)
    write(np.ascontiguousarray(pixels[:, 70:570]), folder / "five-to-four.png")
    write(np.ascontiguousarray(pixels[20:380]), folder / "sixteen-to-nine.png")
    write((255 * (pixels / 255) ** 1.3).astype(np.uint8), folder / "darker.jpg")
    write(scene(400, 640, 5), folder / "another.png")
    report = build_corpus([folder], tmp_path / "out", limits=CorpusLimits(smallest=64, alike=10))
    assert {Path(entry.source).stem for entry in report.taken} == {"whole", "another"}
    assert {item.reason for item in report.left_out} == {"alike"}
    assert len(report.left_out) == 4


def test_photographs_are_distinguished_and_known_again(shared_data):
    """The figures that the default threshold rests on, on a quarter of the photographs."""
    files = sorted((shared_data / "train-photos").glob("*.jpg"))[::4]
    small = [resize_pillow(load(file).color, (240, 360)) for file in files]
    marks = [fingerprint(pixels) for pixels in small]
    unlike = [bits_apart(one, other) for i, one in enumerate(marks) for other in marks[:i]]
    again = [
        bits_apart(mark, fingerprint(np.ascontiguousarray(pixels[12:-12, 18:-18])))
        for mark, pixels in zip(marks, small, strict=True)
    ]
    assert min(unlike) >= 16
    assert max(again) <= 8


def test_building_again_adds_only_what_is_new_and_replaces_nothing(photos, tmp_path):
    out = tmp_path / "out"
    build_corpus([photos], out, limits=_SMALL)
    before = contents(out)
    again = build_corpus([photos], out, limits=_SMALL)
    assert (again.taken, again.known, contents(out)) == ([], 3, before)
    write(scene(160, 224, 9), photos / "new.png")
    assert [Path(entry.source).name for entry in build_corpus([photos], out, limits=_SMALL).taken] == ["new.png"]
    after = contents(out)
    assert {name: after[name] for name in before if name != "MANIFEST.tsv"} == {
        name: content for name, content in before.items() if name != "MANIFEST.tsv"
    }
    assert after["MANIFEST.tsv"].startswith(before["MANIFEST.tsv"])


def test_a_picture_that_somebody_removed_does_not_come_back(photos, tmp_path):
    entry = build_corpus([photos], tmp_path / "out", limits=_SMALL).taken[0]
    (tmp_path / "out" / entry.file).unlink()
    assert build_corpus([photos], tmp_path / "out", limits=_SMALL).known == 3
    assert not (tmp_path / "out" / entry.file).exists()


def test_a_run_that_was_killed_between_picture_and_entry_is_gone_on_with(photos, tmp_path):
    out = tmp_path / "out"
    build_corpus([photos], out, limits=_SMALL)
    whole = contents(out)
    (out / "MANIFEST.tsv").write_bytes(whole["MANIFEST.tsv"][:-20])  # a line that is not whole, its picture there
    assert len(build_corpus([photos], out, limits=_SMALL).taken) == 1
    assert contents(out) == whole


def test_a_file_in_the_way_and_a_foreign_manifest_are_refused(photos, tmp_path):
    out = tmp_path / "out"
    report = build_corpus([photos], out, limits=_SMALL)
    (out / "MANIFEST.tsv").unlink()
    (out / report.taken[0].file).write_bytes(b"something else")
    with pytest.raises(OutputError, match="is in the way"):
        build_corpus([photos], out, limits=_SMALL)
    assert (out / report.taken[0].file).read_bytes() == b"something else"
    (out / "MANIFEST.tsv").write_text("file\tlicence\n")
    with pytest.raises(InputError, match="is no manifest"):
        build_corpus([photos], out, limits=_SMALL)
    with pytest.raises(InputError, match="There is no"):
        build_corpus([tmp_path / "gone"], out)


def test_bad_files_are_reported_and_stop_nothing(photos, tmp_path):
    (photos / "bad.jpg").write_bytes(b"\xff\xd8\xff junk")
    (photos / "notes.txt").touch()
    (photos / ".hidden.png").write_bytes(b"hidden")
    write(scene(160, 224, 8), photos / "below" / "deep.png")
    report = build_corpus([photos], tmp_path / "out", limits=_SMALL)
    assert ([path.name for path, _ in report.failed], len(report.taken), report.ignored) == (["bad.jpg"], 3, 1)
    assert len(build_corpus([photos], tmp_path / "out", limits=_SMALL, recursive=True).taken) == 1


def test_a_corpus_within_its_photographs_is_not_read_as_such(photos):
    for _ in range(2):
        report = build_corpus([photos], photos / "corpus", limits=_SMALL, recursive=True)
    assert (report.known, report.pictures) == (3, 3)


@pytest.mark.parametrize(
    ("settings", "reported"),
    [({"megapixels": 0.0}, "megapixels is 0"), ({"smallest": 63}, "64 or more"), ({"textured": 1.5}, "0 to 1")],
)
def test_limits_that_mean_nothing_are_refused(settings, reported):
    with pytest.raises(InputError, match=reported):
        CorpusLimits(**settings)


def test_a_licence_is_found_next_to_the_picture_the_nearest_first(tmp_path):
    root = tmp_path / "debian"
    picture = root / "usr" / "share" / "wallpapers" / "Alps" / "contents" / "images" / "1.jpg"
    picture.parent.mkdir(parents=True)
    assert Licences().find(picture, root) is None
    texts = {
        "usr/share/doc/wallpapers/copyright": "Format: 1.0\n\nFiles: *\nLicense: LGPL-3\n\nLicense: CC-BY-4.0\n",
        "usr/share/wallpapers/Alps/metadata.json": '{"KPlugin": {"License": "CC-BY-SA-4.0"}}',
        "usr/share/wallpapers/Alps/contents/LICENCE.txt": "\nCC0 1.0\nNo rights reserved\n",
        "usr/share/wallpapers/Alps/contents/MANIFEST.tsv": "file\tlicense\nimages/1.jpg\tPublic domain\n",
    }
    expected = ["wallpapers: LGPL-3, CC-BY-4.0", "CC-BY-SA-4.0", "CC0 1.0", "Public domain"]
    for (name, text), licence in zip(texts.items(), expected, strict=True):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
        assert Licences().find(picture, root) == (licence, root / name)
    assert Licences().find(tmp_path / "elsewhere.jpg", tmp_path / "other") is None


def test_licences_are_recorded_and_their_texts_kept(photos, tmp_path):
    (photos / "LICENSE").write_text("CC-BY 4.0\nby Somebody\n")
    report = build_corpus([photos / "0.png", photos / "1.png"], tmp_path / "out", limits=_SMALL)
    for entry in report.taken:
        assert entry.licence == "CC-BY 4.0"
        assert (tmp_path / "out" / entry.licence_file).read_text() == "CC-BY 4.0\nby Somebody\n"
    [entry] = build_corpus([photos], tmp_path / "out", limits=_SMALL, licence="mine\town").taken
    assert entry.licence == "mine\town"
    assert Manifest(tmp_path / "out").entries[-1].licence == "mine\\town"
