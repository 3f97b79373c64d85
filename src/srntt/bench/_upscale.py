"""Benchmark of an upscale, stage by stage, in seconds and relative to a yardstick: `srntt bench upscale`."""

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from srntt._shapes import Float
from srntt.bench._timing import rounds
from srntt.errors import InputError
from srntt.image import reduce
from srntt.match import MATCHERS, Matcher, Window
from srntt.upscale import MatcherOption, Upscaler

_MOVED = (24, 40)  # offset of each reference from the one before, in pixels
_YARDSTICK = (64, 64, 128)  # input channels, output channels, side


def bench_upscale(
    *,
    model: str | Path = "lite-rec",
    size: tuple[int, int] = (332, 500),
    reference: tuple[int, int] = (332, 500),
    references: int = 1,
    matcher: MatcherOption = "auto",
    device: str = "cpu",
    repeats: int = 5,
) -> dict[str, Any]:
    """Time an upscale end to end, including the encoding of the references, and each stage separately.

    The pictures are synthetic: noise with the spectrum of photographs, and shifted crops of it as references. Every
    round runs each stage once; medians are reported. The first upscale, which compiles code or loads it from the cache,
    is reported separately.

    The yardstick is ten 3x3 convolutions with 64 input and output channels on 128x128 positions, on the same device and
    threads. Times relative to it vary less between machines and under load than seconds do.

    Args:
        model: Name or path of the model.
        size: Height and width of the output, multiples of the scale of the model.
        reference: Height and width of the references.
        references: Number of references.
        matcher: Matcher, as for `Upscaler.upscale`.
        device: Device to use.
        repeats: Number of rounds.

    Returns:
        ``{"model", "device", "threads", "size", "reference", "references", "matcher", "reason", "tile", "repeats",
        "seconds": {"first", "encode", "upscale", "match", "render", "render_alone", "yardstick", "end_to_end"},
        "over_yardstick": {...}}``. "end_to_end" is the sum of "encode" and "upscale"; "render" is texture transfer and
        the network in a single tile, "render_alone" the network without references.

    Raises:
        InputError: A count below 1, or a size that is not a multiple of the scale.
    """
    upscaler = Upscaler.from_pretrained(model, device=device, matcher=matcher)
    scale = upscaler.scale
    if min(references, repeats, *size, *reference) < 1 or any(side % scale for side in size):
        raise InputError(
            f"size={size}, reference={reference}, references={references}, repeats={repeats}: give at least 1 of each, "
            f"and an output whose sides are multiples of {scale}."
        )
    low_res, pictures = made_pictures(size, reference, references, scale)
    started = time.perf_counter()
    encoded = upscaler.encode_references(pictures)
    result = upscaler.upscale(low_res, encoded)
    first = time.perf_counter() - started
    stages = _stages(upscaler, low_res, pictures, MATCHERS[result.matcher or "exact"])
    with torch.inference_mode():
        seconds = rounds(stages, repeats, upscaler.device)
    seconds["end_to_end"] = [*map(sum, zip(seconds["encode"], seconds["upscale"], strict=True))]
    medians = {name: median(values) for name, values in seconds.items()}
    return {
        "model": str(model), "device": str(upscaler.device), "threads": torch.get_num_threads(),
        "size": [*size], "reference": [*reference], "references": references,
        "matcher": result.matcher, "reason": result.matcher_reason, "tile": result.tile, "repeats": repeats,
        "seconds": {"first": first, **medians},
        "over_yardstick": {name: value / medians["yardstick"] for name, value in medians.items()
                           if name != "yardstick"},
    }  # fmt: skip


def made_pictures(
    size: tuple[int, int], reference: tuple[int, int], references: int, scale: int
) -> tuple[Float[Tensor, "3 h w"], list[Float[Tensor, "3 H W"]]]:
    """Create a low-res picture for an output of ``size``, and references shifted progressively further."""
    rows = max(size[0], reference[0]) + _MOVED[0] * references
    columns = max(size[1], reference[1]) + _MOVED[1] * references
    scene = _scene(rows, columns)
    moved = [(_MOVED[0] * number, _MOVED[1] * number) for number in range(1, references + 1)]
    pictures = [scene[:, y : y + reference[0], x : x + reference[1]] for y, x in moved]
    return reduce(scene[None, :, : size[0], : size[1]], scale)[0].clamp(0, 1), pictures


def _scene(height: int, width: int) -> Float[Tensor, "3 H W"]:
    """Sum octaves of noise, each twice as fine and half as strong: the spectrum decays as in photographs."""
    generator = torch.Generator().manual_seed(0)
    scene = torch.zeros(1, 3, height, width)
    for octave in range(6):
        step = 2 ** (5 - octave)
        noise = torch.randn(1, 3, -(-height // step) + 1, -(-width // step) + 1, generator=generator)
        scene += F.interpolate(noise, size=(height, width), mode="bilinear") / 2**octave
    return (scene[0] * 0.15 + 0.5).clamp(0, 1)


@torch.inference_mode()
def _stages(
    upscaler: Upscaler, low_res: Tensor, pictures: list[Tensor], matcher: Matcher
) -> dict[str, Callable[[], Any]]:
    drive = upscaler._drive
    encoded = upscaler.encode_references(pictures)
    items = list(encoded)
    band = low_res.shape[1]
    found = drive.match(low_res, items, band, matcher, _silent)
    window = Window(slice(None), slice(None))
    channels, out, side = _YARDSTICK
    weight = torch.randn(out, channels, 3, 3, device=upscaler.device)
    planes = torch.randn(1, channels, side, side, device=upscaler.device)
    return {
        "encode": lambda: upscaler.encode_references(pictures),
        "upscale": lambda: upscaler.upscale(low_res, encoded),
        "match": lambda: drive.match(low_res, items, band, matcher, _silent),
        "render": lambda: drive.render(low_res, found, window, items),
        "render_alone": lambda: drive.render(low_res, None, window, items),
        "yardstick": lambda: [F.conv2d(planes, weight, padding=1) for _ in range(10)],
    }


def _silent(stage: str, done: int, total: int) -> None:
    pass
