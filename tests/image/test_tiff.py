"""TIFF as microscopes, satellites and scanners write it: reports of users of other tools, each with the right value."""

import importlib.util
import io
import struct
import tracemalloc
import zlib
from importlib.util import find_spec

import numpy as np
import pytest
import tifffile
from image.pictures import encoded, waves
from PIL import Image

from srntt.errors import InputError, MissingDependencyError, OutputError, PictureError
from srntt.image import Picture, load, picture_like, save, save_pages

GRAY, RGB = waves(24, 30, 1)[:, :, 0], waves(24, 30, 3)
MORE = {"images", "slices", "channels", "frames", "hyperstack"}


def written(pixels: np.ndarray, **options) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, **options)
    return file.getvalue()


def enlarged(picture: Picture) -> Picture:
    """As an upscale returns it: four times larger, the same depth, alpha and bands."""
    large = lambda planes: None if planes is None else planes.repeat(4, 0).repeat(4, 1)  # noqa: E731
    return picture_like(picture, large(picture.color), large(picture.alpha), bands=large(picture.bands))


def resaved(data: bytes, path, **options) -> tuple[tifffile.TiffFile, tuple[str, ...]]:
    picture = load(data, **options)
    notes = save(enlarged(picture), path)
    return tifffile.TiffFile(io.BytesIO(path.read_bytes())), (*picture.notes, *notes)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("pixels", [GRAY, RGB, waves(24, 30, 3, np.uint16)], ids=["grey", "RGB", "RGB 16"])
def test_bigtiff_is_read(pixels, order):
    data = written(pixels, bigtiff=True, byteorder=order, photometric="rgb" if pixels.ndim == 3 else "minisblack")
    np.testing.assert_array_equal(load(data).color, pixels.reshape(24, 30, -1))


def test_a_file_beyond_4_gb_becomes_a_bigtiff(tmp_path, monkeypatch):
    monkeypatch.setattr("srntt.image.tiff._write._MOST_OF_A_SMALL_FILE", 1000)
    save(load(RGB), tmp_path / "x.tif")
    with tifffile.TiffFile(tmp_path / "x.tif") as tiff:
        assert tiff.is_bigtiff
        np.testing.assert_array_equal(tiff.asarray(), RGB)
    np.testing.assert_array_equal(load(tmp_path / "x.tif").color, RGB)


# Metadata follows the new size.


def test_imagej_one_page_of_a_stack(tmp_path):
    stack = np.stack([GRAY] * 5)
    data = written(stack, imagej=True, resolution=(2.5, 2.5), metadata={"unit": "um", "spacing": 2.0, "axes": "ZYX"})
    tiff, notes = resaved(data, tmp_path / "x.tif", page=2)
    about = tiff.imagej_metadata
    assert tiff.asarray().shape == (96, 120)  # tifffile counted images and failed
    assert not MORE & set(about)
    assert (about["unit"], about["spacing"]) == ("um", 2.0)
    tags = tiff.pages[0].tags
    assert tags["XResolution"].value[0] / tags["XResolution"].value[1] == 10  # pixels a micrometre, four times as many
    assert tags["ResolutionUnit"].value == 1
    assert notes == ()


def test_imagej_whole_stack(tmp_path):
    stack = np.stack([np.roll(GRAY, k) for k in range(5)])
    data = written(stack, imagej=True, resolution=(2.5, 2.5), metadata={"unit": "um", "axes": "ZYX"})
    pages = (enlarged(load(data, page=number)) for number in range(1, 6))
    assert save_pages(pages, tmp_path / "x.tif", count=5) == ()
    with tifffile.TiffFile(tmp_path / "x.tif") as tiff:
        assert tiff.imagej_metadata["images"] == 5
        np.testing.assert_array_equal(tiff.asarray(), stack.repeat(4, 1).repeat(4, 2))


def test_ome_xml_has_the_new_sizes_and_its_letters(tmp_path):
    pitch = {"axes": "YX", "PhysicalSizeX": 0.26, "PhysicalSizeXUnit": "µm", "PhysicalSizeY": 0.26}
    tiff, notes = resaved(written(GRAY, ome=True, metadata=pitch), tmp_path / "x.ome.tif")
    xml = tiff.ome_metadata
    assert 'SizeX="120"' in xml
    assert 'SizeY="96"' in xml
    assert 'PhysicalSizeX="0.065"' in xml
    assert 'PhysicalSizeXUnit="µm"' in xml
    assert tiff.series[0].shape == (96, 120)
    assert notes == ()


def test_ome_xml_of_a_stack_is_dropped_with_a_note_for_one_page(tmp_path):
    data = written(np.stack([GRAY] * 3), ome=True, metadata={"axes": "ZYX"})
    tiff, notes = resaved(data, tmp_path / "x.tif", page=1)
    assert tiff.ome_metadata is None
    assert any("OME-XML dropped" in note for note in notes)


def test_tifffiles_own_shape_follows(tmp_path):
    tiff, _ = resaved(written(RGB, photometric="rgb", metadata={"mine": 1}), tmp_path / "x.tif")
    assert tiff.shaped_metadata[0]["shape"] == [96, 120, 3]
    assert tiff.shaped_metadata[0]["mine"] == 1
    assert tiff.series[0].shape == (96, 120, 3)


def test_tifffiles_own_shape_follows_the_bands(tmp_path):
    ink = written(waves(24, 30, 4), photometric="separated", metadata={"axes": "YXS"})
    tiff, _ = resaved(ink, tmp_path / "ink.tif")  # which becomes RGB
    assert tiff.shaped_metadata[0]["shape"] == [96, 120, 3]
    assert tiff.series[0].shape == (96, 120, 3)
    palette = np.linspace(0, 65_535, 768).astype(np.uint16).reshape(3, 256)
    tiff, _ = resaved(written(GRAY, photometric="palette", colormap=palette), tmp_path / "palette.tif")
    assert tiff.shaped_metadata[0]["shape"] == [96, 120, 3]
    planes = waves(24, 30, 3).transpose(2, 0, 1)
    tiff, notes = resaved(written(planes, photometric="rgb", planarconfig="separate"), tmp_path / "planes.tif")
    assert "tifffile's shape dropped: it describes other pages or planes" in notes
    np.testing.assert_array_equal(tiff.asarray(), planes.transpose(1, 2, 0).repeat(4, 0).repeat(4, 1))
    tiff, notes = resaved(written(np.stack([GRAY] * 3), photometric="minisblack"), tmp_path / "page.tif", page=2)
    assert "tifffile's shape dropped: it describes other pages or planes" in notes
    assert tiff.series[0].shape == (96, 120)


def test_ome_xml_and_imagej_follow_samples_and_type(tmp_path):
    tiff, notes = resaved(written(RGB, ome=True, photometric="rgb", metadata={"axes": "YXS"}), tmp_path / "rgb.tif")
    assert notes == ()
    assert tiff.series[0].shape == (96, 120, 3)
    deep = waves(24, 30, 1, np.uint16)[:, :, 0]
    notes = save(load(written(deep, ome=True, metadata={"axes": "YX"})).to_8bit(), tmp_path / "ome.tif")
    assert notes == ("OME-XML dropped: it describes other planes or samples than are written",)
    save(load(written(deep, imagej=True, metadata={"min": 0.0, "max": 65535.0})).to_8bit(), tmp_path / "ij.tif")
    with tifffile.TiffFile(tmp_path / "ij.tif") as tiff:  # shown with that white, it would be black
        assert not {"min", "max"} & set(tiff.imagej_metadata)


def test_resolution_follows_in_every_unit(tmp_path):
    for unit, named in ((2, "INCH"), (3, "CENTIMETER")):
        data = written(RGB, photometric="rgb", resolution=(300, 200), resolutionunit=unit)
        tiff, _ = resaved(data, tmp_path / f"{named}.tif")
        tags = tiff.pages[0].tags
        inches = 1 if tags["ResolutionUnit"].value == 2 else 2.54
        x, y = (tags[name].value[0] / tags[name].value[1] * inches for name in ("XResolution", "YResolution"))
        assert (x, y) == pytest.approx((1200, 800) if unit == 2 else (3048, 2032), rel=1e-4)


PLAIN = '<GDALMetadata>\n<Item name="A">b</Item>\n</GDALMetadata>'
STATISTICS = PLAIN.replace("\n", '\n<Item name="STATISTICS_MEAN" sample="0">9</Item>\n', 1)


def geo(point: bool) -> list[tuple]:
    keys = (1, 1, 0, 1, 1025, 0, 1, 2 if point else 1)
    return [
        (33550, "d", 3, (10.0, 20.0, 0.0), True),
        (33922, "d", 6, (0.0, 0.0, 0.0, 500_000.0, 4_000_000.0, 0.0), True),
        (34735, "H", len(keys), keys, True),
        (42112, "s", 0, STATISTICS, True),
        (42113, "s", 0, "-9999", True),
    ]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("point", "corner"), [(False, (0, 0)), (True, (1.5, 1.5))])
def test_geotiff_keeps_its_place_on_the_earth(point, corner, order, tmp_path):
    data = written(RGB, photometric="rgb", extratags=geo(point), byteorder=order)
    tiff, notes = resaved(data, tmp_path / "x.tif")
    tags = tiff.pages[0].tags
    assert tags[33550].value == (2.5, 5.0, 0.0)
    assert tags[33922].value == (*corner, 0, 500_000, 4_000_000, 0)
    assert tags[34735].value == (1, 1, 0, 1, 1025, 0, 1, 2 if point else 1)
    assert tags[42113].value == "-9999"
    assert tags[42112].value == PLAIN
    assert notes == ()
    assert any(
        "GeoTIFF tags and tifffile's description dropped: not supported by PNG" in note
        for note in save(load(tmp_path / "x.tif"), tmp_path / "x.png")
    )


def test_geotiff_with_a_matrix(tmp_path):
    matrix = (10.0, 1.0, 0, 500.0, 2.0, -20.0, 0, 900.0, 0, 0, 0, 0, 0, 0, 0, 1.0)
    data = written(RGB, photometric="rgb", extratags=[(34264, "d", 16, matrix, True)])
    tiff, _ = resaved(data, tmp_path / "x.tif")
    assert tiff.pages[0].tags[34264].value == (2.5, 0.25, 0, 500, 0.5, -5, 0, 900, 0, 0, 0, 0, 0, 0, 0, 1)


def test_what_nobody_knows_is_dropped_with_a_note(tmp_path):
    data = written(RGB, photometric="rgb", extratags=[(65001, "I", 1, 7, True)])
    _, notes = resaved(data, tmp_path / "x.tif")
    assert any("TIFF tags 65001 dropped" in note for note in notes)


# Pages and bands.


def test_every_page_can_be_had_and_the_first_says_that_there_are_more(tmp_path):
    stack = [waves(20 + k, 30, 3, np.uint16) for k in range(3)]
    with tifffile.TiffWriter(tmp_path / "in.tif") as tiff:
        for page in stack:
            tiff.write(page, photometric="rgb")
    first = load(tmp_path / "in.tif")
    assert "first of 3 pages used" in first.notes[0]
    assert first.metadata.page == (1, 3)
    for number, page in enumerate(stack, 1):
        np.testing.assert_array_equal(load(tmp_path / "in.tif", page=number).color, page)
    with pytest.raises(InputError, match="no page 4; pages are 1 to 3"):
        load(tmp_path / "in.tif", page=4)
    with pytest.raises(InputError, match="no page 2"):
        load(encoded(RGB, "PNG"), page=2)


def test_pages_that_pillow_reads_can_be_had_too():
    pages = [Image.fromarray(np.roll(RGB, k, 0)) for k in range(3)]
    data = encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:], compression="jpeg", quality=98)
    for number, page in enumerate(pages, 1):
        assert np.abs(load(data, page=number).color.astype(int) - np.asarray(page)).mean() < 3


def test_pages_are_written_as_they_are_made(tmp_path):
    made = []

    def pages():
        for number in range(3):
            made.append(number)
            yield load(np.roll(RGB, number, 0))

    assert save_pages(pages(), tmp_path / "x.tif", count=3) == ()
    with tifffile.TiffFile(tmp_path / "x.tif") as tiff:
        assert len(tiff.pages) == 3
        for number, page in enumerate(tiff.pages):
            np.testing.assert_array_equal(page.asarray(), np.roll(RGB, number, 0))
    with pytest.raises(OutputError, match=r"PNG stores one.*--page"):
        save_pages(pages(), tmp_path / "x.png", count=3)


def test_smaller_copies_and_masks_are_no_pages():
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as tiff:
        tiff.write(RGB, photometric="rgb")
        tiff.write(RGB[::2, ::2], photometric="rgb", subfiletype=1)
        tiff.write(GRAY > 99, photometric="mask", subfiletype=4)
    picture = load(file.getvalue())
    np.testing.assert_array_equal(picture.color, RGB)
    assert picture.notes == ("1 reduced copies in the file skipped", "1 masks in the file skipped")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(("bands", "photometric"), [(4, "rgb"), (5, "rgb"), (4, "minisblack"), (8, "minisblack")])
def test_bands_beyond_three_are_kept(bands, photometric, dtype, tmp_path):
    pixels = waves(24, 30, bands, dtype)
    extra = ["unspecified"] * (bands - 3) if photometric == "rgb" else None
    data = written(pixels, photometric=photometric, planarconfig="contig", extrasamples=extra)
    picture = load(data)
    np.testing.assert_array_equal(np.concatenate([picture.color, picture.bands], 2), pixels)
    taken = f"first three of {bands} bands used as red, green and blue"
    assert (taken in picture.notes) == (photometric == "minisblack")
    assert any("upscaled as grey" in note for note in picture.notes)
    tiff, _ = resaved(data, tmp_path / "x.tif")
    np.testing.assert_array_equal(tiff.asarray(), pixels.repeat(4, 0).repeat(4, 1))
    assert tiff.pages[0].photometric.name.lower() == photometric
    assert tiff.pages[0].extrasamples == ((0,) * (bands - 1) if photometric == "minisblack" else (0,) * (bands - 3))
    np.testing.assert_array_equal(load(tmp_path / "x.tif").bands, picture.bands.repeat(4, 0).repeat(4, 1))
    assert any("dropped: PNG stores colour and alpha only" in note for note in save(picture, tmp_path / "x.png"))


def test_alpha_of_bands_that_are_no_colours(tmp_path):
    pixels = waves(24, 30, 5)
    data = written(pixels, photometric="minisblack", extrasamples=["unspecified"] * 2 + ["unassalpha", "unspecified"])
    np.testing.assert_array_equal(load(data).alpha, pixels[:, :, 3])
    tiff, _ = resaved(data, tmp_path / "x.tif")
    assert (tiff.pages[0].photometric, tiff.pages[0].extrasamples) == (1, (0, 0, 2, 0))
    np.testing.assert_array_equal(tiff.asarray(), pixels.repeat(4, 0).repeat(4, 1))


def test_bands_in_planes_are_kept_too():
    pixels = waves(24, 30, 5, np.uint16)
    data = written(pixels.transpose(2, 0, 1), photometric="minisblack", planarconfig="separate", compression="zlib")
    picture = load(data)
    np.testing.assert_array_equal(np.concatenate([picture.color, picture.bands], 2), pixels)


def test_rgba_and_a_mask():
    pixels = waves(24, 30, 5)
    picture = load(written(pixels, photometric="rgb", extrasamples=["unassalpha", "unspecified"]))
    np.testing.assert_array_equal(picture.alpha, pixels[:, :, 3])
    np.testing.assert_array_equal(picture.bands[:, :, 0], pixels[:, :, 4])


# Depth and range.


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("options", [{}, {"compression": "zlib", "predictor": True}, {"byteorder": ">"}])
def test_floats_from_0_to_1_come_back_as_floats(dtype, channels, options, tmp_path):
    if "predictor" in options and (dtype == np.float16 or find_spec("imagecodecs") is None):
        pytest.skip("tifffile writes no such predictor without imagecodecs, and none of float16")
    values = np.squeeze(np.linspace(0, 1, 720 * channels).reshape(24, 30, channels)).astype(dtype)
    data = written(values, photometric="rgb" if channels == 3 else "minisblack", **options)
    tiff, _ = resaved(data, tmp_path / "x.tif")
    large = tiff.asarray()
    assert large.dtype == dtype
    assert len(np.unique(large)) > 256
    np.testing.assert_allclose(large, values.repeat(4, 0).repeat(4, 1), atol=1e-3 if dtype == np.float16 else 1e-5)


RANGES = {
    "float": (np.linspace(-3, 7, 720), np.float32),
    "int16": (np.linspace(-1000, 3000, 720), np.int16),
    "uint32": (np.linspace(0, 4e9, 720), np.uint32),
    "int32": (np.linspace(-2e9, 2e9, 720), np.int32),
    "int8": (np.linspace(-128, 127, 720), np.int8),
    "float64": (np.linspace(1e5, 2e5, 720), np.float64),
}


@pytest.mark.parametrize("name", RANGES)
def test_values_of_any_range_come_back_in_their_type(name, tmp_path):
    values = RANGES[name][0].reshape(24, 30).astype(RANGES[name][1])
    data = written(values)
    with pytest.raises(PictureError, match=r"--range LOW,HIGH or auto"):
        load(data)
    span = float(values.max()) - float(values.min())
    for requested in ("auto", (float(values.min()), float(values.max()))):
        tiff, notes = resaved(data, tmp_path / f"{requested == 'auto'}.tif", value_range=requested)
        large = tiff.asarray()
        assert large.dtype == values.dtype
        error = np.abs(large.astype(np.float64) - values.repeat(4, 0).repeat(4, 1))
        assert error.max() <= span / 65_535 * 0.51 + (values.dtype.kind != "f")
        assert any("range: " in note for note in notes) == (requested == "auto")


def test_what_lies_outside_a_range_is_clipped_and_noted():
    values = np.linspace(0, 100, 720, dtype=np.float32).reshape(24, 30)
    picture = load(written(values), value_range=(0, 50))
    assert picture.values().max() == 50
    assert picture.notes == ("range: 50% of the values are outside and were clipped",)
    with pytest.raises(InputError, match="must be less"):
        load(written(values), value_range=(5, 5))


@pytest.mark.parametrize("value", [1 + 1e-7, 1.0000001, -1e-7])
def test_a_rounding_beyond_1_is_no_other_range(value):
    values = np.full((3, 4), 0.5, np.float64)
    values[0, 0] = value
    assert load(written(values)).color.max() in (65_535, 32_768)
    assert load(values).bits == 16


@pytest.mark.parametrize("bits", [1, 2, 4, 6, 9, 10, 12, 14])
@pytest.mark.parametrize("channels", [1, 3])
def test_packed_samples(bits, channels):
    """Each row begins at a byte; within it, samples follow one another bit by bit, the most significant first."""
    values = np.arange(5 * 7 * channels).reshape(5, 7, channels) * 37 % 2**bits
    values[0, 0], values[0, 1] = 0, 2**bits - 1
    rows = [
        int("".join(f"{value:0{bits}b}" for value in row.ravel()).ljust(-(-7 * channels * bits // 8) * 8, "0"), 2)
        for row in values
    ]
    body = b"".join(row.to_bytes(-(-7 * channels * bits // 8), "big") for row in rows)
    data = by_hand(7, 5, bits, channels, body)
    top = 255 if bits < 8 else 65_535
    picture = load(data)
    assert np.abs(picture.color / top - values / (2**bits - 1)).max() < 0.51 / (2 ** min(bits, 8) - 1)
    assert (picture.color[0, 0] == 0).all()
    assert (picture.color[0, 1] == top).all()
    assert any(f"{bits}-bit samples" in note for note in picture.notes) == (bits > 8)


def by_hand(width: int, height: int, bits: int, channels: int, body: bytes, compression: int = 1, **more) -> bytes:
    tags = {
        256: width,
        257: height,
        259: compression,
        262: 2 if channels == 3 else 1,
        273: 8,
        277: channels,
        278: height,
    }
    tags |= {279: len(body), **{int(tag[1:]): value for tag, value in more.items()}}
    bits_at = 8 + len(body) + len(body) % 2
    entries = {tag: struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items()}
    entries[258] = struct.pack("<HHII", 258, 3, channels, bits_at if channels > 2 else bits)
    values = struct.pack(f"<{channels}H", *[bits] * channels)
    at = bits_at + len(values)
    listed = b"".join(entries[tag] for tag in sorted(entries))
    return (
        b"II*\0" + struct.pack("<I", at) + body.ljust(bits_at - 8, b"\0") + values
        + struct.pack("<H", len(entries)) + listed + bytes(4)
    )  # fmt: skip


@pytest.mark.parametrize("photometric", ["separated", "cielab"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_cmyk_and_lab_of_16_bits_are_those_of_8(photometric, dtype):
    top = np.iinfo(dtype).max
    if photometric == "separated":
        ink = np.zeros((8, 8, 4), dtype)
        ink[..., 1:3] = top  # magenta and yellow: red
    else:
        ink = np.zeros((8, 8, 3), dtype)
        ink[..., 0] = round(0.5323 * top)
        scale = 1 if dtype == np.uint8 else 256
        ink[..., 1:] = np.array([80, 67]) * scale  # sRGB's red, D50
    data = by_hand(8, 8, 8 * ink.itemsize, ink.shape[2], ink.tobytes(), t262=5 if photometric == "separated" else 8)
    picture = load(data)
    assert np.abs(picture.color[4, 4].astype(int) - [255, 0, 0]).max() <= 12
    assert picture.bits == 8
    assert any("converted to sRGB" in note for note in picture.notes)
    assert any("16 bits reduced to 8" in note for note in picture.notes) == (dtype == np.uint16)


@pytest.mark.parametrize("compression", ["lerc", "jpeg2000"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_lerc_and_jpeg_2000_are_read_with_the_extra(compression, dtype, monkeypatch):
    pytest.importorskip("imagecodecs")
    pixels = waves(24, 30, 3, dtype)
    args = {"reversible": True} if compression == "jpeg2000" else {}
    data = written(pixels, photometric="rgb", compression=compression, compressionargs=args)
    np.testing.assert_array_equal(load(data).color, pixels)
    assert load(data).notes == ()
    real = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "imagecodecs" else real(name))
    with pytest.raises(MissingDependencyError, match=r"compressed with (LERC|JPEG 2000) needs an extra.*\[tiff\]"):
        load(data)


@pytest.mark.parametrize("packing", ["deflate", "zstd"])
def test_lerc_inside_another_compression(packing):
    pytest.importorskip("imagecodecs")
    pixels = waves(24, 30, 3, np.uint16)
    data = written(pixels, photometric="rgb", compression="lerc", compressionargs={"compression": packing})
    np.testing.assert_array_equal(load(data).color, pixels)


@pytest.mark.parametrize("packing", ["deflate", "zstd"])
def test_lerc_that_inflates_to_more_than_its_segment_is_refused(packing):
    codecs = pytest.importorskip("imagecodecs")
    bomb = bytes(2**26)
    body = zlib.compress(bomb) if packing == "deflate" else codecs.zstd_encode(bomb)
    whole = written(GRAY, compression="lerc", compressionargs={"compression": packing})
    data = bytearray(whole + body)
    with tifffile.TiffFile(io.BytesIO(whole)) as file:
        for tag, value in ((273, len(whole)), (279, len(body))):
            at = file.pages[0].tags[tag].valueoffset
            data[at : at + 4] = struct.pack("<I", value)
    tracemalloc.start()
    with pytest.raises(PictureError, match="damaged"):
        load(bytes(data))
    assert tracemalloc.get_traced_memory()[1] < 2**22
    tracemalloc.stop()


@pytest.mark.parametrize("compression", ["lzw", "zlib", "packbits", "lzma", "zstd"])
@pytest.mark.parametrize("tile", [None, (16, 16)])
def test_compressions_of_bytes_need_no_extra(compression, tile):
    pytest.importorskip("imagecodecs", reason="to write them")
    for pixels in (waves(40, 50, 3, np.uint16), waves(40, 50, 3)):
        predictor = compression not in ("packbits",)
        data = written(pixels, photometric="rgb", compression=compression, predictor=predictor, tile=tile)
        np.testing.assert_array_equal(load(data).color, pixels)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"t259": 50001}, r"compressed with WebP \(50001\), which is not supported"),
        ({"t259": 50002}, r"compressed with JPEG XL \(50002\), which is not supported"),
        ({"t259": 999}, r"compressed with an unknown method \(999\)"),
        ({"t262": 32844}, "LogLuv"),
        ({"t339": 5}, "complex"),
        ({"t277": 5000}, "5,000 samples per pixel"),
    ],
)
def test_what_is_not_supported_is_named_and_not_called_damaged(changed, reason):
    data = by_hand(8, 8, 8, 1, bytes(64), **changed)
    with pytest.raises(PictureError, match=reason) as caught:
        load(data)
    assert "damaged" not in str(caught.value)


# Raw files.


@pytest.mark.parametrize("kind", ["DNG", "CFA", "linear", "CR2", "NEF"])
def test_raw_files_are_refused_whose_thumbnail_could_be_read(kind):
    more = {"DNG": {"t50706": 1}, "CFA": {"t262": 32803}, "linear": {"t262": 34892}}.get(kind, {})
    data = by_hand(8, 8, 8, 1, bytes(64), **more)
    if kind == "CR2":
        data = data[:8] + b"CR" + data[10:]
    if kind == "NEF":
        place = len(data) + 200
        below = struct.pack("<H", 1) + struct.pack("<HHII", 262, 3, 1, 32803) + bytes(4)
        data = by_hand(8, 8, 8, 1, bytes(64), t330=place).ljust(place, b"\0") + below
    with pytest.raises(PictureError, match="camera's raw file, which must be developed first with"):
        load(data)


@pytest.mark.parametrize(
    "head", [b"FUJIFILMCCD-RAW 0201", b"IIRO\x08\0\0\0", b"IIU\0\x18\0\0\0", b"\0\0\0\x18ftypcrx "]
)
def test_raw_files_of_other_kinds_are_named(head):
    with pytest.raises(PictureError, match="a camera's raw file"):
        load(head.ljust(64, b"\0"))


# Hostile ones.


def test_a_strip_that_inflates_to_more_than_its_rows_is_not_inflated():
    import zlib

    packer = zlib.compressobj(9)
    body = b"".join(packer.compress(bytes(2**20)) for _ in range(64)) + packer.flush()
    assert load(by_hand(8, 8, 8, 1, body, compression=8)).color.max() == 0


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"t273": 10**6}, "goes beyond its end"),
        ({"t278": 1}, "lists 1 of 8 segments"),
        ({"t256": 2**31 - 1, "t257": 2**31 - 1}, "the limit is"),
        ({"t322": 2**20, "t323": 2**20}, "tiles of 1048576 x 1048576"),
        ({"t256": 0}, "both must be at least 1"),
        ({"t279": 10}, "a segment of less than"),
    ],
)
def test_directories_that_lie_are_refused(more, reason):
    with pytest.raises(PictureError, match=reason):
        load(by_hand(8, 8, 8, 1, bytes(64), **more))


def test_a_lerc_part_that_is_larger_than_its_segment_is_refused_before_it_is_decoded():
    codecs = pytest.importorskip("imagecodecs")
    blob = codecs.lerc_encode(np.zeros((64, 64), np.uint8))
    with pytest.raises(PictureError, match="a segment of 64 x 64"):
        load(by_hand(8, 8, 8, 1, blob, compression=34887))
