"""Table of metrics by name, and selection of those of an evaluation."""

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
    """Input of a metric.

    Attributes:
        output: RGB in [0, 1], rounded to 8 bits.
        target: RGB in [0, 1].
        low_res: Input of the upscaler.
        crop: Pixels excluded at each edge by the protocol.
    """

    output: Float[np.ndarray, "3 H W"]
    target: Float[np.ndarray, "3 H2 W2"]
    low_res: UInt8[np.ndarray, "h w 3"]
    crop: int


Measure = Callable[[MetricInput], float]


@dataclass(frozen=True)
class Metric:
    """Description of a metric.

    Attributes:
        title: Title of its column.
        digits: Decimals shown.
        better: Whether higher or lower is better.
        load: Returns the function; raises ModelError if it needs weights that were not fetched.
        at_hand: Whether its weights, if any, were fetched.
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
    """Return a function that checks whether weights were fetched."""
    return lambda: all(weights_path(name).is_file() for name in names)


#: Metrics by name, as in `--metrics` and JSON. The crop of the protocol applies to PSNR and SSIM; the other metrics use
#: the whole picture, as in publications.
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

#: Metrics with the crop of the protocol, unless the name sets another: psnr_y@0 is psnr_y without cropping.
_CROPPED = ("psnr_y", "ssim_y", "psnr_rgb", "ssim_rgb", "psnr_y_full", "ssim_y_full")

#: Metrics computed by default; None for those whose weights were not fetched.
DEFAULT_METRICS = ("psnr_y", "ssim_y", "lpips", "lr_psnr")


@dataclass(frozen=True)
class Metrics:
    """Loaded metrics by name, callable with a `MetricInput`; None for those whose weights were not fetched."""

    measures: Mapping[str, Measure | None]

    def __call__(self, given: MetricInput) -> dict[str, float | None]:
        """Compute each metric by name; None for one whose weights were not fetched.

        Raises:
            InputError: The sizes differ, or are too small for a metric.
        """
        return {name: measure and measure(given) for name, measure in self.measures.items()}


def metric_named(name: str) -> Metric | None:
    """Return a metric by its name in `METRICS`, with an optional crop for PSNR and SSIM; None if there is none.

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
    """Load metrics by name, or by default `DEFAULT_METRICS`, with None for those whose weights were not fetched.

    Raises:
        InputError: An unknown metric, or an empty list.
        ModelError: The weights of a metric requested by name were not fetched, or weights are damaged.
    """
    if names is None:
        default = {name: METRICS[name] for name in DEFAULT_METRICS}
        return Metrics({name: metric.load() if metric.at_hand() else None for name, metric in default.items()})
    if unknown := [name for name in names if metric_named(name) is None]:
        raise InputError(
            f"Unknown metric {', '.join(map(repr, unknown))}. Available: {', '.join(METRICS)}; for PSNR and SSIM with "
            "an optional crop from 0 to 999, as in psnr_y@0."
        )
    if not names:
        raise InputError(f"No metric given. Available: {', '.join(METRICS)}.")
    return Metrics({name: metric.load() for name in names if (metric := metric_named(name))})


def mean_scores(scores: Sequence[Mapping[str, float | None]]) -> dict[str, float | None]:
    """Average each metric over pictures; None for one that is missing for any picture.

    >>> mean_scores([{"psnr_y": 30.0, "lpips": None}, {"psnr_y": 32.0, "lpips": 0.2}])
    {'psnr_y': 31.0, 'lpips': None}
    """
    names = list(dict.fromkeys(name for score in scores for name in score))
    values = {name: [score.get(name) for score in scores] for name in names}
    return {name: _mean([value for value in row if value is not None], len(row)) for name, row in values.items()}


def _mean(values: list[float], count: int) -> float | None:
    return float(np.mean(values)) if len(values) == count else None
