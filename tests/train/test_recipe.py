import json
from dataclasses import fields

import pytest

from srntt.errors import InputError
from srntt.train import Recipe, read_recipe, shipped_recipes
from srntt.train._recipe import build_recipe, recipe_table


@pytest.mark.parametrize("name", sorted(shipped_recipes()))
def test_shipped_recipes_read_and_say_how_they_are_run(name):
    assert isinstance(read_recipe(name), Recipe)
    assert f"srntt train {name} --photographs" in shipped_recipes()[name].read_text()


def test_a_recipe_comes_back_from_what_a_checkpoint_keeps_of_it():
    recipe = read_recipe("lite-gan", ("schedule.halvings=[0.1, 0.2]", "pairs.warp.degrees=3"))
    assert recipe.pairs.warp.degrees == 3.0
    assert build_recipe(json.loads(json.dumps(recipe_table(recipe)))) == recipe


@pytest.mark.parametrize(
    ("text", "reported"),
    [
        ("stepz = 3", "no setting stepz"),
        ("[schedule]\nrates = 3", r"no setting schedule\.rates; there are schedule\.\{steps"),
        ("[schedule]\nsteps = 3.5", r"schedule\.steps is 3\.5; it takes a whole number"),
        ("[schedule]\nsteps = true", r"schedule\.steps is True"),
        ("[schedule]\ndecay = 'linear'", r"schedule\.decay is 'linear'; it takes 'cosine' or 'step'"),
        ("[schedule]\nhalvings = ['a']", r"schedule\.halvings is 'a'; it takes a number"),
        ("[schedule]\nbatch = 0", r"schedule\.batch is 0; it takes 1 or more"),
        ("[pairs]\ntarget = 50", r"pairs\.target is 50; it takes multiples of 4"),
        ("[pairs]\ncounts = [0]", r"pairs\.counts"),
        ("[lite]\nchannels = 4", "channels of a light model is 8..256"),
        ("lite = 3", "setting lite is 3"),
        ("[losses]\nperceptual_layers = { relu1_1 = 'a' }", r"perceptual_layers\.relu1_1 is 'a'"),
        ("= 3", "is not TOML"),
        ("a = " + "[" * 5000, "is not TOML"),
        ("# " + "x" * 70_000, "larger than"),
    ],
)
def test_what_is_wrong_with_a_recipe_is_reported(text, reported, tmp_path):
    (tmp_path / "r.toml").write_text(text)
    with pytest.raises(InputError, match=reported):
        read_recipe(tmp_path / "r.toml")


def test_a_recipe_that_is_not_there_and_settings_that_are_none(tmp_path):
    with pytest.raises(InputError, match=r"no recipe nowhere; give a TOML file, or one of .*lite-rec"):
        read_recipe("nowhere")
    with pytest.raises(InputError, match="is not a file"):
        read_recipe(tmp_path)
    with pytest.raises(InputError, match="no recipe nnn"):
        read_recipe("n" * 300)
    with pytest.raises(InputError, match="start is a setting, not a section"):
        read_recipe("lite-gan", ("start.x=1",))
    with pytest.raises(InputError, match="is not key=value"):
        read_recipe("cpu-smoke", ("schedule",))


def test_every_setting_is_described():
    for kind in (Recipe, *(type(getattr(Recipe(), name)) for name in ("config", "pairs", "losses", "schedule"))):
        for field in fields(kind):
            assert f"{field.name}" in (kind.__doc__ or ""), f"{kind.__name__}.{field.name}"
