"""Films that are damaged, claim to be huge, or refer to other files; and hostile state of an interrupted run."""

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from attacks.attack import Attack
from attacks.material import file, harmless, with_model

_COMMAND = ("video", "in.mp4", "-o", "out/x.mp4", "--model", "tiny.safetensors")
_MUTATED = 60
_OTHER_SIZE = "frame .* has .* pixels, the first|cannot be decoded"
_STATE = "out/.x.mp4.srntt-video"


def attacks() -> Iterator[Attack]:
    """All of them, where PyAV is installed."""
    if find_spec("av") is None:
        return
    refused = "in.mp4: (is not a film|no frame can be decoded|cannot be decoded|contains no video)"
    for name, about, content in (
        ("noise", "noise", partial(np.random.default_rng(0).bytes, 100_000)),
        ("empty", "an empty file", bytes),
        ("half", "half of a film", lambda: _film()[: len(_film()) // 2]),
        ("noise-in-data", "noise in place of coded frames", _disturbed),
        ("playlist", "a playlist of /etc/passwd", lambda: b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"),
        ("concat", "a list of other files", lambda: b"ffconcat version 1.0\nfile /etc/passwd\n"),
        ("session", "an address of a stream", lambda: b"v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\n"),
        ("picture", "a picture called film", lambda: b"GIF89a" + bytes(1000)),
        ("headers-only", "a header of raw frames, and no frame", lambda: b"YUV4MPEG2 W64 H48 F25:1 C420\n"),
    ):
        yield _case(name, about, file("in.mp4", content), refused)
    yield _case(
        "huge-frames",
        "raw frames of 60,000 x 60,000 pixels",
        file("in.mp4", b"YUV4MPEG2 W60000 H60000 F25:1 C420\nFRAME\n" + bytes(1000)),
        "in.mp4: (frames of 60000 x 60000 pixels, the limit is 200,000,000|is not a film|cannot be decoded)",
    )
    yield _case("fifo", "a FIFO", lambda folder: os.mkfifo(folder / "in.mp4"), "in.mp4: is not a regular file")
    yield _case("device", "an endless device", _link("/dev/zero"), "in.mp4: is not a regular file")
    yield _case("frame-sizes", "a folder of frames of two sizes", _two_sizes, "b.png has 5 x 5 pixels", "frames")
    make = lambda folder: (folder / "in.mp4").write_bytes(_film())  # noqa: E731
    says = f"{_MUTATED} films: [1-9]\\d* refused, [1-9]\\d* read"
    about = f"{_MUTATED} films with bytes that somebody changed"
    yield Attack("film-mutated", about, make, ("attacks.films:mutated",), 0, says, seconds=60, mib=300)
    yield _case("sizes", "a stream whose pictures become larger", file("in.mp4", _growing), _OTHER_SIZE)
    for name, content in (("deep", b"[" * 1_000_000), ("list", b"[1]"), ("noise", b"\xff\xfe\0")):
        text = "manifest.json.*(is not JSON|is damaged)"
        yield _state(f"manifest-{name}", "a hostile manifest", {"manifest.json": lambda content=content: content}, text)
    yield _state("other-run", "the manifest of another run", {"manifest.json": _foreign}, "a run with another film")


def _case(name: str, about: str, make: Callable[[Path], object], says: str, film: str = "in.mp4") -> Attack:
    command = tuple(film if word == "in.mp4" else word for word in _COMMAND)
    return Attack(f"film-{name}", about, with_model(make), command, 1, says, mib=300)


def _state(name: str, about: str, state: dict[str, Callable[[], bytes]], says: str) -> Attack:
    def make(folder: Path) -> None:
        (folder / "in.mp4").write_bytes(_film())
        for place, content in state.items():
            file(f"{_STATE}/{place}", content)(folder)

    kept = tuple(f".x.mp4.srntt-video/{place}" for place in ("lock", *state))
    command = (*_COMMAND, "--resume")
    return Attack(f"film-state-{name}", about, with_model(make), command, 2, says, writes=kept, mib=300)


@cache
def _film() -> bytes:
    from video.films import pictures, write_film

    with tempfile.TemporaryDirectory() as folder:
        return write_film(Path(folder) / "in.mp4", pictures(12)).read_bytes()


def mutated() -> str:
    """Decode films in which bytes were changed: in the header, in the data, or moved."""
    from srntt.errors import SrnttError
    from srntt.image import Limits
    from srntt.video import open_clip

    random, content, refused = np.random.default_rng(0), Path("in.mp4").read_bytes(), 0
    film = Path(os.environ["TMPDIR"], "mutated.mp4")
    for number in range(_MUTATED):
        changed = np.frombuffer(content, np.uint8).copy()
        begin = content.index(b"moov") if number % 2 else 0
        places = random.integers(begin, len(changed), 1 + number // 4)
        changed[places] = random.integers(0, 256, len(places))
        film.write_bytes(changed.tobytes())
        try:
            for _ in open_clip(film, Limits()).frames():
                pass
        except SrnttError:
            refused += 1
    film.unlink()
    return f"{_MUTATED} films: {refused} refused, {_MUTATED - refused} read"


def _growing() -> bytes:
    """Two raw streams, one after the other, of which the second has larger pictures."""
    from video.films import pictures, write_film

    with tempfile.TemporaryDirectory() as folder:
        small = write_film(Path(folder) / "a.ts", pictures(4), sound=False).read_bytes()
        large = [frame.repeat(2, 0).repeat(2, 1) for frame in pictures(4)]
        return small + write_film(Path(folder) / "b.ts", large, sound=False).read_bytes()


def _disturbed() -> bytes:
    content = bytearray(_film())
    start = content.index(b"mdat") + 4
    length = content.index(b"moov") - start - 4
    content[start : start + length] = np.random.default_rng(0).bytes(length)
    return bytes(content)


def _two_sizes(folder: Path) -> None:
    from PIL import Image

    harmless(folder, "frames/a.png")
    Image.new("RGB", (5, 5)).save(folder / "frames/b.png")


def _link(target: str) -> Callable[[Path], object]:
    return lambda folder: (folder / "in.mp4").symlink_to(target)


def _foreign() -> bytes:
    return json.dumps({"key": {"film": "another"}, "done": 3}).encode()
