"""Measures what a model adds to smooth pictures: a lattice of its sub-pixels, and a change of the mean.

    python benchmarks/lattice.py [MODEL...]

Ten pictures of 48 x 48 pixels: flat ones and ramps, from 4 to 90 % of white; each without noise and with noise of 3
levels of 255. For each model it prints, with and without noise:

lattice: the means of the output's difference from bicubic over each of the sub-pixels of an LR position, from the
    lowest to the highest of these, in levels of 255; of the channels the worst, averaged over the pictures
worst: the same for the worst picture
darkest: relative change of the mean of the darkest picture
"""

import argparse

import torch
import torch.nn.functional as F
from torch import Tensor

from srntt.image import enlarge, round_to_8bit
from srntt.models import find_model, load_model

_SIDE, _FRAME, _NOISE = 48, 4, 3 / 255  # LR pixels, those left out along the frame, and the deviation
_BRIGHTNESS = (0.04, 0.12, 0.3, 0.6, 0.9)
_COLOUR = (1.0, 0.95, 0.85)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description="What models add to smooth pictures.")
    parser.add_argument("models", nargs="*", default=["lite-rec", "lite-real", "lite-gan"])
    for name in parser.parse_args().models:
        model = load_model(find_model(name)).eval()
        for noise in (0.0, _NOISE):
            with torch.inference_mode():
                low_res = smooth_pictures(noise)
                output = model(low_res).float()
            found = lattice(output, low_res)
            change = float(output[0].mean() / low_res[0].mean() - 1)
            title = "noise of 3 levels" if noise else "no noise"
            print(f"{name:12} {title:18} lattice {found.mean():.2f} worst {found.max():.2f} darkest {change:+.2%}")


def smooth_pictures(noise: float) -> Tensor:
    """Flat pictures, the darkest first, then ramps: (10, 3, h, w)."""
    level = torch.tensor(_BRIGHTNESS)[:, None, None].expand(-1, _SIDE, _SIDE)
    ramp = level * torch.linspace(0.6, 1.1, _SIDE)
    colour = torch.tensor(_COLOUR)[:, None, None]
    pictures = torch.cat([level, ramp])[:, None] * colour
    grain = torch.randn(pictures.shape, generator=torch.Generator().manual_seed(0))
    return round_to_8bit((pictures + noise * grain).clamp(0, 1))


def lattice(output: Tensor, low_res: Tensor) -> Tensor:
    """From the lowest to the highest mean of a sub-pixel, in levels of 255, for each picture."""
    scale = output.shape[-1] // low_res.shape[-1]
    added = F.pixel_unshuffle(output - enlarge(low_res, scale), scale)[..., _FRAME:-_FRAME, _FRAME:-_FRAME]
    means = 255 * added.mean((2, 3)).unflatten(1, (3, scale**2))
    return (means.amax(2) - means.amin(2)).amax(1)


if __name__ == "__main__":
    main()
