"""Small films made by the tests."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

av: Any = pytest.importorskip("av", reason="needs the extra video")

SIZE = (32, 48)
BASE = Fraction(1, 600)


def pictures(count: int, cut: int | None = None) -> list[np.ndarray]:
    """Frames of a pan over a pattern; from ``cut`` on, over another one."""
    rng = np.random.default_rng(0)
    blocks = (rng.integers(low, low + 150, (8, 10, 3), np.uint8) for low in (0, 100))
    one, other = (cv2.resize(each, (220, 160), interpolation=cv2.INTER_CUBIC) for each in blocks)
    wholes = [other if cut is not None and number >= cut else one for number in range(count)]
    return [
        np.ascontiguousarray(whole[number : number + SIZE[0], 2 * number : 2 * number + SIZE[1]])
        for number, whole in enumerate(wholes)
    ]


def times(count: int) -> list[int]:
    """A variable frame rate, in units of 1/600 second."""
    steps = [20 + 10 * (number % 3) for number in range(count)]
    return np.concatenate([[0], np.cumsum(steps)]).tolist()


def write_film(
    path: Path,
    frames: Sequence[np.ndarray],
    *,
    codec: str = "libx264",
    sound: bool = True,
    options: dict[str, str] = {},  # noqa: B006 (only read)
    **tags: int,
) -> Path:
    """Write a film of variable frame rate with a second of sound."""
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "A film"
        video = container.add_stream(codec, rate=30, options={"crf": "4", **options})
        video.width, video.height, video.pix_fmt = frames[0].shape[1], frames[0].shape[0], "yuv420p"
        video.codec_context.time_base = BASE
        for name, value in tags.items():
            setattr(video.codec_context, name, value)
        audio = container.add_stream("aac", rate=44100) if sound else None
        for pixels, time in zip(frames, times(len(frames)), strict=False):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = time, BASE
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if audio:
            wave = (np.sin(np.arange(44100) / 20) * 8000).astype(np.int16)[None]
            frame = av.AudioFrame.from_ndarray(wave, format="s16", layout="mono")
            frame.sample_rate = 44100
            container.mux(audio.encode(frame))
            container.mux(audio.encode(None))
    return path


def packets(path: Path, kind: str) -> list[tuple[Fraction, bytes]]:
    """Time and content of the packets of the first stream of a kind."""
    with av.open(str(path)) as container:
        stream = getattr(container.streams, kind)[0]
        return [(packet.pts * packet.time_base, bytes(packet)) for packet in container.demux(stream) if packet.size]


def frames(path: Path) -> list[Any]:
    """Decoded frames, as PyAV has them."""
    with av.open(str(path)) as container:
        return list(container.decode(video=0))


def lay_on_side(path: Path) -> None:
    """Make the header of an MP4 state that frames are to be rotated by 90 degrees clockwise."""
    content = path.read_bytes()
    place = content.index(b"tkhd") + 4 + 40
    matrix = b"".join(value.to_bytes(4, "big", signed=True) for value in (0, 65536, 0, -65536, 0, 0, 0, 0, 2**30))
    path.write_bytes(content[:place] + matrix + content[place + 36 :])


__all__ = ["BASE", "SIZE", "av", "frames", "lay_on_side", "packets", "pictures", "times", "write_film"]
