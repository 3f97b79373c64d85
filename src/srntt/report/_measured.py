"""Description of an evaluation in sentences: data, weights, commit and metrics; and tables."""

from collections.abc import Iterable, Sequence

from srntt.evaluate import Evaluation, Metric, metric_named

_SHORT = 10  # hexadecimal digits of a hash that are shown


def measured(evaluations: Sequence[Evaluation]) -> list[str]:
    """Describe data, weights and commit in one sentence each, if known."""
    first = evaluations[0]
    sentences = [_data(first)] if first.data or first.data_sha256 else []
    weights = {item.model: item.weights["sha256"] for item in evaluations if item.weights}
    sentences += [f"Model {model}: weights {digest[:_SHORT]}." for model, digest in weights.items()]
    if commit := first.environment.get("commit"):
        digest, _, modified = str(commit).partition("-")
        sentences.append(f"Commit {digest[:_SHORT]}{', modified' if modified else ''}.")
    return sentences


def shown_metric(name: str) -> Metric:
    """Return the metric of a name in a report."""
    metric = metric_named(name)
    assert metric
    return metric


def taken_metrics(evaluations: Sequence[Evaluation]) -> list[str]:
    """Return the names of the metrics that at least one evaluation has for all pictures."""
    means = [evaluation.mean() for evaluation in evaluations]
    return [name for name in means[0] if any(mean.get(name) is not None for mean in means)]


def not_taken(evaluations: Sequence[Evaluation]) -> str:
    """Return a note on metrics that were not computed, for lack of weights; empty if there are none."""
    taken = taken_metrics(evaluations)
    titles = [shown_metric(name).title for name in evaluations[0].mean() if name not in taken]
    return (
        f"{', '.join(titles)} not computed: the weights were not fetched (srntt weights get lpips)." if titles else ""
    )


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Format a Markdown table, in lines."""
    return [f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in (head, ["---"] * len(head), *rows)]


def _data(evaluation: Evaluation) -> str:
    count = len(evaluation.scores)
    name = f"Data {evaluation.data}" if evaluation.data else "Data"
    digest = f", SHA-256 {evaluation.data_sha256[:_SHORT]}" if evaluation.data_sha256 else ""
    return f"{name}: {count} picture{'' if count == 1 else 's'}{digest}."
