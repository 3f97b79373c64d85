"""Ablations of the training of the light model: short runs of equal length on the same pairs, each without one part,
scored on a folder of reference pairs.

    python benchmarks/ablations.py --photographs FOLDER... --pairs PAIRS --steps 600 --json ablations.json

Models are small, so that all runs take about an hour on two CPU cores; only their differences are meaningful.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srntt.features import Description, TextureEncoder
from srntt.image import enlarge, reduce, round_to_8bit
from srntt.models.lite import Lite, LiteConfig
from srntt.train import Losses, Recipe, Schedule
from srntt.train._trainer import Trainer
from srntt.train._validate import validate
from srntt.train.pairs._draws import generator
from srntt.train.pairs._pair_range import PairRange
from srntt.train.pairs._pairs import make_pairs
from srntt.train.pairs._photographs import Photographs
from srntt.weights import find_weights, load_vgg19

_BASE = Recipe(
    config=LiteConfig(channels=32, content_blocks=4, transfer_blocks=4),
    pairs=PairRange(target=96, reference=128, counts=(1.0,)),
    schedule=Schedule(warmup=100, average=0.99),
)
_NEVER_OUT = 30.0  # a logit


class PaperFeatures(nn.Module):
    """The matching features of the paper instead of the learned encoder: 3x3 patches of VGG19 relu3_1, unit vectors."""

    receptive_radius = 12

    def __init__(self, contrast: TextureEncoder) -> None:
        super().__init__()
        self._contrast = contrast.requires_grad_(False)
        self._phi = load_vgg19(find_weights("vgg19-caffe"), family="caffe").requires_grad_(False)

    @torch.no_grad()
    def forward(self, low_res: Tensor) -> Description:
        """Features of an image on the LR grid."""
        maps = self._phi(round_to_8bit(enlarge(low_res, 4)))["relu3_1"].float()
        patches = F.unfold(F.pad(maps, (1, 1, 1, 1), mode="replicate"), 3)
        descriptor = F.normalize(patches, dim=1).unflatten(2, maps.shape[2:])
        return Description(descriptor, self._contrast(low_res).contrast)

    def describe_reference(self, reference: Tensor) -> Description:
        """Features of a sharp image, downscaled to the LR grid."""
        return self(round_to_8bit(reduce(reference, 4)))


class NoGate(nn.Module):
    """Uses every candidate with the same weight."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self._channels = channels

    def forward(self, evidence: Tensor) -> Tensor:
        """Logits."""
        return evidence.new_full((len(evidence), self._channels, *evidence.shape[2:]), _NEVER_OUT)


def without_gate(model: Lite) -> None:
    """Textures are used regardless of the evidence."""
    model.fusion.gate = NoGate(model.config.channels)  # pyright: ignore[reportAttributeAccessIssue]


def with_paper_features(model: Lite) -> None:
    """Matching as in the paper."""
    model.encoder = PaperFeatures(model.encoder)  # pyright: ignore[reportAttributeAccessIssue]


def unchanged(model: Lite) -> None:
    """The unchanged model."""


#: The omitted parts, and how: of the losses, or of the model.
RUNS: dict[str, tuple[Losses, Callable[[Lite], None]]] = {
    "all parts": (Losses(), unchanged),
    "no contrastive loss": (replace(Losses(), correspondence=0.0), unchanged),
    "no loss on matches": (replace(Losses(), correspondence=0.0, sub_position=0.0), unchanged),
    "no gate": (Losses(), without_gate),
    "the paper's matching features": (replace(Losses(), correspondence=0.0, sub_position=0.0), with_paper_features),
}


def run(name: str, recipe: Recipe, photographs: Photographs, pairs: Path, change: Callable[[Lite], None]) -> dict:
    """Train, and score the averaged weights."""
    trainer = Trainer(recipe, torch.device("cpu"))
    for model in (trainer.model, trainer.average):
        change(model)  # pyright: ignore[reportArgumentType]
    began, hits = time.process_time(), []
    for step in range(recipe.schedule.steps):
        batch = make_pairs(photographs, recipe.pairs, 0, step, range(recipe.schedule.batch))
        alone = float(torch.rand((), generator=generator(0, step, "alone"))) < recipe.schedule.alone
        hits.append(trainer.advance(batch, not alone).get("hit_rate"))
        if sys.stderr.isatty():
            print(f"\r{name}: {step + 1} of {recipe.schedule.steps}", end="", file=sys.stderr)
    seconds = time.process_time() - began
    found = [hit for hit in hits[-100:] if hit is not None]
    scores = validate(trainer.average, pairs, torch.device("cpu"))
    row = {"run": name, "hit_rate": sum(found) / len(found), "cpu_seconds": seconds} | scores
    print("\r" + json.dumps({key: round(x, 3) if isinstance(x, float) else x for key, x in row.items()}), flush=True)
    return row


def main() -> None:
    """Run them all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photographs", nargs="+", type=Path, required=True)
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--only", action="append", choices=list(RUNS), help="one of the runs; may be repeated")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    photographs = Photographs(given.photographs, _BASE.pairs.reference + 8, torch.device("cpu"))
    rows = []
    for name in given.only or RUNS:
        losses, change = RUNS[name]
        recipe = replace(_BASE, losses=losses, schedule=replace(_BASE.schedule, steps=given.steps))
        rows.append(run(name, recipe, photographs, given.pairs, change))
        if given.json:
            given.json.write_text(json.dumps({"steps": given.steps, "runs": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
