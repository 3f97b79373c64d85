"""References seen from elsewhere, end to end."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from upscale.elsewhere import psnr, seen_from_elsewhere

from srntt.errors import InputError, MemoryBudgetError
from srntt.upscale import References, Track, _aligning
from srntt.upscale._options import check_options
from srntt.upscale._pass import Pass

_EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "motorcycle"


@pytest.mark.parametrize(("times", "degrees", "tilt"), [(2.0, 0, 0.0), (1.0, 30, 0.0), (1.4, 90, 0.0), (1.2, 0, 0.25)])
def test_a_reference_helps_from_wherever_it_is_seen(upscaler, unaligned, truth, low_res, times, degrees, tilt):
    seen, _ = seen_from_elsewhere(truth, times, degrees, tilt)
    references = upscaler.encode_references([seen])
    as_it_is = unaligned.upscale(low_res, references)
    aligned = upscaler.upscale(low_res, references)
    assert psnr(aligned.image, truth) > psnr(as_it_is.image, truth) + 1.0
    (used,) = aligned.references
    assert used.placement is not None
    assert used.placement.coverage > 0.6
    assert used.share > as_it_is.references[0].share


def test_provenance_leads_to_the_pixel_of_the_file(upscaler, truth, low_res):
    seen, matrix = seen_from_elsewhere(truth, 1.5, 20)
    origin = upscaler.upscale(low_res, upscaler.encode_references([seen])).provenance
    x, y = np.meshgrid(np.arange(low_res.width) * 4 + 1.5, np.arange(low_res.height) * 4 + 1.5)
    points = np.stack([x, y, np.ones_like(x)], -1) @ matrix.T
    off = np.hypot(points[..., 0] / points[..., 2] - origin.x, points[..., 1] / points[..., 2] - origin.y) / 1.5
    assert np.median(off[origin.share > 0.3]) < 1.0  # pixels of the output


def test_each_reference_is_described(upscaler, truth, low_res):
    turned, _ = seen_from_elsewhere(truth, 2.0, 90)
    noise = np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    result = upscaler.upscale(low_res, upscaler.encode_references([turned, noise]))
    found, unknown = result.references
    assert found.description.startswith("same scene, 2.0x larger, turned 90 degrees anticlockwise, ")
    assert unknown.description == "no geometry found; searched unchanged"
    assert found.as_json()["geometry"]["scale"] == pytest.approx(2.0, abs=0.03)
    assert unknown.as_json()["geometry"] is None
    assert found.share + unknown.share == pytest.approx(float(result.provenance.used.mean()), abs=1e-6)


def test_saved_references_give_the_same_bytes(upscaler, truth, low_res, tmp_path):
    seen, _ = seen_from_elsewhere(truth, 1.5, 45)
    references = upscaler.encode_references([seen, _EXAMPLE / "reference.png"])
    references.save(tmp_path / "references.safetensors")
    loaded = References.load(tmp_path / "references.safetensors")
    one, other = (upscaler.upscale(low_res, each) for each in (references, loaded))
    assert one.array.tobytes() == other.array.tobytes()
    assert [used.description for used in one.references] == [used.description for used in other.references]


def test_16_bits_grey_and_alpha_are_aligned_alike(upscaler, truth, low_res):
    seen, _ = seen_from_elsewhere(truth, 1.5, 45)
    coverage = upscaler.upscale(low_res, upscaler.encode_references([seen])).references[0].placement.coverage
    deep = seen.astype(np.uint16) * 257
    transparent = np.dstack([seen, np.full(seen.shape[:2], 200, np.uint8)])
    grey = np.asarray(Image.fromarray(seen).convert("L"))
    for reference in (deep, transparent, grey):
        (used,) = upscaler.upscale(low_res, upscaler.encode_references([reference])).references
        assert used.placement is not None
        assert used.placement.coverage == pytest.approx(coverage, abs=0.1)


@pytest.mark.parametrize("kind", ["noise", "flat", "one pixel wide", "other scene"])
def test_what_has_no_geometry_is_searched_as_it_is(upscaler, unaligned, low_res, kind):
    random = np.random.default_rng(1)
    reference = {
        "noise": random.integers(0, 256, (128, 160, 3), dtype=np.uint8),
        "flat": np.full((100, 100, 3), 90, np.uint8),
        "one pixel wide": random.integers(0, 256, (2000, 4, 3), dtype=np.uint8),
        "other scene": np.asarray(Image.open(_EXAMPLE / "truth.png").convert("RGB").crop((0, 0, 200, 120))),
    }[kind]
    references = upscaler.encode_references([reference])
    aligned = upscaler.upscale(low_res, references)
    assert aligned.references[0].placement is None
    assert aligned.array.tobytes() == unaligned.upscale(low_res, references).array.tobytes()


def test_tiles_give_the_whole(upscaler, truth, low_res):
    references = upscaler.encode_references([seen_from_elsewhere(truth, 1.3, 10)[0]])
    whole, tiled = (upscaler.upscale(low_res, references, tile=tile).array.astype(int) for tile in (256, 32))
    assert np.abs(whole - tiled).max() <= 1


def test_an_unknown_option_is_refused():
    with pytest.raises(InputError, match=r"align is 'on'; give 'auto' or 'off'"):
        check_options("auto", "on", "float32", torch.device("cpu"))


def test_keypoints_are_found_once_whatever_a_reference_is_called(upscaler, truth):
    (original,) = upscaler.encode_references([np.asarray(truth)]).originals
    one, other = original.named(3, "a"), original.named(4, "b").named(5, "c")
    assert one.features is other.features is original.features


def test_where_keypoints_fail_the_models_own_matches_place_a_reference_at_another_size(
    upscaler, unaligned, truth, low_res, monkeypatch
):
    monkeypatch.setattr("srntt.upscale._aligning.place", lambda target, features: None)
    references = upscaler.encode_references([seen_from_elsewhere(truth, 2.0, 0)[0]])
    result = upscaler.upscale(low_res, references)
    assert result.references[0].description.startswith("same scene, 2.0x larger, ")
    assert psnr(result.image, truth) > psnr(unaligned.upscale(low_res, references).image, truth) + 1.0


def test_without_geometry_a_reference_is_searched_at_the_size_that_fits(
    upscaler, unaligned, truth, low_res, monkeypatch
):
    for name, found in (("place", None), ("align_densely", None)):
        monkeypatch.setattr(f"srntt.upscale._aligning.{name}", lambda *_, found=found: found)
    seen, _ = seen_from_elsewhere(truth, 2.0, 0)
    references = upscaler.encode_references([seen])
    result = upscaler.upscale(low_res, references)
    (used,) = result.references
    assert used.description == "no geometry found; searched unchanged and at 1/2 of its size"
    assert used.as_json()["reduced"] == 2
    assert psnr(result.image, truth) > psnr(unaligned.upscale(low_res, references).image, truth) + 1.0
    share = result.provenance.share > 0.3
    rows, columns = np.nonzero(share)
    off = np.hypot(result.provenance.y[share] - (rows * 8 + 3.5), result.provenance.x[share] - (columns * 8 + 3.5))
    assert np.median(off) < 4  # pixels of the reference
    twice = upscaler.encode_references([seen], views=["plain", "turned"])
    assert upscaler.upscale(low_res, twice).references[0].as_json()["reduced"] == 1  # half its size is there already


@pytest.mark.parametrize("what", ["placing_bytes", "plan"])
def test_where_memory_does_not_allow_it_references_are_searched_as_they_are(
    upscaler, unaligned, truth, low_res, monkeypatch, what
):
    references = upscaler.encode_references([truth.resize((300, 200))])
    if what == "plan":
        whole = Pass.plan

        def plan(self, job, views, extra):
            if len(views) > len(list(references)):
                raise MemoryBudgetError("aligned views do not fit")
            return whole(self, job, views, extra)

        monkeypatch.setattr(Pass, "plan", plan)
    else:
        monkeypatch.setattr(_aligning, "placing_bytes", lambda *_: 10**15)
    result = upscaler.upscale(low_res, references)
    (reported,) = result.fallbacks
    assert reported.startswith("aligning: memory does not allow it, ")
    assert result.array.tobytes() == unaligned.upscale(low_res, references).array.tobytes()
    assert result.references[0].placement is None


def test_of_a_sequence_a_reference_that_is_not_placed_gives_nothing(upscaler, truth, low_res, monkeypatch):
    monkeypatch.setattr(_aligning, "_ENOUGH_SHOWN", 0.0)
    unrelated = np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    references = upscaler.encode_references([unrelated, seen_from_elsewhere(truth, 1.3, 10)[0]])
    result = upscaler.upscale(low_res, references, track=Track())
    left_out, placed = result.references
    assert (left_out.share, left_out.placement) == (0.0, None)
    assert placed.placement
    assert placed.share > 0.3
