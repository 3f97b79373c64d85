"""What a batch came to, or would come to, for people and for programs."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import srntt.batch


@dataclass(frozen=True)
class Preview:
    """What would be done with a picture.

    Attributes:
        name: of the picture.
        outputs: names that its output may get, best first.
        references: names of its references.
        done: an earlier run did it.
        problem: why it cannot be done; else empty.
    """

    name: str
    outputs: tuple[str, ...]
    references: tuple[str, ...] = ()
    done: bool = False
    problem: str = ""


def as_json(
    batch: "srntt.batch.Batch",
    tally: "srntt.batch.Tally",
    seconds: float,
    notes: Sequence[str],
) -> dict[str, Any]:
    """Everything that is known of a run but its outputs, which the manifest lists."""
    return {
        **_folders(batch),
        "model": tally.model,
        "models": dict(tally.models),
        "device": ", ".join(sorted(tally.devices)),
        "workers": tally.workers,
        "pictures": tally.total,
        "done": tally.done,
        "skipped": tally.skipped,
        "failed": [failure._asdict() for failure in tally.failed],
        "ignored": batch.ignored,
        "without_references": tally.without_references,
        "with_fallbacks": tally.fallbacks,
        "references_encoded": tally.references["encoded"],
        "references_reused": tally.references["reused"],
        "references_fetched": tally.references["fetched"],
        "seconds": round(seconds, 3),
        "pictures_per_second": round(tally.done / tally.seconds, 4) if tally.seconds else None,
        "megapixels_per_second": round(tally.pixels / 1e6 / tally.seconds, 4) if tally.seconds else None,
        "raw": list(batch.raw),
        "notes": [*_about_files(batch), *notes],
        "picture_notes": [{"name": name, "note": note} for name, note in tally.notes],
    }


def as_lines(
    batch: "srntt.batch.Batch",
    tally: "srntt.batch.Tally",
    seconds: float,
    notes: Sequence[str],
) -> list[str]:
    """The same for people."""
    rate = f", {tally.done / tally.seconds:.2f} pictures a second" if tally.seconds else ""
    at_once = f" with {tally.workers} workers" if tally.workers > 1 else ""
    counts = {
        "done": tally.done,
        "done already": tally.skipped,
        "failed": len(tally.failed),
        "files ignored, no pictures by their suffix": batch.ignored,
    }
    counted = [f"{count} {what}" for what, count in counts.items() if count or what == "done"]
    lines = [f"{batch.outputs}: {', '.join(counted)}; {seconds:.1f} s{rate}{at_once}"]
    if batch.references and tally.done:
        encoded, reused, fetched = (tally.references[kind] for kind in ("encoded", "reused", "fetched"))
        shared = f", {fetched} times one that another worker had encoded" if fetched else ""
        lines.append(f"references: {encoded} encoded, {reused} times one that was encoded already{shared}")
        if tally.without_references:
            lines.append(f"note: {tally.without_references} of them had no references")
    if tally.model == "auto" and tally.models:
        counts = ", ".join(f"{name} for {count}" for name, count in sorted(tally.models.items()))
        lines.append(f"model: {counts}, by compression, noise and blur; the manifest says why")
    if tally.fallbacks:
        lines.append(f"fallback: {tally.fallbacks} of them were done otherwise than asked; the manifest says how")
    return [*lines, *(f"note: {text}" for text in (*_about_files(batch), *notes, *_about_pictures(tally)))]


def previews_as_json(batch: "srntt.batch.Batch", previews: Sequence[Preview]) -> dict[str, Any]:
    """What would be done."""
    return {
        **_folders(batch),
        "pictures": [asdict(item) for item in previews],
        "failed": [failure._asdict() for failure in batch.failures],
        "ignored": batch.ignored,
        "notes": _about_files(batch),
    }


def previews_as_lines(batch: "srntt.batch.Batch", previews: Sequence[Preview]) -> list[str]:
    """The same for people, a line for each picture."""
    lines = []
    for item in previews:
        references = ", ".join(item.references) or "no references"
        state = "done already" if item.done else item.problem or references
        lines.append(f"{item.name} -> {batch.outputs.locate(item.outputs[0])} ({state})")
    if batch.ignored:
        lines.append(f"{batch.ignored} files ignored, no pictures by their suffix")
    return [*lines, *(f"note: {text}" for text in _about_files(batch))]


def _folders(batch: "srntt.batch.Batch") -> dict[str, str | None]:
    references = None if batch.references is None else str(batch.references)
    return {"inputs": str(batch.inputs), "outputs": str(batch.outputs), "references_folder": references}


def _about_pictures(tally: "srntt.batch.Tally") -> list[str]:
    """What was converted or dropped in pictures, each thing once."""
    names: dict[str, list[str]] = {}
    for name, note in tally.notes:
        names.setdefault(note, []).append(name)
    return [
        f"{note} ({first}{f' and {len(others)} more' if others else ''})" for note, (first, *others) in names.items()
    ]


def _about_files(batch: "srntt.batch.Batch") -> list[str]:
    links = [f"{name} is a link to a folder, and was not followed" for name in batch.linked]
    return [*links, *about_raw(batch)]


def about_raw(batch: "srntt.batch.Batch") -> list[str]:
    """What to do with cameras' raw files."""
    from srntt.image import RAW_ADVICE

    if not batch.raw:
        return []
    first, *others = batch.raw
    names = f"{first} and {len(others)} more are" if others else f"{first} is"
    return [f"{names} left out: a camera's raw file {RAW_ADVICE}"]
