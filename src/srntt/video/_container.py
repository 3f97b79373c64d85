"""A film in a container, decoded by FFmpeg's libraries through PyAV.

The file is opened here and passed on as an open file, so that its name is never taken for a protocol. Only common
containers and codecs are allowed, none of which refers to other files, and sizes are checked before a decoder sees the
data.
"""

import os
import stat
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from srntt._shapes import Shaped
from srntt._system import READING
from srntt.errors import PictureError
from srntt.image import Limits, Picture
from srntt.video._av import import_av
from srntt.video._clip import Colors, Facts, Frame

_FORMATS = "mov,matroska,webm,avi,mpegts,ivf,yuv4mpegpipe,flv,ogg"
_CODECS = (
    "h264,hevc,libdav1d,av1,vp8,vp9,libvpx,libvpx-vp9,mpeg4,msmpeg4v3,mpeg2video,mpeg1video,mjpeg,prores,dnxhd,ffv1,"
    "rawvideo,theora,h263,vc1,utvideo,huffyuv,ffvhuff,png"
)
_ADVICE = "Give a film such as an MP4 or MKV, or a folder of frames."
_UNSPECIFIED = 2
_BT709, _BT601 = 1, 6  # matrices; BT.601 as SMPTE 170M
_HIGH_DEFINITION = 720  # rows from which players assume BT.709 where nothing is stated
_MOST_TIME = 2**62
_REORDERED = 16  # frames by which the orders of decoding and showing differ at most (H.264)


class ContainerClip:
    """A film in a container.

    Args:
        path: Its file.
        limits: Maximum pixels of a frame.

    Raises:
        PictureError: The file cannot be opened, or is not a film that is read.
    """

    def __init__(self, path: Path, limits: Limits) -> None:
        self.path, self._limits = path, limits
        self._av = import_av()
        self.facts = self._read_facts()

    def _read_facts(self) -> Facts:
        with self.opened() as container:
            stream = container.streams.video[0]
            with self._decoding():
                first = next(container.decode(stream), None)
            if first is None:
                raise PictureError(f"{self.path}: no frame can be decoded. {_ADVICE}")
            depth = max(component.bits for component in first.format.components)
            aspect = Fraction(stream.sample_aspect_ratio or 1)
            rate = stream.average_rate or stream.guessed_rate or Fraction(25)
            interlaced = "interlaced: fields are upscaled as one picture; deinterlace first"
            return Facts(
                *_upright_size(first),
                bits=16 if depth > 8 else 8,
                time_base=stream.time_base or 1 / rate,
                rate=rate,
                frames=max(0, stream.frames or 0),
                colors=_colors(first),
                aspect=(1 / aspect if first.rotation % 180 else aspect) if aspect > 0 else Fraction(1),
                full_chroma=_has_full_chroma(first.format),
                notes=(interlaced,) if first.interlaced_frame else (),
            )

    def frames(self, first: int = 0, times: Sequence[int] | None = None) -> Iterator[Frame]:
        """Decode the frames, from a key frame before number ``first`` on if their times are known."""
        if first and times is not None:
            with self.opened() as container:
                if sought := self._sought(container, times, first):
                    yield from self._read(*sought, first)
                    return
        with self.opened() as container:
            yield from self._read(0, container.decode(container.streams.video[0]), first)

    def _sought(self, container: Any, times: Sequence[int], first: int) -> tuple[int, Iterator[Any]] | None:
        """Number of the frame at which decoding can begin, and the frames from there on; None if that is not found.

        The key frame is sought some frames earlier, since files are indexed by the order of decoding.
        """
        stream = container.streams.video[0]
        try:
            container.seek(times[max(0, first - _REORDERED)], stream=stream)
            decoded = container.decode(stream)
            begin = next(decoded, None)
        except (self._av.error.FFmpegError, OSError):
            return None
        if begin is None or begin.pts is None:
            return None
        number = bisect_left(times, begin.pts)
        return (number, chain([begin], decoded)) if number <= first and times[number] == begin.pts else None

    def _read(self, number: int, decoded: Iterator[Any], first: int) -> Iterator[Frame]:
        """Convert frames, from number ``first`` on.

        Args:
            number: Of the first decoded frame.
            decoded: Frames.
            first: Number of the first frame that is wanted.
        """
        facts, last = self.facts, -_MOST_TIME
        step = max(1, round(1 / (facts.rate * facts.time_base)))
        while True:
            with self._decoding():
                frame = next(decoded, None)
            if frame is None:
                return
            self._check(frame, number)
            time = frame.pts if frame.pts is not None else (last + step if number else 0)
            if not last < time < _MOST_TIME:
                raise PictureError(
                    f"{self.path}: frame {number} is shown before the one before it. Remux the file first, for "
                    "example with ffmpeg -i IN -c copy OUT.mkv."
                )
            if number >= first:
                picture = Picture(self._pixels(frame), source=f"{self.path}, frame {number}")
                yield Frame(number, picture, time, max(1, frame.duration or step))
            number, last = number + 1, time

    @contextmanager
    def opened(self) -> Iterator[Any]:
        """Open the container for reading."""
        try:
            file = open(self.path, "rb", opener=_without_waiting)  # noqa: SIM115
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise PictureError(f"{str(self.path)!r}: cannot be opened: {reason}. {_ADVICE}") from error
        with file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise PictureError(f"{self.path}: is not a regular file. {_ADVICE}")
            options = {"format_whitelist": _FORMATS, "protocol_whitelist": "none"}
            try:
                container = self._av.open(file, "r", container_options=options, metadata_errors="replace")
            except (self._av.error.FFmpegError, OSError, ValueError, OverflowError) as error:
                raise PictureError(f"{self.path}: is not a film that is read ({_reason(error)}). {_ADVICE}") from error
            with container:
                self._check_stream(container)
                yield container

    def _check_stream(self, container: Any) -> None:
        streams = [stream for stream in container.streams.video if not stream.disposition & 0x400]  # cover pictures
        if not streams or streams[0] is not container.streams.video[0]:
            raise PictureError(f"{self.path}: contains no video. {_ADVICE}")
        context = streams[0].codec_context
        if context is None or context.name not in _CODECS.split(","):
            name = "unknown" if context is None else context.name
            raise PictureError(f"{self.path}: the codec {name} is not read. Convert it, for example to H.264.")
        width, height, most = context.width, context.height, self._limits.max_pixels
        if width * height > most:
            raise PictureError(
                f"{self.path}: frames of {width} x {height} pixels, the limit is {most:,}. If you trust the file, "
                f"raise it with --max-pixels {width * height}."
            )
        context.options = {"max_pixels": str(most)}
        context.thread_count = 1

    def _check(self, frame: Any, number: int) -> None:
        facts, (width, height) = self.facts, _upright_size(frame)
        if (width, height) != (facts.width, facts.height):
            raise PictureError(
                f"{self.path}: frame {number} has {width} x {height} pixels, the first {facts.width} x {facts.height}. "
                "Cut the film where the size changes."
            )

    @contextmanager
    def _decoding(self) -> Iterator[None]:
        try:
            yield
        except (self._av.error.FFmpegError, OSError, ValueError) as error:
            raise PictureError(
                f"{self.path}: cannot be decoded ({_reason(error)}). The file is damaged or incomplete; repair or "
                "re-encode it first."
            ) from error

    def _pixels(self, frame: Any) -> Shaped[np.ndarray, "h w 3"]:
        facts = self.facts
        assert facts.colors
        rgb = frame.reformat(
            format="rgb48le" if facts.bits == 16 else "rgb24",
            src_colorspace=scaler_matrix(facts.colors.matrix),
            src_color_range=2 if facts.colors.full_range else 1,
            dst_color_range=2,
            interpolation=INTERPOLATION,
            threads=1,
        )
        return np.ascontiguousarray(np.rot90(rgb.to_ndarray(), frame.rotation // 90 % 4))


#: Bicubic, with chroma at full resolution, rounded accurately, the same on every machine (swscale.h).
INTERPOLATION = 4 | 0x2000 | 0x4000 | 0x40000 | 0x80000


def scaler_matrix(matrix: int) -> int:
    """The number that swscale has for a matrix of H.273."""
    return {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9}.get(matrix, 5)


def _colors(frame: Any) -> Colors:
    """Those stated; where nothing is stated, what players assume at this size, which changes with the size."""
    assumed = _BT709 if frame.height >= _HIGH_DEFINITION else _BT601
    rgb = frame.format.name.startswith(("rgb", "bgr", "gbr"))
    matrix = frame.colorspace if frame.colorspace not in (_UNSPECIFIED, 0) else assumed
    full = frame.color_range == 2 or rgb or frame.format.name.startswith("yuvj")
    return Colors(frame.color_primaries, frame.color_trc, matrix, full)


def _upright_size(frame: Any) -> tuple[int, int]:
    """Width and height."""
    return (frame.height, frame.width) if frame.rotation % 180 else (frame.width, frame.height)


def _has_full_chroma(format: Any) -> bool:
    return len(format.components) < 3 or not (format.chroma_width(64) < 64 or format.chroma_height(64) < 64)


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | READING)


def _reason(error: BaseException) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).splitlines()[0].rstrip(".")
