"""Placed references of every kind of file and model, and references that only look as if they could be placed."""

import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from random_vgg import keep_random_vgg19
from upscale.elsewhere import psnr, seen_from_elsewhere

from srntt.models.paper import PaperConfig, PaperSRNTT
from srntt.upscale import Upscaler

_ORIENTATION = 0x0112
_REPETITIVE = [
    ("train-photos-2/photo2_017.jpg", "train-photos/elementary-47c67f0a.jpg"),  # windows, and lettering
    ("train-photos/elementary-47c67f0a.jpg", "train-photos-2/photo2_017.jpg"),
    ("train-photos-2/photo2_006.jpg", "train-photos-2/photo2_019.jpg"),  # arches
    ("train-photos-2/photo2_019.jpg", "train-photos-2/photo2_006.jpg"),
    ("train-photos/pop-os-7d851346.jpg", "train-photos/pop-os-c00e276f.jpg"),  # triangles
    ("train-photos-2/photo2_050.jpg", "train-photos/pop-os-f1946f13.jpg"),  # signs
]
_WORDS = ["river", "stone", "under", "amber", "window", "quiet", "seven", "lantern", "above", "thirty", "garden"]


def _page(seed: int) -> Image.Image:
    """Printed lines; another seed, other words."""
    random, page = np.random.default_rng(seed), np.full((240, 320), 245, np.uint8)
    for line in range(14):
        text = " ".join(random.choice(_WORDS, 7))
        cv2.putText(page, text, (4, 14 + 17 * line), cv2.FONT_HERSHEY_SIMPLEX, 0.38, (30,), 1, cv2.LINE_AA)
    return Image.fromarray(page).convert("RGB")


def _facade(seed: int) -> Image.Image:
    """Rows of equal windows in plaster; another seed, another house."""
    random = np.random.default_rng(seed)
    wall = np.full((240, 320, 3), random.integers(120, 200, 3), np.float32)
    wall += random.normal(0, 6, (240, 320, 1))
    step, height = int(random.integers(22, 34)), int(random.integers(14, 24))
    for y in range(8, 220, height + 14):
        for x in range(6, 300, step):
            cv2.rectangle(wall, (x, y), (x + step // 2, y + height), (60, 50, 45), -1)
            cv2.line(wall, (x + step // 4, y), (x + step // 4, y + height), (220, 220, 220), 1)
    return Image.fromarray(np.clip(wall, 0, 255).astype(np.uint8))


@pytest.mark.parametrize("make", [_page, _facade])
@pytest.mark.parametrize("seed", [1, 2])
def test_print_and_facades_of_another_place_cost_nothing(upscaler, make, seed):
    truth, other = make(0), make(seed)
    low_res = truth.resize((truth.width // 4, truth.height // 4), Image.Resampling.BICUBIC)
    result = upscaler.upscale(low_res, upscaler.encode_references([other]))
    assert psnr(result.image, truth) > psnr(upscaler.upscale(low_res).image, truth) - 0.02


def _part(file: Path) -> Image.Image:
    """The middle of a photograph, 320 x 240 pixels of about 480 x 360."""
    picture = Image.open(file).convert("RGB")
    times = max(480 / picture.width, 360 / picture.height)
    size = round(picture.width * times), round(picture.height * times)
    left, top = (size[0] - 320) // 2, (size[1] - 240) // 2
    return picture.resize(size, Image.Resampling.LANCZOS).crop((left, top, left + 320, top + 240))


@pytest.mark.slow
@pytest.mark.parametrize(("one", "other"), _REPETITIVE)
def test_photographs_of_other_facades_and_signs_cost_nothing(shared_data, one, other):
    upscaler = Upscaler.from_pretrained("lite-rec", device="cpu")
    truth = _part(shared_data / one)
    low_res = truth.resize((80, 60), Image.Resampling.BICUBIC)
    reference = Image.open(shared_data / other).convert("RGB")
    reference.thumbnail((480, 480), Image.Resampling.LANCZOS)
    result = upscaler.upscale(low_res, upscaler.encode_references([reference]))
    assert psnr(result.image, truth) > psnr(upscaler.upscale(low_res).image, truth) - 0.02


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_reference_turned_by_exif_is_placed_as_a_viewer_shows_it(upscaler, truth, low_res, orientation, tmp_path):
    seen, _ = seen_from_elsewhere(truth, 1.5, 20)
    upright = Image.fromarray(seen)
    stored = upright.rotate({3: 180, 6: 90, 8: 270}[orientation], expand=True)
    exif = Image.Exif()
    exif[_ORIENTATION] = orientation
    stored.save(tmp_path / "turned.png", exif=exif)
    one, other = (
        upscaler.upscale(low_res, upscaler.encode_references([given])) for given in (seen, tmp_path / "turned.png")
    )
    assert one.references[0].placement is not None
    assert one.array.tobytes() == other.array.tobytes()
    assert np.array_equal(one.provenance.y, other.provenance.y)
    assert np.array_equal(one.provenance.x, other.provenance.x)


@pytest.mark.parametrize("kind", ["16 bits", "grey", "alpha"])
def test_inputs_of_every_kind_have_their_references_placed(upscaler, truth, low_res, kind):
    seen, _ = seen_from_elsewhere(truth, 1.5, 45)
    pixels = np.asarray(low_res)
    given = {
        "16 bits": pixels.astype(np.uint16) * 257,
        "grey": np.asarray(low_res.convert("L")),
        "alpha": np.dstack([pixels, np.full(pixels.shape[:2], 200, np.uint8)]),
    }[kind]
    result = upscaler.upscale(given, upscaler.encode_references([seen]))
    (used,) = result.references
    assert used.placement is not None
    assert used.placement.coverage > 0.6
    assert used.share > 0.05
    assert result.array.shape[2:] == {"16 bits": (3,), "grey": (1,), "alpha": (4,)}[kind]


def test_what_another_process_gets_is_placed_alike(upscaler, truth, low_res):
    """As between workers: before and after its keypoints are found."""
    references = upscaler.encode_references([seen_from_elsewhere(truth, 1.4, 70)[0]])
    made = []
    for each in (pickle.loads(pickle.dumps(references)), references, references):
        made.append(upscaler.upscale(low_res, each))
    made.append(upscaler.upscale(low_res, pickle.loads(pickle.dumps(references))))
    assert made[0].references[0].placement is not None
    assert len({result.array.tobytes() for result in made}) == 1


@pytest.mark.parametrize("shape", [(1, 1), (1, 120), (90, 2), (24, 24)])
@pytest.mark.parametrize("value", [0, 255, None])
def test_hostile_inputs_pass_through(upscaler, unaligned, shape, value):
    random = np.random.default_rng(0)
    given = random.integers(0, 256, (*shape, 3), np.uint8) if value is None else np.full((*shape, 3), value, np.uint8)
    flat, long = np.zeros((60, 60, 3), np.uint8), random.integers(0, 256, (4, 1500, 3), np.uint8)
    references = upscaler.encode_references([flat, long])
    result = upscaler.upscale(given, references)
    assert all(used.placement is None for used in result.references)
    assert result.array.tobytes() == unaligned.upscale(given, references).array.tobytes()


@pytest.fixture
def papers_model(tmp_path, monkeypatch) -> PaperSRNTT:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    keep_random_vgg19()
    torch.manual_seed(2)
    return PaperSRNTT(PaperConfig())


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["16 bits", "grey", "alpha"])
def test_the_papers_model_takes_inputs_and_references_of_every_kind(truth, low_res, papers_model, kind):
    upscaler = Upscaler(papers_model, device="cpu")
    seen = seen_from_elsewhere(truth.crop((40, 40, 232, 184)), 1.0, 90)[0]
    opaque = np.full((*seen.shape[:2], 1), 255, np.uint8)
    part = low_res.crop((10, 10, 58, 46))
    given, reference, shape = {
        "16 bits": (np.asarray(part).astype(np.uint16) * 257, seen.astype(np.uint16) * 257, (144, 192, 3)),
        "grey": (np.asarray(part.convert("L")), np.asarray(Image.fromarray(seen).convert("L")), (144, 192, 1)),
        "alpha": (np.dstack([np.asarray(part), opaque[:36, :48] - 55]), np.dstack([seen, opaque]), (144, 192, 4)),
    }[kind]
    result = upscaler.upscale(given, upscaler.encode_references([reference]))
    (used,) = result.references
    assert used.description.startswith("same scene, turned 90 degrees anticlockwise")
    assert used.share > 0
    assert result.array.shape == shape


def test_the_papers_model_takes_placed_references(truth, low_res, papers_model):
    part = low_res.crop((10, 10, 58, 46))
    seen = seen_from_elsewhere(truth.crop((40, 40, 232, 184)), 1.0, 90)[0]
    made = {}
    for align in ("auto", "off"):
        upscaler = Upscaler(papers_model, device="cpu", align=align)
        made[align] = upscaler.upscale(part, upscaler.encode_references([seen]))
    (used,) = made["auto"].references
    assert used.placement is not None
    assert used.description.startswith("same scene, turned 90 degrees anticlockwise")
    assert used.share > 0
    # What each position found is what lies there: its own place in the reference.
    origin = made["auto"].provenance
    columns, rows = np.meshgrid(np.arange(48) * 4 + 1.5, np.arange(36) * 4 + 1.5)
    off = np.hypot(origin.y - (191 - columns), origin.x - rows)
    assert np.median(off) < 2
    assert made["auto"].similarity.mean() > made["off"].similarity.mean() + 0.05


def test_what_is_printed_is_short(upscaler, truth, low_res):
    references = upscaler.encode_references([seen_from_elsewhere(truth, 2.0, 90)[0]])
    result = upscaler.upscale(low_res, references)
    (used,) = result.references
    assert repr(used) == f"<UsedReference '<array>': {used.description}; share {used.share:.2f}>"
    assert repr(used.placement) == f"<Placement: {used.description}>"
    for shown in (result, result.provenance, references[0], references.originals[0].features, used.placement.planes[0]):
        assert len(repr(shown)) < 150
        assert "array(" not in repr(shown)
        assert "tensor(" not in repr(shown)
