"""What was measured, for people: the data, the model's weights, the commit."""

from collections.abc import Sequence

from srntt.evaluate import Evaluation

_SHORT = 10  # hexadecimal digits that people are shown of a hash


def measured(evaluations: Sequence[Evaluation]) -> list[str]:
    """A sentence for each thing that is known."""
    first = evaluations[0]
    told = [_data(first)] if first.data or first.data_sha256 else []
    weights = {item.model: item.weights["sha256"] for item in evaluations if item.weights}
    told += [f"Model {model}: weights {digest[:_SHORT]}." for model, digest in weights.items()]
    if commit := first.environment.get("commit"):
        digest, _, modified = str(commit).partition("-")
        told.append(f"Commit {digest[:_SHORT]}{', modified' if modified else ''}.")
    return told


def _data(evaluation: Evaluation) -> str:
    count = len(evaluation.scores)
    name = f"Data {evaluation.data}" if evaluation.data else "Data"
    digest = f", SHA-256 {evaluation.data_sha256[:_SHORT]}" if evaluation.data_sha256 else ""
    return f"{name}: {count} picture{'' if count == 1 else 's'}{digest}."
