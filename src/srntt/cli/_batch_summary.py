"""Summary of a batch, or of a dry run, as text and JSON."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from srntt.cli._batch_progress import speed

if TYPE_CHECKING:
    import srntt.batch


@dataclass(frozen=True)
class Preview:
    """Planned processing of a picture.

    Attributes:
        name: Name of the picture.
        outputs: Candidate names of its output, best first.
        references: Names of its references.
        done: Whether an earlier run has completed it.
        problem: Why it cannot be processed; otherwise empty.
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
    """Return the facts of a run, except its outputs, which the manifest lists."""
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
    """Return the same as lines of text."""
    rate = f", {speed(tally)}" if tally.done and tally.seconds else ""
    at_once = f" with {tally.workers} workers" if tally.workers > 1 else ""
    counts = {
        "done": tally.done,
        "done already": tally.skipped,
        "failed": len(tally.failed),
        "files of other types ignored": batch.ignored,
    }
    counted = [f"{count} {what}" for what, count in counts.items() if count or what == "done"]
    lines = [f"{batch.outputs}: {', '.join(counted)}; {seconds:.1f} s{rate}{at_once}"]
    if batch.references and tally.done:
        encoded, reused, fetched = (tally.references[kind] for kind in ("encoded", "reused", "fetched"))
        shared = f", {fetched} fetched from another worker" if fetched else ""
        if encoded or reused:  # a self-ensemble turns its references, and encodes them itself
            lines.append(f"references: {encoded} encoded, {reused} reused{shared}")
        if tally.without_references:
            lines.append(f"note: {tally.without_references} pictures had no references")
    if tally.model == "auto" and tally.models:
        counts = ", ".join(f"{name} for {count}" for name, count in sorted(tally.models.items()))
        lines.append(f"model: {counts}, by compression, noise and blur; the manifest states the reasons")
    if tally.fallbacks:
        lines.append(f"fallback: {tally.fallbacks} pictures were not processed as requested; the manifest states how")
    return [*lines, *(f"note: {text}" for text in (*_about_files(batch), *notes, *_about_pictures(tally)))]


def previews_as_json(batch: "srntt.batch.Batch", previews: Sequence[Preview]) -> dict[str, Any]:
    """Return the plan of a dry run."""
    return {
        **_folders(batch),
        "pictures": [asdict(item) for item in previews],
        "failed": [failure._asdict() for failure in batch.failures],
        "ignored": batch.ignored,
        "notes": _about_files(batch),
    }


def previews_as_lines(batch: "srntt.batch.Batch", previews: Sequence[Preview]) -> list[str]:
    """Return the same as text, a line for each picture."""
    lines = []
    for item in previews:
        references = ", ".join(item.references) or "no references"
        state = "done already" if item.done else item.problem or references
        lines.append(f"{item.name} -> {batch.outputs.locate(item.outputs[0])} ({state})")
    if batch.ignored:
        lines.append(f"{batch.ignored} files of other types ignored")
    return [*lines, *(f"note: {text}" for text in _about_files(batch))]


def _folders(batch: "srntt.batch.Batch") -> dict[str, str | None]:
    references = None if batch.references is None else str(batch.references)
    return {"inputs": str(batch.inputs), "outputs": str(batch.outputs), "references_folder": references}


def _about_pictures(tally: "srntt.batch.Tally") -> list[str]:
    """Return notes on conversions of pictures, without duplicates."""
    names: dict[str, list[str]] = {}
    for name, note in tally.notes:
        names.setdefault(note, []).append(name)
    return [
        f"{note} ({first}{f' and {len(others)} more' if others else ''})" for note, (first, *others) in names.items()
    ]


def _about_files(batch: "srntt.batch.Batch") -> list[str]:
    links = [f"{name} is a link to a folder and was not followed" for name in batch.linked]
    return [*links, *about_raw(batch)]


def about_raw(batch: "srntt.batch.Batch") -> list[str]:
    """Return advice on raw files of cameras."""
    from srntt.image import RAW_ADVICE

    if not batch.raw:
        return []
    first, *others = batch.raw
    names = f"{first} and {len(others)} more are" if others else f"{first} is"
    return [f"{names} skipped: a camera's raw file {RAW_ADVICE}"]
