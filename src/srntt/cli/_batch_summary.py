"""What a batch came to, or would come to, for people and for programs."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import srntt.batch


@dataclass(frozen=True)
class Intended:
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
    plan: "srntt.batch.Plan",
    tally: "srntt.batch.Tally",
    workers: int,
    seconds: float,
    notes: Sequence[str],
) -> dict[str, Any]:
    """Everything that is known of a run but its outputs, which the manifest lists."""
    return {
        **_folders(plan),
        "model": tally.model,
        "device": ", ".join(sorted(tally.devices)),
        "workers": workers,
        "pictures": tally.total,
        "done": tally.done,
        "skipped": tally.skipped,
        "failed": [problem._asdict() for problem in tally.failed],
        "ignored": plan.ignored,
        "without_references": tally.without_references,
        "with_fallbacks": tally.fallbacks,
        "references_encoded": tally.encoded,
        "references_reused": tally.reused,
        "references_fetched": tally.fetched,
        "seconds": round(seconds, 3),
        "pictures_per_second": round(tally.done / tally.seconds, 4) if tally.seconds else None,
        "megapixels_per_second": round(tally.pixels / 1e6 / tally.seconds, 4) if tally.seconds else None,
        "notes": [*_about_links(plan), *notes],
    }


def as_lines(
    plan: "srntt.batch.Plan",
    tally: "srntt.batch.Tally",
    workers: int,
    seconds: float,
    notes: Sequence[str],
) -> list[str]:
    """The same for people."""
    rate = f", {tally.done / tally.seconds:.2f} pictures a second" if tally.seconds else ""
    at_once = f" with {workers} workers" if workers > 1 else ""
    counts = {
        "done": tally.done,
        "done already": tally.skipped,
        "failed": len(tally.failed),
        "files ignored, no pictures by their suffix": plan.ignored,
    }
    told = [f"{count} {what}" for what, count in counts.items() if count or what == "done"]
    lines = [f"{plan.outputs}: {', '.join(told)}; {seconds:.1f} s{rate}{at_once}"]
    if plan.references and tally.done:
        fetched = f", {tally.fetched} times one that another worker had encoded" if tally.fetched else ""
        lines.append(f"references: {tally.encoded} encoded, {tally.reused} times one that was encoded already{fetched}")
        if tally.without_references:
            lines.append(f"note: {tally.without_references} of them had no references")
    if tally.fallbacks:
        lines.append(f"fallback: {tally.fallbacks} of them were done otherwise than asked; the manifest says how")
    return [*lines, *(f"note: {text}" for text in (*_about_links(plan), *notes))]


def plan_as_json(plan: "srntt.batch.Plan", intended: Sequence[Intended]) -> dict[str, Any]:
    """What would be done."""
    return {
        **_folders(plan),
        "pictures": [asdict(item) for item in intended],
        "failed": [problem._asdict() for problem in plan.problems],
        "ignored": plan.ignored,
        "notes": _about_links(plan),
    }


def plan_as_lines(plan: "srntt.batch.Plan", intended: Sequence[Intended]) -> list[str]:
    """The same for people, a line for each picture."""
    lines = []
    for item in intended:
        references = ", ".join(item.references) or "no references"
        state = "done already" if item.done else item.problem or references
        lines.append(f"{item.name} -> {plan.outputs / item.outputs[0]} ({state})")
    if plan.ignored:
        lines.append(f"{plan.ignored} files ignored, no pictures by their suffix")
    return [*lines, *(f"note: {text}" for text in _about_links(plan))]


def _folders(plan: "srntt.batch.Plan") -> dict[str, str | None]:
    references = None if plan.references is None else str(plan.references)
    return {"inputs": str(plan.inputs), "outputs": str(plan.outputs), "references_folder": references}


def _about_links(plan: "srntt.batch.Plan") -> list[str]:
    return [f"{name} is a link to a folder, and was not followed" for name in plan.linked]
