"""The output as a film: segments are encoded as frames are finished, and joined with the sound at the end."""

import heapq
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

from srntt._files import unfinished_file, whole_file
from srntt.errors import OutputError, SrnttError
from srntt.image import Picture
from srntt.video._av import import_av
from srntt.video._clip import Clip, Colors, Frame
from srntt.video._container import INTERPOLATION, ContainerClip, scaler_matrix

_MUXERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}
_COPIED = ("audio", "subtitle")
_UNSPECIFIED = 2
_PICTURES = Colors(1, 13, 1, full_range=False)  # of folders: sRGB, stored with the matrix of BT.709


class ContainerOutput:
    """A film in a container: H.264, or VP9 in WebM.

    There are no frames in both directions (B-frames), so that the packets of segments can be joined unchanged, at any
    frame rate.

    Args:
        clip: The film, whose sound, subtitles, chapters and title are copied.
        path: The file.
        work: Folder of the segments.
        scale: Factor between the sizes of input and output.
        quality: Constant rate factor.

    Raises:
        OutputError: The container cannot store what is to be copied.
    """

    def __init__(self, clip: Clip, path: Path, work: Path, scale: int, quality: int) -> None:
        self._av = import_av()
        self._clip, self._path, self._work, self._scale, self._quality = clip, path, work, scale, quality
        with self._source() as source, self._muxed(io.BytesIO(), source, self._video_stream) as (container, _):
            try:
                container.start_encoding()
            except (self._av.error.FFmpegError, ValueError) as error:
                raise OutputError(
                    f"{path}: cannot store the sound or subtitles of {clip.path} ({error}). End the name with .mkv."
                ) from error

    @contextmanager
    def segment(self, number: int) -> Iterator["_Segment"]:
        """Encode some frames to a file of the work folder."""
        try:
            with unfinished_file(self._work) as temporary:
                with self._av.open(temporary, "w", format="mp4") as container:
                    sink = _Segment(container, self._video_stream(container), self._clip)
                    yield sink
                    sink.finish()
                Path(temporary).replace(self._place(number))
        except SrnttError:
            raise
        except (self._av.error.FFmpegError, OSError) as error:
            raise OutputError(f"{self._work}: cannot be written: {getattr(error, 'strerror', error)}.") from error

    def join(self, times: list[int], *, overwrite: bool) -> tuple[str, ...]:
        """Join the segments and the copied streams in the final file."""
        with whole_file(self._path, overwrite=overwrite) as file, self._source() as source:
            first = self._av.open(str(self._place(0)))
            template = first.streams.video[0]
            add_video = lambda container: container.add_stream_from_template(template)  # noqa: E731
            with first, self._muxed(file, source, add_video) as (container, (video, *copied)):
                video.time_base = self._clip.facts.time_base
                streams = [self._video_packets(video, times)]
                if copied:
                    container.set_chapters(source.chapters())
                    streams.append(_packets(source, copied))
                for _, _, packet in heapq.merge(*streams, key=lambda each: each[:2]):
                    container.mux(packet)
        return self._notes()

    def _video_packets(self, stream: Any, times: list[int]) -> Iterator[tuple[Fraction, int, Any]]:
        base, number, done = self._clip.facts.time_base, 0, 0
        while done < len(times) - 1:
            with self._av.open(str(self._place(number))) as segment:
                for packet in segment.demux(video=0):
                    if packet.size:
                        packet.stream, packet.time_base = stream, base
                        packet.pts = packet.dts = times[done]
                        packet.duration = times[done + 1] - times[done]
                        yield times[done] * base, 0, packet
                        done += 1
            number += 1

    def _place(self, number: int) -> Path:
        return self._work / f"{number:06d}.mp4"

    def _video_stream(self, container: Any) -> Any:
        """Add the encoded stream."""
        facts, webm = self._clip.facts, self._path.suffix.lower() == ".webm"
        options = {"crf": str(self._quality), "bf": "0"}
        if webm:
            options |= {"b": "0", "lag-in-frames": "0", "auto-alt-ref": "0"}
        stream = container.add_stream("libvpx-vp9" if webm else "libx264", options=options)
        context = stream.codec_context
        context.width, context.height = facts.width * self._scale, facts.height * self._scale
        depth = "10le" if facts.bits == 16 else ""
        context.pix_fmt = f"yuv444p{depth}" if facts.full_chroma else f"yuv420p{depth}"
        context.time_base, context.framerate = facts.time_base, facts.rate
        context.sample_aspect_ratio = facts.aspect
        colors = facts.colors or _PICTURES
        context.color_primaries, context.color_trc = colors.primaries, colors.transfer
        context.colorspace, context.color_range = colors.matrix, 2 if colors.full_range else 1
        context.gop_size = 10**6  # each segment begins with a key frame
        return stream

    @contextmanager
    def _source(self) -> Iterator[Any]:
        if isinstance(self._clip, ContainerClip):
            with self._clip.opened() as source:
                yield source
        else:
            yield None

    @contextmanager
    def _muxed(self, file: Any, source: Any, add_video: Callable[[Any], Any]) -> Iterator[tuple[Any, list[Any]]]:
        """The output container with its streams: the film, then those that are copied."""
        with self._av.open(file, "w", format=_MUXERS[self._path.suffix.lower()]) as container:
            streams = [add_video(container)]
            for stream in _copied(source):
                try:
                    streams.append(container.add_stream_from_template(stream))
                except (self._av.error.FFmpegError, ValueError) as error:
                    raise OutputError(
                        f"{self._path}: cannot store the {stream.type} of {self._clip.path} ({error}). End the name "
                        "with .mkv."
                    ) from error
                streams[-1].metadata.update(stream.metadata)
            if source:
                container.metadata.update(source.metadata)
            yield container, streams

    def _notes(self) -> tuple[str, ...]:
        with self._source() as source:
            left = [] if source is None else [s.type for s in source.streams if s.type not in (*_COPIED, "video")]
        return (f"not copied: {len(left)} streams of {', '.join(sorted(set(left)))}",) if left else ()


class _Segment:
    """Frames being encoded."""

    def __init__(self, container: Any, stream: Any, clip: Clip) -> None:
        self._container, self._stream, self._facts = container, stream, clip.facts
        self._first: int | None = None

    def add(self, frame: Frame) -> None:
        """Encode the next frame."""
        if self._first is None:
            self._first = frame.time
        encoded = self._converted(frame.picture)
        encoded.pts, encoded.time_base = frame.time - self._first, self._facts.time_base
        self._container.mux(self._stream.encode(encoded))

    def finish(self) -> None:
        """Write what the encoder still holds."""
        self._container.mux(self._stream.encode(None))

    def _converted(self, picture: Picture) -> Any:
        av, colors = import_av(), self._facts.colors or _PICTURES
        pixels = picture.color if not picture.is_gray else picture.color.repeat(3, 2)
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb24" if picture.bits == 8 else "rgb48le")
        return frame.reformat(
            format=self._stream.codec_context.pix_fmt,
            dst_colorspace=scaler_matrix(colors.matrix),
            src_color_range=2,
            dst_color_range=2 if colors.full_range else 1,
            interpolation=INTERPOLATION,
            threads=1,
        )


def _copied(source: Any) -> list[Any]:
    return [] if source is None else [stream for stream in source.streams if stream.type in _COPIED]


def _packets(source: Any, copied: list[Any]) -> Iterator[tuple[Fraction, int, Any]]:
    """Packets of the copied streams, in the order of the file, with times that do not fall."""
    streams = _copied(source)
    places, latest = {stream.index: place for place, stream in enumerate(streams)}, None
    for number, packet in enumerate(source.demux(streams)):
        if packet.dts is None:
            continue
        time = packet.dts * packet.time_base
        latest = time if latest is None else max(latest, time)
        packet.stream = copied[places[packet.stream.index]]
        yield latest, 1 + number, packet
