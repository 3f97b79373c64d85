"""Scoring of a method on the pictures of a protocol."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from srntt.data import Pair, ReferenceKind, as_unit
from srntt.evaluate._changes import ReferenceChange
from srntt.evaluate._crops import bicubic_of, make_crops
from srntt.evaluate._evaluation import Score
from srntt.evaluate._journal import Journal
from srntt.evaluate._metrics import MetricInput, Metrics, choose_metrics
from srntt.evaluate._origin import pixels_sha256
from srntt.evaluate._outputs import Outputs
from srntt.evaluate._prepare import Case, prepare
from srntt.evaluate._protocols import Protocol
from srntt.evaluate._upscale import Upscale, Upscaled, timed
from srntt.metrics import lr_psnr, psnr_y, round_to_bytes

Progress = Callable[[str, int, int], None]


def score_pairs(
    upscale: Upscale | Outputs,
    pairs: Sequence[Pair],
    kind: ReferenceKind,
    protocol: Protocol,
    progress: Progress | None = None,
    metrics: Metrics | None = None,
    change: ReferenceChange | None = None,
    journal: Journal | None = None,
    crops: int = 0,
) -> tuple[Score, ...]:
    """Score a method on every pair. Any error is raised, because a mean over some of the pictures is not comparable.

    Args:
        upscale: Method to score, or the outputs that it wrote.
        pairs: Targets with references, at least one.
        kind: Kind of references.
        protocol: Protocol by which pictures are prepared and scored.
        progress: Called with (kind and change, targets done, number of targets), including targets in the journal.
        metrics: Metrics to compute; by default those of `choose_metrics`.
        change: Change applied to each reference.
        journal: Journal from which earlier scores are taken, and to which new scores are appended.
        crops: Number of pictures of which to keep crops for a report.

    Raises:
        PictureError: A picture cannot be read.
        InputError: A target is too small, has no references of this kind, or its output has another size.
        OutputError: The journal cannot be written.
    """
    metrics = metrics or choose_metrics()
    for pair in pairs:
        pair.chosen(kind)  # raises before the work instead of after hours
    label = f"{kind}, {change}" if change else kind
    keys = [journal.key(protocol, pair, kind, change) for pair in pairs] if journal else [pair.name for pair in pairs]
    scores = {key: journal.scores[key] for key in keys if key in journal.scores} if journal else {}
    for number, (key, pair) in enumerate(zip(keys, pairs, strict=True)):
        if key in scores:
            continue
        if progress:
            progress(label, len(scores), len(pairs))
        case = prepare(protocol, pair, kind, change)
        if isinstance(upscale, Outputs):
            made = upscale.read(pair.name, math.prod(case.whole))
        else:
            made = timed(upscale, case.low_res, case.references)
        scores[key] = _score(made, case, pair.name, protocol, metrics, number < crops)
        if journal:
            journal.add(key, scores[key])
    if progress:
        progress(label, len(pairs), len(pairs))
    return tuple(scores[key] for key in keys)


def _score(made: Upscaled, case: Case, name: str, protocol: Protocol, metrics: Metrics, crops: bool) -> Score:
    whole = round_to_bytes(made.picture)
    wanted = np.ascontiguousarray(case.target.transpose(2, 0, 1)) / 255  # n / 255 in float64, like the output
    measures = dict(metrics.measures)
    if "lr_psnr" in measures:  # the low-res picture includes the padding, and so must the output
        measures["lr_psnr"] = (lambda _: lr_psnr(whole, case.low_res)) if whole.shape[1:] == case.whole else None
    output = case.cut(whole)
    values = Metrics(measures)(MetricInput(output, wanted, case.low_res, protocol.crop))
    return Score(
        name,
        values,
        seconds=made.seconds,
        fallbacks=made.fallbacks,
        placed=made.placed,
        similarity=None if made.similarity is None else float(made.similarity.mean()),
        bicubic=psnr_y(as_unit(bicubic_of(case)), wanted, crop=protocol.crop),
        crops=make_crops(case, made, output) if crops else None,
        target_sha256=pixels_sha256(case.target),
        low_res_sha256=pixels_sha256(case.low_res),
    )
