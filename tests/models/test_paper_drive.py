"""The paper's model in the engine, held to its definition written out in one piece; random weights, so no download."""

import numpy as np
import pytest
import torch
from PIL import Image
from random_vgg import keep_random_vgg19

from srntt.cli import main
from srntt.errors import InputError, ModelError
from srntt.image import bicubic_pillow
from srntt.match import dense_match
from srntt.models import save_model
from srntt.models.paper import PaperConfig, PaperSRNTT
from srntt.transfer import SwappedMaps, swap
from srntt.upscale import Upscaler

pytestmark = pytest.mark.usefixtures("searched_everywhere")  # of noise, not all is searched


@pytest.fixture
def phi(tmp_path, monkeypatch):
    """VGG19 with random weights, where the upscaler looks for it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return keep_random_vgg19()


@pytest.fixture
def model():
    torch.manual_seed(2)
    return PaperSRNTT(PaperConfig())


def _pictures():
    random = np.random.default_rng(3)
    low_res = random.integers(0, 256, (12, 14, 3), dtype=np.uint8)
    references = [random.integers(0, 256, size, dtype=np.uint8) for size in ((40, 48, 3), (31, 52, 3))]
    return low_res, references


def _tensor(picture):
    return torch.from_numpy(picture).permute(2, 0, 1).float() / 255


def _in_one_piece(model, phi, low_res, references):
    """Sections 3.1 and 3.2 with the released code's frame, no bands and no tiles; without the model's own steps."""
    height, width = low_res.shape[1:]
    query = phi(bicubic_pillow(low_res, (4 * height, 4 * width))[None])["relu3_1"][0]
    keys, values = [], []
    for reference in references:
        rows, columns = (extent // model.scale for extent in reference.shape[1:])
        sharp = reference[:, : rows * model.scale, : columns * model.scale]
        if model.scale > 4:
            sharp = bicubic_pillow(sharp, (4 * rows, 4 * columns))
        blurred = bicubic_pillow(bicubic_pillow(sharp, (rows, columns)), (4 * rows, 4 * columns))
        keys.append(phi(blurred[None])["relu3_1"][0])
        values.append(phi(sharp[None]))
    match = dense_match(query, keys, border="valid")
    levels = (("relu3_1", 1), ("relu2_1", 2), ("relu1_1", 4))
    maps = (swap([v[name][0] for v in values], match, ratio=ratio)[None] for name, ratio in levels)
    return model.transfer(model.extractor(low_res[None]), SwappedMaps(*maps))[0], match


@torch.no_grad()
@pytest.mark.parametrize("scale", [4, 8, 16])
def test_bands_and_tiles_and_the_callable_give_what_the_definition_gives(scale, phi):
    torch.manual_seed(2)
    model, (low_res, references) = PaperSRNTT(PaperConfig(scale=scale)), _pictures()
    references = [picture.repeat(scale // 4, 0).repeat(scale // 4, 1) for picture in references]
    given = _tensor(low_res), [_tensor(picture) for picture in references]
    expected, match = _in_one_piece(model, phi, *given)
    torch.testing.assert_close(model(given[0][None], [one[None] for one in given[1]])[0], expected, atol=1e-5, rtol=0)
    upscaler = Upscaler(model, device="cpu")
    result = upscaler.upscale(low_res, upscaler.encode_references(references))
    assert result.array.shape == (12 * scale, 14 * scale, 3)
    whole = (expected.clamp(0, 1) * 255 + 0.5).byte().permute(1, 2, 0).numpy()
    assert np.abs(result.array.astype(int) - whole).max() <= 1
    np.testing.assert_allclose(result.similarity, match.similarity.numpy(), atol=1e-5)
    np.testing.assert_array_equal(result.provenance.reference, match.reference.numpy())
    np.testing.assert_allclose(result.provenance.y, match.y.numpy() * scale + (scale - 1) / 2, atol=1e-4)


def test_without_a_reference_the_content_extractor_answers(model, phi):
    low_res, _ = _pictures()
    with torch.no_grad():
        expected = model(_tensor(low_res)[None])[0]
    whole = (expected.clamp(0, 1) * 255 + 0.5).byte().permute(1, 2, 0).numpy()
    assert np.abs(Upscaler(model, device="cpu").upscale(low_res).array.astype(int) - whole).max() <= 1


def test_strength_leads_from_the_extractor_to_the_transfer(model, phi):
    upscaler, (low_res, references) = Upscaler(model, device="cpu"), _pictures()
    encoded = upscaler.encode_references(references)
    alone, used = upscaler.upscale(low_res), upscaler.upscale(low_res, encoded)
    none, half, all_ = (upscaler.upscale(low_res, encoded, strength=strength) for strength in (0, 0.5, 1))
    np.testing.assert_array_equal(none.array, alone.array)
    np.testing.assert_array_equal(all_.array, used.array)
    assert np.abs(half.array - (used.array / 2 + alone.array / 2)).max() <= 1
    kept = upscaler.upscale(low_res, encoded, protect=[(0, 0, 7, 12)])
    np.testing.assert_array_equal(kept.array[:, :28], alone.array[:, :28])
    np.testing.assert_array_equal(kept.array[:, 28:], used.array[:, 28:])


def test_a_picture_smaller_than_a_patch_still_works(model, phi):
    upscaler = Upscaler(model, device="cpu")
    result = upscaler.upscale(
        np.zeros((1, 2, 3), np.uint8), upscaler.encode_references([np.zeros((4, 5, 3), np.uint8)])
    )
    assert result.array.shape == (4, 8, 3)


def test_without_vgg19_it_states_how_to_get_it(model, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(ModelError, match=r"srntt weights get vgg19"):
        Upscaler(model, device="cpu")


@pytest.mark.parametrize("scale", [8, 16])
def test_beyond_4x_references_are_needed(phi, scale):
    upscaler = Upscaler(PaperSRNTT(PaperConfig(scale=scale)), device="cpu")
    with pytest.raises(InputError, match=f"Without a reference the paper's network upscales 4x, not {scale}x"):
        upscaler.upscale(np.zeros((5, 6, 3), np.uint8))


@pytest.mark.slow
@pytest.mark.parametrize(("scale", "matcher"), [(8, "exact"), (8, "fast"), (16, "exact"), (16, "fast")])
def test_the_command_runs_the_variants_beyond_4x_whole_and_tiled(scale, matcher, phi, tmp_path):
    """Random weights; two references."""
    torch.manual_seed(2)
    folder = save_model(PaperSRNTT(PaperConfig(scale=scale)), tmp_path / "paper")
    random = np.random.default_rng(3)
    scene = random.integers(0, 256, (44, 40, 3), dtype=np.uint8).repeat(scale, 0).repeat(scale, 1)
    sizes = {"small": (40, 36), "one": (20 * scale, 24 * scale), "other": (17 * scale, 26 * scale)}
    for name, (height, width) in sizes.items():
        picture = scene[::scale, ::scale] if name == "small" else scene
        Image.fromarray(picture[:height, :width]).save(tmp_path / f"{name}.png")
    made = []
    for tile in ("64", "32"):
        written = tmp_path / f"{tile}.png"
        references = [part for name in ("one", "other") for part in ("--ref", str(tmp_path / f"{name}.png"))]
        given = ["upscale", str(tmp_path / "small.png"), *references, "-o", str(written)]
        options = ["--model", str(folder), "--matcher", matcher, "--tile", tile, "--device", "cpu"]
        assert main([*given, *options]) == 0
        made.append(np.asarray(Image.open(written)).astype(int))
    assert made[0].shape == (40 * scale, 36 * scale, 3)
    assert np.abs(made[0] - made[1]).max() <= 2  # the networks see further than the halo
    assert made[0].std() > 0
