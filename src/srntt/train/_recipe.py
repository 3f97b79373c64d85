"""A recipe: everything that decides what a training run learns."""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from srntt.errors import InputError
from srntt.models import ARCHITECTURES, Architecture
from srntt.train._settings import as_table, build, override, read_toml
from srntt.train.losses import PerceptualForm
from srntt.train.pairs._pair_range import PairRange

_RANGES = (
    (("steps", "batch", "warmup"), 1, math.inf),
    (("minutes", "rate", "critic_rate", "clip"), 0, math.inf),
    (("critic_warmup", "reconstruction_first", "alone_first"), 0, math.inf),
    (("average", "alone"), 0, 1),
)


@dataclass(frozen=True)
class Losses:
    """Weights of the terms of the loss, and their forms; a term of weight 0 is not computed.

    Attributes:
        reconstruction: distance of output and target.
        reconstruction_form: ``charbonnier``, or ``l1`` as the paper.
        correspondence: contrastive loss of the light model's descriptors.
        sub_position: distance of its refined matches from the truth.
        lr_consistency: L1 between the reduced output and the input.
        lattice: error of the means of sub-pixels, in smooth places above all.
        perceptual: distance in the maps of ``features``.
        perceptual_form: ``relative`` to the target's maps, ``frobenius`` (paper) or ``squared`` (released code).
        perceptual_layers: weight of each of its layers.
        texture: distance of Gram matrices of those maps, in tiles, relative to the target's.
        texture_layers: weight of each of its layers.
        texture_tiles: Gram matrices are taken in as many tiles each way.
        texture_consistency: the paper's texture loss: Gram matrices of the output's maps against those of the swapped
            maps; for its models only.
        texture_consistency_form: ``paper``, weighted by similarity, or ``released``, unweighted.
        adversarial: what the critic thinks of the output.
        adversarial_form: ``relativistic`` average GAN, or ``wasserstein`` with gradient penalty (the paper).
        gradient_penalty: its weight.
        features: weights that perceptual and texture losses look through: ``vgg16`` (``srntt weights get lpips``),
            ``vgg19`` or ``vgg19-caffe`` (``srntt weights get vgg19``), or a .safetensors file of one of them.
        perceptual_features: those that the perceptual loss alone looks through, where they are others; empty: the same.
    """

    reconstruction: float = 1.0
    reconstruction_form: Literal["charbonnier", "l1"] = "charbonnier"
    correspondence: float = 0.003
    sub_position: float = 0.005
    lr_consistency: float = 0.0
    lattice: float = 0.0
    perceptual: float = 0.0
    perceptual_form: PerceptualForm = "relative"
    perceptual_layers: dict[str, float] = field(default_factory=lambda: {"relu5_1": 1.0})
    texture: float = 0.0
    texture_layers: dict[str, float] = field(default_factory=lambda: {"relu2_1": 0.5, "relu3_1": 0.5})
    texture_tiles: int = 10
    texture_consistency: float = 0.0
    texture_consistency_form: Literal["paper", "released"] = "paper"
    adversarial: float = 0.0
    adversarial_form: Literal["relativistic", "wasserstein"] = "relativistic"
    gradient_penalty: float = 10.0
    features: str = "vgg16"
    perceptual_features: str = ""


@dataclass(frozen=True)
class Schedule:
    """How long and how fast.

    Attributes:
        steps: length of the run.
        minutes: wall time of the run, validation included, whatever step it is at; 0 for no limit. With it a run is not
            repeatable: how far it gets depends on the machine. The last checkpoint is expected to take as long as the
            one before.
        batch: pairs a step, over all processes.
        rate: peak learning rate, reached after ``warmup`` steps.
        decay: ``cosine`` to a hundredth of the peak, or ``step``: halved at each of ``halvings``.
        halvings: shares of the run.
        warmup: steps.
        average: decay of the moving average of the weights, which is what is saved for use.
        clip: largest norm of a step's gradient.
        critic_rate: learning rate of the discriminator.
        critic_warmup: steps before the generator hears of it.
        reconstruction_first: steps before perceptual, texture and adversarial losses count.
        alone: share of steps without a reference. In the paper's models those teach the content extractor, and the
            others the texture transfer alone.
        alone_first: steps at the start that all go without a reference.
        transfer_begins_as_extractor: when the first step with references comes, let the paper's transfer begin as the
            head of the extractor as it then is, in place of random weights.
        perfect: every step also shows the paper's transfer the target's own maps, as a perfect reference.
        frozen: leave the light model's texture encoder and temperature unchanged: a step is cheaper by a third.
        precision: ``bf16`` autocasts; ``fp32`` does not.
        compile: let torch.compile have the network: it learns the same, after minutes of compiling (with and without
            reference, training and samples), and needs a C++ compiler. Whether it pays was not measured.
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
    reconstruction_first: int = 0
    alone: float = 0.15
    alone_first: int = 0
    transfer_begins_as_extractor: bool = False
    perfect: bool = False
    frozen: bool = False
    precision: Literal["bf16", "fp32"] = "bf16"
    compile: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        for names, low, high in _RANGES:
            for name in names:
                if not low <= (value := getattr(self, name)) <= high:
                    takes = f"{low} to {high}" if math.isfinite(high) else f"{low} or more"
                    raise InputError(f"The setting schedule.{name} is {value}; it takes {takes}.")


@dataclass(frozen=True)
class Recipe:
    """A training run.

    Attributes:
        architecture: what is trained.
        start: embedded model, model folder or file to begin from; empty for random weights. A light model may begin
            from one with fewer blocks.
        config: of the network, as its architecture has it; in TOML the section that has the name of the architecture.
        pairs: what it is shown.
        losses: what is asked of it.
        schedule: how long and how fast.
    """

    architecture: str = "lite"
    start: str = ""
    config: Any = None
    pairs: PairRange = PairRange()  # noqa: RUF009 (frozen)
    losses: Losses = Losses()
    schedule: Schedule = Schedule()

    def __post_init__(self) -> None:
        architecture = _trained(self.architecture)
        config = architecture.config() if self.config is None else self.config
        if type(config) is not architecture.config:
            wanted = architecture.config.__name__
            raise InputError(f"config is a {type(config).__name__}; architecture {architecture.name} takes a {wanted}.")
        object.__setattr__(self, "config", config)
        self.pairs.check_scale(config.scale)


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
    if not os.path.exists(file):  # unlike Path's, it answers for any name
        raise InputError(f"There is no recipe {recipe}; give a TOML file, or one of {', '.join(shipped)}.")
    return build_recipe(override(read_toml(file), settings))


def build_recipe(table: Mapping[str, Any]) -> Recipe:
    """A recipe from its table, in which the config's section has the name of the architecture. Raises as `build`."""
    name = table.get("architecture", Recipe.architecture)
    architecture = _trained(name)
    if not isinstance(section := table.get(name, {}), Mapping):
        raise InputError(f"The setting {name} is {section!r}; it takes a section.")
    config = build(architecture.config, section, name)
    recipe = build(Recipe, {key: value for key, value in table.items() if key not in ("architecture", name)})
    return replace(recipe, architecture=name, config=config)


def recipe_table(recipe: Recipe) -> dict[str, Any]:
    """The table that `build_recipe` makes the same recipe from."""
    table = as_table(recipe)
    return {recipe.architecture if key == "config" else key: value for key, value in table.items()}


def _trained(name: Any) -> Architecture:
    """The architecture of this name; InputError if there is none, or none that is trained."""
    known = {each: architecture for each, architecture in ARCHITECTURES.items() if architecture.teach}
    if name not in list(known):  # of a list, as it may be unhashable
        raise InputError(f"The setting architecture is {name!r}; it takes {' or '.join(map(repr, known))}.")
    return known[name]
