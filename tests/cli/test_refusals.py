"""Hostile and mistaken command lines: the right exit code, a sentence that helps, and not a byte left behind."""

import errno
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from cli.pictures import contents, pixels
from PIL import Image

from srntt.image import Picture, save


def png_claiming(width: int, height: int) -> bytes:
    """A PNG whose header promises more than any machine holds."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")
    )


@pytest.fixture
def hostile(folder: Path) -> Path:
    """The folder with files that are not what they seem."""
    whole = (folder / "other.png").read_bytes()
    (folder / "truncated.png").write_bytes(whole[: len(whole) // 2])
    (folder / "bomb.png").write_bytes(png_claiming(100_000, 100_000))
    (folder / "eps.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n")
    (folder / "empty.png").write_bytes(b"")
    (folder / "drawer.png").mkdir()
    Image.fromarray(pixels(2, 2)).save(folder / "speck.png")
    Image.fromarray(np.dstack([pixels(10, 10), pixels(10, 10, 1)])).save(folder / "glass.png")
    save(Picture(pixels(10, 10).astype(np.uint16) * 257), folder / "deep.png")
    return folder


REFUSALS = {
    # what is wrong: (arguments, exit code, what the complaint must say)
    "truncated input": ("truncated.png", 1, "truncated.png"),
    "bomb": ("bomb.png", 1, "10,000,000,000 pixels, the limit is 200,000,000"),
    "EPS named .png": ("eps.png", 1, "PostScript"),
    "empty input": ("empty.png", 1, "is empty"),
    "folder as input": ("drawer.png", 1, "is a folder"),
    "missing input": ("nothing.png", 2, "There is no {}/nothing.png. Check the spelling"),
    "missing references": ("small.png -r gone.png -r sharp.jpg -r away.png", 2, "no {}/gone.png, no {}/away.png"),
    "truncated reference": ("small.png -r sharp.jpg -r truncated.png", 1, "truncated.png"),
    "folder as reference": ("small.png -r drawer.png", 2, "this folder contains no pictures"),
    "tiny reference": ("small.png -r speck.png", 1, "speck.png has 2 x 2 pixels"),
    "existing output": ("small.png -o other.png", 2, "other.png: exists already.*--overwrite"),
    "existing map": ("small.png -r sharp.jpg --map other.png", 2, "other.png: exists already.*--overwrite"),
    "no such folder": ("small.png -o nowhere/large.png", 2, "the folder {}/nowhere does not exist"),
    "file as folder": ("small.png -o other.png/large.png", 2, "other.png/large.png"),
    "unknown suffix": ("small.png -o large.xyz", 2, "'.xyz' names no format"),
    "no suffix": ("small.png -o large", 2, "has no suffix"),
    "alpha to JPEG": ("glass.png -o large.jpg", 2, "transparent pixels, which JPEG does not support.*.png"),
    "16 bits to JPEG": ("deep.png -o large.jpg", 2, "16 bits"),
    "map without references": ("small.png --map map.png", 2, "Give some with --ref"),
    "provenance without references": ("small.png --provenance where.npz", 2, "Give some with --ref"),
    "provenance named .txt": ("small.png -r sharp.jpg --provenance where.txt", 2, "written as .npz"),
    "provenance without folder": ("small.png -r sharp.jpg --provenance nowhere/where.npz", 2, "does not exist"),
    "one name twice": ("small.png -r sharp.jpg -o a.png --map ./a.png", 2, "have the same name"),
    "unknown matcher": (
        "small.png --matcher quick",
        2,
        'value "quick" for --matcher. Choose from: "auto", "exact", "fast"',
    ),
    "tile too small": ("small.png --tile 7", 2, "A tile of 7 is too small: give at least 32"),
    "tile of words": ("small.png --tile huge", 2, '--tile: unable to convert "huge"'),
    "quality 0": ("small.png --quality 0", 2, "--quality"),
    "quality 101": ("small.png --quality 101", 2, "--quality"),
    "memory below nothing": ("small.png --memory -5GB", 2, "'-5GB' is not an amount of memory"),
    "hardly any memory": ("small.png --memory 1B", 4, "budget is 1 bytes, but the program alone uses"),
    "memory of words": ("small.png --memory lots", 2, "'lots' is not an amount of memory"),
    "too little memory": (
        "small.png --memory 1KB",
        4,
        "with one small reference; larger pictures and more references need more",
    ),
    "device that is none": ("small.png --device toaster", 2, "'toaster' is not a device"),
    "pixel limit": ("small.png --max-pixels 100", 1, "280 pixels, the limit is 100.*--max-pixels 280"),
    "byte limit": ("small.png --max-bytes 100", 1, "the limit is 100.*--max-bytes"),
    "senseless limit": ("small.png --max-pixels 0", 2, "--max-pixels 0: must be at least 1"),
    "unknown option": ("small.png --sharper", 2, "--sharper"),
    "two inputs": ("small.png other.png", 2, "other.png"),
}


@pytest.mark.parametrize(("arguments", "code", "message"), REFUSALS.values(), ids=REFUSALS.keys())
def test_refuses_and_leaves_nothing_behind(
    run, hostile: Path, model: Path, monkeypatch: pytest.MonkeyPatch, arguments: str, code: int, message: str
) -> None:
    before = contents(hostile)
    tokens = [str(hostile / part) if "." in part and part[0] != "-" else part for part in arguments.split()]
    tokens = [
        str(hostile / part) if previous == "-o" else part for previous, part in zip(["", *tokens], tokens, strict=False)
    ]
    ran = run("upscale", *tokens, "--model", model)
    assert ran.code == code, ran.err
    assert ran.out == ""
    complaint = " ".join(ran.err.split())
    position = 0
    for piece in message.replace("{}", str(hostile)).split(".*"):
        assert piece in complaint[position:], complaint
        position = complaint.index(piece, position)
    assert contents(hostile) == before


@pytest.mark.parametrize(
    ("name", "message"),
    [("nobody", "No model 'nobody'"), ("small.png", "small.png"), ("weights.pth", "srntt loads safetensors only")],
)
def test_a_model_that_is_none_is_a_matter_of_the_environment(run, folder: Path, name: str, message: str) -> None:
    (folder / "weights.pth").write_bytes(b"PK\x03\x04")
    ran = run("upscale", folder / "small.png", "--model", name if name == "nobody" else folder / name)
    assert ran.code == 4
    assert message in ran.err
    assert not (folder / "small_x4.png").exists()


def test_damaged_weights_are_refused(run, folder: Path, model: Path) -> None:
    damaged = folder / "damaged.safetensors"
    damaged.write_bytes((model / "model.safetensors").read_bytes()[:-100])
    ran = run("upscale", folder / "small.png", "--model", damaged)
    assert ran.code == 4
    assert "damaged.safetensors" in ran.err


def test_a_model_that_may_not_be_read_is_a_matter_of_the_environment(
    run, folder: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = folder / "locked.safetensors"
    locked.write_bytes((model / "model.safetensors").read_bytes())
    original = Path.open

    def forbidden(self: Path, *args, **kwargs):  # root may read anything: no mode would do
        if self == locked:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return original(self, *args, **kwargs)

    monkeypatch.setattr(Path, "open", forbidden)
    ran = run("upscale", folder / "small.png", "--model", locked)
    assert ran.code == 4
    assert "Cannot read" in ran.err
    assert "locked.safetensors: Permission denied" in ran.err


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_folder_that_cannot_be_written_to(run, folder: Path, model: Path) -> None:
    locked = folder / "locked"
    locked.mkdir(mode=0o500)
    ran = run("upscale", folder / "small.png", "-o", locked / "large.png", "--model", model)
    assert ran.code == 2
    assert "cannot be written to" in ran.err


def test_a_folder_that_refuses_is_known_before_anything_is_computed(
    run, folder: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    monkeypatch.setattr("srntt.upscale.Upscaler.upscale", None)
    ran = run("upscale", folder / "small.png", "-o", folder / "large.png", "--model", model)
    assert ran.code == 2
    assert "cannot be written to" in ran.err


def test_a_full_disk_leaves_nothing_half_written(
    run, folder: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = contents(folder)
    monkeypatch.setattr(os, "fsync", full)
    ran = run("upscale", folder / "small.png", "-o", folder / "large.png", "--model", model)
    assert ran.code == 2
    assert os.strerror(errno.ENOSPC) in ran.err
    assert contents(folder) == before


def test_ctrl_c_while_the_file_is_written_leaves_nothing(
    run, folder: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    before = contents(folder)
    monkeypatch.setattr(os, "fsync", interrupted)
    ran = run("upscale", folder / "small.png", "-o", folder / "other.png", "--overwrite", "--model", model)
    assert ran.code == 130
    assert ran.err.endswith("srntt: Interrupted. No incomplete files were left.\n")
    assert contents(folder) == before


def test_a_name_cannot_steer_the_terminal(run, folder: Path) -> None:
    ran = run("upscale", folder / "\x1b[2Jgone.png")
    assert ran.code == 2
    assert "\x1b" not in ran.err
    assert "\\x1b[2Jgone.png" in ran.err
