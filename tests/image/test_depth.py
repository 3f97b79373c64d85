"""16 bits in and out, held to independent readers and writers."""

import io

import numpy as np
import pytest
import tifffile
from image.pictures import encoded, waves
from PIL import Image
from reference.png import chunk, read_png, write_png

from srntt.image import load, save

CHANNELS = pytest.mark.parametrize("channels", [1, 2, 3, 4])


def joined(picture) -> np.ndarray:
    """Colour and alpha as one array."""
    if picture.alpha is None:
        return picture.color
    return np.concatenate([picture.color, picture.alpha[:, :, None]], axis=2)


@CHANNELS
@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_png_is_read_with_all_its_bits(channels, interlaced, dtype):
    pixels = waves(13, 11, channels, dtype)
    picture = load(write_png(pixels, interlaced=interlaced))
    assert picture.color.dtype == dtype
    np.testing.assert_array_equal(joined(picture), pixels)


@CHANNELS
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_png_is_written_with_all_its_bits(channels, dtype, tmp_path):
    pixels = waves(23, 17, channels, dtype)
    save(load(pixels), tmp_path / "x.png")
    read, _ = read_png((tmp_path / "x.png").read_bytes())
    assert read.dtype == dtype
    np.testing.assert_array_equal(read, pixels)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_png_of_many_bands_is_whole(dtype, tmp_path, monkeypatch):
    monkeypatch.setattr("srntt.image._write_png._BAND_BYTES", 500)
    pixels = waves(67, 31, 3, dtype)
    save(load(pixels), tmp_path / "x.png")
    read, _ = read_png((tmp_path / "x.png").read_bytes())
    np.testing.assert_array_equal(read, pixels)


@CHANNELS
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_tiff_is_written_with_all_its_bits(channels, dtype, tmp_path):
    pixels = waves(300, 170, channels, dtype)
    save(load(pixels), tmp_path / "x.tif")
    with Image.open(tmp_path / "x.tif") if dtype == np.uint8 else io.BytesIO() as image:
        if dtype == np.uint8:  # an independent reader; for 16-bit colour there is none without imagecodecs
            np.testing.assert_array_equal(np.asarray(image).reshape(pixels.shape), pixels)
    np.testing.assert_array_equal(joined(load(tmp_path / "x.tif")), pixels)


@CHANNELS
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_tiff_of_another_writer_is_read_with_all_its_bits(channels, order, compression):
    pixels = waves(19, 12, channels, np.uint16)
    file = io.BytesIO()
    tifffile.imwrite(
        file,
        pixels[:, :, 0] if channels == 1 else pixels,
        byteorder=order,
        photometric="minisblack" if channels < 3 else "rgb",
        planarconfig="contig" if channels > 1 else None,
        extrasamples=["unassalpha"] if channels in (2, 4) else None,
        compression=compression,
        rowsperstrip=5,
    )
    np.testing.assert_array_equal(joined(load(file.getvalue())), pixels)


def test_tiff_with_separate_planes_of_16_bits_is_read():
    file, pixels = io.BytesIO(), waves(9, 8, 3, np.uint16)
    tifffile.imwrite(file, pixels.transpose(2, 0, 1), photometric="rgb", planarconfig="separate")
    np.testing.assert_array_equal(load(file.getvalue()).color, pixels)


def test_premultiplied_16_bit_tiff_becomes_straight():
    alpha = np.full((4, 5, 1), 32_768, np.uint16)
    straight = waves(4, 5, 3, np.uint16)
    premultiplied = np.rint(straight * (32_768 / 65_535)).astype(np.uint16)
    file = io.BytesIO()
    tifffile.imwrite(file, np.concatenate([premultiplied, alpha], 2), photometric="rgb", extrasamples=["assocalpha"])
    picture = load(file.getvalue())
    assert np.abs(picture.color.astype(int) - straight).max() <= 1
    assert (picture.alpha == 32_768).all()


def test_white_is_zero_tiff_of_16_bits_is_inverted():
    gray = waves(6, 7, 1, np.uint16)
    file = io.BytesIO()
    tifffile.imwrite(file, 65_535 - gray[:, :, 0], photometric="miniswhite", byteorder="<")
    np.testing.assert_array_equal(load(file.getvalue()).color, gray)


def test_grey_16_bit_png_as_pillow_writes_it():
    gray = waves(6, 7, 1, np.uint16)
    picture = load(encoded(Image.fromarray(gray[:, :, 0]), "PNG"))
    np.testing.assert_array_equal(picture.color, gray)
    assert picture.bits == 16


@pytest.mark.parametrize("channels", [1, 3])
def test_color_key_of_16_bits_becomes_alpha(channels):
    pixels = waves(5, 6, channels, np.uint16)
    key = pixels[2, 3]
    picture = load(write_png(pixels, extra=chunk(b"tRNS", key.astype(">u2").tobytes())))
    np.testing.assert_array_equal(picture.alpha, np.where((pixels == key).all(2), 0, 65_535))


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_few_bits_are_spread_over_8_and_their_color_key_is_found(bits):
    levels = np.arange(2**bits, dtype=np.uint8).reshape(1, -1, 1)
    picture = load(write_png(levels, bits=bits, extra=chunk(b"tRNS", b"\0\1")))
    np.testing.assert_array_equal(picture.color[0, :, 0], np.round(np.linspace(0, 255, 2**bits)))
    np.testing.assert_array_equal(picture.alpha[0], np.where(np.arange(2**bits) == 1, 0, 255))


def test_to_8bit_rounds():
    values = np.arange(65_536, dtype=np.uint16).reshape(256, 256, 1)
    picture = load(values).to_8bit()
    np.testing.assert_array_equal(picture.color, np.rint(values / 257).astype(np.uint8))
    assert "16 bits reduced to 8" in picture.notes
