"""What a reference does to the picture, and what it must not do. Figures: docs/promises.md."""

import numpy as np
import pytest
from harm.families import FAMILIES
from harm.families import Scene as HarmScene
from PIL import Image
from properties.scenes import BICUBIC, Scene, bad_references, largest_difference, psnr, scene

from srntt.upscale import Upscaler

SCENES = [scene(number) for number in range(3)]
_LOST = {"lite-rec": 0.1, "lite-gan": 0.25, "lite-real": 0.5}  # decibels that a useless reference may cost
_LOST_TURNED = {**_LOST, "lite-real": 0.8}  # on average, that a good one may that is turned: parts fit, or seem to
_REAL = pytest.param("lite-real", marks=pytest.mark.slow)


def _gain(upscaler: Upscaler, one: Scene, reference: np.ndarray) -> float:
    """Decibels against no reference."""
    helped = upscaler.upscale(one.low_res, upscaler.encode_references([reference]))
    return psnr(helped.array, one.truth) - psnr(upscaler.upscale(one.low_res).array, one.truth)


@pytest.mark.slow
def test_a_good_reference_helps_the_model_for_real_pictures_less(light: dict[str, Upscaler]):
    """These scenes were made small cleanly, which is what the others are for."""
    gains = [_gain(light["lite-real"], one, one.good) for one in SCENES]
    assert np.mean(gains) > 0.7
    assert min(gains) > 0


@pytest.mark.parametrize("name", ["lite-rec", "lite-gan"])
@pytest.mark.parametrize("number", range(3))
def test_a_good_reference_helps(light: dict[str, Upscaler], name: str, number: int):
    assert _gain(light[name], SCENES[number], SCENES[number].good) > 1.5


@pytest.mark.parametrize("name", ["lite-rec", "lite-gan", _REAL])
@pytest.mark.parametrize("kind", [*bad_references(SCENES[0])])
def test_a_bad_reference_does_little_harm(light: dict[str, Upscaler], name: str, kind: str):
    gains = [_gain(light[name], one, bad_references(one)[kind]) for one in SCENES]
    turned = kind in ("rotated", "upside down", "mirrored", "flipped")
    least = -(_LOST_TURNED if turned else _LOST)[name]
    assert np.mean(gains) > least
    assert min(gains) > least * (2.5 if turned else 1)


@pytest.mark.parametrize("name", ["lite-rec", "lite-gan", _REAL])
def test_bad_references_next_to_a_good_one_take_little_away(light: dict[str, Upscaler], name: str):
    upscaler, one = light[name], SCENES[0]
    bad = bad_references(one)
    crowd = [one.good, bad["noise"], bad["unrelated"], bad["black"]]
    alone, crowded = (upscaler.upscale(one.low_res, upscaler.encode_references(refs)) for refs in ([one.good], crowd))
    assert psnr(crowded.array, one.truth) > psnr(alone.array, one.truth) - _LOST[name]
    assert (crowded.provenance.reference == 0).mean() > 0.95


_WITHOUT_DETAIL = {  # family: amount, as in `make harm`
    "nearest": (0.0, 0.37, 1.0),
    "bilinear": (0.0,),
    "bicubic": (0.0, 0.37),
    "lanczos": (0.0,),
    "stripes": (0.18, 0.3),
    "noise over the same scene": (0.5, 1.0),
    "blurred": (0.5, 1.0),
    "jagged": (0.3, 0.55),
    "compressed": (0.0,),
}


@pytest.mark.parametrize("name", ["lite-rec"])
@pytest.mark.parametrize("family", _WITHOUT_DETAIL)
def test_a_reference_without_detail_of_its_own_does_no_harm(light: dict[str, Upscaler], name: str, family: str):
    """Enlarged by nearest-neighbour interpolation, the picture itself cost 4.7 dB."""
    references = [FAMILIES[family](HarmScene(*SCENES[0]), amount, 1) for amount in _WITHOUT_DETAIL[family]]
    assert min(_gain(light[name], SCENES[0], reference) for reference in references) > -_LOST[name]


def test_a_reference_as_blurred_as_the_picture_does_no_harm(light: dict[str, Upscaler]):
    """It matches everywhere and has no detail."""
    losses = [
        -_gain(light["lite-rec"], one, np.array(Image.fromarray(one.low_res).resize((160, 120), BICUBIC)))
        for one in SCENES
    ]
    assert max(losses) < 0.05


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lite-rec", "lite-gan"])
def test_a_huge_reference_does_little_harm(light: dict[str, Upscaler], name: str):
    huge = np.random.default_rng(0).integers(0, 256, (1500, 2000, 3), dtype=np.uint8)
    upscaler = Upscaler.from_pretrained(name, device="cpu", matcher="fast")
    assert _gain(upscaler, SCENES[0], huge) > -_LOST[name]


@pytest.mark.parametrize("name", ["lite-rec", "lite-gan", "paper", _REAL])
def test_a_reference_changes_the_picture_and_their_order_does_not(models: dict[str, Upscaler], name: str):
    one, upscaler = SCENES[0], models[name]
    low_res = one.low_res[:12, :14]
    references = [one.good[20:84, 20:84], bad_references(one)["noise"][:48, :40], one.truth[60:, 80:140]]
    outputs = [
        upscaler.upscale(low_res, upscaler.encode_references([references[i] for i in order])).array
        for order in ((0, 1, 2), (2, 1, 0), (1, 2, 0))
    ]
    assert largest_difference(outputs[0], upscaler.upscale(low_res).array) > 1
    assert max(largest_difference(outputs[0], other) for other in outputs[1:]) <= 1
