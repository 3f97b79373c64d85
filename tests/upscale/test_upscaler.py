"""The shipped model, end to end, on pictures small enough for every test run."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from srntt._safetensors import write_tensors
from srntt.errors import InputError, MemoryBudgetError, ModelError, PictureError
from srntt.image import Limits
from srntt.memory import _plan, resident_bytes
from srntt.models import find_model, list_models
from srntt.upscale import References, Upscaler

_EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "motorcycle"


@pytest.fixture(scope="module")
def references(upscaler):
    return upscaler.encode_references([_EXAMPLE / "reference.png"])


def _psnr(a, b):
    error = np.asarray(a, float) - np.asarray(b, float)
    return 10 * np.log10(255**2 / (error[8:-8, 8:-8] ** 2).mean())


def test_a_network_beats_bicubic_and_a_reference_beats_the_network_alone(upscaler, references, truth, low_res):
    bicubic = _psnr(low_res.resize(truth.size, Image.Resampling.BICUBIC), truth)
    alone = _psnr(upscaler.upscale(low_res).image, truth)
    helped = _psnr(upscaler.upscale(low_res, references).image, truth)
    assert alone > bicubic + 0.8
    assert helped > alone + 1.0


@pytest.mark.parametrize("kind", ["noise", "black", "white", "tiny", "itself"])
def test_a_bad_reference_does_no_harm(upscaler, truth, low_res, kind):
    random = np.random.default_rng(0)
    bad = {
        "noise": random.integers(0, 256, (120, 160, 3), dtype=np.uint8),
        "black": np.zeros((64, 64, 3), np.uint8),
        "white": np.full((64, 64, 3), 255, np.uint8),
        "tiny": random.integers(0, 256, (4, 4, 3), dtype=np.uint8),
        "itself": low_res,
    }[kind]
    alone = _psnr(upscaler.upscale(low_res).image, truth)
    with_bad = _psnr(upscaler.upscale(low_res, upscaler.encode_references([bad])).image, truth)
    assert with_bad > alone - 0.05


def test_tiles_do_not_show(upscaler, references, low_res):
    whole = upscaler.upscale(low_res, references, tile=512)
    tiled = upscaler.upscale(low_res, references, tile=32)
    assert np.abs(whole.array.astype(int) - tiled.array).max() <= 1
    np.testing.assert_array_equal(whole.similarity, tiled.similarity)
    np.testing.assert_allclose(whole.provenance.share, tiled.provenance.share, atol=1e-4)


def test_same_input_same_bytes(upscaler, references, low_res):
    one, two = (upscaler.upscale(low_res, references).array for _ in range(2))
    assert one.tobytes() == two.tobytes()


def test_the_order_of_references_does_not_matter(upscaler, truth, low_res):
    parts = [truth.crop((0, 0, 200, 240)), truth.crop((120, 0, 320, 240))]
    one, two = (upscaler.upscale(low_res, upscaler.encode_references(p)) for p in (parts, parts[::-1]))
    same = (one.array == two.array).all(-1).mean()
    assert same > 0.97  # the two overlap, and an exact tie goes to whichever comes first
    assert abs(_psnr(one.image, truth) - _psnr(two.image, truth)) < 0.05


def test_provenance_points_at_the_place_the_detail_came_from(upscaler, truth, low_res):
    """The truth itself, moved by (12, 20), as the reference: each position must be found where it was moved to."""
    moved = truth.crop((20, 12, truth.width, truth.height))
    result = upscaler.upscale(low_res, upscaler.encode_references([moved]))
    where = result.provenance
    y, x = np.mgrid[: low_res.height, : low_res.width]
    error = np.hypot(where.y - (4 * y + 1.5 - 12), where.x - (4 * x + 1.5 - 20))[6:-6, 8:-6]
    assert np.median(error) < 1
    assert (error < 2).mean() > 0.9
    assert len(where.sources) == 1
    assert where.reference.shape == where.share.shape == (low_res.height, low_res.width)
    assert where.share.min() >= 0
    assert where.share.max() <= 1


def test_provenance_of_turned_copies_is_in_the_original_picture(unaligned, truth, low_res):
    turned = truth.rotate(90, expand=True)
    plain = unaligned.upscale(low_res, unaligned.encode_references([turned]))
    joined = unaligned.upscale(low_res, unaligned.encode_references([turned], views=("plain", "turned")))
    assert _psnr(joined.image, truth) > _psnr(plain.image, truth) + 1
    y, x = np.mgrid[: low_res.height, : low_res.width] * 4 + 1.5
    error = np.hypot(joined.provenance.y - (truth.width - 1 - x), joined.provenance.x - y)[6:-6, 6:-6]
    assert np.median(error) < 1


def test_a_list_of_pictures_is_encoded(upscaler, references, truth, low_res):
    given = upscaler.upscale(low_res, [truth])
    np.testing.assert_array_equal(given.array, upscaler.upscale(low_res, upscaler.encode_references([truth])).array)
    assert upscaler.upscale(low_res, []).similarity is None
    with pytest.raises(InputError, match="This is one reference; give a list"):
        upscaler.upscale(low_res, np.asarray(truth))


def test_a_model_by_name(upscaler, low_res):
    named = Upscaler("lite-rec", device="cpu")
    assert named.model_name == "lite-rec"
    np.testing.assert_array_equal(named.upscale(low_res).array, upscaler.upscale(low_res).array)


def test_references_are_saved_and_loaded_as_they_were(upscaler, references, low_res, tmp_path):
    references.save(tmp_path / "refs.safetensors")
    loaded = References.load(tmp_path / "refs.safetensors")
    assert loaded.sources == references.sources
    np.testing.assert_array_equal(upscaler.upscale(low_res, loaded).array, upscaler.upscale(low_res, references).array)


def test_all_that_is_known_of_a_view_is_saved(upscaler, tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (37, 50, 3), dtype=np.uint8)
    encoded = upscaler.encode_references([picture], views=["plain", "turned"])
    valid = torch.zeros(encoded[3].maps["descriptor"].shape[1:], dtype=torch.bool)
    valid[2:5, 1:] = True
    made = References(encoded.fingerprint, [*encoded[:3], replace(encoded[3], valid=valid), *encoded[4:]])
    made.save(tmp_path / "refs.safetensors")
    loaded = References.load(tmp_path / "refs.safetensors")
    assert len(loaded) == 8
    assert torch.equal(loaded[3].valid, valid)
    for before, after in zip(made, loaded, strict=True):
        assert before.maps.keys() == after.maps.keys()
        assert all(torch.equal(before.maps[name], after.maps[name]) for name in before.maps)
        for name in ("number", "source", "view", "height", "width", "to_original"):
            assert getattr(before, name) == getattr(after, name)
    assert loaded.bytes == made.bytes
    upscaler.upscale(picture[:16, :16], loaded)
    narrow = References(made.fingerprint, [replace(made[3], valid=valid[:, 1:])])
    with pytest.raises(InputError, match="maps that this model does not produce"):
        upscaler.upscale(picture[:16, :16], narrow)


def test_references_of_other_weights_are_refused(upscaler, references, low_res):
    other = References("something else", list(references))
    with pytest.raises(InputError, match="other weights"):
        upscaler.upscale(low_res, other)


@pytest.mark.parametrize(
    "change",
    [
        lambda maps: maps.pop("contrast"),
        lambda maps: maps.update(more=maps["contrast"]),
        lambda maps: maps.update(band4=maps["band4"][:, :-1]),
        lambda maps: maps.update(band1=maps["band1"][:2]),
        lambda maps: maps.update(descriptor=maps["descriptor"][0]),
        lambda maps: maps.update(band2=maps["band2"].double()),
    ],
)
def test_maps_that_the_model_cannot_have_made_are_refused(upscaler, references, low_res, change):
    maps = dict(references[0].maps)
    change(maps)
    tampered = References(references.fingerprint, [replace(references[0], maps=maps)])
    with pytest.raises(InputError, match="maps that this model does not produce"):
        upscaler.upscale(low_res, tampered)


def test_a_file_that_holds_no_references_is_refused(tmp_path):
    with pytest.raises(ModelError, match="does not contain references"):
        References.load(list_models()[0]["path"] + "/model.safetensors")


def _head(**changes) -> dict:
    """Of a file of references with one view, which has been tampered with."""
    identity = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    facts = {"number": 0, "source": "a", "view": "plain", "height": 4, "width": 4, "to_original": identity}
    view = {name: value for name, value in ({**facts, "maps": ["m"]} | changes).items() if value is not None}
    return {"format": "srntt-references", "version": 2, "fingerprint": "f", "views": [view], "originals": [0]}


@pytest.mark.parametrize(
    "change",
    [
        {"number": float("inf")},
        {"number": -1},
        {"number": 10**30},
        {"height": -4},
        {"source": 5},
        {"view": None},
        {"to_original": [[10**400, 0, 0], [0, 1, 0], [0, 0, 1]]},
        {"to_original": [[float("nan"), 0, 0], [0, 1, 0], [0, 0, 1]]},
        {"to_original": [[1, 0, 0], [2, 0, 0], [0, 0, 1]]},
        {"to_original": [[1, 0, 0], [0, 1, 0]]},
        {"to_original": [[1.0]]},
        {"maps": []},
        {"maps": ["other"]},
        {"maps": ["m", "valid positions"]},
        {"maps": None},
    ],
)
def test_facts_of_views_that_cannot_be_are_refused(tmp_path, change):
    path = tmp_path / "refs.safetensors"
    pixels = torch.zeros(4, 4, 3, dtype=torch.uint8)
    tensors = {"0.m": torch.zeros(1, 2, 2), "0.valid positions": torch.zeros(2, 2), "original.0": pixels}
    write_tensors(path, tensors, {"references": json.dumps(_head())})
    assert len(References.load(path)) == 1
    for text in (json.dumps(_head(**change)), "[" * 10_000):
        write_tensors(path, tensors, {"references": text})
        with pytest.raises(ModelError, match=r"refs\.safetensors does not contain references"):
            References.load(path)


@pytest.mark.parametrize(
    ("numbers", "pixels"),
    [
        ([1], torch.zeros(4, 4, 3, dtype=torch.uint8)),
        (["x"], torch.zeros(4, 4, 3, dtype=torch.uint8)),
        (7, torch.zeros(4, 4, 3, dtype=torch.uint8)),
        ([0], torch.zeros(4, 5, 3, dtype=torch.uint8)),
        ([0], torch.zeros(4, 4, 4, dtype=torch.uint8)),
        ([0], torch.zeros(4, 4, 3)),
    ],
)
def test_pictures_that_are_none_of_the_references_are_refused(tmp_path, numbers, pixels):
    path = tmp_path / "refs.safetensors"
    head = {**_head(), "originals": numbers}
    write_tensors(path, {"0.m": torch.zeros(1, 2, 2), "original.0": pixels}, {"references": json.dumps(head)})
    with pytest.raises(ModelError, match=r"refs\.safetensors does not contain references"):
        References.load(path)


def test_references_saved_in_the_first_version_are_refused_in_words(tmp_path):
    facts = [0, "a", 4, 4, [[1, 0, 0], [0, 1, 0]], ["m"]]
    head = {"format": "srntt-references", "version": 1, "fingerprint": "f", "references": [facts]}
    write_tensors(tmp_path / "old", {"0.m": torch.zeros(1, 2, 2)}, {"references": json.dumps(head)})
    text = r"old contains references in format version 1, .* reads version 2\. Encode the pictures again"
    with pytest.raises(ModelError, match=text):
        References.load(tmp_path / "old")


@pytest.mark.parametrize("name", ["n" * 300, "n/" * 3000, "a\0b"])
def test_a_name_that_no_file_can_have_is_no_model(name):
    with pytest.raises(ModelError, match="No model"):
        find_model(name)


def test_bands_of_a_reference_do_not_show(upscaler, truth, monkeypatch):
    whole = upscaler.encode_references([truth])
    monkeypatch.setattr(_plan, "_REFERENCE_BANDS", (64,))
    banded = upscaler.encode_references([truth])
    for name, tensor in whole[0].maps.items():
        difference = (tensor - banded[0].maps[name]).abs()
        assert difference.mean() < 1e-4, name


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [
        ((9, 11), np.uint8),
        ((9, 11, 4), np.uint8),
        ((9, 11, 3), np.uint16),
        ((1, 1, 3), np.uint8),
        ((3, 200, 3), np.uint8),
    ],
)
def test_depth_grey_and_alpha_of_the_input_are_kept(upscaler, references, shape, dtype):
    picture = np.random.default_rng(0).integers(0, np.iinfo(dtype).max + 1, shape).astype(dtype)
    for refs in (references, None):
        result = upscaler.upscale(picture, refs)
        channels = 1 if len(shape) == 2 else shape[2]
        assert result.array.shape == (shape[0] * 4, shape[1] * 4, channels)
        assert result.array.dtype == dtype
        assert result.image.size == (shape[1] * 4, shape[0] * 4)


def test_no_references_mean_no_provenance(upscaler, low_res):
    result = upscaler.upscale(low_res, upscaler.encode_references([]))
    assert result.similarity is None
    assert result.provenance is None
    np.testing.assert_array_equal(result.array, upscaler.upscale(low_res).array)


def test_progress_moves_within_a_reference(upscaler):
    steps = []
    tall = np.random.default_rng(0).integers(0, 256, (2600, 16, 3), dtype=np.uint8)
    upscaler.encode_references([tall, tall[:64]], views=["plain", "turned"], progress=lambda *step: steps.append(step))
    stages, done, totals = zip(*steps, strict=True)
    assert set(stages) == {"encode"}
    assert set(totals) == {2000}
    assert list(done) == sorted(done)
    assert len({each for each in done if each < 1000}) > 2
    assert (1000 in done, done[-1]) == (True, 2000)


def test_progress_moves_while_a_reference_is_aligned(upscaler, references, low_res):
    steps = []
    upscaler.upscale(low_res, references, progress=lambda *step: steps.append(step))
    done = [done for stage, done, total in steps if stage == "align" and total == 1000]
    assert done == sorted(done)
    assert 0 < done[0] < 1000
    assert done[-1] == 1000


def test_the_result_reports_what_it_took(upscaler, references, low_res):
    seen = []
    result = upscaler.upscale(low_res, references, progress=lambda *step: seen.append(step))
    assert {stage for stage, _, _ in seen} == {"align", "match", "render"}
    assert all(0 < done <= total for _, done, total in seen)
    assert seen[-1][1] == seen[-1][2]
    assert 0 < result.seconds < 100
    assert result.peak_bytes <= result.predicted_bytes
    assert result.fallbacks == ()


def test_a_reference_smaller_than_a_pixel_of_the_low_res_grid_is_refused(upscaler):
    with pytest.raises(PictureError, match=r"2 x 3 pixels; at least 4 x 4"):
        upscaler.encode_references([np.zeros((3, 2, 3), np.uint8)])


def test_memory_that_is_not_there_is_refused_before_work(upscaler):
    tight = Upscaler.from_pretrained("lite-rec", device="cpu", memory="100MB")
    with pytest.raises(MemoryBudgetError, match="The budget is 100 MB"):
        tight.upscale(np.zeros((64, 64, 3), np.uint8))
    with pytest.raises(MemoryBudgetError, match="The budget is 100 MB"):
        tight.encode_references([np.zeros((64, 64, 3), np.uint8)])


def test_limits_reach_the_decoder(upscaler):
    with pytest.raises(PictureError, match=r"max.pixels"):
        upscaler.upscale(_EXAMPLE / "truth.png", limits=Limits(max_pixels=1000))


def test_unknown_names_are_refused_with_what_there_is():
    with pytest.raises(ModelError, match=r"Embedded models: .*lite-rec"):
        Upscaler.from_pretrained("lite-wreck")
    with pytest.raises(InputError, match="not a device"):
        Upscaler.from_pretrained("lite-rec", device="abacus")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("height", "width", "side", "matcher"),
    [(60, 80, 200, "exact"), (300, 200, 600, "exact"), (700, 900, 300, "exact"), (60, 80, 200, "fast"),
     (300, 200, 900, "fast"), (400, 500, 600, "fast")],
)  # fmt: skip
def test_peak_stays_within_its_prediction(height, width, side, matcher):
    """In a process of its own, so that the peak is of this work alone."""
    code = f"""
import numpy as np
from srntt.upscale import Upscaler
random = np.random.default_rng(0)
upscaler = Upscaler.from_pretrained("lite-rec", device="cpu", memory="1.2GB", matcher="{matcher}")
refs = upscaler.encode_references([random.integers(0, 256, ({side}, {side}, 3), dtype=np.uint8) for _ in range(2)])
result = upscaler.upscale(random.integers(0, 256, ({height}, {width}, 3), dtype=np.uint8), refs)
print(result.peak_bytes, result.predicted_bytes, result.matcher)
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    *figures, used = out.split()
    peak, predicted = map(int, figures)
    assert used == matcher
    assert peak <= predicted <= 1_200_000_000
    assert peak > predicted / 2


def test_a_tensor_on_the_unit_range_is_a_picture_too(upscaler, low_res):
    array = np.asarray(low_res)
    tensor = torch.from_numpy(array.copy()).permute(2, 0, 1).float() / 255
    a, b = upscaler.upscale(tensor).array, upscaler.upscale(array).array
    assert (a.dtype, b.dtype) == (np.uint16, np.uint8)
    assert np.abs(a / 257 - b).max() < 0.51  # floats are given with 16 bits, rounded less


@pytest.mark.parametrize("one", ["ref.png", b"bytes", np.zeros((8, 8, 3), np.uint8)])
def test_one_reference_without_a_list_is_refused_with_how_to_write_it(upscaler, one):
    with pytest.raises((InputError, TypeError), match=r"encode_references\(\[reference\]\)|references"):
        upscaler.encode_references(one)


def test_a_reference_too_small_for_a_view_is_used_without_it(upscaler, low_res):
    small = np.asarray(low_res)[:7, :5]
    references = upscaler.encode_references([small], views=("plain", "turned"))
    assert len(references) == 4
    (reported,) = references.fallbacks
    assert reported.startswith("encoding: <array> is too small for these views: scaled 0.5; scaled 0.5, turned 90; ")
    assert upscaler.upscale(low_res, references).fallbacks == references.fallbacks


def test_out_of_memory_while_encoding_takes_smaller_bands_then_gives_up(upscaler, truth, monkeypatch):
    whole = upscaler.encode_references([truth])
    encode = upscaler._drive.encode
    failures = iter([True, False, True])

    def sometimes(band):
        if next(failures, False):
            raise torch.OutOfMemoryError("out of memory")
        return encode(band)

    monkeypatch.setattr(upscaler._drive, "encode", sometimes)
    monkeypatch.setattr(_plan, "_REFERENCE_BANDS", (256, 128, 64))
    halved = upscaler.encode_references([truth])
    assert halved.fallbacks[0].startswith("encoding: out of memory at 256 rows")
    for name, tensor in whole[0].maps.items():
        assert (tensor - halved[0].maps[name]).abs().mean() < 1e-4
    monkeypatch.setattr(upscaler._drive, "encode", lambda *_: (_ for _ in ()).throw(MemoryError()))
    with pytest.raises(MemoryBudgetError, match="even 64 rows"):
        upscaler.encode_references([truth])


def test_a_picture_too_large_for_its_memory_is_refused_before_it_is_decoded(tmp_path):
    Image.new("L", (9000, 8000)).save(tmp_path / "huge.png")
    tight = Upscaler.from_pretrained("lite-rec", device="cpu", memory=resident_bytes() + 500_000_000)
    for work in (tight.upscale, lambda file: tight.encode_references([file])):
        with pytest.raises(MemoryBudgetError, match=r"decoding 9000 x 8000 pixels takes about 864 MB"):
            work(tmp_path / "huge.png")


def test_a_view_without_a_plane_map_is_not_saved(upscaler, tmp_path):
    encoded = upscaler.encode_references([np.zeros((20, 24, 3), np.uint8)])
    curved = References(encoded.fingerprint, [replace(encoded[0], to_original=lambda points: points)])
    with pytest.raises(InputError, match=r"The view .* cannot be saved: its mapping is a function, not a PlaneMap"):
        curved.save(tmp_path / "curved.npz")
    assert not list(tmp_path.iterdir())
