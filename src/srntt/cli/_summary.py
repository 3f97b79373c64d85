"""Summary of an upscale as text and JSON."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from srntt.cli._outputs import Destinations
from srntt.cli._progress import duration

if TYPE_CHECKING:
    import srntt.upscale


def as_json(
    picture: Path,
    places: Destinations,
    upscaler: "srntt.upscale.Upscaler",
    result: "srntt.upscale.Result",
    notes: tuple[str, ...],
    reason: str | None = None,
) -> dict[str, Any]:
    """Return the facts of an upscale, without the pixels."""
    return {
        "input": str(picture),
        "output": str(places.output),
        "map": _name(places.map),
        "provenance": _name(places.provenance),
        "width": result.picture.width,
        "height": result.picture.height,
        "model": upscaler.model_name,
        "model_reason": reason,
        "base": result.base,
        "device": str(upscaler.device),
        "seconds": round(result.seconds, 3),
        "peak_bytes": result.peak_bytes,
        "predicted_bytes": result.predicted_bytes,
        "tile": result.tile,
        "matcher": result.matcher,
        "matcher_reason": result.matcher_reason,
        "similarity": None if result.similarity is None else round(float(result.similarity.mean()), 4),
        "reference_share": None if result.provenance is None else round(float(result.provenance.used.mean()), 4),
        "verdict": result.verdict,
        "caution": result.caution,
        "references": [reference.as_json() for reference in result.references],
        "consistency": result.consistency.as_json(),
        "fallbacks": list(result.fallbacks),
        "notes": [*result.notes, *notes],
    }


def as_lines(
    places: Destinations,
    result: "srntt.upscale.Result",
    notes: tuple[str, ...],
    time: str,
    reason: str | None = None,
    *,
    consistent: bool = False,
) -> list[str]:
    """Return the facts as lines of text, with the consistency if requested, and the model if chosen automatically."""
    from srntt.memory import format_memory

    peak, predicted = format_memory(result.peak_bytes), format_memory(result.predicted_bytes)
    size = f"{result.picture.width}x{result.picture.height}"
    return [
        f"{places.output}: {size}, {time}, peak memory {peak} (predicted {predicted})",
        *(f"model: {text}" for text in (reason,) if text),
        *(f"base: {name}" for name in (result.base,) if name),
        _about_references(result),
        *(f"caution: {text}" for text in (result.caution,) if text),
        *(f"{each.source}: detail at {each.share:.0%} of the places; {each.description}" for each in result.references),
        *(text for text in (result.matcher_reason,) if text),
        *([_about_consistency(result)] if consistent else []),
        *(f"map: {path}" for path in (places.map,) if path),
        *(f"provenance: {path}" for path in (places.provenance,) if path),
        *(f"fallback: {text}" for text in result.fallbacks),
        *(f"note: {text}" for text in (*result.notes, *notes)),
    ]


def seconds_of(schedule: "srntt.upscale.Schedule", pages: int = 1) -> dict[str, float | None]:
    """Return the time of the whole work, from the start of the process, and its prediction, in seconds."""
    predicted = round(schedule.predicted, 3) if pages == 1 else None
    return {"whole_seconds": round(schedule.elapsed, 3), "predicted_seconds": predicted}


def as_time(schedule: "srntt.upscale.Schedule", pages: int = 1) -> str:
    """Return the same as text."""
    predicted = f" (predicted {duration(schedule.predicted)})" if pages == 1 else ""
    return f"{duration(schedule.elapsed)}{predicted}"


def _about_references(result: "srntt.upscale.Result") -> str:
    if result.similarity is None:
        return "references: none given"
    similarity = f"mean similarity {result.similarity.mean():.2f}"
    return f"references: {similarity}" if result.verdict is None else f"{result.verdict} ({similarity})"


def _about_consistency(result: "srntt.upscale.Result") -> str:
    close = result.consistency
    return (
        f"consistency: downsampled, it differs from the input by {close.mean:.2f} of 255, {close.largest:.2f} at most"
    )


def _name(path: Path | None) -> str | None:
    return None if path is None else str(path)
