"""``srntt corpus build``: prepare a training folder from photographs."""

import dataclasses
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from srntt.cli._exit import Exit
from srntt.cli._options import Json, LimitOptions
from srntt.cli._progress import ProgressOnStderr
from srntt.cli._say import complain_of_each, say_either

if TYPE_CHECKING:
    from srntt.train.corpus import CorpusReport

_REASONS = {
    "alike": "are near-duplicates",
    "flat": "have too little detail",
    "small": "are too small",
    "transparent": "have transparent parts",
}


@Parameter(name="*")
@dataclasses.dataclass(frozen=True)
class CorpusOptions:
    """Selection and conversion of photographs.

    Attributes:
        megapixels: Halve larger pictures until they have at most this size. Default: 6.
        smallest: Skip pictures with fewer pixels in height or width, at least 64. Default: 256.
        textured: Skip pictures in which less than this fraction has detail, 0..1. Default: 0.25.
        alike: Treat pictures whose 64-bit fingerprints differ in at most this many bits as duplicates. Default: 10.
        lossless: Save as PNG, about twice as large as the default, JPEG of quality 98.
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
    """Add photographs to a training folder: downsampled, flat parts cropped, near-duplicates and flat pictures skipped,
    with a manifest of sources and licences. Building again adds only what is new.

    Args:
        photos: Photographs, and folders of photographs.
        output: The training folder. Nothing in it is replaced.
        licence: Licence of all of these photographs, such as "CC-BY 4.0". Default: the licence stated next to each
            (MANIFEST.tsv, LICENCE.txt, a Debian package's copyright, a KDE wallpaper's metadata.json), else unknown.
        recursive: Include subfolders.
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
    say_either(_as_lines(report), _as_json(report), as_json=json)
    complain_of_each(report.failed)
    if report.failed:
        return Exit.SOME_FAILED
    return Exit.DONE if report.taken else Exit.NOTHING_TO_DO


def _as_lines(report: "CorpusReport") -> list[str]:
    megapixels = sum(entry.width * entry.height for entry in report.taken) / 1e6
    counts = [f"{len(report.taken)} added ({megapixels:.1f} megapixels)", f"{report.known} present already"]
    counts += [f"{len(report.failed)} cannot be read"] if report.failed else []
    counts += [f"{report.ignored} files of other types ignored"] if report.ignored else []
    lines = [f"{report.folder}: {', '.join(counts)}; {report.pictures} pictures now"]
    for reason, count in sorted(Counter(item.reason for item in report.left_out).items()):
        first = next(item for item in report.left_out if item.reason == reason)
        more = "" if count == 1 else f", and {count - 1} more"
        lines.append(f"skipped, because they {_REASONS[reason]}: {first.path} ({first.detail}){more}")
    if unknown := _unknown(report):
        lines.append(f"licence unknown: {unknown} of those added. State it with --licence, or in a file next to them.")
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
