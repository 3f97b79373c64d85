"""What a training run is told."""

from dataclasses import dataclass
from pathlib import Path

from srntt.network import LiteConfig
from srntt.train._pairs import PairRange


@dataclass(frozen=True)
class TrainingPlan:
    """A training run of a light model.

    Attributes:
        photographs: folders to make pairs from.
        output: folder for the log, the checkpoint and the weights.
        start: model to start from, of this size or with fewer blocks; None for random weights.
        frozen: leave the texture encoder and the temperature as they are, which makes a step cheaper by a third.
        validation: folder with an ``index.json`` of pairs, or None.
        steps: length of the run.
        minutes: wall time after which the schedule ends, whatever step it is at; None for no limit.
        batch: pairs a step.
        rate: peak learning rate, reached after ``warmup`` steps and lowered along a cosine.
        warmup: steps.
        average: decay of the moving average of the weights, which is what is saved for use.
        alone: share of steps without a reference.
        correspondence: weight of the contrastive loss.
        sub_position: weight of the sub-position loss.
        every: seconds between checkpoints and validations.
        seed: of weights and data.
        threads: of the CPU; 0 leaves torch's choice.
    """

    photographs: tuple[Path, ...]
    output: Path
    start: Path | None = None
    frozen: bool = False
    validation: Path | None = None
    steps: int = 40_000
    minutes: float | None = None
    batch: int = 8
    rate: float = 6e-4
    warmup: int = 300
    average: float = 0.998
    alone: float = 0.15
    correspondence: float = 0.003
    sub_position: float = 0.005
    every: float = 300.0
    seed: int = 0
    threads: int = 0
    model: LiteConfig = LiteConfig()  # noqa: RUF009 (frozen)
    pairs: PairRange = PairRange()  # noqa: RUF009 (frozen)
