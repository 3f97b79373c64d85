"""Training: photographs to pairs, pairs to losses, losses to a model."""

from srntt.train._recipe import Losses, Recipe, Schedule, read_recipe, shipped_recipes
from srntt.train._run import Surroundings, train

__all__ = ["Losses", "Recipe", "Schedule", "Surroundings", "read_recipe", "shipped_recipes", "train"]
