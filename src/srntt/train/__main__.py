"""``python -m srntt.train``: train a light model; needs nothing but torch, numpy, pillow and safetensors."""

import argparse
from pathlib import Path

import torch

from srntt.network import LiteConfig
from srntt.train._loop import train
from srntt.train._plan import TrainingPlan


def main() -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(prog="python -m srntt.train", description=main.__doc__)
    parser.add_argument("--photographs", type=Path, nargs="+", required=True, help="folders of photographs")
    parser.add_argument("--output", type=Path, required=True, help="folder for log, checkpoint and weights")
    parser.add_argument("--start", type=Path, help="model to start from")
    parser.add_argument("--frozen", action="store_true", help="leave the encoder as it is")
    parser.add_argument("--validation", type=Path, help="folder with an index.json of reference pairs")
    parser.add_argument("--steps", type=int, default=TrainingPlan.steps)
    parser.add_argument("--minutes", type=float, help="end the schedule after this long")
    parser.add_argument("--batch", type=int, default=TrainingPlan.batch)
    parser.add_argument("--rate", type=float, default=TrainingPlan.rate)
    parser.add_argument("--channels", type=int, default=LiteConfig.channels)
    parser.add_argument("--content-blocks", type=int, default=LiteConfig.content_blocks)
    parser.add_argument("--transfer-blocks", type=int, default=LiteConfig.transfer_blocks)
    parser.add_argument("--every", type=float, default=TrainingPlan.every, help="seconds between checkpoints")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = vars(parser.parse_args())
    device = torch.device(options.pop("device"))
    size = {name: options.pop(name) for name in ("channels", "content_blocks", "transfer_blocks")}
    folders = tuple(options.pop("photographs"))
    train(TrainingPlan(photographs=folders, model=LiteConfig(**size), **options), device)


if __name__ == "__main__":
    main()
