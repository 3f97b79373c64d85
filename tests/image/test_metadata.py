"""What travels with a picture, corrected; what must not travel, left behind and said."""

import io

import numpy as np
import pytest
import tifffile
from image.pictures import encoded, waves
from PIL import ExifTags, Image, ImageCms
from reference.png import chunk, read_png, write_png

from srntt.image import Metadata, load, picture_like, save

RGB = waves(24, 16, 3)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
GRAY = SRGB[:16] + b"GRAY" + SRGB[20:]
CMYK = SRGB[:16] + b"CMYK" + SRGB[20:]
TITLE, MAKE, ORIENTATION, EXIF, GPS, INTEROP = 0x010E, 0x010F, 0x0112, 0x8769, 0x8825, 0xA005
WIDTH, HEIGHT, PIXEL_X, PIXEL_Y, EXPOSURE = 0x0100, 0x0101, 0xA002, 0xA003, 0x829A


def camera_exif(orientation: int = 1, title: str = "") -> bytes:
    exif = Image.Exif()
    exif[MAKE] = "Maker"
    exif[ORIENTATION] = orientation
    exif[WIDTH], exif[HEIGHT] = 16, 24
    exif[EXIF] = {PIXEL_X: 16, PIXEL_Y: 24, EXPOSURE: 0.5, INTEROP: {1: "R98"}}
    exif[GPS] = {1: "N", 2: (51.0, 30.0, 0.0)}
    if title:
        exif[TITLE] = title
    return exif.tobytes()


def enlarged(picture):
    return picture_like(picture, np.repeat(np.repeat(picture.color, 4, 0), 4, 1))


def reopened(path) -> Image.Image:
    image = Image.open(io.BytesIO(path.read_bytes()))
    image.load()
    return image


UPRIGHT = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: np.rot90(a, 2),
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a.transpose(1, 0, 2), 2),
    8: lambda a: np.rot90(a, 1),
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "TIFF", "AVIF"])
def test_orientation_is_applied_once_and_reset(form, orientation, tmp_path):
    data = encoded(RGB, form, exif=camera_exif(orientation), quality=95)
    picture = load(data)
    expected = UPRIGHT[orientation](RGB)
    assert picture.color.shape == expected.shape
    assert np.abs(picture.color.astype(int) - expected).mean() < 6  # lossy formats
    save(picture, tmp_path / "x.png")
    again = load(tmp_path / "x.png")
    np.testing.assert_array_equal(again.color, picture.color)


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("channels", [2, 3])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_orientation_of_16_bit_tiffs(channels, orientation, compression):
    pixels = waves(7, 5, channels, np.uint16)
    file = io.BytesIO()
    kind = {"photometric": "minisblack", "extrasamples": ["unassalpha"]} if channels == 2 else {"photometric": "rgb"}
    tags = [(ORIENTATION, 3, 1, orientation, True)]
    tifffile.imwrite(file, pixels, planarconfig="contig", compression=compression, extratags=tags, **kind)
    picture = load(file.getvalue())
    expected = UPRIGHT[orientation](pixels)
    np.testing.assert_array_equal(picture.color, expected[:, :, : picture.color.shape[2]])
    if channels == 2:
        np.testing.assert_array_equal(picture.alpha, expected[:, :, 1])


def test_orientation_next_to_nonsense_is_upright():
    for value in (0, 9, 77):
        np.testing.assert_array_equal(load(encoded(RGB, "PNG", exif=camera_exif(value))).color, RGB)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif", ".avif"])
@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF"])
def test_exif_is_carried_with_sizes_corrected(form, suffix, tmp_path):
    path = tmp_path / f"x{suffix}"
    notes = save(enlarged(load(encoded(RGB, form, exif=camera_exif(6)))), path)
    assert notes == ()
    exif = reopened(path).getexif()
    assert exif[MAKE] == "Maker"
    assert exif.get(ORIENTATION, 1) == 1
    assert exif[WIDTH], exif[HEIGHT] == (96, 64)
    directory = exif.get_ifd(EXIF)
    assert (directory[PIXEL_X], directory[PIXEL_Y]) == (96, 64)
    assert directory[EXPOSURE] == 0.5
    if form != "TIFF":  # Pillow's writer, which made the source, leaves it out there
        assert exif.get_ifd(INTEROP)[1] == "R98"
    assert exif.get_ifd(GPS)[2] == (51.0, 30.0, 0.0)


def test_size_tags_are_not_invented(tmp_path):
    exif = Image.Exif()
    exif[MAKE] = "Maker"
    save(enlarged(load(encoded(RGB, "JPEG", exif=exif))), tmp_path / "x.jpg")
    kept = reopened(tmp_path / "x.jpg").getexif()
    assert set(kept) == {MAKE}


def exif_with_thumbnail() -> bytes:
    """IFD0 with Make, then IFD1 with a thumbnail, by hand."""
    make = b"\x01\0" + MAKE.to_bytes(2, "little") + b"\x02\0\x04\0\0\0abc\0"
    first = make + (26).to_bytes(4, "little")
    thumbnail = b"\xff\xd8SECRET THUMBNAIL\xff\xd9"
    at = 8 + len(first) + 30
    entries = [(0x0201, at), (0x0202, len(thumbnail))]
    second = b"\x02\0" + b"".join(
        tag.to_bytes(2, "little") + b"\x04\0\x01\0\0\0" + value.to_bytes(4, "little") for tag, value in entries
    )
    return b"Exif\0\0II*\0\x08\0\0\0" + first + second + bytes(4) + thumbnail


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif", ".avif"])
def test_the_thumbnail_is_left_behind(suffix, tmp_path):
    data = encoded(RGB, "JPEG", exif=exif_with_thumbnail())
    assert b"SECRET" in data
    assert Image.open(io.BytesIO(data)).getexif().get_ifd(ExifTags.IFD.IFD1)[0x0202] == 20
    save(load(data), tmp_path / f"x{suffix}")
    written = (tmp_path / f"x{suffix}").read_bytes()
    assert b"SECRET" not in written
    assert b"abc" in written


def test_structure_of_a_tiff_does_not_become_exif(tmp_path):
    picture = load(encoded(RGB, "TIFF", compression="tiff_lzw"))
    assert picture.metadata.exif is None
    save(picture, tmp_path / "x.jpg")
    assert not reopened(tmp_path / "x.jpg").getexif()


def test_damaged_exif_is_dropped_and_noted():
    picture = load(encoded(RGB, "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff garbage"))
    assert picture.metadata.exif is None
    assert any("EXIF" in note for note in picture.notes)
    picture = load(encoded(RGB, "JPEG", exif=b"Exif\0\0no TIFF header here"))
    assert "EXIF dropped: it is damaged or empty" in picture.notes


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif", ".avif"])
@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "TIFF", "AVIF"])
def test_icc_is_carried_byte_for_byte(form, suffix, tmp_path):
    save(load(encoded(RGB, form, icc_profile=SRGB)), tmp_path / f"x{suffix}")
    assert reopened(tmp_path / f"x{suffix}").info["icc_profile"] == SRGB


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg"])
def test_grey_keeps_a_grey_profile(suffix, tmp_path):
    picture = load(encoded(RGB[:, :, :1], "PNG", icc_profile=GRAY))
    assert picture.metadata.icc == GRAY
    save(picture, tmp_path / f"x{suffix}")
    assert reopened(tmp_path / f"x{suffix}").info["icc_profile"] == GRAY


@pytest.mark.parametrize(
    ("pixels", "icc", "message"),
    [
        (RGB[:, :, :1], SRGB, "it is for RGB, the picture is grey"),
        (RGB, GRAY, "it is for GRAY, the picture is RGB"),
        (RGB, CMYK, "it is for CMYK, the picture is RGB"),
        (RGB, b"x" * 200, "damaged"),
        (RGB, SRGB[:100], "damaged"),
    ],
)
def test_a_profile_that_does_not_fit_is_dropped_and_noted(pixels, icc, message):
    picture = load(encoded(pixels, "JPEG", icc_profile=icc))
    assert picture.metadata.icc is None
    assert any(message in note for note in picture.notes)


def test_a_grey_palette_with_an_rgb_profile_stays_rgb():
    image = Image.fromarray(RGB[:, :, 0]).convert("P")
    picture = load(encoded(image, "PNG", icc_profile=SRGB))
    assert not picture.is_gray
    assert picture.metadata.icc == SRGB


@pytest.mark.parametrize("image", [Image.new("CMYK", (4, 4), (10, 20, 30, 40)), Image.new("LAB", (4, 4), (100, 0, 0))])
def test_converted_colours_lose_their_profile(image, tmp_path):
    picture = load(encoded(image, "TIFF", icc_profile=CMYK))
    assert picture.metadata.icc is None
    assert any("converted to sRGB" in note for note in picture.notes)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".bmp"])
def test_resolution_is_carried(suffix, tmp_path):
    save(load(encoded(RGB, "PNG", dpi=(300, 300))), tmp_path / f"x{suffix}")
    assert reopened(tmp_path / f"x{suffix}").info["dpi"] == pytest.approx((300, 300), abs=0.1)


def test_nonsense_resolution_is_dropped():
    data = write_png(RGB, extra=chunk(b"pHYs", bytes(4) + b"\xff" * 4 + b"\1"))
    assert load(data).metadata.dpi is None


def test_gamma_and_primaries_are_carried_to_png_and_missed_elsewhere(tmp_path):
    gamma = chunk(b"gAMA", (100_000).to_bytes(4, "big"))
    primaries = chunk(
        b"cHRM", b"".join(v.to_bytes(4, "big") for v in (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000))
    )
    picture = load(write_png(RGB, extra=primaries + gamma))
    assert picture.metadata.gamma == 1
    assert save(picture, tmp_path / "x.png") == ()
    _, chunks = read_png((tmp_path / "x.png").read_bytes())
    assert (chunks[b"gAMA"], chunks[b"cHRM"]) == (gamma[8:-4], primaries[8:-4])
    assert save(picture, tmp_path / "x.jpg") == ("gamma 1 dropped: only PNG supports it",)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif", ".avif"])
def test_strip_drops_everything(suffix, tmp_path):
    picture = load(encoded(RGB, "PNG", exif=camera_exif(), icc_profile=SRGB, dpi=(300, 300)))
    save(picture, tmp_path / f"x{suffix}", strip=True)
    assert load(tmp_path / f"x{suffix}").metadata == Metadata()


def test_what_a_format_cannot_hold_is_reported(tmp_path):
    picture = load(encoded(RGB, "PNG", exif=camera_exif(), icc_profile=SRGB))
    assert save(picture, tmp_path / "x.bmp") == (
        "ICC profile dropped: not supported by BMP",
        "EXIF dropped: not supported by BMP",
    )


def test_exif_too_long_for_jpeg_is_dropped_and_noted(tmp_path):
    picture = load(encoded(RGB, "PNG", exif=camera_exif(title="x" * 70_000)))
    assert save(picture, tmp_path / "x.png") == ()
    assert save(picture, tmp_path / "x.jpg") == ("EXIF dropped: too long for JPEG",)
