"""``srntt evaluate``."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from srntt.cli._exit import Exit, NothingToDoError
from srntt.cli._options import Json, ModelOptions
from srntt.cli._progress import ProgressOnStderr
from srntt.cli._say import say
from srntt.errors import InputError

if TYPE_CHECKING:
    import srntt.evaluate


def evaluate(
    *,
    data: Path,
    protocol: str = "pairs",
    refs: str | None = None,
    peer: str | None = None,
    model: ModelOptions = ModelOptions(),  # noqa: B008 (frozen)
    report: Path | None = None,
    overwrite: bool = False,
    json: Json = False,
) -> int:
    """Score a model by a named protocol.

    Args:
        data: Folder of the protocol's pictures; for pairs, one with an index.json.
        protocol: Which one; there is pairs, the default.
        refs: Which references the model is given: first, all, none, unrelated, or several of them separated by commas.
            Default: first.
        peer: Score this method instead of a model; there is bicubic. A peer takes no references.
        report: Write report.json and report.md into this folder.
        overwrite: Replace a report that is there.
    """
    model.check()
    from srntt.evaluate import as_json, check_report, protocol_named, table, write_report

    chosen = protocol_named(protocol)
    kinds = _kinds(refs or ("none" if peer else "first"))
    if report:
        check_report(report, overwrite=overwrite)
    pairs = _pairs(data, kinds)
    evaluations = _evaluations(chosen, pairs, kinds, peer, model)
    if report:
        write_report(evaluations, report, overwrite=overwrite)
    say(*([as_json(evaluations)] if json else table(evaluations)))
    return Exit.DONE


def _evaluations(
    protocol: "srntt.evaluate.Protocol",
    pairs: Sequence["srntt.evaluate.Pair"],
    kinds: Sequence["srntt.evaluate.ReferenceKind"],
    peer: str | None,
    model: ModelOptions,
) -> list["srntt.evaluate.Evaluation"]:
    from srntt.evaluate import Evaluation, environment, score_pairs

    method, device = (_peer(peer, kinds), "cpu") if peer else _method(model)
    surroundings = {**environment(), "device": device}
    evaluations = []
    with ProgressOnStderr() as progress:
        for kind in kinds:
            scores = score_pairs(method, pairs, kind, protocol, progress)
            evaluations.append(Evaluation(protocol.name, peer or model.model, kind, scores, surroundings))
    return evaluations


def _kinds(text: str) -> list["srntt.evaluate.ReferenceKind"]:
    from srntt.evaluate import REFERENCE_KINDS

    asked = [kind.strip() for kind in text.split(",")]
    if unknown := [kind for kind in asked if kind not in REFERENCE_KINDS]:
        raise InputError(f"--refs {', '.join(map(repr, unknown))}: there are {', '.join(REFERENCE_KINDS)}.")
    return [kind for kind in REFERENCE_KINDS if kind in asked]


def _pairs(data: Path, kinds: Sequence["srntt.evaluate.ReferenceKind"]) -> tuple["srntt.evaluate.Pair", ...]:
    """Every target must have what is asked for: better known now than after hours of work."""
    from srntt.evaluate import read_pairs

    pairs = read_pairs(data)
    if not pairs:
        raise NothingToDoError(f"{data / 'index.json'} lists no targets. There is nothing to score.")
    for kind in kinds:
        for pair in pairs:
            pair.chosen(kind)
    return pairs


def _peer(name: str, kinds: Sequence[str]) -> "srntt.evaluate.Method":
    from srntt.evaluate import PEERS

    if name not in PEERS:
        raise InputError(f"There is no peer called {name!r}; there are: {', '.join(PEERS)}.")
    if list(kinds) != ["none"]:
        raise InputError(f"{name} takes no references. Leave out --refs, or say --refs none.")
    return PEERS[name]


def _method(model: ModelOptions) -> tuple["srntt.evaluate.Method", str]:
    from srntt.evaluate import model_method

    upscaler = model.open()
    return model_method(upscaler), str(upscaler.device)
