"""Files that are not images, are too large, or differ from their appearance."""

import io
import re
import struct
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from attacks.attack import Attack
from attacks.material import (
    PNG_START,
    SMALL,
    file,
    film,
    floats,
    long,
    overlapping_tags,
    plain_tiff_tags,
    png_header,
    png_of_zeros,
    tiff,
    whole,
    with_chunks,
    with_model,
)
from image.pictures import encoded, waves
from PIL import Image
from reference.png import chunk

Content = bytes | partial
_IEND = chunk(b"IEND", b"")


def attacks() -> Iterator[Attack]:
    """All of them."""
    yield from _bombs()
    yield from _bombs_within_limits()
    yield from _metadata()
    yield from _profiles()
    yield from _disguises()
    yield from _films()
    yield from _numbers_and_shapes()
    yield from _as_references()
    yield from _truncations()


def _refused(name: str, about: str, content: Content, says: str, suffix: str = ".png", **more) -> Attack:
    path = f"{name}{suffix}"
    command = ("upscale", path, "-o", "out/x.png", "--model", "tiny.safetensors")
    return Attack(name, about, with_model(file(path, content)), command, 1, f"{re.escape(path)}: .*{says}", **more)


def _survived(name: str, about: str, content: Content, says: str, suffix: str = ".png", **more) -> Attack:
    path = f"{name}{suffix}"
    command = ("upscale", path, "-o", "out/x.png", "--model", "tiny.safetensors", "--memory", "2GB")
    return Attack(
        name, about, with_model(file(path, content)), command, 0, says, ("x.png",), **{"seconds": 12, "mib": 300} | more
    )


def _over_budget(name: str, about: str, content: Content, suffix: str) -> Attack:
    path = f"{name}{suffix}"
    command = ("upscale", path, "-o", "out/x.png", "--model", "tiny.safetensors", "--memory", "1GB")
    says = f"{path}: decoding .* pixels takes about .* Allow more"
    return Attack(name, about, with_model(file(path, content)), command, 4, says, mib=120, slow=True)


def _bombs() -> Iterator[Attack]:
    yield _refused(
        "png-promises-900-megapixels",
        "a header of 30,000 x 30,000 before nothing",
        png_header(30_000, 30_000) + chunk(b"IDAT", bytes(100)) + _IEND,
        r"900,000,000 pixels, the limit is 200,000,000.*--max-pixels",
    )
    yield _refused(
        "png-largest-sides",
        "2^31 - 1 pixels a side",
        png_header(2**31 - 1, 2**31 - 1) + chunk(b"IDAT", b"") + _IEND,
        "the limit is 200,000,000",
    )
    yield _refused("png-no-pixels", "0 x 0", png_header(0, 0) + chunk(b"IDAT", b"") + _IEND, "both must be at least 1")
    yield _survived(
        "png-inflates-to-256-mib",
        "256 MiB of zeros behind the few rows that the header promises",
        partial(_png_with_too_much, 2**28),
        "x.png: 80x64",
    )
    yield _refused(
        "png-two-headers",
        "a second IHDR that is 8 times larger than the checked one",
        PNG_START + png_header(8, 8)[8:] + png_header(64, 64)[8:] + chunk(b"IDAT", zlib.compress(bytes(1600))) + _IEND,
        "IHDR",
    )
    yield _refused(
        "webp-promises-2-48-pixels",
        "the largest canvas that a VP8X header can state",
        _webp(b"VP8X", long(16)[:1] + bytes(3) + b"\xff\xff\xff" * 2),
        "16777216 x 16777216",
        ".webp",
    )
    yield _refused(
        "webp-lossless-promises-268-megapixels",
        "the largest picture that a VP8L header can state",
        _webp(b"VP8L", b"\x2f" + b"\xff\xff\xff\x0f" + bytes(30)),
        "16384 x 16384 = 268,435,456",
        ".webp",
    )
    yield _refused(
        "tiff-promises-2-62-pixels",
        "2^31 - 1 a side",
        tiff(plain_tiff_tags(2**31 - 1, 2**31 - 1), bytes(64)),
        "the limit is 200,000,000",
        ".tif",
    )
    yield _refused(
        "tiff-huge-tile",
        "one tile of 2^20 x 2^20, which libtiff would allocate",
        tiff([*plain_tiff_tags(20, 16), *((tag, 4, 1, long(2**20)) for tag in (322, 323))], bytes(320)),
        "tile",
        ".tif",
    )
    yield _refused(
        "tiff-circle-of-directories",
        "a directory that names itself as the next, and lacks a picture",
        tiff([(256, 4, 1, long(20))], b"", 8),
        "TIFF",
        ".tif",
    )
    yield _refused(
        "tiff-overlapping-tags",
        "2,000 tags that each claim the same 4 MiB: 8 GiB if all are read",
        partial(overlapping_tags, 2000, 4 << 20),
        "tags",
        ".tif",
        mib=150,
    )
    yield _refused(
        "avif-promises-2-32-pixels",
        "the size in its header patched to 65,535 x 65,535",
        partial(_patched, "AVIF", struct.pack(">II", *SMALL[::-1]), struct.pack(">II", 65_535, 65_535)),
        "pixels|damaged",
        ".avif",
    )
    yield _refused(
        "jpeg-promises-4-gigapixels",
        "the size in its header patched to 65,500 x 65,500",
        partial(_patched, "JPEG", struct.pack(">HH", *SMALL), struct.pack(">HH", 65_500, 65_500)),
        "65500 x 65500",
        ".jpg",
    )
    yield _refused(
        "jpeg-of-2000-scans",
        "a progressive JPEG that passes over its pixels 2,000 times",
        partial(_scans, 2000),
        "progressive scans",
        ".jpg",
    )
    yield _refused(
        "jpeg-scans-times-pixels",
        "900 empty scans over 65,500 x 3,000 pixels: a small file, minutes of work",
        partial(_large_scans, 900),
        "progressive scans",
        ".jpg",
    )
    yield _refused(
        "bmp-delta",
        "run-length coded, 100 million pixels wide, and jumps of 255 rows: 25 GB if they are filled in",
        _bmp(100_000_000, 1, 1, b"\0\x02\0\xff" * 4),
        "run-length|RLE",
        ".bmp",
    )
    yield _refused(
        "bmp-line-ends",
        "run-length coded, 100 million pixels wide, one byte, then ends of lines, filled byte by byte",
        _bmp(100_000_000, 2, 1, b"\x01\0\0\0" * 2 + b"\0\x01"),
        "run-length|RLE",
        ".bmp",
    )
    yield _refused("bmp-promises-2-62-pixels", "2^31 - 1 a side", _bmp(2**31 - 1, 2**31 - 1, 0, b""), "limit", ".bmp")
    yield Attack(
        "sparse-600-mib",
        "a file of 600 MiB that takes no room on the disk",
        with_model(_sparse),
        ("upscale", "sparse.png", "-o", "out/x.png", "--model", "tiny.safetensors"),
        1,
        "sparse.png: 629,145,600 bytes, the limit is 536,870,912",
    )


def _bombs_within_limits() -> Iterator[Attack]:
    """Valid files below the pixel limit that take a gigabyte once decoded."""
    yield _over_budget(
        "png-196-megapixels", "24 KB of PNG, 784 MB decoded", partial(png_of_zeros, 14_000, 14_000, 1, 0), ".png"
    )
    for form, side in (("WEBP lossless", 14_000), ("TIFF deflate", 14_000), ("JPEG", 14_000), ("AVIF", 10_000)):
        name = form.split()[0].lower()
        about = f"a valid {form} of one colour, {side:,} x {side:,}"
        yield _over_budget(f"{name}-bomb", about, partial(_flat, form, side), f".{name}")


def _metadata() -> Iterator[Attack]:
    text = chunk(b"tEXt", b"k\0v")
    yield _survived("png-100000-texts", "100,000 text chunks", partial(_texts, text, 100_000), "x.png: 80x64")
    yield _refused("png-300000-texts", "300,000 text chunks", partial(_texts, text, 300_000), "262,144 chunks")
    yield _refused(
        "png-text-bomb", "a text that inflates to 64 MiB", partial(_inflating, b"zTXt", b"k\0\0"), "MAX_TEXT_CHUNK"
    )
    yield _refused(
        "png-international-text-bomb",
        "an international text that inflates to 64 MiB",
        partial(_inflating, b"iTXt", b"k\0\1\0\0\0"),
        "MAX_TEXT_CHUNK|iTXt|Decompressed",
    )
    yield _refused(
        "png-profile-bomb",
        "a profile that inflates to 64 MiB",
        partial(_inflating, b"iCCP", b"k\0\0"),
        "Decompressed|large",
    )
    yield _survived(
        "png-huge-exif",
        "an EXIF block of 20 MB",
        partial(_png_exif, partial(_exif, [(0x010E, 2, 20 << 20, long(8))], b"x" * (20 << 20))),
        "EXIF",
    )
    yield _refused(
        "png-overlapping-exif",
        "an EXIF block whose 2,000 tags claim the same 4 MiB: 8 GiB if all are read",
        partial(_png_exif, partial(_exif_overlapping, 2000, 4 << 20)),
        "EXIF tags claim",
    )
    yield _refused(
        "jpeg-overlapping-exif",
        "the same in a JPEG's 64 KB: 1,300 tags of 45 KB",
        partial(_jpeg_exif, partial(_exif_overlapping, 1300, 45_000)),
        "EXIF tags claim",
        ".jpg",
    )
    yield _refused(
        "webp-overlapping-exif",
        "the same in a WebP",
        partial(_webp_exif, partial(_exif_overlapping, 2000, 4 << 20)),
        "EXIF tags claim",
        ".webp",
    )
    yield _survived(
        "jpeg-exif-in-circles",
        "an EXIF directory whose Exif, GPS and interoperability directories are itself",
        partial(_jpeg_exif, partial(_exif, [(tag, 4, 1, long(8)) for tag in (0x8769, 0x8825, 0xA005)], b"")),
        "x.png: 80x64",
        ".jpg",
    )
    yield _survived(
        "jpeg-exif-garbage", "an EXIF block of noise", partial(_jpeg_exif, b"\xff" * 1000), "EXIF dropped", ".jpg"
    )
    yield _survived(
        "jpeg-orientation-99",
        "an orientation that does not exist",
        partial(_jpeg_exif, partial(_exif, [(0x0112, 3, 1, long(99))], b"")),
        "x.png: 80x64",
        ".jpg",
    )


def _profiles() -> Iterator[Attack]:
    lying = bytearray(132)
    lying[36:40], lying[16:20], lying[128:132] = b"acsp", b"RGB ", b"\xff\xff\xff\xff"
    cmyk = bytearray(lying)
    cmyk[16:20] = b"CMYK"
    yield _survived("icc-noise", "a colour profile of noise", partial(_with_icc, b"\xa5" * 5000), "damaged")
    yield _survived("icc-three-bytes", "a colour profile of three bytes", partial(_with_icc, b"icc"), "damaged")
    yield _survived(
        "icc-four-billion-tags", "a profile that claims 2^32 - 1 tags", partial(_with_icc, bytes(lying)), "x.png: 80x64"
    )
    yield _survived(
        "icc-for-print", "a CMYK profile in an RGB picture", partial(_with_icc, bytes(cmyk)), "it is for CMYK"
    )
    yield _survived(
        "icc-for-print-damaged",
        "a CMYK JPEG whose profile claims 2^32 - 1 tags: LCMS is asked to use it",
        partial(_cmyk, bytes(cmyk)),
        "by formula",
        ".jpg",
    )
    yield _survived(
        "icc-14-mb", "a JPEG's profile of 14 MB, in 214 parts", partial(_large_icc, 14_000_000), "x.png: 80x64", ".jpg"
    )


def _disguises() -> Iterator[Attack]:
    strangers = {
        "eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) run\n", "PostScript"),
        "eps-binary": (b"\xc5\xd0\xd3\xc6" + bytes(40), "PostScript"),
        "pdf": (b"%PDF-1.7\n1 0 obj\n", "PDF"),
        "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>', "SVG"),
        "xxe": (b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><svg>&b;</svg>', "SVG"),
        "html": (b"<!DOCTYPE html><script>alert(1)</script>", "web page"),
        "gif": (b"GIF89a" + bytes(30), "GIF"),
        "psd": (b"8BPS" + bytes(30), "Photoshop"),
        "ico": (b"\0\0\1\0\1\0" + bytes(30), "icon"),
        "zip": (b"PK\3\4" + bytes(60), "ZIP"),
        "pickle": (b"\x80\x04cos\nsystem\n(X\x05\0\0\0touchtR.", "an unknown kind"),
        "elf": (b"\x7fELF" + bytes(60), "an unknown kind"),
        "empty": (b"", "0 bytes"),
    }
    for kind, (content, says) in strangers.items():
        for suffix in (".png", ".jpg") if kind in ("eps", "svg", "pdf") else (".png",):
            name = f"{kind}-as-{suffix[1:]}"
            yield _refused(name, f"{kind} that is called {suffix}", content, says, suffix)
    for suffix in (".eps", ".svg", ".pdf"):
        about = f"a whole PNG that is called {suffix}: read by content, and written as named"
        yield _survived(
            f"png-as-{suffix[1:]}", about, partial(whole, "PNG"), "x.png: 80x64", suffix, slow=suffix != ".eps"
        )
    for form, suffix in (("JPEG", ".png"), ("PNG", ".jpg"), ("WEBP", ".tif"), ("TIFF", ".webp"), ("AVIF", ".bmp")):
        about = f"a whole {form} that is called {suffix}"
        yield _survived(
            f"{form.lower()}-as-{suffix[1:]}", about, partial(whole, form), "x.png: 80x64", suffix, slow=form != "JPEG"
        )
    both = whole("PNG") + b"PK\3\4" + bytes(100) + b"%PDF-1.4"
    yield _survived("polyglot", "a PNG, then a ZIP and a PDF", both, "x.png: 80x64")


def _films() -> Iterator[Attack]:
    for form, suffix in (("PNG", ".png"), ("WEBP", ".webp"), ("AVIF", ".avif")):
        about = f"an animated {form} of 3 frames"
        yield _survived(f"animated-{suffix[1:]}", about, partial(film, form), "first of 3 frames used", suffix)
    yield Attack(
        "tiff-of-500-pages",
        "a TIFF of 500 pages, to be written as a PNG, which holds one",
        with_model(file("pages.tif", partial(film, "TIFF", 500))),
        ("upscale", "pages.tif", "-o", "out/x.png", "--model", "tiny.safetensors"),
        2,
        "out/x.png: the file has 500 pages, .*--page N",
    )
    yield _survived("mpo", "a JPEG of 3 pictures", partial(film, "MPO"), "first of several pictures", ".jpg")
    frames = chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0))
    yield _survived(
        "apng-2-31-frames", "a PNG that promises 2^31 - 1 frames and has one", with_chunks(frames), "x.png: 80x64"
    )
    yield _survived("tiff-pages-in-a-circle", "a page whose next is itself", partial(_circle), "x.png: 80x64", ".tif")


def _numbers_and_shapes() -> Iterator[Attack]:
    for value, says in ((np.nan, "not finite"), (np.inf, "not finite"), (-np.inf, "not finite"), (1e30, "0..1")):
        yield _refused(
            f"tiff-{value:g}".replace("+", ""),
            f"a float TIFF with a sample of {value}",
            partial(floats, value),
            says,
            ".tif",
        )
    integers = np.full(SMALL, -5, np.int32)
    yield _refused(
        "tiff-negative",
        "signed samples below zero",
        partial(encoded, Image.fromarray(integers), "TIFF"),
        "int32 samples",
        ".tif",
    )
    for height, width in ((1, 3000), (3000, 1), (1, 1)):
        about = f"{width} x {height} pixels"
        content = partial(encoded, waves(height, width, 3), "PNG")
        yield _survived(f"png-{width}-by-{height}", about, content, f"x.png: {4 * width}x{4 * height}", mib=400)
    path = "wide.webp"
    yield Attack(
        "webp-that-cannot-grow",
        "6,000 x 1 pixels, to be written as WebP, which holds 16,383 a side",
        with_model(file(path, partial(encoded, waves(1, 6000, 3), "WEBP"))),
        ("upscale", path, "-o", "out/x.webp", "--model", "tiny.safetensors"),
        2,
        "out/x.webp: 24000 x 4 pixels; WEBP is limited to 16,383 per side",
    )
    name = "png-100-million-by-1"
    yield Attack(
        name,
        "100,000,000 x 1 pixels, valid, 13 KB",
        with_model(file(f"{name}.png", partial(png_of_zeros, 100_000_000, 1, 1, 0))),
        ("upscale", f"{name}.png", "-o", "out/x.png", "--model", "tiny.safetensors", "--memory", "1GB"),
        4,
        "takes about",
        mib=200,
    )


def _as_references() -> Iterator[Attack]:
    content = {
        "png-bomb": (png_header(30_000, 30_000) + chunk(b"IDAT", bytes(9)) + _IEND, 1, "900,000,000 pixels"),
        "nan": (partial(floats, np.nan), 1, "not finite"),
        "eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n", 1, "PostScript"),
        "truncated": (whole("JPEG")[:300], 1, "damaged or not a whole"),
        "one-pixel": (partial(encoded, waves(1, 1, 3), "PNG"), 1, "4 x 4|1 x 1"),
        "slim": (partial(encoded, waves(1, 500, 3), "PNG"), 1, "4 x 4|500 x 1"),
    }
    for name, (data, code, says) in content.items():
        command = ("upscale", "a.png", "--ref", "ref.png", "-o", "out/x.png", "--model", "tiny.safetensors")
        make = with_model(file("a.png", partial(whole, "PNG")), file("ref.png", data))
        yield Attack(f"reference-{name}", f"the same as a reference: {name}", make, command, code, f"ref.png.*({says})")


def _truncations() -> Iterator[Attack]:
    forms = {
        "PNG": ".png",
        "PNG 16": ".png",
        "JPEG": ".jpg",
        "JPEG progressive": ".jpg",
        "WEBP": ".webp",
        "WEBP lossless": ".webp",
        "TIFF": ".tif",
        "TIFF lzw": ".tif",
        "BMP": ".bmp",
        "AVIF": ".avif",
    }
    for form, suffix in forms.items():
        for part in range(16):
            name = f"{form.lower().replace(' ', '-')}-cut-at-{part}-of-16"
            about = f"the first {part} sixteenths of a {form}"
            yield _refused(name, about, partial(_cut, form, part), "", suffix, slow=part != 8)


def _cut(form: str, sixteenths: int) -> bytes:
    return whole(form)[: len(whole(form)) * sixteenths // 16]


def _png_with_too_much(size: int) -> bytes:
    packer = zlib.compressobj(9)
    body = b"".join(packer.compress(bytes(2**20)) for _ in range(size >> 20)) + packer.flush()
    return png_header(*SMALL[::-1]) + chunk(b"IDAT", body) + _IEND


def _texts(text: bytes, count: int) -> bytes:
    return with_chunks(text * count)


def _inflating(kind: bytes, head: bytes) -> bytes:
    return with_chunks(chunk(kind, head + zlib.compress(bytes(64 << 20), 9)))


def _webp(kind: bytes, body: bytes) -> bytes:
    body = kind + long(len(body)) + body
    return b"RIFF" + long(len(body) + 4) + b"WEBP" + body


def _patched(form: str, old: bytes, new: bytes) -> bytes:
    assert whole(form).count(old) >= 1
    return whole(form).replace(old, new)


def _scans(count: int) -> bytes:
    data = whole("JPEG progressive")
    return data[:-2] + data[data.rindex(b"\xff\xda") : -2] * count + b"\xff\xd9"


def _large_scans(count: int) -> bytes:
    data = whole("JPEG progressive").replace(struct.pack(">HH", *SMALL), struct.pack(">HH", 3000, 65_500))
    return data[:-2] + data[data.rindex(b"\xff\xda") : -2] * count + b"\xff\xd9"


def _bmp(width: int, height: int, compression: int, body: bytes) -> bytes:
    bits = 8 if compression else 24
    palette = bytes(1024) if compression else b""
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, len(body), 0, 0, 0, 0)
    at = 14 + len(head) + len(palette)
    return b"BM" + struct.pack("<IHHI", at + len(body), 0, 0, at) + head + palette + body


def _sparse(folder: Path) -> None:
    with (folder / "sparse.png").open("wb") as opened:
        opened.write(whole("PNG"))
        opened.truncate(600 << 20)


def _flat(form: str, side: int) -> bytes:
    name, _, variant = form.partition(" ")
    options = {"lossless": {"lossless": True, "method": 0}, "deflate": {"compression": "tiff_adobe_deflate"}}
    return encoded(Image.new("L" if name != "WEBP" else "RGB", (side, side)), name, **options.get(variant, {}))


def _exif(tags: list[tuple[int, int, int, bytes]], data: bytes) -> bytes:
    """A block whose directory begins at byte 8, beyond the data."""
    return tiff(tags, data)


def _exif_overlapping(count: int, payload: int) -> bytes:
    return tiff([(0xA000 + number, 1, payload, long(8)) for number in range(count)], bytes(payload))


def _made(content: Content) -> bytes:
    return content() if callable(content) else content


def _png_exif(block: Content) -> bytes:
    return with_chunks(chunk(b"eXIf", _made(block)))


def _jpeg_exif(block: Content) -> bytes:
    return encoded(waves(*SMALL, 3), "JPEG", exif=b"Exif\0\0" + _made(block))


def _webp_exif(block: Content) -> bytes:
    return encoded(waves(*SMALL, 3), "WEBP", exif=_made(block))


def _with_icc(profile: bytes) -> bytes:
    return encoded(waves(*SMALL, 3), "PNG", icc_profile=profile)


def _large_icc(size: int) -> bytes:
    profile = bytearray(size)
    profile[36:40], profile[16:20] = b"acsp", b"RGB "
    return encoded(waves(*SMALL, 3), "JPEG", icc_profile=bytes(profile))


def _cmyk(profile: bytes) -> bytes:
    stream = io.BytesIO()
    Image.new("CMYK", SMALL[::-1], (9, 80, 160, 30)).save(stream, "JPEG", icc_profile=profile)
    return stream.getvalue()


def _circle() -> bytes:
    data = bytes(SMALL[0] * SMALL[1])
    return tiff(plain_tiff_tags(*SMALL[::-1]), data, 8 + len(data))
