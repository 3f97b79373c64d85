"""Searches for the reference that does most harm, and prints the worst of each family (make harm).

python -m harm [--model NAME] [--tries 400] [--steps 120]

Hypothesis varies the families; then the pixels of references are changed along the gradient of the error, by somebody
who knows the true picture and the model, with or without its comparison of the result with that without references, but
not which places of a reference are rejected.
"""

import argparse
import itertools
from collections import defaultdict

import numpy as np
import torch
from harm.families import FAMILIES, Scene
from hypothesis import HealthCheck, Phase, given, seed, settings, target
from hypothesis import strategies as st
from properties.scenes import psnr, scene

from srntt.upscale import Upscaler

_SCENES = [Scene(*scene(number)) for number in range(3)]
_RATE = 4 / 255
_EVERY = 10


def main() -> None:
    """Search, and print a table in decibels relative to no reference."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="lite-rec")
    parser.add_argument("--tries", type=int, default=400)
    parser.add_argument("--steps", type=int, default=120)
    given_options = parser.parse_args()
    upscaler = Upscaler.from_pretrained(given_options.model, device="cpu")
    alone = [psnr(upscaler.upscale(one.low_res).array, one.truth) for one in _SCENES]
    print("| reference | tries | worst, dB | mean, dB |\n|---|---|---|---|")
    for name, gains in sorted(_varied(upscaler, alone, given_options.tries).items(), key=lambda item: min(item[1])):
        print(f"| {name} | {len(gains)} | {min(gains):+.2f} | {np.mean(gains):+.2f} |", flush=True)
    steps = given_options.steps // 4
    for start, compared in itertools.product(("good", "picture enlarged"), (False, True)):
        about = f"gradient from the {start}, comparison {'known' if compared else 'not known'}"
        for gains in _climbed(upscaler, alone[0], start, steps, compared):
            print(f"| {about} | {steps} | {min(gains):+.2f} | {np.mean(gains):+.2f} |", flush=True)
            about = "... with --consistent"


def _varied(upscaler: Upscaler, alone: list[float], tries: int) -> dict[str, list[float]]:
    gains = defaultdict(list)

    @seed(1)
    @settings(
        max_examples=max(1, tries // len(FAMILIES)),
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.target],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.integers(0, 2), st.floats(0, 1), st.integers(0, 7))
    def try_one(number: int, amount: float, draw: int) -> None:
        reference = FAMILIES[name](_SCENES[number], amount, draw)
        result = upscaler.upscale(_SCENES[number].low_res, [reference])
        gains[name].append(psnr(result.array, _SCENES[number].truth) - alone[number])
        target(-gains[name][-1])

    for name in FAMILIES:  # noqa: B007 (the name is that of the family which is tried)
        try_one()
    return gains


def _climbed(
    upscaler: Upscaler, alone: float, start: str, steps: int, compared: bool
) -> tuple[list[float], list[float]]:
    """Gains with references on the way of a gradient, plain and consistent with the input."""
    one, model = _SCENES[0], upscaler.model
    low_res, truth = (torch.from_numpy(x).permute(2, 0, 1)[None].float() / 255 for x in (one.low_res, one.truth))
    first = one.good if start == "good" else FAMILIES["bicubic"](one, 0.0, 0)
    pixels = torch.from_numpy(np.array(first)).permute(2, 0, 1)[None].float() / 255
    plain, consistent = [], []
    for step in range(steps):
        pixels.requires_grad_()
        model.train(not compared)  # in training, nothing is compared
        (gradient,) = torch.autograd.grad((model(low_res, [pixels]) - truth).square().mean(), pixels)
        model.eval()
        pixels = (pixels.detach() + _RATE * gradient.sign()).clamp(0, 1)
        if step % _EVERY == _EVERY - 1:
            reference = (pixels[0].permute(1, 2, 0) * 255).round().byte().numpy()
            for gains, options in ((plain, {}), (consistent, {"consistent": True})):
                made = upscaler.upscale(one.low_res, [reference], **options)
                gains.append(psnr(made.array, one.truth) - alone)
    return plain, consistent


if __name__ == "__main__":
    main()
