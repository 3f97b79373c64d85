"""Files meant to hurt, and files that were hurt: refused with words, quickly, and nothing else."""

import contextlib
import io
import os
import re
import struct
import subprocess
import sys
import threading
import time
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import example, given, settings
from hypothesis import strategies as st
from image.pictures import encoded, waves
from PIL import Image, ImageFile, PngImagePlugin
from reference.png import chunk, write_png

from srntt.errors import InputError, MissingDependencyError, PictureError
from srntt.image import Limits, load
from srntt.image.tiff._check import check_directories

RGB = waves(40, 56, 3)
NOISE = np.random.default_rng(0).integers(0, 256, (40, 56, 3), dtype=np.uint8)


def tiff_by_another(pixels: np.ndarray, **options) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, **options)
    return file.getvalue()


WHOLE = {
    "PNG": encoded(NOISE, "PNG"),
    "PNG16": write_png(waves(20, 30, 3, np.uint16)),
    "JPEG": encoded(NOISE, "JPEG"),
    "JPEG progressive": encoded(NOISE, "JPEG", progressive=True),
    "WEBP": encoded(NOISE, "WEBP"),
    "WEBP lossless": encoded(NOISE, "WEBP", lossless=True),
    "TIFF": encoded(NOISE, "TIFF"),
    "TIFF lzw": encoded(NOISE, "TIFF", compression="tiff_lzw"),
    "TIFF big": tiff_by_another(NOISE, bigtiff=True, photometric="rgb", compression="zlib"),
    "TIFF float": tiff_by_another(NOISE / np.float32(255), photometric="rgb", tile=(16, 16)),
    "BMP": encoded(NOISE, "BMP"),
    "AVIF": encoded(NOISE, "AVIF"),
}
PNG_START = b"\x89PNG\r\n\x1a\n"


def png_header(width: int, height: int, bits: int = 8, kind: int = 2) -> bytes:
    return PNG_START + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0))


@pytest.mark.parametrize("name", WHOLE)
def test_whole_files_load(name):
    assert load(WHOLE[name]).height in (20, 40)


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("sixteenths", range(16))
def test_truncated_files_are_refused(name, sixteenths, tmp_path):
    path = tmp_path / "cut"
    path.write_bytes(WHOLE[name][: len(WHOLE[name]) * sixteenths // 16])
    with pytest.raises(PictureError, match=re.escape(str(path))):
        load(path)


@pytest.mark.parametrize("name", ["PNG", "PNG16", "JPEG", "JPEG progressive", "WEBP", "WEBP lossless", "BMP"])
@pytest.mark.parametrize("missing", [1, 2, 5, 12, 30])
def test_the_last_bytes_count_too(name, missing):
    if name.startswith("JPEG") and missing <= 2:
        picture = load(WHOLE[name][:-missing])
        assert picture.notes == ("the end marker of the JPEG is missing; all its pixel data is there",)
        np.testing.assert_array_equal(picture.color, load(WHOLE[name]).color)
    else:
        with pytest.raises(PictureError):
            load(WHOLE[name][:-missing])


SCANS = {
    "baseline": {},
    "optimized": {"optimize": True},
    "progressive": {"progressive": True},
    "restarts": {"restart_marker_blocks": 2},
    "4:4:4": {"subsampling": "4:4:4"},
    "grey": {},
}


@pytest.mark.parametrize("kind", SCANS)
@given(
    quality=st.integers(20, 100), cut=st.integers(1, 400), fill=st.sampled_from([b"", bytes(3_000), b"\xff" * 3_000])
)
@settings(max_examples=25, deadline=None)
@example(quality=30, cut=13, fill=b"")
@example(quality=100, cut=3, fill=b"")
def test_a_jpeg_that_is_cut_anywhere_has_all_its_pixels_or_is_refused(kind, quality, cut, fill):
    whole = encoded(NOISE[:, :, :1] if kind == "grey" else NOISE, "JPEG", quality=quality, **SCANS[kind])
    with contextlib.suppress(PictureError):
        np.testing.assert_array_equal(load(whole[:-cut] + fill).color, load(whole).color)


@pytest.mark.parametrize("fill", [bytes(50_000), b"\x55" * 50_000, bytes(range(255)) * 200])
def test_a_jpeg_that_was_fetched_in_part_is_refused_whatever_fills_the_rest(fill):
    data = WHOLE["JPEG"]
    with pytest.raises(PictureError, match="its end is missing, and pixel data with it"):
        load(data[: len(data) // 2] + fill)


def test_scans_that_never_came_are_missed():
    data = WHOLE["JPEG progressive"]
    with pytest.raises(PictureError, match="not a whole JPEG"):
        load(data[: data.rindex(b"\xff\xda")])


def test_every_byte_of_a_png_is_checked():
    data = WHOLE["PNG16"]
    for at in range(0, len(data), 7):
        damaged = bytearray(data)
        damaged[at] ^= 0x10
        with pytest.raises(PictureError):
            load(bytes(damaged))


@given(st.sampled_from(sorted(WHOLE)), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 7)), min_size=1, max_size=6))
@settings(max_examples=250, deadline=None)
def test_flipped_bits_load_or_are_refused(name, flips):
    data = bytearray(WHOLE[name])
    for place, bit in flips:
        data[min(int(place * len(data)), len(data) - 1)] ^= 1 << bit
    with contextlib.suppress(PictureError, MissingDependencyError):
        load(bytes(data), limits=Limits(max_pixels=10**6))


STARTS = (PNG_START, b"\xff\xd8\xff\xe0", b"RIFF\0\0\0\0WEBPVP8 ", b"II*\0\x08\0\0\0", b"BM", b"\0\0\0 ftypavif", b"")


@given(st.sampled_from(STARTS), st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
@example(b"", b"\0")
def test_random_bytes_are_refused(start, rest):
    with pytest.raises((PictureError, MissingDependencyError)):
        load(start + rest)


@given(
    width=st.integers(0, 2**32 - 1),
    height=st.integers(0, 2**32 - 1),
    bits=st.sampled_from([1, 2, 4, 8, 16, 3, 255]),
    kind=st.integers(0, 7),
)
@settings(deadline=1000)
def test_any_png_header_before_little_data(width, height, bits, kind):
    data = png_header(width, height, bits, kind) + chunk(b"IDAT", zlib.compress(bytes(64))) + chunk(b"IEND", b"")
    try:
        load(data, limits=Limits(max_pixels=10**6))
    except PictureError:
        return
    assert height <= 64


def test_a_png_bomb_is_refused_by_its_header_with_the_way_out():
    data = png_header(30_000, 30_000) + chunk(b"IDAT", bytes(100)) + chunk(b"IEND", b"")
    begun = time.perf_counter()
    with pytest.raises(
        PictureError, match=r"30000 x 30000 = 900,000,000 .* limit is 200,000,000.*--max-pixels 900000000"
    ):
        load(data)
    assert time.perf_counter() - begun < 1


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "TIFF", "BMP", "AVIF"])
def test_the_pixel_limit_holds_for_every_format(form):
    data = encoded(RGB, form)
    assert load(data, limits=Limits(max_pixels=RGB.shape[0] * RGB.shape[1])).width == RGB.shape[1]
    with pytest.raises(PictureError, match=r"56 x 40 = 2,240 pixels, the limit is 2,239"):
        load(data, limits=Limits(max_pixels=RGB.shape[0] * RGB.shape[1] - 1))


def test_the_pixel_limit_holds_for_pillow_images():
    with pytest.raises(PictureError, match="limit is 3"):
        load(Image.new("RGB", (2, 2)), limits=Limits(max_pixels=3))


def test_the_byte_limit_holds(tmp_path):
    path = tmp_path / "x.png"
    path.write_bytes(WHOLE["PNG"])
    for source in (path, WHOLE["PNG"]):
        assert load(source, limits=Limits(max_bytes=len(WHOLE["PNG"]))).width == 56
        with pytest.raises(PictureError, match=r"the limit is 100\. .*--max-bytes"):
            load(source, limits=Limits(max_bytes=100))
    with pytest.raises(InputError, match="at least 1"):
        Limits(max_pixels=0)


def test_a_limit_above_pillows_own_is_honoured():
    """Pillow warns above 89 million pixels and refuses above 179 million, by a module-wide setting."""
    side = 13_500
    rows = zlib.compressobj(1)
    body = b"".join(rows.compress(bytes(side // 8 + 2)) for _ in range(side)) + rows.flush()
    data = png_header(side, side, 1, 0) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    assert side * side > 2 * (Image.MAX_IMAGE_PIXELS or 0)
    assert load(data).width == side


def test_too_much_and_too_little_data_for_the_header():
    for size in (10, 200, 1219, 1220, 100_000_000):
        idat = chunk(b"IDAT", zlib.compress(bytes(size)))
        data = png_header(20, 20) + idat + chunk(b"IEND", b"")
        if size < 20 * 61:
            with pytest.raises(PictureError, match=f"pixel data end {1220 - size:,} bytes early"):
                load(data)
        else:  # never inflated beyond what the header implies
            assert load(data).width == 20


def test_text_bombs_are_refused():
    bomb = chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(20_000_000)))
    with pytest.raises(PictureError, match="MAX_TEXT_CHUNK"):
        load(write_png(RGB, extra=bomb))
    many = chunk(b"tEXt", b"k\0" + b"x" * 900_000) * 75
    with pytest.raises(PictureError, match="MAX_TEXT_MEMORY"):
        load(write_png(RGB, extra=many))
    profile = chunk(b"iCCP", b"k\0\0" + zlib.compress(bytes(20_000_000)))
    with pytest.raises(PictureError):
        load(write_png(RGB, extra=profile))


def test_a_hundred_thousand_text_chunks_load_and_a_million_do_not():
    assert load(write_png(RGB[:2, :2], extra=chunk(b"tEXt", b"k\0v") * 100_000)).width == 2
    with pytest.raises(PictureError, match="262,144 chunks"):
        load(write_png(RGB[:2, :2], extra=chunk(b"tEXt", b"k\0v") * 300_000))


def test_a_jpeg_of_a_hundred_scans_is_refused():
    data = encoded(RGB, "JPEG", progressive=True)
    scan = data[data.rindex(b"\xff\xda") : -2]
    with pytest.raises(PictureError, match="100 progressive scans"):
        load(data[:-2] + scan * 110 + b"\xff\xd9")
    assert load(data + b"\xff\xda" * 5000).width == 56  # what follows the end is not counted


def test_a_webp_that_promises_too_much_is_refused_before_it_is_opened():
    header = b"VP8X" + struct.pack("<I", 10) + bytes(4) + b"\xff\xff\xff" * 2
    data = b"RIFF" + struct.pack("<I", len(header) + 4) + b"WEBP" + header
    with pytest.raises(PictureError, match="16777216 x 16777216"):
        load(data)


def test_huge_tiff_tiles_are_refused():
    file = io.BytesIO()
    tifffile.imwrite(file, RGB, photometric="rgb", tile=(16, 16), compression="zlib", byteorder="<")
    data = file.getvalue()
    assert load(data).width == 56
    for tag in (322, 323):
        at = next(data.index(start) for kind in (3, 4) if (start := struct.pack("<HHI", tag, kind, 1)) in data)
        data = data[:at] + struct.pack("<HHII", tag, 4, 1, 2**20) + data[at + 12 :]
    with pytest.raises(PictureError, match="tiles of 1048576 x 1048576"):
        load(data)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "PostScript"),
        (b"%PDF-1.7\n", "PDF"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b'<?xml version="1.0"?><svg/>', "XML or SVG"),
        (b"GIF89a" + bytes(20), "GIF"),
        (b"  <!DOCTYPE html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1", "Git LFS"),
        (b"P6 1 1 255 abc", "an unknown kind .it begins with 50 36"),
    ],
)
def test_other_content_is_named_whatever_the_suffix(content, message, tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(content)
    with pytest.raises(
        PictureError, match=f"picture.png: is not a picture in an allowed format: its content .*{message}"
    ):
        load(path)


def test_content_counts_and_not_the_suffix(tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(WHOLE["JPEG"])
    assert load(path).width == 56


@pytest.mark.parametrize("name", ["missing", "folder", "fifo", "empty", "zero", "loop", "nul", "long"])
def test_what_is_no_regular_file_is_refused_without_waiting(name, tmp_path):
    path, message = {
        "missing": (tmp_path / "none.png", "No such file"),
        "folder": (tmp_path, "is a folder"),
        "fifo": (tmp_path / "fifo", "is a FIFO"),
        "empty": (tmp_path / "empty", "0 bytes"),
        "zero": (Path("/dev/zero"), "is a character device"),
        "loop": (tmp_path / "loop", "symbolic links"),
        "nul": ("a\0b.png", "null byte"),
        "long": ("x" * 300, "too long"),
    }[name]
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "empty").touch()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(PictureError, match=message):
        load(path)


def test_symbolic_links_are_followed(tmp_path):
    (tmp_path / "x.png").write_bytes(WHOLE["PNG"])
    (tmp_path / "link").symlink_to(tmp_path / "x.png")
    assert load(tmp_path / "link").width == 56


@pytest.mark.parametrize("size", [(1, 1), (3, 2000), (2000, 3), (1, 70)])
@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "TIFF", "BMP", "AVIF"])
def test_slim_and_tiny_pictures(size, form):
    assert (load(encoded(waves(*size, 3), form)).height, load(encoded(waves(*size, 3), form)).width) == size


def test_nothing_global_is_changed():
    before = (
        Image.MAX_IMAGE_PIXELS,
        ImageFile.LOAD_TRUNCATED_IMAGES,
        PngImagePlugin.MAX_TEXT_CHUNK,
        dict(Image.EXTENSION),
        list(Image.ID),
        list(warnings.filters),
    )
    for data in (*WHOLE.values(), b"nothing", WHOLE["PNG"][:99]):
        try:
            load(data)
        except PictureError:
            continue
    after = (
        Image.MAX_IMAGE_PIXELS,
        ImageFile.LOAD_TRUNCATED_IMAGES,
        PngImagePlugin.MAX_TEXT_CHUNK,
        dict(Image.EXTENSION),
        list(Image.ID),
        list(warnings.filters),
    )
    assert before == after


def test_many_threads_at_once_leave_the_warning_filters_alone():
    filters = list(warnings.filters)
    damaged = encoded(RGB, "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff garbage")
    message = []
    threads = [threading.Thread(target=lambda: message.append(load(damaged).notes)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(warnings.filters) == filters
    assert len(message) == 16
    assert all("EXIF" in " ".join(notes) for notes in message)


@pytest.mark.skipif(sys.platform != "linux", reason="limits the address space")
def test_a_bomb_costs_no_memory(tmp_path):
    """A process allowed 300 MiB more than it has opens every bomb above and survives."""
    (tmp_path / "bomb.png").write_bytes(png_header(30_000, 30_000) + chunk(b"IDAT", bytes(9)) + chunk(b"IEND", b""))
    code = f"""
import resource
from srntt.errors import PictureError
from srntt.image import load
have = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (have + 300 * 2**20, -1))
try:
    load({str(tmp_path / "bomb.png")!r})
except PictureError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert "900,000,000 pixels" in done.stdout


def overlapping(tags: int, size: int, *, kind: int = 1) -> bytes:
    """A directory whose tags all claim the same bytes."""
    entries = b"".join(struct.pack("<HHII", 0xA000 + n, kind, size // {1: 1, 5: 8}[kind], 8) for n in range(tags))
    return b"II*\0" + struct.pack("<I", 8 + size) + bytes(size) + struct.pack("<H", tags) + entries + bytes(4)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_exif_whose_tags_claim_the_same_bytes_is_refused(form):
    assert load(encoded(RGB, form, exif=b"Exif\0\0" + overlapping(1, 20_000))).width == 56
    with pytest.raises(PictureError, match=r"its EXIF tags claim 6,000,000 bytes of 23,614 .*without its metadata"):
        load(encoded(RGB, form, exif=b"Exif\0\0" + overlapping(300, 20_000)))


def test_exif_in_the_text_of_a_png_is_checked_too():
    text = "\nexif\n1\n" + overlapping(300, 20_000).hex()
    data = write_png(RGB, extra=chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(text.encode())))
    with pytest.raises(PictureError, match="its EXIF tags claim"):
        load(data)


def test_exif_of_several_segments_is_checked_as_pillow_joins_it():
    block, data = overlapping(2000, 60_000), encoded(RGB, "JPEG")
    parts = [block[:50_000], block[50_000:]]
    segments = b"".join(b"\xff\xe1" + struct.pack(">H", 8 + len(part)) + b"Exif\0\0" + part for part in parts)
    with pytest.raises(PictureError, match="its EXIF tags claim 120,000,000"):
        load(data[:2] + segments + data[2:])


def test_tags_of_a_tiff_that_claim_the_same_bytes_are_refused():
    data = bytearray(WHOLE["TIFF"])
    extra = overlapping(300, 20_000)
    data[4:8] = struct.pack("<I", len(data) + 20_008)
    with pytest.raises(PictureError, match="its TIFF tags claim"):
        load(bytes(data) + extra)


def test_tags_of_millions_of_fractions_are_refused():
    with pytest.raises(PictureError, match="numbers"):
        load(encoded(RGB, "PNG", exif=b"Exif\0\0" + overlapping(1, 3_000_000, kind=5)))


def test_directories_in_a_circle_are_read_once():
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, 8) for tag in (0x8769, 0x8825, 0xA005))
    block = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 3) + entries + bytes(4)
    assert load(encoded(RGB, "JPEG", exif=block)).width == 56


@given(st.binary(max_size=400), st.sampled_from([b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"Exif\0\0II*\0"]))
@settings(deadline=None)
def test_any_directory_is_looked_at_without_an_error_of_its_own(rest, start):
    with contextlib.suppress(PictureError):
        check_directories(start + rest, "it", "EXIF")


@pytest.mark.parametrize(("width", "height"), [(100_000, 1), (60_000, 3000)])
def test_a_large_run_length_coded_bmp_is_refused(width, height):
    """A jump of 255 rows is filled with zeros before anything is counted."""
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, 8, 0, 0, 0, 0) + bytes(1024)
    data = b"BM" + struct.pack("<IHHI", 14 + len(head) + 8, 0, 0, 14 + len(head)) + head + b"\0\x02\0\xff" * 2
    with pytest.raises(PictureError, match="run-length coded BMP"):
        load(data)


def test_a_small_run_length_coded_bmp_is_read():
    grays = b"".join(bytes((value, value, value, 0)) for value in range(256))
    head = struct.pack("<IiiHHIIiiII", 40, 4, 2, 1, 8, 1, 8, 0, 0, 0, 0) + grays
    data = b"BM" + struct.pack("<IHHI", 14 + len(head) + 8, 0, 0, 14 + len(head)) + head + b"\4\xff\0\0\4\0\0\1"
    assert load(data).color[:, :, 0].tolist() == [[0] * 4, [255] * 4]


def test_a_second_header_is_refused():
    """Pillow would take its size for the picture's; what was checked is the first."""
    second = png_header(8, 8)[8:]
    with pytest.raises(PictureError, match="second IHDR"):
        load(write_png(RGB, extra=second))
