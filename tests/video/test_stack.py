"""Bursts of one scene."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from srntt.errors import InputError
from srntt.upscale import Upscaler
from srntt.video import upscale_stack


def _burst(count: int, noise: float = 4.0) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    scene = cv2.resize(rng.integers(20, 236, (12, 14, 3), np.uint8), (112, 96), interpolation=cv2.INTER_CUBIC)
    noisy = (scene[n : n + 40, 2 * n : 2 * n + 48] + rng.normal(0, noise, (40, 48, 3)) for n in range(count))
    return [np.clip(np.rint(each), 0, 255).astype(np.uint8) for each in noisy]


def test_noise_is_averaged(upscaler: Upscaler):
    burst, clean = _burst(5), _burst(1, noise=0)[0]
    expected, single, made = (
        upscale_stack(upscaler, pictures).color.astype(float)[4:-4, 4:-4]
        for pictures in ([clean, clean], burst[:1] * 2, burst)
    )
    errors = [float(np.sqrt(((each - expected) ** 2).mean())) for each in (made, single)]
    assert errors[0] < 0.8 * errors[1]


def test_refusals(upscaler: Upscaler):
    burst = _burst(2)
    with pytest.raises(InputError, match="at least two pictures"):
        upscale_stack(upscaler, burst[:1])
    with pytest.raises(InputError, match="must be from 1 to 4"):
        upscale_stack(upscaler, burst, 5)
    with pytest.raises(InputError, match="pictures of one size"):
        upscale_stack(upscaler, [burst[0], burst[1][:30]])


def test_the_command(tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]):
    from srntt.cli import main

    names = [str(tmp_path / f"{n}.png") for n in range(2)]
    for name, pixels in zip(names, _burst(2), strict=True):
        Image.fromarray(pixels).save(name)
    run: Callable[..., int] = lambda *more: main(["stack", *names, "-o", str(tmp_path / "o.png"), *more])  # noqa: E731
    assert run("--model", str(model)) == 0
    assert "o.png: 96x80 from 2 pictures" in capsys.readouterr().out
    assert run("--model", str(model)) == 2
