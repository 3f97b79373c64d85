"""What a film is to the rest of this folder: facts, and frames in order, from a container or a folder of pictures."""

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol, runtime_checkable

from srntt.errors import InputError
from srntt.image import Limits, Picture

CONTAINERS = (".mp4", ".m4v", ".mov", ".mkv", ".webm")
"""Suffixes of containers that are written; the content determines how a file is read."""


@dataclass(frozen=True, eq=False)
class Frame:
    """A frame of a film, upright.

    Attributes:
        number: From 0.
        picture: Its pixels.
        time: When it is shown, in units of the time base.
        duration: For how long, likewise.
    """

    number: int
    picture: Picture
    time: int
    duration: int = 1


@dataclass(frozen=True)
class Facts:
    """Facts about a film, from its headers and first frame.

    Attributes:
        width, height: Of an upright frame, in pixels.
        bits: Bits per sample that frames are decoded to, 8 or 16.
        time_base: Unit of time, in seconds.
        rate: Mean number of frames per second.
        frames: Number of frames, if it is known before they are decoded; otherwise 0.
        colors: Code points of the colours, as ``Colors`` has them; None for pictures.
        aspect: Width of a pixel for a height of 1.
        full_chroma: Whether colours are stored at full resolution.
        notes: What is not kept.
    """

    width: int
    height: int
    bits: int = 8
    time_base: Fraction = Fraction(1, 25)
    rate: Fraction = Fraction(25)
    frames: int = 0
    colors: "Colors | None" = None
    aspect: Fraction = Fraction(1)
    full_chroma: bool = True
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Colors:
    """How a film stores colours: code points of ITU-T H.273, and whether values use the full range."""

    primaries: int
    transfer: int
    matrix: int
    full_range: bool


@runtime_checkable
class Clip(Protocol):
    """A film that can be read several times."""

    path: Path
    facts: Facts

    def frames(self, first: int = 0, times: Sequence[int] | None = None) -> Iterator[Frame]:
        """Decode the frames from number ``first`` on; one is held at a time.

        Args:
            first: Number of the first frame.
            times: When each frame is shown, if that is known: then those long before ``first`` are not decoded.

        Raises:
            PictureError: A frame is damaged or has another size than the first.
        """
        ...


@runtime_checkable
class FrameSink(Protocol):
    """Where some consecutive frames of the output are written."""

    def add(self, frame: Frame) -> None:
        """Write the next frame."""
        ...


@runtime_checkable
class Output(Protocol):
    """The output of a film, written in segments, so that an interrupted run can continue."""

    def segment(self, number: int) -> AbstractContextManager[FrameSink]:
        """Write a segment; it is complete if the block ends without an error."""
        ...

    def join(self, times: list[int], *, overwrite: bool) -> tuple[str, ...]:
        """Make the output of the segments; return notes on what is not kept.

        Args:
            times: When each frame is shown, and when the last one ends.
            overwrite: Replace an existing file.
        """
        ...


def open_clip(path: str | os.PathLike, limits: Limits, rate: Fraction | None = None) -> Clip:
    """Open a film: a container such as MP4, or a folder of frames, in the order of their names.

    Args:
        path: File or folder.
        limits: Maximum pixels of a frame; maximum bytes apply to the pictures of a folder only.
        rate: Frames per second of a folder.

    Raises:
        PictureError: The file is not a film that is read, is damaged, or is beyond the limits.
        InputError: The folder contains no pictures.
        MissingDependencyError: The file needs the extra ``video``.
    """
    given = Path(path)
    if given.is_dir():
        from srntt.video._folder import FolderClip

        return FolderClip(given, limits, rate or Fraction(25))
    from srntt.video._container import ContainerClip

    return ContainerClip(given, limits)


def open_output(clip: Clip, path: str | os.PathLike, work: Path, scale: int, quality: int) -> Output:
    """Prepare the output, and raise now what would otherwise be raised after the work.

    Args:
        clip: The film.
        path: File with the suffix of a container, or a folder for frames.
        work: Folder of the segments, which is kept until the output is complete.
        scale: Factor between the sizes of input and output.
        quality: Constant rate factor of the encoder: 0 is lossless, larger is smaller.

    Raises:
        InputError: The suffix is unknown, or a film is to be made of pictures without a rate.
        OutputError: The container cannot store sound or subtitles of the film.
    """
    given = Path(path)
    if given.suffix.lower() in CONTAINERS:
        from srntt.video._encode import ContainerOutput

        return ContainerOutput(clip, given, work, scale, quality)
    if given.suffix and not given.is_dir():
        raise InputError(
            f"{given}: films are written to {', '.join(CONTAINERS)}, and folders of frames have no suffix. "
            "Choose another name."
        )
    from srntt.video._folder import FolderOutput

    return FolderOutput(clip, given)
