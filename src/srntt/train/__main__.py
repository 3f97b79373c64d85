"""``python -m srntt.train``: train a model without the command line of srntt (cyclopts)."""

import argparse
from pathlib import Path

import torch

from srntt.train._recipe import read_recipe, shipped_recipes
from srntt.train._run import Surroundings, train


def main() -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(prog="python -m srntt.train", description="Train a model by a recipe.")
    parser.add_argument("recipe", help=f"a TOML file, or one of {', '.join(shipped_recipes())}")
    parser.add_argument("--photographs", type=Path, nargs="+", default=[], help="folders of photographs")
    parser.add_argument("--pairs", type=Path, help="instead: a folder of ready-made pairs, with input/ and ref/")
    parser.add_argument("--cache", type=Path, help="folder to keep the swapped maps of such pairs in (paper models)")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for log, checkpoint and weights")
    parser.add_argument("--validation", type=Path, help="folder with an index.json of reference pairs")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="replace a setting")
    parser.add_argument("--resume", action="store_true", help="continue what the output folder holds")
    parser.add_argument("--every", type=float, help="seconds between checkpoints; default: 300, or less of a short run")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--tensorboard", action="store_true")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    arguments = parser.parse_args()
    recipe = read_recipe(arguments.recipe, tuple(arguments.set))
    own = ("output", "pairs", "cache", "validation", "every", "threads", "resume", "tensorboard")
    place = Surroundings(
        photographs=tuple(arguments.photographs),
        device=torch.device(arguments.device),
        **{name: getattr(arguments, name) for name in own},
    )
    print(train(recipe, place))


if __name__ == "__main__":
    main()
