"""Photographs to a folder to train from: reduced, trimmed, without near-duplicates, and entered into a manifest."""

import hashlib
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from srntt._files import file_sha256, put_in_place, write_bytes
from srntt._shapes import UInt8
from srntt.errors import MissingDependencyError, OutputError, PictureError
from srntt.image import Limits, load, load_content, read_file, save
from srntt.train.corpus._alike import bits_apart, fingerprint
from srntt.train.corpus._licences import Licence, Licences
from srntt.train.corpus._manifest import Entry, Manifest
from srntt.train.corpus._outcome import CorpusLimits, CorpusReport, LeftOut
from srntt.train.corpus._reduce import halvings, reduced_to, trimmed
from srntt.train.corpus._sources import Candidate, list_sources

UNKNOWN = "unknown"
_QUALITY = 98  # of JPEG: luma at 51 dB of the picture, in half the bytes of PNG
_LETTERS_OF_NAME = 60
_UNFINISHED = ".unfinished"  # a folder, for training reads every picture that lies in the corpus itself


def build_corpus(
    sources: Sequence[Path],
    folder: Path,
    *,
    limits: CorpusLimits = CorpusLimits(),  # noqa: B008 (frozen)
    licence: str = "",
    recursive: bool = False,
    reading: Limits = Limits(),  # noqa: B008 (frozen)
    progress: Callable[[str, int, int], object] = lambda stage, done, total: None,
) -> CorpusReport:
    """Add photographs to a folder to train from; existing ones stay unchanged.

    Pictures are known by their bytes and by what they show, so that building again adds only what is new. A file that
    cannot be read is reported and stops nothing. The same files give the same corpus, in whatever order they are given.

    Args:
        sources: folders of photographs, and photographs.
        folder: of the corpus; made if it is not there.
        limits: how they are reduced, trimmed and selected.
        licence: of all of them; else what is written next to each.
        recursive: look into folders below, too.
        reading: limits for the files that are read.
        progress: called with ("corpus", done, total).

    Raises:
        InputError: a source that does not exist, or a folder whose MANIFEST.tsv is of something else.
        OutputError: the folder cannot be written to, or holds a picture of that name that is not of the manifest.
    """
    report = CorpusReport(folder)
    candidates = list_sources(sources, report, recursive=recursive)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made: {error.strerror}. Give another folder.") from error
    corpus = _Corpus(folder, Manifest(folder), limits, licence.strip(), reading)
    try:
        for done, candidate in enumerate(candidates):
            progress("corpus", done, len(candidates))
            corpus.offer(candidate, report)
        progress("corpus", len(candidates), len(candidates))
    finally:
        with suppress(OSError):  # never made
            (folder / _UNFINISHED).rmdir()
    report.pictures = len(corpus.manifest.entries)
    return report


@dataclass
class _Corpus:
    """A corpus that grows."""

    folder: Path
    manifest: Manifest
    limits: CorpusLimits
    licence: str
    reading: Limits

    def __post_init__(self) -> None:
        self._sources = {entry.source_sha256 for entry in self.manifest.entries}
        self._licences = Licences()

    def offer(self, candidate: Candidate, report: CorpusReport) -> None:
        """Add a picture if it is suitable, and report the outcome."""
        try:
            outcome = self._judge(candidate)
        except (PictureError, MissingDependencyError) as error:
            report.failed.append((candidate.path, str(error)))
            return
        if isinstance(outcome, Entry):
            report.taken.append(outcome)
        elif isinstance(outcome, LeftOut):
            report.left_out.append(outcome)
        else:
            report.known += 1

    def _judge(self, candidate: Candidate) -> Entry | LeftOut | None:
        content = read_file(str(candidate.path), self.reading)
        source_sha256 = hashlib.sha256(content).hexdigest()
        if source_sha256 in self._sources:
            return None
        picture = load_content(content, str(candidate.path), limits=self.reading).to_8bit()
        if not picture.opaque:
            return LeftOut(candidate.path, "transparent", "parts of it are transparent")
        reduced = reduced_to(picture.color, self.limits.megapixels)
        if refused := self._too_small(candidate.path, reduced):
            return refused
        pixels, textured = trimmed(reduced)
        if textured < self.limits.textured:
            return LeftOut(candidate.path, "flat", f"{textured:.0%} of it has detail")
        if refused := self._too_small(candidate.path, pixels):
            return refused
        mark = fingerprint(reduced)
        near = (entry for entry in self.manifest.entries if bits_apart(mark, entry.fingerprint) <= self.limits.alike)
        if twin := next(near, None):
            return LeftOut(candidate.path, "alike", f"shows what {twin.file} shows")
        name = f"{_plain(candidate.path.stem)}-{source_sha256[:10]}{'.png' if self.limits.lossless else '.jpg'}"
        licence, licence_file = self._licence(candidate)
        entry = Entry(
            file=name,
            width=pixels.shape[1],
            height=pixels.shape[0],
            licence=licence,
            licence_file=licence_file,
            source=str(candidate.path),
            source_width=picture.width,
            source_height=picture.height,
            halved=halvings(picture.height * picture.width, self.limits.megapixels),
            textured=textured,
            sha256=self._write(pixels, name),
            source_sha256=source_sha256,
            fingerprint=mark,
        )
        self.manifest.add(entry)
        self._sources.add(source_sha256)
        return entry

    def _too_small(self, path: Path, pixels: UInt8[np.ndarray, "h w c"]) -> LeftOut | None:
        height, width = pixels.shape[:2]
        if min(height, width) >= self.limits.smallest:
            return None
        return LeftOut(path, "small", f"{width} x {height} pixels are left of it")

    def _licence(self, candidate: Candidate) -> tuple[str, str]:
        """The licence as text, and the copy of its file in the corpus."""
        found = Licence(self.licence) if self.licence else self._licences.find(candidate.path, candidate.root)
        if found is None:
            return UNKNOWN, ""
        if found.file is None:
            return found.name, ""
        text = found.file.read_bytes()
        file = f"licences/{hashlib.sha256(text).hexdigest()[:8]}-{_plain(found.file.name)}"
        if not (self.folder / file).exists():
            write_bytes(self.folder / file, text)
        return found.name, file

    def _write(self, pixels: UInt8[np.ndarray, "h w c"], name: str) -> str:
        """Write a picture, and return its hash. One that a killed run left without an entry is taken for this one."""
        place, whole = self.folder / name, self.folder / _UNFINISHED / name
        whole.parent.mkdir(exist_ok=True)
        save(load(pixels), whole, overwrite=True, strip=True, quality=_QUALITY)
        sha256 = file_sha256(whole)
        try:
            if not (place.is_file() and file_sha256(place) == sha256):
                put_in_place(str(whole), str(place), overwrite=False)
        except OutputError as error:
            raise OutputError(f"{place} is in the way, and no picture of this corpus. Move it elsewhere.") from error
        finally:
            whole.unlink(missing_ok=True)
        return sha256


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", name)[:_LETTERS_OF_NAME].strip("._") or "picture"
