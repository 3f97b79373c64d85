"""Any output size: below the model's factor reduced, above it in two passes."""

import numpy as np
import pytest
import torch
from PIL import Image

from srntt.errors import InputError, MemoryBudgetError
from srntt.image import Picture, resize_bicubic, resized
from srntt.upscale import OutputSize, Provenance, Upscaler, self_ensemble
from srntt.upscale._any_size import joined_origins, steps


@pytest.fixture(scope="module")
def small() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (13, 18, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def sharp() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (48, 64, 3), dtype=np.uint8)


@pytest.mark.parametrize("size", [(7, 5), (31, 40), (300, 11), (40, 33)])
@pytest.mark.parametrize("bits", [8, 16])
def test_resizing_is_antialiased_bicubic_in_floating_point(size, bits) -> None:
    samples = np.random.default_rng(2).integers(0, 65536, (40, 33, 4), dtype=np.uint16)
    picture = Picture(np.ascontiguousarray(samples[:, :, :3]), alpha=np.ascontiguousarray(samples[:, :, 3]))
    made = resized(picture, size, bits)
    planes = torch.from_numpy(samples.transpose(2, 0, 1).astype(np.float32))[None] / 65535
    wanted = resize_bicubic(planes, size)[0].clamp(0, 1).permute(1, 2, 0).numpy() * ((1 << bits) - 1)
    assert made.bits == bits
    assert np.abs(made.interleaved() - wanted).max() < 0.51 + (bits == 16)


def test_bands_of_rows_are_parts_of_the_whole() -> None:
    samples = np.random.default_rng(3).integers(0, 256, (700, 5, 1), dtype=np.uint8)
    made = resized(Picture(samples), (311, 5)).color[:, :, 0]
    whole = Image.fromarray(samples[:, :, 0].astype(np.float32)).resize((5, 311), Image.Resampling.BICUBIC)
    assert np.abs(made - np.asarray(whole)).max() < 0.51


@pytest.mark.parametrize(
    ("asked", "size"),
    [
        ({}, (52, 72)),
        ({"scale": 2}, (26, 36)),
        ({"scale": 1.5}, (20, 27)),
        ({"scale": 16}, (208, 288)),
        ({"width": 100}, (72, 100)),
        ({"height": 100}, (100, 138)),
        ({"width": 100, "height": 72}, (72, 100)),
        ({"fit": (100, 1000)}, (72, 100)),
        ({"fit": (1000, 100)}, (100, 138)),
    ],
)
def test_sizes(asked, size) -> None:
    assert OutputSize(**asked).of(13, 18, 4) == size


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"scale": 2, "width": 30}, "Give one of them"),
        ({"scale": 0.5}, "scale 0.5: give 1 or more"),
        ({"scale": float("nan")}, "scale nan"),
        ({"scale": 17}, "upscaled 17 times; this model supports 1 to 16 times"),
        ({"width": 10}, "upscaled 0.556 times"),
        ({"width": 0}, "width 0: give 1 to 1,000,000,000 pixels"),
        ({"width": 100, "height": 50}, "differs in aspect ratio"),
        ({"fit": (3, 3)}, "upscaled 0.167 times"),
    ],
)
def test_sizes_that_cannot_be(asked, message) -> None:
    with pytest.raises(InputError, match=message):
        OutputSize(**asked).of(13, 18, 4)


def test_passes() -> None:
    assert steps((13, 18), (26, 36), 4) == ((26, 36),)
    assert steps((13, 18), (104, 144), 4) == ((26, 36), (104, 144))
    assert steps((13, 18), (53, 73), 4) == ((14, 19), (53, 73))


def test_below_the_factor_the_output_is_reduced(upscaler: Upscaler, small, sharp) -> None:
    deep = (small.astype(np.uint16) * 257, sharp)
    four, two = (upscaler.upscale(deep[0], [sharp], scale=scale) for scale in (4, 2))
    wanted = resized(four.picture, (26, 36), 8).color
    eight = upscaler.upscale(small, [sharp], scale=2)
    assert np.abs(eight.array.astype(int) - wanted).max() <= 1
    assert np.abs(two.array.astype(int) - resized(four.picture, (26, 36)).color).max() <= 2
    assert eight.provenance is not None
    assert eight.provenance.share.shape == (13, 18)
    assert eight.similarity_picture().color.shape == (26, 36, 1)  # pyright: ignore[reportOptionalMemberAccess]
    assert eight.notes == ("size: upscaled 4 times and downsampled to 36 x 26",)


def test_the_factor_itself_changes_nothing(upscaler: Upscaler, small) -> None:
    plain = upscaler.upscale(small)
    for asked in ({"scale": 4}, {"size": (72, None)}, {"size": (72, 52)}):
        result = upscaler.upscale(small, **asked)
        assert np.array_equal(result.array, plain.array)
        assert result.notes == ()


def test_above_the_factor_references_are_matched_twice(upscaler: Upscaler, small, sharp) -> None:
    stages: list[str] = []
    result = upscaler.upscale(small, [sharp], scale=8, progress=lambda stage, *_: stages.append(stage))
    assert result.array.shape == (104, 144, 3)
    assert [stage for stage, before in zip(stages, ["", *stages], strict=False) if stage != before].count("match") == 2
    assert result.provenance is not None
    assert result.provenance.share.shape == (26, 36)
    assert result.references[0].share == pytest.approx(result.provenance.used.mean())
    assert upscaler.upscale(small, size=(None, 53)).array.shape == (53, 73, 3)


def test_a_second_pass_that_does_not_fit_is_refused_before_the_first(sharp) -> None:
    upscaler = Upscaler.from_pretrained("lite-rec", device="cpu", memory="900MB")
    stages: list[str] = []
    with pytest.raises(MemoryBudgetError, match=r"needs|program alone uses"):
        upscaler.upscale(np.zeros((400, 600, 3), np.uint8), scale=16, progress=lambda stage, *_: stages.append(stage))
    assert stages == []


def test_depth_alpha_and_range_are_kept(upscaler: Upscaler) -> None:
    deep = np.random.default_rng(4).integers(0, 4096, (9, 11, 4), dtype=np.uint16)
    for scale, shape in ((3, (27, 33, 4)), (6, (54, 66, 4))):
        result = upscaler.upscale(deep, scale=scale)
        assert (result.array.shape, result.array.dtype) == (shape, np.uint16)
        assert result.array[:, :, :3].max() < 5200  # the range that is used, not all 16 bits
    floats = np.random.default_rng(5).random((9, 11)).astype(np.float32) * 7 - 2
    given = upscaler.upscale(floats, scale=2, value_range=(-2, 5)).as_input()
    assert (given.shape, given.dtype) == ((18, 22), np.float32)


def test_the_self_ensemble_has_any_size_too(upscaler: Upscaler) -> None:
    smooth = np.linspace(20, 230, 13 * 18 * 3).astype(np.uint8).reshape(13, 18, 3)
    result = self_ensemble(upscaler, smooth, scale=2, consistent=True)
    assert result.array.shape == (26, 36, 3)
    assert result.consistency.missed == 0


def test_provenance_of_two_passes_is_of_the_one_that_took_more() -> None:
    def origin(share: list[list[float]], number: int) -> Provenance:
        maps = np.array(share, np.float32)
        where = np.full(maps.shape, 10.0 * number, np.float32)
        return Provenance(("a", "b"), np.full(maps.shape, number), where, where, maps)

    joined = joined_origins(origin([[0.5, 0.0]], 0), origin([[0.1, 0.9, 0.2, 0.3]], 1))
    assert joined is not None
    assert joined.reference.tolist() == [[0, 1, 1, 1]]
    np.testing.assert_allclose(joined.share, [[0.5, 0.9, 0.2, 0.3]])
    np.testing.assert_allclose(joined.y, [[0, 10, 10, 10]])
