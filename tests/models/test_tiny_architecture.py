"""A new architecture is a descriptor and a line of the table: with those it is saved, upscales, learns, is scored."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from small_architecture import SMALL, Small, SmallConfig

from srntt.cli import main
from srntt.errors import InputError, MemoryBudgetError
from srntt.models import ARCHITECTURES, export_model, load_model, save_model
from srntt.train import Losses, Recipe, Schedule, Surroundings, read_recipe, train
from srntt.upscale import Upscaler

pytestmark = pytest.mark.usefixtures("searched_everywhere")  # of noise, not all is searched


@pytest.fixture(autouse=True)
def one_line(monkeypatch):
    monkeypatch.setitem(ARCHITECTURES, "small", SMALL)


def _picture(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def _tensor(picture):
    return torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float() / 255


@pytest.mark.parametrize("scale", [2, 4])
def test_it_upscales_in_tiles_what_the_callable_does_whole(scale, tmp_path):
    model = load_model(save_model(Small(SmallConfig(scale)), tmp_path / "small"))
    low_res, references = _picture(70, 45), [_picture(120, 90, 1), _picture(64, 150, 2)]
    upscaler = Upscaler(model, device="cpu")
    encoded = upscaler.encode_references(references)
    result = upscaler.upscale(low_res, encoded, tile=32)
    assert result.tile == 32
    with torch.no_grad():
        want = model(_tensor(low_res), [_tensor(picture) for picture in references])[0].clamp(0, 1)
    assert (_tensor(result.array)[0] - want).abs().max() <= 1 / 255
    assert result.provenance.share.mean() == pytest.approx(0.5)
    alone = upscaler.upscale(low_res, tile=32).array
    assert alone.shape == (70 * scale, 45 * scale, 3)
    assert np.array_equal(upscaler.upscale(low_res, encoded, tile=32, strength=0).array, alone)


def test_its_memory_is_predicted_and_the_budget_kept(tmp_path):
    upscaler = Upscaler(Small(), device="cpu")
    small, large = (upscaler.upscale(_picture(side, side)).predicted_bytes for side in (40, 400))
    assert large > small + 400**2 * 16 * 3
    with pytest.raises(MemoryBudgetError):
        Upscaler(Small(), device="cpu", memory="1MB").upscale(_picture(40, 40))


def test_a_recipe_names_it_and_three_steps_teach_it(tmp_path):
    (tmp_path / "small.toml").write_text('architecture = "small"\n\n[small]\nscale = 2\n')
    assert read_recipe(tmp_path / "small.toml").config == SmallConfig(2)
    Image.fromarray(_picture(120, 140)).save(tmp_path / "photograph.png")
    recipe = Recipe(
        architecture="small",
        config=SmallConfig(2),
        pairs=replace(Recipe().pairs, target=32, reference=48),
        losses=Losses(correspondence=0.0, sub_position=0.0),
        schedule=Schedule(steps=3, batch=2, warmup=1, alone=0.0, precision="fp32", average=0.5, rate=0.01),
    )
    weights = train(recipe, Surroundings((tmp_path,), tmp_path / "run", every=1e9))
    assert load_model(weights).gain != 0.5
    with pytest.raises(InputError, match="architecture small takes a SmallConfig"):
        replace(recipe, config=3)
    with pytest.raises(InputError, match="'content-extractor'; it takes 'lite' or 'paper' or 'small'"):
        Recipe(architecture="content-extractor")


def test_it_is_scored(tmp_path, capsys):
    folder = tmp_path / "pairs"
    folder.mkdir()
    for name, seed in (("target", 0), ("reference", 1)):
        Image.fromarray(_picture(96, 88, seed)).save(folder / f"{name}.png")
    (folder / "index.json").write_text(json.dumps([{"name": "one", "target": "target.png", "refs": ["reference.png"]}]))
    model = save_model(Small(), tmp_path / "small")
    assert main(["evaluate", "--protocol", "pairs", "--data", str(folder), "--model", str(model), "--json"]) == 0
    assert '"psnr_y"' in capsys.readouterr().out


def test_what_it_has_not_is_refused(tmp_path):
    with pytest.raises(InputError, match="takes a model of architecture lite, not small"):
        export_model(Small(), tmp_path / "small.onnx")
