"""Every pair of formats and everything that a file can say: kept, converted, noted or refused, and never lost.

docs/formats.md shows the table; after a change that is meant: ``python tests/image/test_table.py`` writes it there.
"""

import importlib.util
import io
import itertools
import re
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

if __name__ == "__main__":  # as a script, it finds the others beside it
    sys.path.insert(0, str(Path(__file__).parents[1]))

from image.pictures import encoded, waves
from image.test_blocks import COPYRIGHT, P3, XMP, phone_exif
from image.test_tiff import enlarged
from PIL import Image, PngImagePlugin
from reference.png import write_png

from srntt.errors import OutputError
from srntt.image import Picture, load, save
from srntt.image.tiff._directory import Directory
from srntt.image.tiff._exif import exif_block, exif_tree

DOCUMENT = Path(__file__).parents[2] / "docs" / "formats.md"
FORMATS = {
    "PNG": ".png",
    "JPEG": ".jpg",
    "WebP": ".webp",
    "TIFF": ".tif",
    "BMP": ".bmp",
    "AVIF": ".avif",
    "HEIF": ".heic",
    "JXL": ".jxl",
}
CODECS = {("AVIF", "depth"), ("JXL", "depth"), ("JXL", "ICC"), ("JXL", "orientation")}  #: made by imagecodecs
EXTRAS = {"HEIF": "pillow_heif", "JXL": "pillow_jxl"}
RGB = waves(24, 16, 3)
NONE = "-"


def missing(form: str) -> bool:
    return form in EXTRAS and importlib.util.find_spec(EXTRAS[form]) is None


def made(form: str, pixels: np.ndarray = RGB, **options) -> bytes:
    """A file of another program's, as far as there is one."""
    if form == "HEIF":
        heif = importlib.import_module("pillow_heif")
        image, file = Image.fromarray(pixels), io.BytesIO()
        heif.from_pillow(image).save(file, quality=-1, **options)
        return file.getvalue()
    if form == "JXL":
        importlib.import_module("pillow_jxl")
        options |= {"use_container": True, "lossless": True}
    return encoded(pixels, form.upper(), **options)


def deep(form: str) -> bytes | None:
    if form == "PNG":
        return write_png(waves(24, 16, 3, np.uint16))
    if form == "TIFF":
        file = io.BytesIO()
        save(Picture(waves(24, 16, 3, np.uint16)), file, format="tif")
        return file.getvalue()
    if form == "HEIF":
        file = io.BytesIO()
        importlib.import_module("pillow_heif").encode("RGB;16", (16, 24), waves(24, 16, 3, np.uint16).tobytes(), file)
        return file.getvalue()
    if form == "AVIF":
        return importlib.import_module("imagecodecs").avif_encode(waves(24, 16, 3, np.uint16) >> 6, bitspersample=10)
    if form == "JXL":
        return importlib.import_module("imagecodecs").jpegxl_encode(waves(24, 16, 3, np.uint16), lossless=True)
    return None


def with_profile(form: str) -> bytes:
    if form == "JXL":  # no program here embeds one, but a JPEG that is packed keeps its own
        return importlib.import_module("imagecodecs").jpegxl_encode_jpeg(made("JPEG", icc_profile=P3, quality=95))
    return made(form, icc_profile=P3)


def with_text(form: str) -> bytes | None:
    if form == "PNG":
        info = PngImagePlugin.PngInfo()
        info.add_text("parameters", "a cat")
        return made(form, pnginfo=info)
    return made(form, comment=b"a cat") if form == "JPEG" else None


def with_xmp(form: str) -> bytes:
    if form == "PNG":
        info = PngImagePlugin.PngInfo()
        info.add_itxt("XML:com.adobe.xmp", XMP.decode())
        return made(form, pnginfo=info)
    return made(form, tiffinfo={700: XMP}) if form == "TIFF" else made(form, xmp=XMP)


def with_exif(form: str) -> bytes:
    if form not in ("TIFF", "AVIF"):
        return made(form, exif=phone_exif())
    file = io.BytesIO()  # Pillow cannot write it: struct.error, for the rational of -2/0
    save(load(made("PNG", exif=phone_exif())), file, format=FORMATS[form])
    return file.getvalue()


def with_resolution(form: str) -> bytes:
    if form in ("PNG", "JPEG", "TIFF", "BMP"):
        return made(form, dpi=(300, 300))
    tree = Directory("<")
    return made(
        form,
        exif=exif_block(tree.having({282: tree.rationals(300.0), 283: tree.rationals(300.0), 296: tree.integers(2)})),
    )


def turned(form: str) -> bytes:
    tree = Directory("<")
    block = exif_block(tree.having({0x0112: tree.integers(6), 0x010F: tree.ascii(b"Maker")}))
    if form == "JXL":
        return importlib.import_module("imagecodecs").jpegxl_encode_jpeg(made("JPEG", exif=block))
    if form == "HEIF":
        file = io.BytesIO()  # its encoder turns EXIF's orientation into the format's own
        importlib.import_module("pillow_heif").from_pillow(Image.fromarray(RGB)).save(file, quality=-1, exif=block)
        return file.getvalue()
    return made(form, exif=block)


SOURCES: dict[str, Callable[[str], bytes | None]] = {
    "depth": deep,
    "ICC": with_profile,
    "EXIF": with_exif,
    "XMP": with_xmp,
    "resolution": with_resolution,
    "alpha": lambda form: None if form == "JPEG" else made(form, waves(24, 16, 4)),
    "orientation": turned,
    "text": with_text,
}
ABSENT = {("BMP", what) for what in ("ICC", "EXIF", "XMP", "alpha", "orientation")}
KEPT: dict[str, Callable[[Picture, bytes], bool]] = {
    "depth": lambda picture, _: picture.bits == 16,
    "ICC": lambda picture, _: picture.metadata.icc == P3,
    "EXIF": lambda picture, _: bool(picture.metadata.exif and COPYRIGHT in picture.metadata.exif),
    "XMP": lambda picture, _: bool(picture.metadata.xmp and "© Jürgen".encode() in picture.metadata.xmp),
    "resolution": lambda picture, _: picture.metadata.dpi == pytest.approx((1200, 1200), rel=1e-3),
    "alpha": lambda picture, _: picture.alpha is not None and not picture.opaque,
    "orientation": lambda picture, _: False,
    "text": lambda _, data: b"a cat" in data,
}
WORDS = {"depth": "bit", "ICC": "ICC", "EXIF": "EXIF", "XMP": "XMP", "resolution": "resolution", "text": "text|comment"}


@cache
def source(form: str, what: str) -> Picture | None:
    data = None if (form, what) in ABSENT else SOURCES[what](form)
    return None if data is None else load(data)


def outcome(what: str, before: str, after: str) -> str:
    """What becomes of it on the way from one format to another, four times larger."""
    picture = source(before, what)
    if picture is None:
        return NONE
    notes = picture.notes
    if what == "depth" and picture.bits == 8:
        return "noted" if any("read with 8 bits" in note for note in notes) else "lost"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"x{FORMATS[after]}"
        try:
            notes += save(enlarged(picture), path)
        except OutputError:
            return "refused"
        data = path.read_bytes()
        result = load(path)
    if what == "orientation":
        upright = (result.height, result.width) == (4 * 16, 4 * 24)
        tag = exif_tree(result.metadata.exif).number(0x0112, 1) if result.metadata.exif else 1
        return "applied" if upright and tag == 1 else "lost"
    if KEPT[what](result, data):
        return "kept"
    if what == "ICC" and any("converted to sRGB" in note for note in notes):
        return "converted"
    return "noted" if what in WORDS and any(re.search(WORDS[what], note) for note in notes) else "lost"


def table() -> str:
    """In Markdown: a row for each pair."""
    lines = [f"| from | to | {' | '.join(SOURCES)} |", "|" + "---|" * (len(SOURCES) + 2)]
    for before, after in itertools.product(FORMATS, FORMATS):
        cells = [outcome(what, before, after) for what in SOURCES]
        lines.append(f"| {before} | {after} | {' | '.join(cells)} |")
    return "\n".join(lines)


@pytest.mark.parametrize("before", FORMATS)
@pytest.mark.parametrize("what", SOURCES)
def test_the_table_of_the_documents_is_true_and_nothing_is_lost(before: str, what: str):
    if missing(before) or ((before, what) in CODECS and not importlib.util.find_spec("imagecodecs")):
        pytest.skip("needs an extra")
    shown = dict(re.findall(rf"^\| {before} \| (\w+) \| (.*) \|$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE))
    for after in FORMATS:
        if missing(after):
            continue
        found = outcome(what, before, after)
        assert found != "lost", f"{what} from {before} to {after}"
        assert shown[after].split(" | ")[list(SOURCES).index(what)] == found


def test_the_judge_sees_what_is_lost(monkeypatch):
    monkeypatch.setattr("srntt.image._carried._NAMES", {"icc": "ICC profile"})
    assert outcome("EXIF", "PNG", "BMP") == "lost"


if __name__ == "__main__":
    text = DOCUMENT.read_text(encoding="utf-8")
    start, end = text.index("| from | to |"), text.index("\n\n", text.index("| from | to |"))
    DOCUMENT.write_text(text[:start] + table() + text[end:], encoding="utf-8")
