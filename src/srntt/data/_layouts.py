"""Public test sets: their layout on disk, their size, and where they are published.

A layout reads a folder into pairs of a target and its references. Missing and unexpected files are errors, because a
score on part of a set is not comparable with published scores.
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from srntt.data._listing import folders_in, listed, pictures_in
from srntt.data._pairs import Pair, read_pairs
from srntt.errors import InputError

_SELFEXSR = re.compile(r"img_\d{3}_SRF_4_[\w+-]+\.png", re.ASCII)


@dataclass(frozen=True)
class Layout:
    """Layout of a set on disk.

    Attributes:
        name: Name of the set.
        whole: Number of targets; several numbers if several sets share the layout, empty for any number.
        expected: Expected content of the folder.
        published: Where the set is published.
        reader: Function of (folder, layout) that returns the pairs.
    """

    name: str
    whole: tuple[int, ...]
    expected: str
    published: str
    reader: Callable[[Path, "Layout"], Sequence[Pair]]

    def read(self, folder: Path, *, subset: bool = False) -> tuple[Pair, ...]:
        """Read every pair of the set, or with `subset` of an incomplete one.

        Raises:
            InputError: A file is missing or unexpected, or the set is incomplete.
        """
        pairs = tuple(self.reader(folder, self))
        if self.whole and len(pairs) not in self.whole and not subset:
            whole = " or ".join(map(str, self.whole))
            raise InputError(
                f"{folder} has {len(pairs)} of the {whole} targets of {self.name}. {self.advice} "
                "Use --subset to score an incomplete set; its scores are not comparable with published ones."
            )
        return pairs

    def missing(self, count: int) -> int:
        """Return how many targets a set of `count` is short of."""
        return min((whole - count for whole in self.whole if whole >= count), default=0)

    @property
    def advice(self) -> str:
        """Expected content and source of the set, for error messages."""
        return f"Expected: {self.expected}. Published: {self.published}."

    def __str__(self) -> str:
        return f"{self.name}: {self.expected}; published: {self.published}"


def drawn(name: str, count: int) -> int:
    """Choose one of `count` references for a target, reproducibly, where papers draw one at random.

    The first eight bytes of the SHA-256 of ``sun80/NAME``, as a big-endian number, modulo `count`.

    >>> drawn("bathroom_01.jpg", 20)
    14
    """
    return int.from_bytes(hashlib.sha256(f"sun80/{name}".encode()).digest()[:8], "big") % count


def _cufed5(folder: Path, layout: Layout) -> list[Pair]:
    files = pictures_in(folder, layout.advice)
    _refuse_odd(folder, [name for name in files if not re.fullmatch(r"\d{3}_[0-5]\.png", name, re.ASCII)], layout)
    groups = sorted({name[:3] for name in files})
    _refuse_missing(folder, [f"{g}_{n}.png" for g in groups for n in range(6) if f"{g}_{n}.png" not in files], layout)
    pairs = [Pair(g, files[f"{g}_0.png"], tuple(files[f"{g}_{n}.png"] for n in range(1, 6))) for g in groups]
    return _with_unrelated(pairs)


def _sun80(folder: Path, layout: Layout) -> list[Pair]:
    targets = pictures_in(folder / "Sun_Hays_SR_groundtruth", layout.advice)
    matches = folder / "Sun_Hays_SR_scenematches"
    _refuse_missing(matches, [name for name in targets if name not in folders_in(matches, layout.advice)], layout)
    pairs = []
    for name, target in targets.items():
        references = list(pictures_in(matches / name, layout.advice).values())
        if not references:
            raise InputError(f"{matches / name} contains no pictures. {layout.advice}")
        first = references.pop(drawn(name, len(references)))
        pairs.append(Pair(Path(name).stem, target, (first, *references)))
    return _with_unrelated(pairs)


def _wr_sr(folder: Path, layout: Layout) -> list[Pair]:
    targets, references = (pictures_in(folder / name, layout.advice) for name in ("input", "ref"))
    _refuse_odd(folder / "input", [name for name in targets if not re.fullmatch(r"\d{3}\.png", name, re.ASCII)], layout)
    wanted = {name: f"{name[:3]}_ref.png" for name in targets}
    _refuse_missing(folder / "ref", [name for name in wanted.values() if name not in references], layout)
    _refuse_odd(folder / "ref", [name for name in references if name not in wanted.values()], layout)
    pairs = [Pair(name[:3], target, (references[wanted[name]],)) for name, target in targets.items()]
    return _with_unrelated(pairs)


def _selfexsr(folder: Path, layout: Layout) -> list[Pair]:
    """Read ``img_001_SRF_4_HR.png`` with ``.._LR.png``."""
    files = _side_by_side(folder, layout)
    pairs = [replace(pair, low_res=files.get(pair.target.name.replace("_HR", "_LR"))) for pair in _flat(folder, layout)]
    missing = [pair.target.name.replace("_HR", "_LR") for pair in pairs if not pair.low_res]
    _refuse_missing(folder, missing, layout)
    return pairs


def _flat(folder: Path, layout: Layout) -> list[Pair]:
    """Read a flat folder; of the SelfExSR layout, which includes outputs of other methods, only the HR pictures."""
    files = _side_by_side(folder, layout)
    _refuse_twins(folder, files, layout)
    if not any(_SELFEXSR.fullmatch(name) for name in files) and layout.reader is not _selfexsr:
        return _with_unrelated([Pair(Path(name).stem, file, ()) for name, file in files.items()])
    _refuse_odd(folder, [name for name in files if not _SELFEXSR.fullmatch(name)], layout)
    numbers = sorted({name[:7] for name in files})
    _refuse_missing(folder, [name for n in numbers if (name := f"{n}_SRF_4_HR.png") not in files], layout)
    return _with_unrelated([Pair(number, files[f"{number}_SRF_4_HR.png"], ()) for number in numbers])


def _side_by_side(folder: Path, layout: Layout) -> dict[str, Path]:
    inner = folder / "image_SRF_4"
    return pictures_in(inner if inner.is_dir() else folder, layout.advice)


def _pairs_or_folder(folder: Path, layout: Layout) -> Sequence[Pair]:
    """Read index.json if present, else input/ with ref/, else a flat folder of pictures."""
    if (folder / "index.json").exists():
        return read_pairs(folder)
    if not (folder / "input").is_dir():
        pairs = _flat(folder, layout) if folder.is_dir() else []
        return pairs or read_pairs(folder)  # raises an error that names what is missing
    targets = pictures_in(folder / "input", layout.advice)
    _refuse_twins(folder / "input", targets, layout)
    pairs = [Pair(Path(name).stem, file, _references_of(folder, name, layout)) for name, file in targets.items()]
    return _with_unrelated(pairs)


def _references_of(folder: Path, name: str, layout: Layout) -> tuple[Path, ...]:
    """Return ``ref/NAME.png``, ``ref/NAME_ref.png`` (any format), or all pictures in ``ref/NAME/``."""
    stem = Path(name).stem
    if (folder / "ref" / stem).is_dir():
        return tuple(pictures_in(folder / "ref" / stem, layout.advice).values())
    files = pictures_in(folder / "ref", layout.advice)
    found = tuple(file for file in files.values() if file.stem in (stem, f"{stem}_ref"))
    if not found:
        raise InputError(f"{folder / 'ref'} has no reference for input/{name}. {layout.advice}")
    return found


def _with_unrelated(pairs: Sequence[Pair]) -> list[Pair]:
    """Use the target half a set further on as the unrelated picture of each target."""
    half = len(pairs) // 2
    return [
        replace(pair, unrelated=pairs[(number + half) % len(pairs)].target) if half else pair
        for number, pair in enumerate(pairs)
    ]


def _refuse_odd(folder: Path, names: Sequence[str], layout: Layout) -> None:
    if names:
        verb = "does" if len(names) == 1 else "do"
        raise InputError(f"{folder} contains {listed(names)}, which {verb} not belong there. {layout.advice}")


def _refuse_missing(folder: Path, names: Sequence[str], layout: Layout) -> None:
    if names:
        raise InputError(f"{folder} is missing {listed(names)}. {layout.advice}")


def _refuse_twins(folder: Path, files: dict[str, Path], layout: Layout) -> None:
    stems = [Path(name).stem for name in files]
    if twins := sorted({stem for stem in stems if stems.count(stem) > 1}):
        raise InputError(f"{folder} contains {listed(twins)} with two suffixes. {layout.advice}")


_SELFEXSR_SETS = ("Set5, Set14, BSD100 or Urban100", (5, 14, 100))
_SELFEXSR_HOME = "github.com/jbhuang0604/SelfExSR"

#: Layouts by name, as referred to by `Protocol.data`.
LAYOUTS = {
    "cufed5": Layout(
        "CUFED5",
        (126,),
        "NNN_0.png (the target) to NNN_5.png (its references, most similar first), NNN from 000 to 125, in one folder",
        "https://zzutk.github.io/SRNTT-Project-Page/ and github.com/ZZUTK/SRNTT",
        _cufed5,
    ),
    "sun80": Layout(
        "Sun80",
        (80,),
        "Sun_Hays_SR_groundtruth/NAME.jpg and Sun_Hays_SR_scenematches/NAME.jpg/*.jpg (a folder for each target)",
        "L. Sun and J. Hays, Super-resolution from Internet-scale Scene Matching, ICCP 2012 (offline: ask them), "
        "the targets alone in github.com/jbhuang0604/SelfExSR",
        _sun80,
    ),
    "wr-sr": Layout(
        "WR-SR",
        (80,),
        "input/001.png to input/080.png and ref/001_ref.png to ref/080_ref.png",
        "github.com/yumingj/C2-Matching, datasets/DATASETS.md",
        _wr_sr,
    ),
    "urban100": Layout(
        "Urban100",
        (100,),
        "100 pictures in one folder, or image_SRF_4/img_NNN_SRF_4_HR.png and .._LR.png",
        _SELFEXSR_HOME,
        _flat,
    ),
    "manga109": Layout(
        "Manga109", (109,), "109 pages in one folder", "http://www.manga109.org/en/ (on application)", _flat
    ),
    "selfexsr": Layout(
        *_SELFEXSR_SETS,
        "img_NNN_SRF_4_HR.png and img_NNN_SRF_4_LR.png, in the folder or in image_SRF_4 below it",
        _SELFEXSR_HOME,
        _selfexsr,
    ),
    "single": Layout(
        *_SELFEXSR_SETS,
        "pictures in one folder, or img_NNN_SRF_4_HR.png in the folder or in image_SRF_4 below it",
        _SELFEXSR_HOME,
        _flat,
    ),
    "pairs": Layout(
        "pairs",
        (),
        "an index.json and the pictures it lists; or input/NAME.png with ref/NAME.png or a folder ref/NAME; "
        "or pictures in one folder, without references",
        "your own pictures",
        _pairs_or_folder,
    ),
}
