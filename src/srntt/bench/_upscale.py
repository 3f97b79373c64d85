"""How long an upscale takes, stage by stage, and as multiples of a yardstick of the same run: `srntt bench upscale`."""

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

_MOVED = (24, 40)  # pixels between a picture and the next reference
_YARDSTICK = (64, 64, 128)  # channels in and out, side


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
    """Time an upscale end to end, encoding of the references included, and each stage on its own.

    The pictures are made: noise whose spectrum falls as that of photographs does, and parts of the same as references.
    Every round does every stage once; medians count. The first upscale, which compiles or loads what was compiled, and
    fills caches, is reported separately.

    The yardstick is ten convolutions of 3 x 3 with 64 channels in and out on 128 x 128 positions, on the same device
    and threads: seconds divided by it compare between machines and busy hours better than seconds do.

    Args:
        model: name or path.
        size: of the output, down and across, multiples of the model's factor.
        reference: of each reference.
        references: how many.
        matcher: how they are searched.
        device: where.
        repeats: rounds.

    Returns:
        ``{"model", "device", "threads", "size", "reference", "references", "matcher", "reason", "tile", "repeats",
        "seconds": {"first", "encode", "upscale", "match", "render", "render_alone", "yardstick", "end_to_end"},
        "over_yardstick": {...}}``: "end_to_end" is "encode" and "upscale"; "render" is textures brought over and the
        network, in one tile, "render_alone" the network of a picture without references.

    Raises:
        InputError: counts below 1, or sides that are no multiples of the factor.
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
    """A small picture that becomes ``size``, and references that show its surroundings, each further away."""
    rows = max(size[0], reference[0]) + _MOVED[0] * references
    columns = max(size[1], reference[1]) + _MOVED[1] * references
    scene = _scene(rows, columns)
    moved = [(_MOVED[0] * number, _MOVED[1] * number) for number in range(1, references + 1)]
    pictures = [scene[:, y : y + reference[0], x : x + reference[1]] for y, x in moved]
    return reduce(scene[None, :, : size[0], : size[1]], scale)[0].clamp(0, 1), pictures


def _scene(height: int, width: int) -> Float[Tensor, "3 H W"]:
    """Noise in octaves, each twice as fine and half as strong: variance falls with frequency as in photographs."""
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
