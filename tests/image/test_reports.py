"""Ten further reports of users of other tools; docs/formats.md lists them with what comes of each."""

import io
import struct

import numpy as np
import pytest
from image.pictures import encoded, waves
from image.test_tiff import written
from PIL import Image

from srntt.errors import OutputError, PictureError
from srntt.image import load, save

RGB = waves(40, 48, 3)
JPEG = encoded(RGB, "JPEG", quality=95)


def test_a_png_with_alpha_saved_as_jpg_is_refused_and_gets_no_other_name(tmp_path):
    """upscayl 653: written as x.jpg.png."""
    with pytest.raises(OutputError, match="transparent pixels, which JPEG does not support"):
        save(load(waves(8, 8, 4)), tmp_path / "x.jpg")
    assert list(tmp_path.iterdir()) == []


def test_a_palette_saved_as_jpg_keeps_its_colours(tmp_path):
    """upscayl 1065: grey and stretched."""
    palette = Image.fromarray(RGB).quantize(64)
    save(load(encoded(palette, "PNG")), tmp_path / "x.jpg")
    difference = np.abs(load(tmp_path / "x.jpg").color.astype(int) - np.asarray(palette.convert("RGB")))
    assert difference.mean() < 4


def test_names_in_any_script(tmp_path):
    """Real-ESRGAN 307: a name with Chinese letters could not be read."""
    for name in ("2023李永乐数学.png", "Größe ß.jpg", "эскиз.tif", "🐈.webp"):
        save(load(RGB), tmp_path / name)
        assert load(tmp_path / name).width == 48


def test_a_cmyk_jpeg_without_adobes_marker_has_the_colours_of_one_with_it():
    """sharp 1649: negative colours."""
    data = encoded(Image.fromarray(RGB).convert("CMYK"), "JPEG", quality=95)
    at = data.index(b"\xff\xee")
    plain = data[:at] + data[at + 2 + int.from_bytes(data[at + 2 : at + 4], "big") :]
    assert np.abs(load(plain).color.astype(int) - RGB).mean() < 3
    np.testing.assert_array_equal(load(plain).color, load(data).color)


def test_a_jpeg_that_names_a_second_picture_and_has_none():
    """Pillow 1631: cameras write it; it was taken for truncated."""
    file = io.BytesIO()
    Image.fromarray(RGB).save(file, "MPO", save_all=True, append_images=[Image.fromarray(RGB)], quality=95)
    whole = file.getvalue()
    picture = load(whole[: whole.index(b"\xff\xd9") + 2])
    assert np.abs(picture.color.astype(int) - RGB).mean() < 3
    assert picture.notes == ("first of several pictures in the file used",)


def test_what_follows_the_end_of_a_jpeg_is_left_alone_and_a_missing_end_is_refused():
    """libjpeg-turbo 163: panoramas of a phone, with a film behind the picture and no end of it."""
    trailer = b"\0\0SEFH" + bytes(range(256)) * 40 + b"SEFT"
    np.testing.assert_array_equal(load(JPEG + trailer).color, load(JPEG).color)
    with pytest.raises(PictureError, match="not a whole JPEG: its end is missing"):
        load(JPEG[:-2] + trailer)
    np.testing.assert_array_equal(load(JPEG[:-2]).color, load(JPEG).color)


def test_a_gain_map_is_dropped_with_a_note_and_so_is_what_would_promise_it(tmp_path):
    """Pillow 8036, libvips 3799: HDR lost in silence, and the XMP still says that it is there."""
    gain = b"""<a xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0"/>"""
    xmp = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/">""" + gain
    picture = load(encoded(RGB, "JPEG", xmp=xmp + b"</x:xmpmeta>"))
    assert any("gain map dropped" in note for note in picture.notes)
    save(picture, tmp_path / "x.jpg")
    assert b"hdrgm" not in (tmp_path / "x.jpg").read_bytes()


def test_content_credentials_are_dropped_with_a_note(tmp_path):
    """contentauth/verify-site 316: what holds for another picture must not go with this one."""
    marker = b"\xff\xeb" + struct.pack(">H", 14) + b"JP\0\0jumbc2pa"
    picture = load(JPEG[:2] + marker + JPEG[2:])
    assert picture.notes == ("content credentials, which are valid for the original picture only, dropped",)
    save(picture, tmp_path / "x.jpg")
    assert b"c2pa" not in (tmp_path / "x.jpg").read_bytes()


def test_no_data_does_not_count_for_the_range():
    """geotiff.js 448: heights beside the value for none became thousands of metres deep."""
    heights = np.linspace(100, 900, 30 * 24, dtype=np.float32).reshape(24, 30)
    heights[:6] = -9999
    picture = load(written(heights, extratags=[(42113, "s", 0, "-9999", True)]), value_range="auto")
    assert picture.levels is not None
    assert (picture.levels.low, picture.levels.high) == (heights[6:].min(), 900)
    assert "range: 25% of the values are no data (-9999) and become the minimum" in picture.notes


def test_an_animated_png_is_noted_to_be_one():
    """upscayl 1036: the preview moves and the result does not."""
    frames = [Image.fromarray(np.roll(RGB, k, 0)) for k in range(3)]
    assert "first of 3 frames used" in load(encoded(frames[0], "PNG", save_all=True, append_images=frames[1:])).notes
