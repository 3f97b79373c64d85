"""The metrics by name, and taking those that an evaluation asks for."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from srntt._shapes import Float, UInt8
from srntt.errors import InputError
from srntt.metrics import (
    Backbone,
    dists,
    lpips,
    lr_psnr,
    psnr_rgb,
    psnr_y,
    ssim_rgb,
    ssim_y,
    texture_distance,
)
from srntt.weights import find_weights, load_dists, load_lpips, load_vgg19, weights_path


@dataclass(frozen=True, eq=False)
class MetricInput:
    """All that a metric may look at.

    Attributes:
        output: RGB in [0, 1], rounded to 8 bits.
        target: RGB in [0, 1].
        low_res: what the output was made from.
        crop: pixels that the protocol leaves out at each edge.
    """

    output: Float[np.ndarray, "3 H W"]
    target: Float[np.ndarray, "3 H2 W2"]
    low_res: UInt8[np.ndarray, "h w 3"]
    crop: int


Measure = Callable[[MetricInput], float]


@dataclass(frozen=True)
class Metric:
    """How a metric is loaded and shown.

    Attributes:
        title: head of its column.
        digits: shown behind the point.
        better: which way is up.
        load: gives what measures; raises ModelError where it needs weights that were not fetched.
        at_hand: whether its weights, if it needs any, were fetched.
    """

    title: str
    digits: int
    better: Literal["higher", "lower"]
    load: Callable[[], Measure]
    at_hand: Callable[[], bool] = lambda: True


def _lpips_of(backbone: Backbone) -> Measure:
    weights = load_lpips(backbone)
    return lambda c: lpips(c.output, c.target, weights)


def _dists() -> Measure:
    weights = load_dists()
    return lambda c: dists(c.output, c.target, weights)


def _texture() -> Measure:
    features = load_vgg19(find_weights("vgg19-torchvision"), last="relu3_1")
    return lambda c: texture_distance(c.output, c.target, features)


def _kept(*names: str) -> Callable[[], bool]:
    """Whether weights have been fetched."""
    return lambda: all(weights_path(name).is_file() for name in names)


#: By the name that `--metrics` takes and JSON has. The protocol's crop holds for PSNR and SSIM; the rest see the whole
#: picture, as published figures of theirs do.
METRICS: dict[str, Metric] = {
    "psnr_y": Metric("PSNR-Y", 2, "higher", lambda: lambda c: psnr_y(c.output, c.target, crop=c.crop)),
    "ssim_y": Metric("SSIM-Y", 4, "higher", lambda: lambda c: ssim_y(c.output, c.target, crop=c.crop)),
    "lpips": Metric("LPIPS", 3, "lower", lambda: _lpips_of("vgg16"), _kept("lpips-vgg16")),
    "lr_psnr": Metric("LR-PSNR", 2, "higher", lambda: lambda c: lr_psnr(c.output, c.low_res)),
    "psnr_rgb": Metric("PSNR-RGB", 2, "higher", lambda: lambda c: psnr_rgb(c.output, c.target, crop=c.crop)),
    "ssim_rgb": Metric("SSIM-RGB", 4, "higher", lambda: lambda c: ssim_rgb(c.output, c.target, crop=c.crop)),
    "psnr_y_full": Metric(
        "PSNR-Y 0..255", 2, "higher", lambda: lambda c: psnr_y(c.output, c.target, crop=c.crop, span="full")
    ),
    "ssim_y_full": Metric(
        "SSIM-Y 0..255", 4, "higher", lambda: lambda c: ssim_y(c.output, c.target, crop=c.crop, span="full")
    ),
    "lpips_alex": Metric("LPIPS-Alex", 3, "lower", lambda: _lpips_of("alexnet"), _kept("lpips-alexnet")),
    "dists": Metric("DISTS", 3, "lower", _dists, _kept("dists", "lpips-vgg16")),
    "texture": Metric("texture", 3, "lower", _texture, _kept("vgg19-torchvision")),
}

#: What the protocol crops, unless a name says otherwise: psnr_y@0 is psnr_y of everything.
_CROPPED = ("psnr_y", "ssim_y", "psnr_rgb", "ssim_rgb", "psnr_y_full", "ssim_y_full")

#: Taken unless others are asked for; those among them whose weights are not at hand are None.
DEFAULT_METRICS = ("psnr_y", "ssim_y", "lpips", "lr_psnr")


@dataclass(frozen=True)
class Metrics:
    """Metrics ready to be taken; call it with a `MetricInput`.

    Attributes:
        measures: by name; None for one whose weights are not at hand.
    """

    measures: Mapping[str, Measure | None]

    def __call__(self, given: MetricInput) -> dict[str, float | None]:
        """Value of each metric by name, None for one that cannot be taken.

        Raises:
            InputError: sizes differ, or are too small for a metric.
        """
        return {name: measure and measure(given) for name, measure in self.measures.items()}


def metric_named(name: str) -> Metric | None:
    """A metric by its name in `METRICS`, or by that of a PSNR or SSIM and a crop of its own; None for no such metric.

    >>> metric_named("psnr_y@0").title
    'PSNR-Y, crop 0'
    >>> metric_named("lr_psnr@0") is None
    True
    """
    base, at, crop = name.partition("@")
    if not at:
        return METRICS.get(name)
    if base not in _CROPPED or not re.fullmatch(r"0|[1-9]\d{0,2}", crop, re.ASCII):
        return None
    metric = METRICS[base]
    return replace(metric, title=f"{metric.title}, crop {crop}", load=lambda: _with_crop(metric.load(), int(crop)))


def _with_crop(measure: Measure, crop: int) -> Measure:
    return lambda given: measure(replace(given, crop=crop))


def choose_metrics(names: Sequence[str] | None = None) -> Metrics:
    """Load metrics: the default ones, with None for what lacks its weights, or exactly those asked for.

    Raises:
        InputError: no such metric, or none at all.
        ModelError: weights that a metric asked for by name needs were not fetched; weights that are damaged.
    """
    if names is None:
        default = {name: METRICS[name] for name in DEFAULT_METRICS}
        return Metrics({name: metric.load() if metric.at_hand() else None for name, metric in default.items()})
    if unknown := [name for name in names if metric_named(name) is None]:
        raise InputError(
            f"There is no metric called {', '.join(map(repr, unknown))}; there are: {', '.join(METRICS)}. PSNR and "
            "SSIM take a crop of their own, from 0 to 999: psnr_y@0."
        )
    if not names:
        raise InputError(f"No metric was named; there are: {', '.join(METRICS)}.")
    return Metrics({name: metric.load() for name in names if (metric := metric_named(name))})


def mean_scores(scores: Sequence[Mapping[str, float | None]]) -> dict[str, float | None]:
    """Mean of each metric over pictures; None for one that was not taken of every picture.

    >>> mean_scores([{"psnr_y": 30.0, "lpips": None}, {"psnr_y": 32.0, "lpips": 0.2}])
    {'psnr_y': 31.0, 'lpips': None}
    """
    names = list(dict.fromkeys(name for score in scores for name in score))
    values = {name: [score.get(name) for score in scores] for name in names}
    return {name: _mean([value for value in row if value is not None], len(row)) for name, row in values.items()}


def _mean(values: list[float], count: int) -> float | None:
    return float(np.mean(values)) if len(values) == count else None
