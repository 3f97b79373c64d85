"""Blocks of metadata byte for byte, and colours that keep their meaning: reports of users of other tools."""

import importlib.util
import io
import struct
import zlib
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from image.pictures import encoded, waves
from image.test_metadata import EXIF, ORIENTATION, enlarged, reopened
from PIL import Image, ImageCms, ImageOps
from reference.png import chunk, read_png, write_png

from srntt.errors import InputError, OutputError
from srntt.image import Metadata, Picture, load, save, to_pillow
from srntt.image.tiff._directory import Directory, Field, pack
from srntt.image.tiff._exif import exif_block, exif_tree

RGB = waves(24, 16, 3)
SUFFIXES = [".png", ".jpg", ".webp", ".tif", ".avif", ".heic", ".jxl"]
EXTRAS = {".heic": "pillow_heif", ".jxl": "pillow_jxl"}
COPYRIGHT = "© 2026 Jürgen".encode()
USER_COMMENT = b"UNICODE\0" + "Grüße".encode("utf-16-le")
MAKER_NOTE = b"Maker\0\xff\xfe\x80 opaque"
XMP = (
    b'<?xpacket begin=""?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" '
    b'xmlns:exif="http://ns.adobe.com/exif/1.0/" '
    b'xmlns:dc="http://purl.org/dc/elements/1.1/" tiff:Orientation="6" exif:PixelXDimension="16" tiff:ImageLength="24">'
    b"<exif:PixelYDimension>24</exif:PixelYDimension><tiff:XResolution>300/1</tiff:XResolution>"
    b"<dc:rights>\xc2\xa9 J\xc3\xbcrgen</dc:rights></rdf:Description></rdf:RDF></x:xmpmeta>"
)  # fmt: skip
IPTC = b"\x1c\x02\x05\0\x06Sommer\x1c\x02\x19\0\x05K\xc3\xb6ln"


def phone_exif(order: str = "<") -> bytes:
    """As phones write it: UTF-8, a UserComment, a MakerNote, and a rational of -2/0."""
    tree = Directory(order)
    text = tree.ascii(COPYRIGHT)
    signed = struct.pack(f"{order}2l", -2, 0)
    inner = Directory(
        order,
        {
            0x9003: tree.ascii(b"2026:11:28 12:00:00"),
            0x9286: Field(7, len(USER_COMMENT), USER_COMMENT),
            0x927C: Field(7, len(MAKER_NOTE), MAKER_NOTE),
            0x9204: Field(10, 1, signed),
        },
    )
    place = Directory(order, {1: tree.ascii(b"N"), 2: tree.rationals(51.0, 30.0, 0.0)})
    return exif_block(Directory(order, {0x8298: text, ORIENTATION: tree.integers(1)}, {EXIF: inner, 0x8825: place}))


def needs_extra(suffix: str) -> None:
    if suffix in EXTRAS:
        pytest.importorskip(EXTRAS[suffix])


def exif_of(path) -> Directory:
    picture = load(path)
    assert picture.metadata.exif, picture.notes
    tree = exif_tree(picture.metadata.exif)
    assert tree is not None
    return tree


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_exif_survives_byte_for_byte(form, suffix, order, tmp_path):
    needs_extra(suffix)
    picture = load(encoded(RGB, form, exif=phone_exif(order)))
    assert picture.notes == ()
    assert save(enlarged(picture), tmp_path / f"x{suffix}") == ()
    assert COPYRIGHT in (tmp_path / f"x{suffix}").read_bytes()
    tree = exif_of(tmp_path / f"x{suffix}")
    assert tree.value(0x8298) == COPYRIGHT + b"\0"
    below, place = tree.inner[EXIF], tree.inner[0x8825]
    assert below.fields[0x9286] == Field(7, len(USER_COMMENT), USER_COMMENT)
    assert below.fields[0x927C] == Field(7, len(MAKER_NOTE), MAKER_NOTE)
    assert below.value(0x9204) == struct.pack(f"{tree.order}2l", -2, 0)
    assert below.value(0x9003) == b"2026:11:28 12:00:00\0"
    assert place.numbers(2) == (51, 30, 0)


def test_a_tag_that_points_nowhere_is_reported_and_the_others_stay():
    block = bytearray(phone_exif())
    at = block.index(struct.pack("<HH", 0x8298, 2))
    block[at + 8 : at + 12] = b"\xff\xff\xff\x7f"
    picture = load(encoded(RGB, "JPEG", exif=bytes(block)))
    assert "EXIF: 1 damaged tag dropped" in picture.notes
    assert exif_tree(picture.metadata.exif).inner[EXIF].value(0x9286) == USER_COMMENT


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_xmp_is_kept_with_orientation_and_sizes_corrected(form, suffix, tmp_path):
    needs_extra(suffix)
    data = with_xmp(form)
    assert save(enlarged(load(data)), tmp_path / f"x{suffix}") == ()
    xmp = load(tmp_path / f"x{suffix}").metadata.xmp
    assert xmp is not None
    ElementTree.fromstring(xmp.split(b"?>", 1)[1])
    for text in (b'tiff:Orientation="1"', b'PixelXDimension="64"', b'tiff:ImageLength="96"', "© Jürgen".encode()):
        assert text in xmp
    assert b"<exif:PixelYDimension>96<" in xmp
    assert b"<tiff:XResolution>1200/1<" in xmp


def with_xmp(form: str) -> bytes:
    if form == "PNG":
        return write_png(RGB, extra=chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP))
    if form == "TIFF":
        return encoded(RGB, "TIFF", tiffinfo={700: XMP})
    return encoded(RGB, form, xmp=XMP)


def test_iptc_is_kept_where_there_is_a_place_for_it(tmp_path):
    irb = b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0" + struct.pack(">I", len(IPTC)) + IPTC + bytes(len(IPTC) % 2)
    data = encoded(RGB, "JPEG", extra=b"\xff\xed" + struct.pack(">H", len(irb) + 2) + irb)
    picture = load(data)
    assert picture.metadata.iptc == IPTC
    for suffix in (".jpg", ".tif"):
        assert save(picture, tmp_path / f"x{suffix}") == ()
        assert load(tmp_path / f"x{suffix}").metadata.iptc == IPTC
    assert save(picture, tmp_path / "x.png") == ("IPTC dropped: not supported by PNG",)


TEXTS = {"parameters": "a cat, Steps: 20, Seed: 7", "Title": "Größe", "prompt": '{"1": "ねこ"}'}


def test_texts_of_a_png_are_kept_and_elsewhere_missed_by_name(tmp_path):
    info = "".join
    extra = chunk(b"tEXt", b"parameters\0" + TEXTS["parameters"].encode())
    extra += chunk(b"zTXt", b"Title\0\0" + zlib.compress(TEXTS["Title"].encode("latin-1")))
    extra += chunk(b"iTXt", b"prompt\0\0\0\0\0" + TEXTS["prompt"].encode())
    picture = load(write_png(RGB, extra=extra))
    assert info(picture.notes) == ""
    assert save(enlarged(picture), tmp_path / "x.png") == ()
    assert reopened(tmp_path / "x.png").text == TEXTS
    message = save(picture, tmp_path / "x.webp")
    assert message == ("PNG texts (parameters, Title, prompt) dropped: not supported by WEBP",)


def test_the_comment_of_a_jpeg(tmp_path):
    picture = load(encoded(RGB, "JPEG", comment="Grüße".encode()))
    for suffix in (".jpg", ".png"):
        assert save(picture, tmp_path / f"x{suffix}") == ()
    assert reopened(tmp_path / "x.jpg").info["comment"] == "Grüße".encode()
    assert reopened(tmp_path / "x.png").text == {"Comment": "Grüße"}
    assert save(picture, tmp_path / "x.webp") == ("comment dropped: not supported by WEBP",)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_strip_drops_all_of_it(suffix, tmp_path):
    needs_extra(suffix)
    metadata = load(encoded(RGB, "JPEG", exif=phone_exif(), xmp=XMP, comment=b"mine", dpi=(300, 300))).metadata
    assert metadata.exif
    assert metadata.xmp
    assert metadata.dpi
    save(Picture(RGB, metadata=metadata), tmp_path / f"x{suffix}", strip=True)
    left = load(tmp_path / f"x{suffix}").metadata
    assert replace(left, icc=None) == Metadata()
    assert left.icc is None or suffix == ".jxl"  # whose decoder makes one of what the header says


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".bmp"])
def test_resolution_follows_the_size(suffix, tmp_path):
    needs_extra(suffix)
    assert save(enlarged(load(encoded(RGB, "PNG", dpi=(300, 200)))), tmp_path / f"x{suffix}") == ()
    assert load(tmp_path / f"x{suffix}").metadata.dpi == pytest.approx((1200, 800), rel=1e-3)


# Colour.


def wide_profile() -> bytes:
    """Display P3: sRGB's profile with other primaries (ICC.1:2022, adapted to D50)."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    primaries = {
        b"rXYZ": (0.51512, 0.24120, -0.00105),
        b"gXYZ": (0.29198, 0.69225, 0.04189),
        b"bXYZ": (0.15710, 0.06657, 0.78407),
    }
    profile = bytearray(srgb)
    for number in range(int.from_bytes(srgb[128:132], "big")):
        name, at = srgb[132 + 12 * number : 136 + 12 * number], int.from_bytes(srgb[136 + 12 * number :][:4], "big")
        if name in primaries:
            profile[at + 8 : at + 20] = struct.pack(">3i", *(round(value * 65_536) for value in primaries[name]))
    return bytes(profile)


P3 = wide_profile()


def as_srgb(pixels: np.ndarray) -> np.ndarray:
    image, srgb = Image.fromarray(pixels), ImageCms.createProfile("sRGB")
    return np.asarray(ImageCms.profileToProfile(image, io.BytesIO(P3), srgb, outputMode="RGB"))


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp", ".webp"])
def test_strip_converts_wide_colours_and_relabels_none(suffix, tmp_path):
    pixels = np.full((8, 8, 3), (200, 60, 40), np.uint8)
    assert np.abs(as_srgb(pixels).astype(int) - pixels).max() > 8  # or the test would show nothing
    message = save(load(encoded(pixels, "PNG", icc_profile=P3)), tmp_path / f"x{suffix}", strip=True)
    assert message == ("colours converted to sRGB, and the ICC profile dropped",)
    assert load(tmp_path / f"x{suffix}").metadata.icc is None
    assert np.abs(load(tmp_path / f"x{suffix}").color.astype(int) - as_srgb(pixels)).max() <= (
        6 if suffix == ".webp" else 1
    )


def test_16_bits_keep_their_profile_when_stripped_and_say_so(tmp_path):
    picture = Picture(waves(8, 8, 3, np.uint16), metadata=Metadata(icc=P3))
    message = save(picture, tmp_path / "x.png", strip=True)
    assert "ICC profile kept" in message[0]
    assert load(tmp_path / "x.png").metadata.icc == P3


def test_a_jpeg_xl_of_wide_colours_is_converted(tmp_path):
    pytest.importorskip("pillow_jxl")
    pixels = np.full((16, 16, 3), (200, 60, 40), np.uint8)
    message = save(load(encoded(pixels, "PNG", icc_profile=P3)), tmp_path / "x.jxl", quality="lossless")
    assert message == ("colours converted to sRGB, and the ICC profile dropped",)
    assert np.abs(load(tmp_path / "x.jxl").color.astype(int) - as_srgb(pixels)).max() <= 1


def test_cicp_is_kept_where_it_can_be_and_refused_elsewhere(tmp_path):
    pq = bytes([9, 16, 0, 1])
    picture = load(write_png(waves(24, 16, 3, np.uint16), extra=chunk(b"cICP", pq)))
    assert picture.metadata.cicp == (9, 16)
    for strip in (False, True):
        assert save(enlarged(picture), tmp_path / f"{strip}.png", strip=strip) == ()
        assert read_png((tmp_path / f"{strip}.png").read_bytes())[1][b"cICP"] == pq
    assert save(picture.to_8bit(), tmp_path / "x.avif") == ()
    assert load(tmp_path / "x.avif").metadata.cicp == (9, 16)
    for suffix in (".tif", ".webp", ".jpg"):
        with pytest.raises(OutputError, match="wide-gamut or HDR colours"):
            save(picture.to_8bit(), tmp_path / f"x{suffix}")


def test_nclx_of_an_avif_is_read(tmp_path):
    data = encoded(RGB, "AVIF")
    at = data.index(b"colrnclx") + 8
    assert load(data).metadata.cicp is None
    hdr = data[:at] + struct.pack(">HH", 9, 18) + data[at + 4 :]
    assert save(enlarged(load(hdr)), tmp_path / "x.avif") == ()
    assert load(tmp_path / "x.avif").metadata.cicp == (9, 18)


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("bits", [10, 12, 16])
def test_a_jpeg_xl_is_read_with_all_its_bits(bits, channels, monkeypatch):
    codecs = pytest.importorskip("imagecodecs")
    pytest.importorskip("pillow_jxl")
    pixels = waves(24, 16, channels, np.uint16) >> (16 - bits)
    data = codecs.jpegxl_encode(pixels, lossless=True, bitspersample=bits)
    picture = load(data, alpha="straight")
    assert picture.notes == ()
    np.testing.assert_allclose(picture.interleaved(), pixels * (65_535 / (2**bits - 1)), atol=1)
    real = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "imagecodecs" else real(name))
    assert load(data, alpha="straight").notes == (f"{bits}-bit JXL read with 8 bits",)


def test_compressed_exif_of_a_jpeg_xl_is_not_called_dropped_where_it_was_read():
    codecs = pytest.importorskip("imagecodecs")
    pytest.importorskip("pillow_jxl")
    data = codecs.jpegxl_encode_jpeg(encoded(RGB, "JPEG", exif=phone_exif()))
    assert b"brobExif" not in data or load(data).notes == ()
    assert exif_tree(load(data).metadata.exif).value(0x8298) == COPYRIGHT + b"\0"


# Alpha.


def texture() -> np.ndarray:
    """A game's: colour everywhere, and in alpha a mask that is no transparency."""
    pixels = waves(24, 16, 4)
    pixels[:, :, 3] = np.where(np.indices((24, 16)).sum(0) % 5 < 2, 0, 255)
    return pixels


def test_colours_under_alpha_are_kept_unless_they_are_all_one():
    picture = load(texture())
    assert picture.notes == ("alpha: straight, since transparent pixels have different colours",)
    np.testing.assert_allclose(picture.rgb().permute(1, 2, 0).numpy(), texture()[:, :, :3] / 255, atol=1e-6)
    flat = texture()
    flat[flat[:, :, 3] == 0, :3] = 0
    assert load(flat).notes == ("alpha: bleed, since all transparent pixels have the same colour",)
    assert load(flat).rgb().amin() >= flat[flat[:, :, 3] > 0, :3].min() / 255
    assert load(texture(), alpha="bleed").bleed
    assert not load(flat, alpha="straight").bleed


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_and_written_as_they_are(suffix, tmp_path):
    picture = load(texture())
    save(picture, tmp_path / f"x{suffix}", quality="lossless" if suffix == ".webp" else None)
    np.testing.assert_array_equal(load(tmp_path / f"x{suffix}").color, texture()[:, :, :3])


# Lossless stays lossless.


@pytest.mark.parametrize("suffix", [".webp", ".jxl"])
def test_lossless_goes_out_lossless(suffix, tmp_path):
    needs_extra(suffix)
    noise = np.random.default_rng(0).integers(0, 256, (24, 16, 3), np.uint8)
    save(load(noise), tmp_path / f"in{suffix}", quality="lossless")
    picture = load(tmp_path / f"in{suffix}")
    assert picture.metadata.lossless
    np.testing.assert_array_equal(picture.color, noise)
    save(picture, tmp_path / f"out{suffix}")
    np.testing.assert_array_equal(load(tmp_path / f"out{suffix}").color, noise)
    save(picture, tmp_path / f"asked{suffix}", quality=60)
    assert not np.array_equal(load(tmp_path / f"asked{suffix}").color, noise)
    assert not load(tmp_path / f"asked{suffix}").metadata.lossless


@pytest.mark.parametrize("suffix", [".jpg", ".avif", ".heic"])
def test_lossless_is_refused_where_there_is_none(suffix, tmp_path):
    needs_extra(suffix)
    with pytest.raises(OutputError, match="is lossy"):
        save(load(RGB), tmp_path / f"x{suffix}", quality="lossless")
    with pytest.raises(InputError, match="or lossless"):
        save(load(RGB), tmp_path / "x.webp", quality=0)


# Pillow users.


def test_an_image_for_pillow_has_its_profile_and_exif():
    image = to_pillow(enlarged(load(encoded(RGB, "JPEG", icc_profile=P3, exif=phone_exif(), dpi=(300, 300)))))
    assert image.info["icc_profile"] == P3
    assert exif_tree(image.info["exif"]).value(0x8298) == COPYRIGHT + b"\0"
    assert image.info["dpi"] == pytest.approx((1200, 1200))
    again = load(encoded(image, "JPEG", icc_profile=image.info["icc_profile"], exif=image.info["exif"]))
    assert again.metadata.icc == P3


@pytest.mark.parametrize("mode", ["I;16", "I", "F"])
def test_modes_of_more_than_8_bits_come_back_with_their_values(mode):
    values = np.linspace(0, 1 if mode == "F" else 65_535, 20).reshape(4, 5)
    image = Image.fromarray(values.astype({"I;16": np.uint16, "I": np.int32, "F": np.float32}[mode]))
    back = to_pillow(load(image), image.mode)
    assert back.mode == mode
    np.testing.assert_allclose(np.asarray(back), np.asarray(image), atol=1e-5 if mode == "F" else 0)


def test_values_of_mode_f_beyond_1_come_back_too():
    image = Image.fromarray(waves(4, 5, 1)[:, :, 0]).convert("F")
    back = to_pillow(load(image, value_range=(0, 255)), "F")
    np.testing.assert_allclose(np.asarray(back), np.asarray(image), atol=255 / 65_535)


HAND = {2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE", 6: "ROTATE_270", 7: "TRANSVERSE"}
HAND |= {8: "ROTATE_90"}


def photograph(turn: int, evidence: str) -> Image.Image:
    """As Pillow opens a camera's, whose EXIF tells how it lay."""
    below = {0xA002: 16, 0xA003: 24} if evidence == "size" else {}
    tree = Directory("<")
    fields = {tag: tree.integers(value) for tag, value in below.items()}
    top = {0x010F: tree.ascii(b"Maker"), ORIENTATION: tree.integers(turn)}
    tree = Directory("<", top, {EXIF: Directory("<", fields)} if fields else {})
    block = exif_block(tree)
    if evidence == "thumbnail":
        small = encoded(np.asarray(Image.fromarray(RGB).resize((8, 12))), "JPEG", quality=90)
        second, length = len(block) - 6, 18
        after = tree.having({0x0201: tree.integers(second + length + 12), 0x0202: tree.integers(len(small))})
        after = replace(after, fields={tag: one for tag, one in after.fields.items() if tag > 0x0200}, inner={})
        block = b"Exif\0\0II*\0\x08\0\0\0" + pack(tree, 8, after=second) + pack(after, second) + small
    return Image.open(io.BytesIO(encoded(RGB, "JPEG", exif=block, quality=95)))


@pytest.mark.parametrize("turn", HAND)
@pytest.mark.parametrize("evidence", ["size", "thumbnail", "none"])
def test_what_was_turned_by_hand_is_not_turned_again(turn, evidence):
    opened = photograph(turn, evidence)
    right = load(opened)
    assert right.notes == (f"rotated by EXIF orientation {turn}",)
    assert load(opened.convert("RGB")).color.tolist() == right.color.tolist()  # in memory, and not turned yet
    turned = load(opened.transpose(Image.Transpose[HAND[turn]]))
    known = evidence == "thumbnail" or (evidence == "size" and turn >= 5)
    assert (turned.color.tolist() == right.color.tolist()) == known
    what = "not rotated: EXIF orientation" if known else "If it was applied already: del image.getexif()[274]"
    assert what in turned.notes[0]
    assert load(ImageOps.exif_transpose(opened)).notes == ()
    assert exif_tree(right.metadata.exif).number(ORIENTATION, 0) == 1
    by_hand = opened.transpose(Image.Transpose[HAND[turn]])
    del by_hand.getexif()[ORIENTATION]
    assert load(by_hand).color.tolist() == right.color.tolist()


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_a_file_is_turned_as_it_states_and_a_note_says_so(form):
    exif = Image.Exif()
    exif[ORIENTATION], exif[EXIF] = 6, {0xA002: 24, 0xA003: 16}
    picture = load(encoded(RGB, form, exif=exif.tobytes()))
    assert (picture.height, picture.width) == (16, 24)
    assert picture.notes == ("rotated by EXIF orientation 6",)


@pytest.mark.parametrize("form", ["png", "tiff", ".PNG"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_into_an_open_file(form, dtype):
    file, pixels = io.BytesIO(), waves(6, 5, 3, dtype)
    assert save(load(pixels), file, format=form) == ()
    np.testing.assert_array_equal(load(file.getvalue()).color, pixels)
    with pytest.raises(InputError, match="set the format"):
        save(load(pixels), file)
