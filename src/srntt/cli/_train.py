"""``srntt train``: train a model by a recipe."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from srntt.cli._compiling import compiling_reported
from srntt.cli._exit import Exit
from srntt.cli._options import Json, refuse_missing
from srntt.cli._say import complain, say_either
from srntt.cli._train_progress import TrainProgress
from srntt.errors import InputError, ModelError

if TYPE_CHECKING:
    import srntt.train


@Parameter(name="*")
@dataclass(frozen=True)
class PlaceOptions:
    """Data, output and device of a run, which do not change what it learns.

    Attributes:
        photographs: Folders of photographs from which pairs are made (see srntt corpus build).
        pairs: Folder of pairs, input/NAME.png and ref/NAME.png as in CUFED's training set, optionally with
            teacher/NAME.png. Instead of photographs, or alternating with them.
        cache: Folder in which to cache the swapped maps of pairs (models of the paper).
        output: Folder for the log, the checkpoint, samples and the weights.
        validation: Folder with an index.json of pairs, as for srntt evaluate, to score at each checkpoint.
        resume: Continue the run in the output folder.
        device: cpu, cuda, cuda:1, mps or auto. Default: auto, the GPU if there is one.
        every: Seconds between checkpoints. Default: 300, or a tenth of the recipe's schedule.minutes if that is less.
        threads: CPU threads. Default: torch's choice.
        tensorboard: Also write TensorBoard files; requires the extra [tensorboard].
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
        """Raise InputError without an output folder or training data, or for a missing file, before large packages are
        imported.
        """
        if self.output is None:
            raise InputError("Give a folder for the log, checkpoints and weights: -o FOLDER.")
        if not self.photographs and not self.pairs:
            raise InputError("Give folders of photographs (--photographs), a folder of pairs (--pairs), or both.")
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
    """Train a model by a recipe. An interrupted run continues from its last checkpoint with --resume.

    Args:
        recipe: Name of a shipped recipe (srntt train --list), or a TOML file.
        set: Override a setting of the recipe, as section.key=value. May be repeated.
        list: List the shipped recipes and exit.
    """
    if list:
        return _print_recipes(json)
    if recipe is None:
        raise InputError(
            "\n".join(["Give a recipe: a TOML file, or one of", *(f"  {line}" for line in _recipe_lines())])
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
    chosen: dict[str, Any] = {**vars(place), "device": choose_device(place.device)}
    surroundings = Surroundings(**chosen)
    every = surroundings.interval(recipe.schedule)
    first = os.environ.get("RANK", "0") == "0"  # only the first process of torchrun prints
    if first:
        limit = f" for {minutes:g} minutes, validation included" if (minutes := recipe.schedule.minutes) else ""
        complain(f"training {name} on {surroundings.device}{limit}; figures and a checkpoint every {every:g} s")
    progress = TrainProgress(recipe.schedule, as_json) if first else nullcontext()
    with _interrupts_reported(place.output, first), progress as watcher, compiling_reported():
        weights = run(recipe, surroundings, watcher)
    if first:
        step = _checkpoint_step(place.output)
        about = {"model": str(weights), "steps": step, "log": str(place.output / "log.jsonl")}
        say_either([f"{weights}: use it with --model {weights}"], about, as_json=as_json)
    return Exit.DONE


@contextmanager
def _interrupts_reported(output: Path, first: bool) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        if first:
            step = _checkpoint_step(output)
            if step is None:
                complain("There is no checkpoint yet: the same command starts again. --every 60 writes one a minute.")
            else:
                complain(f"The last checkpoint, {output}, is of step {step:,}; continue with --resume.")
        raise


def _checkpoint_step(output: Path) -> int | None:
    """Return the step of the checkpoint of a run; None if there is no complete one."""
    import json

    from srntt._safetensors import read_header

    file = output / "checkpoint.safetensors"
    try:
        return int(json.loads(read_header(file).metadata["run"])["step"]) if file.exists() else None
    except (ModelError, ValueError, KeyError, TypeError):
        return None


def _print_recipes(as_json: bool) -> int:
    from srntt.train import shipped_recipes

    recipes = shipped_recipes().items()
    about = [{"name": name, "path": str(file), "description": describe(file)} for name, file in recipes]
    say_either(_recipe_lines(), about, as_json=as_json)
    return Exit.DONE


def _recipe_lines() -> list[str]:
    from srntt.train import shipped_recipes

    return [f"{name}: {describe(file)}" for name, file in shipped_recipes().items()]


def describe(recipe: Path) -> str:
    """Return the first sentence of the comment at the top of a recipe."""
    words: list[str] = []
    for line in recipe.read_text(encoding="utf-8").splitlines():
        if not line.startswith("# "):
            break
        words.append(line[2:].strip())
    return " ".join(words).split(". ")[0].rstrip(".") + "."
