import io
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from srntt.errors import InputError
from srntt.image import reduce, round_to_8bit
from srntt.train.pairs._blur_kernels import KernelRange, bell_kernel, blur, draw_kernels, draw_sincs, sinc_kernel
from srntt.train.pairs._degrade import DEGRADATIONS, MILD, REAL_ESRGAN, DegradationRange, StageRange, degrade
from srntt.train.pairs._draws import Draws
from srntt.train.pairs._jpeg import jpeg
from srntt.train.pairs._noise import gaussian_noise, poisson_noise

NOTHING = StageRange(blur=0.0, resizes=(0.0, 0.0, 1.0), noise=0.0, jpeg=0.0)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def streams(count: int, seed: int = 0) -> list[torch.Generator]:
    return [seeded(each) for each in torch.randint(2**62, (count,), generator=seeded(seed)).tolist()]


def scene(count: int = 1, height: int = 96, width: int = 112) -> Tensor:
    """Smooth colours with edges and some grain, as photographs have."""
    y, x = torch.meshgrid(torch.linspace(0, 1, height), torch.linspace(0, 1, width), indexing="ij")
    waves = torch.stack([(3 * x + 2 * y).sin(), (5 * y * x).cos(), (x - y) * 2]) * 0.3 + 0.5
    edges = 0.3 * ((x * 7).floor() % 2 == (y * 5).floor() % 2)
    grain = 0.03 * torch.randn(count, 3, height, width, generator=seeded())
    return (waves - 0.1 + edges + grain).clamp(0, 1)


def test_kernels_are_of_sum_one_and_square_within_their_radius():
    for kernels in (draw_kernels(KernelRange(), Draws(streams(64))), draw_sincs(Draws(streams(64)))):
        assert kernels.shape == (64, 21, 21)
        torch.testing.assert_close(kernels.sum((1, 2)), torch.ones(64))
        used = [int((kernel.abs().amax(0) > 0).sum()) for kernel in kernels]
        assert min(used) < 10
        assert max(used) == 21


def test_a_bell_has_the_deviations_and_the_direction_asked_for():
    sigma = torch.tensor([[2.0, 1.0]])
    kernel = bell_kernel(sigma, torch.tensor([0.5]), torch.tensor([0]), torch.tensor([1.0]))[0].double()
    kernel /= kernel.sum()
    line = torch.arange(-10.0, 11.0).double()
    xx, yy = (kernel.sum(0) * line**2).sum(), (kernel.sum(1) * line**2).sum()
    xy = (kernel * line[:, None] * line[None]).sum()
    cosine, sine = math.cos(0.5), math.sin(0.5)
    assert float(xx) == pytest.approx(4 * cosine**2 + sine**2, rel=1e-3)
    assert float(yy) == pytest.approx(4 * sine**2 + cosine**2, rel=1e-3)
    assert float(xy) == pytest.approx(3 * sine * cosine, rel=1e-3)


def test_generalised_and_plateau_kernels_are_as_written():
    both = bell_kernel(torch.full((2, 2), 1.5), torch.zeros(2), torch.tensor([1, 2]), torch.tensor([0.7, 1.8]))
    squared = (3 / 1.5) ** 2 + (1 / 1.5) ** 2  # 3 to the right, 1 down
    assert float(both[0, 11, 13]) == pytest.approx(math.exp(-(squared**0.7) / 2), rel=1e-6)
    assert float(both[1, 11, 13]) == pytest.approx(1 / (1 + squared**1.8), rel=1e-6)


def test_a_sinc_passes_what_is_below_its_cutoff_and_stops_what_is_above():
    kernel = sinc_kernel(torch.tensor([1.5]))[0]
    line = torch.arange(-10.0, 11.0)
    low, high = (float((kernel * torch.cos(frequency * line)[None]).sum()) for frequency in (0.5, 2.6))
    assert low == pytest.approx(1, abs=0.1)
    assert abs(high) < 0.1


def test_blur_gives_each_picture_its_own_kernel():
    pictures, kernels = scene(3), draw_kernels(KernelRange(), Draws(streams(3)))
    blurred = blur(pictures, kernels)
    rim = kernels.shape[-1] // 2
    padded = np.pad(pictures.numpy(), ((0, 0), (0, 0), (rim, rim), (rim, rim)), mode="reflect")
    for sample, channel, y, x in ((0, 0, 0, 0), (1, 2, 50, 60), (2, 1, 95, 111)):
        window = padded[sample, channel, y : y + 2 * rim + 1, x : x + 2 * rim + 1]
        assert float(blurred[sample, channel, y, x]) == pytest.approx(
            (window * kernels[sample].numpy()).sum(), abs=1e-5
        )


@pytest.mark.parametrize("size", [(96, 112), (91, 83)])
@pytest.mark.parametrize("quality", [10, 30, 50, 75, 95])
def test_jpeg_is_what_pillow_makes_of_it(quality: int, size: tuple[int, int]):
    pixels = (scene(1, *size)[0].permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    theirs = np.asarray(Image.open(file)).astype(int)
    picture = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255
    ours = (jpeg(picture, torch.tensor([float(quality)])) * 255).round()[0].permute(1, 2, 0).numpy()
    apart = np.abs(ours - theirs)
    assert (apart > 2).mean() < 0.015
    assert apart.mean() < 0.35
    assert apart.mean() < 0.08 * np.abs(theirs - pixels).mean()


def test_jpeg_has_a_quality_for_each_picture():
    pictures = scene(1).repeat(3, 1, 1, 1)
    together = jpeg(pictures, torch.tensor([20.0, 60.0, 95.0]))
    for sample, quality in enumerate((20.0, 60.0, 95.0)):
        assert torch.equal(together[sample], jpeg(pictures[:1], torch.tensor([quality]))[0])
    loss = (together - pictures).abs().mean((1, 2, 3))
    assert loss[0] > loss[1] > loss[2] > 0


def test_gaussian_noise_has_its_deviation_and_is_grey_when_asked():
    flat = torch.full((3, 200, 200), 0.5)
    for grey in (False, True):
        noise = gaussian_noise(flat, 0.05, grey, seeded()) - flat
        assert float(noise.std()) == pytest.approx(0.05, rel=0.02)
        assert float(noise.mean()) == pytest.approx(0, abs=1e-3)
        assert torch.equal(noise[0], noise[1]) is grey


def test_poisson_noise_grows_with_the_root_of_light():
    for grey in (False, True):
        for level in (0.1, 0.8):
            noise = poisson_noise(torch.full((3, 200, 200), level), 2.0, grey, seeded()) - level
            assert float(noise.std()) == pytest.approx(2 * math.sqrt(level / 256), rel=0.02)
            assert float(noise.mean()) == pytest.approx(0, abs=2e-3)


def test_with_everything_off_pictures_are_only_reduced():
    limits = DegradationRange(first=NOTHING, second=NOTHING, again=1.0, sinc=0.0, modes=("antialiased",))
    pictures = scene(2)
    assert torch.equal(degrade(pictures, limits, streams(2)), round_to_8bit(reduce(pictures, 4)))


@pytest.mark.parametrize("name", list(DEGRADATIONS))
def test_output_is_a_quarter_of_the_side_in_8_bits(name: str):
    low_res = degrade(scene(6), DEGRADATIONS[name], streams(6))
    assert low_res.shape == (6, 3, 24, 28)
    assert low_res.dtype == torch.float32
    assert float(low_res.min()) >= 0
    assert float(low_res.max()) <= 1
    assert torch.equal(low_res, round_to_8bit(low_res))


def test_the_same_seed_gives_the_same_pictures_and_another_others():
    pictures = scene(3)
    first = degrade(pictures, REAL_ESRGAN, streams(3, 5))
    assert torch.equal(first, degrade(pictures, REAL_ESRGAN, streams(3, 5)))
    assert not torch.equal(first, degrade(pictures, REAL_ESRGAN, streams(3, 6)))


def test_a_sample_is_the_same_in_any_batch():
    pictures = scene(3)
    together = degrade(pictures, REAL_ESRGAN, [seeded(i) for i in range(3)])
    assert torch.equal(together[1:2], degrade(pictures[1:2], REAL_ESRGAN, [seeded(1)]))


def test_degradations_stay_what_they_were():
    """Recorded: a change here changes what the recipes with degraded inputs are shown."""
    low_res = degrade(scene(2), REAL_ESRGAN, streams(2, 1))
    torch.testing.assert_close(low_res.mean((1, 2, 3)), torch.tensor([0.6176, 0.5996]), atol=1e-3, rtol=0)
    torch.testing.assert_close(low_res.std((1, 2, 3)), torch.tensor([0.2234, 0.2293]), atol=1e-3, rtol=0)


def test_real_esrgan_degrades_more_than_mild_and_mild_more_than_nothing():
    pictures = scene(1).repeat(16, 1, 1, 1)
    clean = round_to_8bit(reduce(pictures, 4))
    off = {name: float((degrade(pictures, limits, streams(16)) - clean).abs().mean()) * 255
           for name, limits in DEGRADATIONS.items()}  # fmt: skip
    assert 1 < off["mild"] < 0.6 * off["real-esrgan"]


def test_degraded_pictures_keep_their_place():
    """No step shifts the picture: over many samples the mean difference is no gradient of the picture."""
    limits = replace(MILD, again=1.0, first=replace(MILD.first, noise=0.0), second=replace(MILD.second, noise=0.0))
    pictures = scene(1).repeat(16, 1, 1, 1)
    clean = reduce(pictures[:1], 4)[0]
    mean = degrade(pictures, limits, streams(16)).mean(0)
    for axis in (1, 2):
        slope = (clean.roll(-1, axis) - clean.roll(1, axis))[:, 2:-2, 2:-2] / 2
        shift = float(((mean - clean)[:, 2:-2, 2:-2] * slope).sum() / slope.square().sum())
        assert abs(shift) < 0.05  # LR pixels


@pytest.mark.parametrize("size", [(96, 98), (72, 112)])
def test_pictures_of_other_sides_are_refused(size: tuple[int, int]):
    with pytest.raises(InputError, match="sides must be multiples of 4, at least 74"):
        degrade(torch.rand(1, 3, *size), REAL_ESRGAN, [seeded()])
