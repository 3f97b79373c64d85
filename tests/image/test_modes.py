"""Every kind of pixel Pillow can hand over: converted rightly and said so, or refused."""

import numpy as np
import pytest
from image.pictures import encoded, waves
from PIL import Image, ImageCms

from srntt.errors import InputError, PictureError
from srntt.image import load

RGB = waves(12, 10, 3)


def tiff(image: Image.Image, **options) -> bytes:
    return encoded(image, "TIFF", **options)


def test_grey_stays_grey():
    picture = load(encoded(RGB[:, :, :1], "PNG"))
    assert picture.is_gray
    assert picture.alpha is None
    np.testing.assert_array_equal(picture.color, RGB[:, :, :1])
    np.testing.assert_allclose(
        picture.rgb().numpy(), np.repeat(RGB[:, :, :1] / 255, 3, 2).transpose(2, 0, 1), atol=1e-7
    )


def test_one_bit_is_black_and_white():
    bits = RGB[:, :, 0] > 100
    picture = load(encoded(Image.fromarray(bits), "PNG"))
    np.testing.assert_array_equal(picture.color[:, :, 0], np.where(bits, 255, 0))


def test_opaque_alpha_is_kept_and_known_as_opaque():
    picture = load(encoded(np.dstack([RGB, np.full(RGB.shape[:2], 255, np.uint8)]), "PNG"))
    assert picture.alpha is not None
    assert picture.opaque


def test_grey_with_alpha():
    pixels = waves(9, 8, 2)
    picture = load(encoded(pixels, "PNG"))
    np.testing.assert_array_equal(picture.color, pixels[:, :, :1])
    np.testing.assert_array_equal(picture.alpha, pixels[:, :, 1])


@pytest.fixture
def palette() -> Image.Image:
    image = Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4), "L").copy()
    image = image.convert("P")
    image.putpalette([value for k in range(256) for value in (k, 255 - k, k // 2)])
    return image


def test_palette(palette):
    picture = load(encoded(palette, "PNG"))
    assert picture.alpha is None
    np.testing.assert_array_equal(picture.color[2, 3], [11, 244, 5])


def test_palette_with_one_transparent_index(palette):
    picture = load(encoded(palette, "PNG", transparency=7))
    np.testing.assert_array_equal(picture.alpha.ravel(), np.where(np.arange(12) == 7, 0, 255))


def test_palette_with_an_alpha_for_each_index(palette):
    picture = load(encoded(palette, "PNG", transparency=bytes(range(0, 240, 20))))
    np.testing.assert_array_equal(picture.alpha.ravel(), range(0, 240, 20))
    np.testing.assert_array_equal(picture.color[0, 0], [0, 255, 0])  # transparent, yet its colour is there


def test_palette_with_alpha_from_pillow(palette):
    palette.putalpha(Image.fromarray(np.full((3, 4), 9, np.uint8)))
    assert palette.mode == "PA"
    assert (load(palette).alpha == 9).all()


def test_palette_of_greys_is_grey(palette):
    palette.putpalette([value for k in range(256) for value in (k, k, k)])
    assert load(encoded(palette, "PNG")).is_gray


def test_rgb_color_key():
    image = Image.fromarray(RGB)
    key = tuple(int(value) for value in RGB[3, 4])
    picture = load(encoded(image, "PNG", transparency=key))
    assert picture.alpha[3, 4] == 0
    assert (picture.alpha == 0).sum() == (RGB[3, 4] == RGB).all(2).sum()


def test_cmyk_without_profile_is_converted_and_noted():
    cmyk = Image.fromarray(RGB).convert("CMYK")
    picture = load(tiff(cmyk))
    assert any("by formula" in note for note in picture.notes)
    np.testing.assert_array_equal(picture.color, RGB)


def cmyk_profile_of_red_cyan() -> bytes:
    """A CMYK profile by hand (ICC.1:2001, lut8Type, two grid points) in which full cyan, alone, prints as sRGB red."""
    lab = np.tile(np.array([255, 128, 128], np.uint8), (16, 1))  # white, whatever the inks ...
    lab[8] = (54.29 * 2.55, 80.81 + 128, 69.89 + 128)  # ... but C=1 M=0 Y=0 K=0: sRGB's red in Lab, D50
    ramp = np.arange(256, dtype=np.uint8).tobytes()
    identity = np.eye(3, dtype=">i4").astype(">i4") * 65_536
    lut = (
        b"mft1"
        + bytes(4)
        + bytes([4, 3, 2, 0])
        + identity.astype(">i4").tobytes()
        + ramp * 4
        + lab.tobytes()
        + ramp * 3
    )
    white = b"XYZ " + bytes(4) + np.array([63_190, 65_536, 54_061], ">i4").tobytes()
    tags = {b"A2B0": lut + bytes(-len(lut) % 4), b"wtpt": white}
    at, table, body = 128 + 4 + 12 * len(tags), len(tags).to_bytes(4, "big"), b""
    for name, data in tags.items():
        table += name + (at + len(body)).to_bytes(4, "big") + len(data).to_bytes(4, "big")
        body += data
    header = bytearray(128)
    header[:4] = (at + len(body)).to_bytes(4, "big")
    header[8:12], header[12:24], header[36:40] = b"\x02\x40\0\0", b"prtrCMYKLab ", b"acsp"
    header[68:80] = white[8:]
    return bytes(header) + table + body


@pytest.mark.parametrize("form", ["TIFF", "JPEG"])
def test_cmyk_goes_through_its_own_profile(form):
    cyan = Image.new("CMYK", (16, 16), (255, 0, 0, 0))
    picture = load(encoded(cyan, form, icc_profile=cmyk_profile_of_red_cyan()))
    assert np.abs(picture.color.astype(int) - [255, 0, 0]).max() <= 8  # Lab of 8 bits
    assert picture.notes == ("CMYK converted to sRGB through its profile",)
    assert picture.metadata.icc is None


def test_cmyk_jpeg_is_not_inverted():
    flat = Image.new("CMYK", (16, 16), (0, 255, 255, 0))  # Pillow writes Adobe's inverted CMYK: full magenta and yellow
    picture = load(encoded(flat, "JPEG", quality=95))
    assert np.abs(picture.color[8, 8].astype(int) - [255, 0, 0]).max() <= 3


def test_lab_through_lcms():
    to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    lab = ImageCms.applyTransform(Image.fromarray(RGB // 2 + 64), to_lab)
    picture = load(tiff(lab))
    assert "Lab converted to sRGB" in picture.notes
    assert np.abs(picture.color.astype(int) - (RGB // 2 + 64)).max() <= 6  # 8-bit Lab is coarse


def test_ycbcr_is_converted_or_refused():
    flat = np.empty((16, 16, 3), np.uint8)
    flat[:] = (200, 100, 50)
    image = Image.fromarray(flat).convert("YCbCr")
    for given in (image, tiff(image, compression="jpeg", quality=95), encoded(flat, "JPEG", quality=95)):
        assert np.abs(load(given).color.astype(int) - flat).max() <= 3
    with pytest.raises(PictureError, match="uncompressed YCbCr TIFF"):
        load(tiff(image))


def test_float_tiff_from_0_to_1_is_kept_with_16_bits():
    values = np.linspace(0, 1, 30, dtype=np.float32).reshape(5, 6)
    picture = load(tiff(Image.fromarray(values)))
    np.testing.assert_allclose(picture.color[:, :, 0] / 65_535, values, atol=1 / 131_000)
    assert "float samples stored with 16 bits" in picture.notes


@pytest.mark.parametrize(
    ("value", "reason"), [(np.nan, "not finite"), (np.inf, "not finite"), (1.5, "0..1 is allowed")]
)
def test_float_tiff_beyond_is_refused(value, reason):
    values = np.full((3, 3), value, np.float32)
    with pytest.raises(PictureError, match=reason):
        load(tiff(Image.fromarray(values)))


def test_pillow_integers_are_taken_as_16_bits():
    values = np.arange(6, dtype=np.int32).reshape(2, 3) * 13_000
    np.testing.assert_array_equal(load(Image.fromarray(values)).color[:, :, 0], values)
    with pytest.raises(PictureError, match=r"from 1000 to 66000; only 0\.\.65535"):
        load(Image.fromarray(values + 1000))
    with pytest.raises(PictureError, match="integer samples from -1"):
        load(Image.fromarray(values - 1))


def test_tiff_integers_without_a_known_white_are_refused():
    with pytest.raises(PictureError, match="white is not known"):
        load(tiff(Image.fromarray(np.zeros((2, 2), np.int32))))


def test_first_frame_of_an_animation_is_used_and_noted():
    frames = [Image.fromarray(RGB), Image.fromarray(255 - RGB)]
    for form in ("PNG", "WEBP", "AVIF"):
        picture = load(encoded(frames[0], form, save_all=True, append_images=frames[1:], lossless=True, quality=100))
        assert "first of 2 frames used" in picture.notes
        assert np.abs(picture.color.astype(int) - RGB).mean() < 20
    picture = load(encoded(frames[0], "TIFF", save_all=True, append_images=frames[1:]))
    np.testing.assert_array_equal(picture.color, RGB)
    assert any("first of 2 pages used" in note for note in picture.notes)
    picture = load(encoded(frames[0], "MPO", save_all=True, append_images=frames[1:], quality=95))
    assert "first of several pictures in the file used" in picture.notes


def test_ten_bit_avif_is_noted_to_be_read_with_8():
    data = encoded(RGB, "AVIF", quality=90)
    at = data.index(b"pixi") + 9
    assert data[at : at + 3] == b"\x08\x08\x08"
    from srntt.image._headers import samples_depth

    assert samples_depth("AVIF", data) == 8
    assert samples_depth("AVIF", data[:at] + b"\x0a" + data[at + 1 :]) == 10


def test_an_unknown_mode_is_named():
    image = Image.new("La", (2, 2))
    assert load(image).alpha is not None
    with pytest.raises(InputError):
        load(np.zeros((2, 2, 5), np.uint8))
