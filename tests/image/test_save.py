"""Whole files or none, never over another without leave, and refusals before the work."""

import builtins
import os
import re
import stat

import numpy as np
import pytest
from image.pictures import encoded, waves
from PIL import Image

from srntt.errors import InputError, MissingDependencyError, OutputError
from srntt.image import check_output, load, save

RGB = waves(24, 30, 3)
RGBA = waves(24, 30, 4)
LOSSLESS, LOSSY = (".png", ".tif", ".tiff", ".bmp"), (".jpg", ".jpeg", ".webp", ".avif")


@pytest.mark.parametrize("suffix", [*LOSSLESS, *LOSSY, ".PNG"])
@pytest.mark.parametrize("channels", [1, 3])
def test_each_format_holds_the_picture(suffix, channels, tmp_path):
    pixels = waves(24, 30, channels)
    assert save(load(pixels), tmp_path / f"x{suffix}") == ()
    again = load(tmp_path / f"x{suffix}")
    difference = np.abs(again.color.astype(int) - pixels)
    assert difference.max() == 0 if suffix.lower() in LOSSLESS else difference.mean() < 3
    assert again.is_gray == (channels == 1) or suffix == ".webp"  # WebP has no grey
    assert os.listdir(tmp_path) == [f"x{suffix}"]


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp", ".avif"])
@pytest.mark.parametrize("channels", [2, 4])
def test_alpha_is_held_where_the_format_has_one(suffix, channels, tmp_path):
    pixels = waves(24, 30, channels)
    save(load(pixels), tmp_path / f"x{suffix}")
    assert np.abs(load(tmp_path / f"x{suffix}").alpha.astype(int) - pixels[:, :, -1]).max() <= 3


def test_jpeg_is_4_4_4_and_quality_counts(tmp_path):
    sizes = []
    for quality in (50, 95):
        save(load(RGB), tmp_path / "x.jpg", quality=quality, overwrite=True)
        sizes.append((tmp_path / "x.jpg").stat().st_size)
    assert sizes[0] < sizes[1]
    with Image.open(tmp_path / "x.jpg") as image:
        assert [layer[1:3] for layer in image.layer] == [(1, 1)] * 3
    for quality in (0, 101):
        with pytest.raises(InputError, match=r"must be 1\.\.100"):
            save(load(RGB), tmp_path / "y.jpg", quality=quality)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp", ".jpg", ".webp", ".avif"])
@pytest.mark.parametrize("room", [100, 2000, 5000])
def test_a_disk_with_little_room_left_cuts_nothing_off(suffix, room, tmp_path):
    """Pillow writes a part, as much as there is room for, and takes it for the whole."""
    resource = pytest.importorskip("resource", reason="no limits on the size of files here")
    noise = np.random.default_rng(0).integers(0, 256, (96, 96, 3), np.uint8)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        with pytest.raises(OutputError, match=r"cannot be written: File too large"):
            save(load(noise), tmp_path / f"x{suffix}")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert os.listdir(tmp_path) == []


def test_opaque_alpha_is_dropped_where_there_is_none(tmp_path):
    opaque = np.dstack([RGB, np.full(RGB.shape[:2], 255, np.uint8)])
    save(load(opaque), tmp_path / "x.jpg")
    assert load(tmp_path / "x.jpg").alpha is None
    save(load(opaque), tmp_path / "x.png")
    assert load(tmp_path / "x.png").alpha is not None


def test_permissions_are_those_of_an_ordinary_new_file(tmp_path):
    (tmp_path / "ordinary").touch()
    save(load(RGB), tmp_path / "x.png")
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("ordinary", "x.png")]
    assert modes[0] == modes[1]


def test_same_picture_same_bytes(tmp_path):
    picture = load(encoded(RGB, "JPEG", dpi=(300, 300)))
    for suffix in (*LOSSLESS, *LOSSY):
        for name in ("a", "b"):
            save(picture, tmp_path / f"{name}{suffix}")
        assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


# Nothing is replaced without leave.


def test_an_existing_file_is_kept(tmp_path):
    path = tmp_path / "x.png"
    path.write_bytes(b"mine")
    for attempt in (lambda: save(load(RGB), path), lambda: check_output(path, width=1, height=1)):
        with pytest.raises(OutputError, match=r"x\.png: exists already.*--overwrite"):
            attempt()
    assert path.read_bytes() == b"mine"
    save(load(RGB), path, overwrite=True)
    assert load(path).width == 30


def test_a_file_that_appears_meanwhile_is_kept(tmp_path, monkeypatch):
    path = tmp_path / "x.png"
    monkeypatch.setattr("srntt.image._save.encode", lambda *args, **kwargs: path.write_bytes(b"mine") and ())
    with pytest.raises(OutputError, match="exists already"):
        save(load(RGB), path)
    assert path.read_bytes() == b"mine"
    assert os.listdir(tmp_path) == ["x.png"]


def test_without_hard_links_it_is_renamed(tmp_path, monkeypatch):
    def no_links(*args):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    save(load(RGB), tmp_path / "x.png")
    assert os.listdir(tmp_path) == ["x.png"]
    with pytest.raises(OutputError, match="exists already"):
        save(load(RGB), tmp_path / "x.png")


def test_a_dangling_link_counts_as_existing_and_is_replaced_not_followed(tmp_path):
    (tmp_path / "x.png").symlink_to(tmp_path / "elsewhere.png")
    with pytest.raises(OutputError, match="exists already"):
        save(load(RGB), tmp_path / "x.png")
    save(load(RGB), tmp_path / "x.png", overwrite=True)
    assert os.listdir(tmp_path) == ["x.png"]


# Whole or not at all.


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ValueError("odd"), MemoryError()])
@pytest.mark.parametrize("existing", [True, False])
def test_an_error_leaves_nothing_behind(error, existing, tmp_path, monkeypatch):
    path = tmp_path / "x.png"
    if existing:
        path.write_bytes(b"before")

    def fail(picture, form, file, **options):
        file.write(b"half")
        raise error

    monkeypatch.setattr("srntt.image._save.encode", fail)
    with pytest.raises(OutputError, match=r"x\.png: cannot be written: "):
        save(load(RGB), path, overwrite=True)
    assert os.listdir(tmp_path) == (["x.png"] if existing else [])
    assert not existing or path.read_bytes() == b"before"


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_leaves_nothing_behind_and_goes_on(interrupt, tmp_path, monkeypatch):
    def stop(*args, **kwargs):
        assert len(os.listdir(tmp_path)) == 1
        raise interrupt

    monkeypatch.setattr("srntt.image._save.encode", stop)
    with pytest.raises(interrupt):
        save(load(RGB), tmp_path / "x.png")
    assert os.listdir(tmp_path) == []


def test_the_file_is_synced_before_it_gets_its_name(tmp_path, monkeypatch):
    order = []
    for name in ("fsync", "link", "replace"):
        original = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *a, name=name, original=original: order.append(name) or original(*a))
    save(load(RGB), tmp_path / "x.png")
    save(load(RGB), tmp_path / "x.png", overwrite=True)
    assert order == ["fsync", "link", "fsync", "replace"]


def test_a_full_disk_is_named():
    if not os.path.exists("/dev/full"):
        pytest.skip("needs /dev/full")
    original = builtins.open

    def to_full(path, mode="r", *args, **kwargs):
        return original("/dev/full", "wb") if mode == "xb" else original(path, mode, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(builtins, "open", to_full)
        with pytest.raises(OutputError, match="No space left on device"):
            save(load(RGB), "x.png")


# Known before the work.


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("x", {}, "has no suffix"),
        ("x.gif", {}, r"the suffix '\.gif' names no format"),
        (".png", {}, "has no suffix"),
        ("none/x.png", {}, "folder .* does not exist"),
        ("file/x.png", {}, "folder .* does not exist|Not a directory"),
        ("folder.png", {}, "is a folder or a special file"),
        ("fifo.png", {"overwrite": True}, "is a folder or a special file"),
        ("nul\0.png", {}, "null"),
        ("x" * 300 + ".png", {}, "too long"),
        ("x.webp", {"width": 16_384}, "16384 x 20 pixels; WEBP is limited to 16,383 per side"),
        ("x.jpg", {"height": 65_501}, "JPEG is limited to 65,500 per side"),
        ("x.avif", {"height": 32_769}, "AVIF is limited to 32,768 per side and 268,435,456 in total"),
        ("x.avif", {"width": 32_000, "height": 10_000}, "268,435,456 in total"),
        ("x.bmp", {"width": 50_000, "height": 50_000}, "BMP is limited to"),
        (
            "x.jpg",
            {"alpha": True},
            r"transparent pixels, which JPEG does not support\. Choose one of \.png, \.webp, \.tif, \.avif",
        ),
        ("x.bmp", {"alpha": True}, "transparent pixels, which BMP does not support"),
        ("x.webp", {"bits": 16}, "16 bits per sample and WEBP stores 8"),
        ("x.jpg", {"bits": 16}, r"Choose \.png or \.tif, or allow the loss: --bits 8"),
    ],
)
def test_what_cannot_be_written_is_known_before(name, options, message, tmp_path):
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "fifo.png")
    with pytest.raises(OutputError, match=message):
        check_output(f"{tmp_path}/{name}", **{"width": 20, "height": 20, **options})


@pytest.mark.parametrize("name", ["x.png", "x.webp", "x.jpg", "x.tiff", "x.bmp", "x.avif"])
def test_what_can_be_written_passes_and_nothing_is_created(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_output(name, width=16_383, height=16_383)
    assert os.listdir(tmp_path) == []


def test_a_folder_without_leave_to_write_is_known_before(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anywhere
    with pytest.raises(OutputError, match="cannot be written to"):
        check_output(tmp_path / "x.png", width=1, height=1)


def test_save_refuses_what_check_output_refuses(tmp_path):
    with pytest.raises(OutputError, match="transparent"):
        save(load(RGBA), tmp_path / "x.jpg")
    with pytest.raises(OutputError, match="16 bits"):
        save(load(waves(3, 3, 3, np.uint16)), tmp_path / "x.webp")
    save(load(waves(3, 3, 3, np.uint16)).to_8bit(), tmp_path / "x.webp")


@pytest.mark.parametrize("suffix", [".heic", ".jxl"])
def test_extras_are_written_and_read_or_named(suffix, tmp_path, monkeypatch):
    path = tmp_path / f"x{suffix}"
    try:
        save(load(RGB), path)
    except MissingDependencyError as error:
        assert re.search(r"pip install '\.\[(heif|jxl)\]'", str(error))  # noqa: PT017
        with pytest.raises(MissingDependencyError, match="pip install"):
            check_output(path, width=1, height=1)
        return
    assert np.abs(load(path).color.astype(int) - RGB).mean() < 6


@pytest.mark.parametrize(("suffix", "limit"), [(".webp", 16_383), (".jpg", 65_500), (".avif", 32_768)])
def test_the_stated_limits_can_be_written_and_read_back(suffix, limit, tmp_path):
    save(load(np.zeros((2, limit, 1), np.uint8)), tmp_path / f"x{suffix}")
    assert load(tmp_path / f"x{suffix}").width == limit
