"""``srntt corpus build``: a folder to train from, made from any photographs."""

import dataclasses
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from srntt.cli._exit import Exit
from srntt.cli._options import Json, LimitOptions
from srntt.cli._progress import ProgressOnStderr
from srntt.cli._say import complain, say, say_json

if TYPE_CHECKING:
    from srntt.train.corpus import CorpusReport

_REASONS = {
    "alike": "show what another one shows",
    "flat": "have too little detail",
    "small": "are too small",
    "transparent": "have transparent parts",
}


@Parameter(name="*")
@dataclasses.dataclass(frozen=True)
class CorpusOptions:
    """What becomes of the photographs.

    Attributes:
        megapixels: Larger pictures are halved until they have no more. Default: 6.
        smallest: Leave out what has fewer pixels in height or width, 64 or more. Default: 256.
        textured: Leave out pictures in which less than this share has detail, 0..1. Default: 0.25.
        alike: Pictures that differ in so many of 64 bits of their fingerprint, or fewer, count as one. Default: 10.
        lossless: Save PNG, twice as large as the JPEG of quality 98 otherwise saved.
    """

    megapixels: float = 6.0
    smallest: int = 256
    textured: float = 0.25
    alike: int = 10
    lossless: bool = False


def build(
    photos: tuple[Path, ...],
    /,
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    licence: str = "",
    recursive: bool = False,
    options: CorpusOptions = CorpusOptions(),
    limits: LimitOptions = LimitOptions(),  # noqa: B008 (frozen)
    json: Json = False,
) -> int:
    """Add photographs to a folder to train from: reduced, flat parts cut off, near-duplicates and flat pictures left
    out, with a manifest that names sources and licences. Building again adds only what is new.

    Args:
        photos: Folders of photographs, and photographs.
        output: The folder. Nothing in it is replaced.
        licence: Of all of these photographs, such as "CC-BY 4.0". Default: what is written next to each (MANIFEST.tsv,
            LICENCE.txt, a Debian package's copyright, a KDE wallpaper's metadata.json), or else unknown.
        recursive: Folders below, too.
    """
    from srntt.train.corpus import CorpusLimits, build_corpus

    suited = CorpusLimits(**dataclasses.asdict(options))
    with ProgressOnStderr(counted="pictures") as progress:
        report = build_corpus(
            photos,
            output,
            limits=suited,
            licence=licence,
            recursive=recursive,
            reading=limits.limits(),
            progress=progress,
        )
    if json:
        say_json(_as_json(report))
    else:
        say(*_as_lines(report))
    for path, reason in report.failed:
        complain(reason if str(path) in reason else f"{path}: {reason}")
    if report.failed:
        return Exit.SOME_FAILED
    return Exit.DONE if report.taken else Exit.NOTHING_TO_DO


def _as_lines(report: "CorpusReport") -> list[str]:
    megapixels = sum(entry.width * entry.height for entry in report.taken) / 1e6
    counts = [f"{len(report.taken)} added ({megapixels:.1f} megapixels)", f"{report.known} there already"]
    counts += [f"{len(report.failed)} cannot be read"] if report.failed else []
    counts += [f"{report.ignored} files ignored, no pictures by their suffix"] if report.ignored else []
    lines = [f"{report.folder}: {', '.join(counts)}; {report.pictures} pictures now"]
    for reason, count in sorted(Counter(item.reason for item in report.left_out).items()):
        first = next(item for item in report.left_out if item.reason == reason)
        more = "" if count == 1 else f", and {count - 1} more"
        lines.append(f"left out, for they {_REASONS[reason]}: {first.path} ({first.detail}){more}")
    if unknown := _unknown(report):
        lines.append(f"licence unknown: {unknown} of those added. Give it with --licence, or write it next to them.")
    return lines


def _as_json(report: "CorpusReport") -> dict:
    return {
        "folder": str(report.folder),
        "added": [{k: v for k, v in dataclasses.asdict(entry).items() if k != "fingerprint"} for entry in report.taken],
        "known": report.known,
        "left_out": [{**item._asdict(), "path": str(item.path)} for item in report.left_out],
        "failed": [{"path": str(path), "reason": reason} for path, reason in report.failed],
        "ignored": report.ignored,
        "unknown_licence": _unknown(report),
        "pictures": report.pictures,
    }


def _unknown(report: "CorpusReport") -> int:
    from srntt.train.corpus import UNKNOWN

    return sum(entry.licence == UNKNOWN for entry in report.taken)
