"""A recipe: everything that decides what a training run learns."""

from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Literal

from srntt.errors import InputError
from srntt.network import LiteConfig
from srntt.train._pairs import PairRange
from srntt.train._settings import build, override, read_toml


@dataclass(frozen=True)
class Losses:
    """Weights of the terms of the loss; a term of weight 0 is not computed.

    Attributes:
        reconstruction: Charbonnier between output and target.
        correspondence: contrastive loss of the descriptors.
        sub_position: distance of refined matches from the truth.
        lr_consistency: L1 between the reduced output and the input.
        perceptual: distance in the maps of ``features``, relative to the target's.
        texture: distance of Gram matrices of those maps, in tiles, relative to the target's.
        adversarial: relativistic average GAN.
        features: VGG16 or VGG19 weights that perceptual and texture look through: ``vgg19`` (fetched by ``srntt weights
            get vgg19``) or a .safetensors file.
        perceptual_layers: weight of each of its layers.
        texture_layers: likewise.
        texture_tiles: Gram matrices are taken in as many tiles each way.
    """

    reconstruction: float = 1.0
    correspondence: float = 0.003
    sub_position: float = 0.005
    lr_consistency: float = 0.0
    perceptual: float = 0.0
    texture: float = 0.0
    adversarial: float = 0.0
    features: str = "vgg19"
    perceptual_layers: dict[str, float] = field(default_factory=lambda: {"relu5_1": 1.0})
    texture_layers: dict[str, float] = field(
        default_factory=lambda: {"relu1_1": 1 / 3, "relu2_1": 1 / 3, "relu3_1": 1 / 3}
    )
    texture_tiles: int = 10


@dataclass(frozen=True)
class Schedule:
    """How long and how fast.

    Attributes:
        steps: length of the run.
        minutes: wall time after which the schedule ends, whatever step it is at; 0 for no limit. With it a run is not
            repeatable: how far it gets depends on the machine.
        batch: pairs a step, over all processes.
        rate: peak learning rate, reached after ``warmup`` steps.
        decay: ``cosine`` to a hundredth of the peak, or ``step``: halved at each of ``halvings``.
        halvings: shares of the run.
        warmup: steps.
        average: decay of the moving average of the weights, which is what is saved for use.
        clip: largest norm of a step's gradient.
        critic_rate: learning rate of the discriminator.
        critic_warmup: steps before the generator hears of it.
        alone: share of steps without a reference.
        frozen: leave the texture encoder and the temperature as they are: a step is cheaper by a third.
        precision: ``bf16`` autocasts; ``fp32`` does not.
        compile: let torch.compile have the network; pays on a GPU after a minute.
        seed: of weights and data.
    """

    steps: int = 40_000
    minutes: float = 0.0
    batch: int = 8
    rate: float = 6e-4
    decay: Literal["cosine", "step"] = "cosine"
    halvings: tuple[float, ...] = (0.5, 0.75, 0.9)
    warmup: int = 300
    average: float = 0.998
    clip: float = 1.0
    critic_rate: float = 1e-4
    critic_warmup: int = 200
    alone: float = 0.15
    frozen: bool = False
    precision: Literal["bf16", "fp32"] = "bf16"
    compile: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "warmup"):
            if getattr(self, name) < 1:
                raise InputError(f"The setting schedule.{name} is {getattr(self, name)}; it takes 1 or more.")


@dataclass(frozen=True)
class Recipe:
    """A training run of a light model.

    Attributes:
        start: embedded model, model folder or file to begin from, of the same size or with fewer blocks; empty for
            random weights.
        model: its size.
        pairs: what it is shown.
        losses: what is asked of it.
        schedule: how long and how fast.
    """

    start: str = ""
    model: LiteConfig = LiteConfig()  # noqa: RUF009 (frozen)
    pairs: PairRange = PairRange()  # noqa: RUF009 (frozen)
    losses: Losses = Losses()
    schedule: Schedule = Schedule()


def shipped_recipes() -> dict[str, Path]:
    """Recipes that come with the package, by name."""
    folder = Path(str(resources.files("srntt.train") / "recipes"))
    return {file.stem: file for file in sorted(folder.glob("*.toml"))}


def read_recipe(recipe: str | Path, settings: tuple[str, ...] = ()) -> Recipe:
    """Read a recipe.

    Args:
        recipe: name of a shipped one, or a TOML file.
        settings: values to replace, each as ``section.key=value``.

    Raises:
        InputError: not there, not TOML, an unknown key, a value of another type.

    Example:
        >>> read_recipe("cpu-smoke", ("schedule.batch=2",)).schedule.batch
        2
    """
    shipped = shipped_recipes()
    file = shipped.get(str(recipe), Path(recipe))
    if not file.exists():
        raise InputError(f"There is no recipe {recipe}; give a TOML file, or one of {', '.join(shipped)}.")
    return build(Recipe, override(read_toml(file), settings))
