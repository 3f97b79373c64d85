"""report.json read back. It may come from anywhere, so it is read with suspicion."""

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from srntt.data import read_json
from srntt.errors import InputError
from srntt.evaluate import metric_named

_MAX_BYTES, _MAX_IMAGES = 64 << 20, 100_000
_SAME_FLOOR = 1e-6  # dB: the same pictures give the same figure but for the order of a sum
_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True)
class Identity:
    """What a report knows of a picture besides its name; None for what an older report does not have.

    Attributes:
        target, low_res: SHA-256 of their pixels.
        bicubic: PSNR-Y of plain bicubic, in dB.
    """

    target: str | None
    low_res: str | None
    bicubic: float | None

    def conflict(self, other: "Identity") -> str | None:
        """Why the two are not of the same picture, for people; None where nothing says so."""
        for what, a, b in (("targets", self.target, other.target), ("low-res pictures", self.low_res, other.low_res)):
            if a and b and a != b:
                return f"the {what} differ (SHA-256 {a[:10]} and {b[:10]})"
        if self.target and other.target and self.low_res and other.low_res:
            return None
        floors = self.bicubic, other.bicubic
        if floors[0] is not None and floors[1] is not None and abs(floors[0] - floors[1]) > _SAME_FLOOR:
            return f"plain bicubic has {floors[0]:.6f} dB in one and {floors[1]:.6f} dB in the other"
        return None


@dataclass(frozen=True)
class ReportedRun:
    """One evaluation of a report.

    Attributes:
        protocol: name.
        model: name of the model or peer.
        peer: whether it is one.
        references: which, what was done to them.
        images: metrics by name, by the picture's name.
        identities: what distinguishes each picture from another of its name, by the picture's name.
    """

    protocol: str
    model: str
    peer: bool
    references: str
    images: Mapping[str, Mapping[str, float]]
    identities: Mapping[str, "Identity"]

    @property
    def title(self) -> str:
        """Its name for people; `--baseline` takes it, too."""
        return self.model if self.peer else f"{self.model}, {self.references}"

    def key(self, *, with_model: bool) -> str:
        """What it pairs by. Peers always by name; models so only where a report has several."""
        if self.peer:
            return f"protocol {self.protocol}, peer {self.model}"
        model = f"model {self.model}, " if with_model else ""
        return f"protocol {self.protocol}, {model}references {self.references}"


def read_report(path: Path) -> list[ReportedRun]:
    """Every evaluation of a report.json, of `Evaluation.as_json` or a list of them.

    Raises:
        InputError: no such file, or one that is no report.
    """
    content = read_json(
        path,
        what="a report.json",
        most=_MAX_BYTES,
        get="Give the report.json of srntt evaluate --report.",
        repair="Give a report.json.",
    )
    entries = content if isinstance(content, list) else [content]
    if not entries:
        raise InputError(f"{path} holds no evaluation. Give the report.json of srntt evaluate --report.")
    runs = [_run(path, entry) for entry in entries]
    counts = Counter(run.key(with_model=True) for run in runs)
    if repeated := sorted(key for key, count in counts.items() if count > 1):
        raise InputError(f"{path} holds an evaluation twice: {repeated[0]}. Give the report.json as it was written.")
    return runs


def _run(path: Path, entry: Any) -> ReportedRun:
    if not isinstance(entry, dict):
        raise _odd(path, "an evaluation that is no object")
    protocol, model, refs = (_text(path, entry, key) for key in ("protocol", "model", "refs"))
    change = entry.get("reference_change")
    references = refs
    if isinstance(change, dict):
        references = f"{refs}, {_text(path, change, 'what')} {_number(path, change.get('value')):g}"
    images = entry.get("images")
    if not isinstance(images, list) or not 0 < len(images) <= _MAX_IMAGES:
        raise _odd(path, "no list of images, or an empty one")
    scored = [_image(path, image) for image in images]
    by_name = dict(scored)
    if len(by_name) < len(scored):
        raise _odd(path, "a name of a picture twice")
    identities = {name: _identity(path, image) for name, image in zip(by_name, images, strict=True)}
    return ReportedRun(protocol, model, isinstance(entry.get("peer"), dict), references, by_name, identities)


def _image(path: Path, image: Any) -> tuple[str, dict[str, float]]:
    if not isinstance(image, dict):
        raise _odd(path, "an image that is no object")
    values = {name: value for name, value in image.items() if value is not None and metric_named(name)}
    return _text(path, image, "name"), {name: _number(path, value) for name, value in values.items()}


def _identity(path: Path, image: Mapping[str, Any]) -> Identity:
    floor = image.get("bicubic_psnr_y")
    hashes = [image.get(key) for key in ("target_sha256", "low_res_sha256")]
    if not all(text is None or (isinstance(text, str) and _HASH.fullmatch(text)) for text in hashes):
        raise _odd(path, "a SHA-256 that is none")
    return Identity(hashes[0], hashes[1], None if floor is None else _number(path, floor))


def _text(path: Path, entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not 0 < len(value) <= 4096 or not value.isprintable():
        raise _odd(path, f"no {key}, or one that is not text that can be printed")
    return value


def _number(path: Path, value: Any) -> float:
    sane = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= 1e6
    if not sane or not math.isfinite(value):
        raise _odd(path, "a figure that is no finite number of a sensible size")
    return float(value)


def _odd(path: Path, what: str) -> InputError:
    return InputError(f"{path} has {what}. Give the report.json of srntt evaluate --report.")
