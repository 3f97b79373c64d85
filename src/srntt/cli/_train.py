"""``srntt train``: a recipe, from photographs to a model."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from srntt.cli._compiling import telling_of_compiling
from srntt.cli._exit import Exit
from srntt.cli._options import Json, refuse_missing
from srntt.cli._say import complain, say, say_json
from srntt.cli._train_progress import TrainProgress
from srntt.errors import InputError, ModelError

if TYPE_CHECKING:
    import srntt.train


@Parameter(name="*")
@dataclass(frozen=True)
class PlaceOptions:
    """Where a run takes place; nothing here changes what it learns.

    Attributes:
        photographs: Folders of photographs to make pairs from (srntt corpus build makes one).
        pairs: A folder of ready-made pairs, input/NAME.png and ref/NAME.png, as CUFED's training set has them, and
            perhaps teacher/NAME.png. Instead of photographs, or in turns with them.
        cache: Folder to keep the swapped maps of ready-made pairs in (the paper's models).
        output: Folder for the log, the checkpoint, samples and the weights.
        validation: Folder with an index.json of pairs, as for srntt evaluate, that are scored at each checkpoint.
        resume: Continue what the output folder holds.
        device: cpu, cuda, cuda:1, mps or auto. Default: auto, the GPU where there is one.
        every: Seconds between checkpoints. Default: 300, or a tenth of the recipe's schedule.minutes if that is less.
        threads: Of the CPU. Default: torch's choice.
        tensorboard: Write TensorBoard's files, too; needs the extra [tensorboard].
    """

    photographs: Annotated[
        tuple[Path, ...], Parameter(name=["--photographs", "-p"], consume_multiple=True, negative=())
    ] = ()
    pairs: Path | None = None
    cache: Path | None = None
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None
    validation: Path | None = None
    resume: bool = False
    device: str = "auto"
    every: float | None = None
    threads: int = 0
    tensorboard: bool = False

    def check(self) -> None:
        """Refuse what can be known to be wrong before anything large is imported.

        Raises:
            InputError: no output, nothing to learn from, files that are not there.
        """
        if self.output is None:
            raise InputError("Say where the log, checkpoints and weights go: -o FOLDER.")
        if not self.photographs and not self.pairs:
            raise InputError("Give folders of photographs (--photographs), one of ready-made pairs (--pairs), or both.")
        if (self.every or 0) < 0 or self.threads < 0:
            raise InputError("--every and --threads must not be below 0.")
        index = self.validation / "index.json" if self.validation else None
        refuse_missing(path for path in (*self.photographs, self.pairs, index) if path)


def train(
    recipe: str | None = None,
    /,
    *,
    set: Annotated[tuple[str, ...], Parameter(allow_leading_hyphen=False)] = (),
    place: PlaceOptions = PlaceOptions(),
    list: bool = False,
    json: Json = False,
) -> int:
    """Run a training recipe to its end. Interrupted or killed, it goes on with --resume from its last checkpoint.

    Args:
        recipe: Name of a shipped recipe (srntt train --list), or a TOML file.
        set: Replace a setting of the recipe, as section.key=value. May be given several times.
        list: List the shipped recipes, and do nothing.
    """
    if list:
        return _print_recipes(json)
    if recipe is None:
        raise InputError(
            "\n".join(["Which recipe? A TOML file, or one of", *(f"  {line}" for line in _recipe_lines())])
        )
    place.check()
    from srntt.train import read_recipe

    chosen = read_recipe(recipe, set)
    return _run(recipe, chosen, place, json)


def _run(name: str, recipe: "srntt.train.Recipe", place: PlaceOptions, as_json: bool) -> int:
    from srntt.models import choose_device
    from srntt.train import Surroundings
    from srntt.train import train as run

    assert place.output
    surroundings = Surroundings(
        photographs=place.photographs,
        output=place.output,
        pairs=place.pairs,
        cache=place.cache,
        validation=place.validation,
        device=choose_device(place.device),
        every=place.every,
        threads=place.threads,
        resume=place.resume,
        tensorboard=place.tensorboard,
    )
    every = surroundings.interval(recipe.schedule)
    first = os.environ.get("RANK", "0") == "0"  # of the processes that torchrun started, this one speaks
    if first:
        complain(f"training {name} on {surroundings.device}; figures and a checkpoint every {every:g} s")
    progress = TrainProgress(recipe.schedule, as_json) if first else nullcontext()
    with _telling_of_interrupts(place.output, first), progress as watcher, telling_of_compiling():
        weights = run(recipe, surroundings, watcher)
    if first:
        _print_done(weights, place.output, as_json)
    return Exit.DONE


def _print_done(weights: Path, output: Path, as_json: bool) -> None:
    step = _checkpoint_step(output)
    if as_json:
        say_json({"model": str(weights), "steps": step, "log": str(output / "log.jsonl")})
    else:
        say(f"{weights}: use it with --model {weights}")


@contextmanager
def _telling_of_interrupts(output: Path, first: bool) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        if first:
            step = _checkpoint_step(output)
            if step is None:
                complain("There is no checkpoint yet: the same command begins anew. --every 60 makes one each minute.")
            else:
                complain(f"The last checkpoint, {output}, is of step {step:,}; the same command with --resume goes on.")
        raise


def _checkpoint_step(output: Path) -> int | None:
    """The step that a run's checkpoint is of; None without a whole one."""
    import json

    from srntt._safetensors import read_header

    file = output / "checkpoint.safetensors"
    try:
        return int(json.loads(read_header(file).metadata["run"])["step"]) if file.exists() else None
    except (ModelError, ValueError, KeyError, TypeError):
        return None


def _print_recipes(as_json: bool) -> int:
    from srntt.train import shipped_recipes

    if as_json:
        recipes = shipped_recipes().items()
        say_json([{"name": name, "path": str(file), "description": describe(file)} for name, file in recipes])
    else:
        say(*_recipe_lines())
    return Exit.DONE


def _recipe_lines() -> list[str]:
    from srntt.train import shipped_recipes

    return [f"{name}: {describe(file)}" for name, file in shipped_recipes().items()]


def describe(recipe: Path) -> str:
    """The first sentence of the comment that a recipe opens with."""
    words: list[str] = []
    for line in recipe.read_text(encoding="utf-8").splitlines():
        if not line.startswith("# "):
            break
        words.append(line[2:].strip())
    return " ".join(words).split(". ")[0].rstrip(".") + "."
