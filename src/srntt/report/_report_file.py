"""Reading of report.json. The file is not trusted: everything is validated."""

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
_SAME_FLOOR = 1e-6  # dB: equal pictures give equal values up to the order of summation
_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True)
class Identity:
    """Identity of a picture in a report, besides its name; None for fields that an older report lacks.

    Attributes:
        target, low_res: SHA-256 of their pixels.
        bicubic: PSNR-Y of bicubic upscaling, in dB.
    """

    target: str | None
    low_res: str | None
    bicubic: float | None

    def conflict(self, other: "Identity") -> str | None:
        """Describe why the two identify different pictures, or return None."""
        for what, a, b in (("targets", self.target, other.target), ("low-res pictures", self.low_res, other.low_res)):
            if a and b and a != b:
                return f"the {what} differ (SHA-256 {a[:10]} and {b[:10]})"
        if self.target and other.target and self.low_res and other.low_res:
            return None
        floors = self.bicubic, other.bicubic
        if floors[0] is not None and floors[1] is not None and abs(floors[0] - floors[1]) > _SAME_FLOOR:
            return f"bicubic has {floors[0]:.6f} dB in one and {floors[1]:.6f} dB in the other"
        return None


@dataclass(frozen=True)
class ReportedRun:
    """Evaluation of a report.

    Attributes:
        protocol: Name of the protocol.
        model: Name of the model or peer.
        peer: Whether it is a peer.
        references: Kind of references, and the change applied to them.
        images: Metrics by name, for each picture by name.
        identities: Identity of each picture by name.
    """

    protocol: str
    model: str
    peer: bool
    references: str
    images: Mapping[str, Mapping[str, float]]
    identities: Mapping[str, "Identity"]

    @property
    def title(self) -> str:
        """Name for messages and `--baseline`."""
        return self.model if self.peer else f"{self.model}, {self.references}"

    def key(self, *, with_model: bool) -> str:
        """Return the key by which evaluations are paired: peers by name, models only if a report has several."""
        if self.peer:
            return f"protocol {self.protocol}, peer {self.model}"
        model = f"model {self.model}, " if with_model else ""
        return f"protocol {self.protocol}, {model}references {self.references}"


def read_report(path: Path) -> list[ReportedRun]:
    """Read the evaluations of a report.json: the result of `Evaluation.as_json`, or a list of them.

    Raises:
        InputError: The file does not exist or is not a report.
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
        raise InputError(f"{path} contains no evaluation. Give the report.json of srntt evaluate --report.")
    runs = [_run(path, entry) for entry in entries]
    counts = Counter(run.key(with_model=True) for run in runs)
    if repeated := sorted(key for key, count in counts.items() if count > 1):
        raise InputError(f"{path} contains an evaluation twice: {repeated[0]}. Give the unmodified report.json.")
    return runs


def _run(path: Path, entry: Any) -> ReportedRun:
    if not isinstance(entry, dict):
        raise _odd(path, "an evaluation that is not an object")
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
        raise _odd(path, "a duplicate picture name")
    identities = {name: _identity(path, image) for name, image in zip(by_name, images, strict=True)}
    return ReportedRun(protocol, model, isinstance(entry.get("peer"), dict), references, by_name, identities)


def _image(path: Path, image: Any) -> tuple[str, dict[str, float]]:
    if not isinstance(image, dict):
        raise _odd(path, "an image that is not an object")
    values = {name: value for name, value in image.items() if value is not None and metric_named(name)}
    return _text(path, image, "name"), {name: _number(path, value) for name, value in values.items()}


def _identity(path: Path, image: Mapping[str, Any]) -> Identity:
    floor = image.get("bicubic_psnr_y")
    hashes = [image.get(key) for key in ("target_sha256", "low_res_sha256")]
    if not all(text is None or (isinstance(text, str) and _HASH.fullmatch(text)) for text in hashes):
        raise _odd(path, "an invalid SHA-256")
    return Identity(hashes[0], hashes[1], None if floor is None else _number(path, floor))


def _text(path: Path, entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not 0 < len(value) <= 4096 or not value.isprintable():
        raise _odd(path, f"no {key}, or one that is not printable text")
    return value


def _number(path: Path, value: Any) -> float:
    sane = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= 1e6
    if not sane or not math.isfinite(value):
        raise _odd(path, "a value that is not a finite number of plausible size")
    return float(value)


def _odd(path: Path, what: str) -> InputError:
    return InputError(f"{path} has {what}. Give the report.json of srntt evaluate --report.")
