"""The networks that a run begins with."""

from pathlib import Path

import torch
from torch import nn

from srntt.errors import ModelError
from srntt.models import ARCHITECTURES, Lesson, Teaching, find_model, load_model
from srntt.train._recipe import Recipe


def begin(recipe: Recipe, device: torch.device, cache: Path | None = None) -> Lesson:
    """A model to train and how to; from random weights, or from those that the recipe starts from.

    Raises:
        ModelError: those are missing, or of another kind or width.
        InputError: a setting that is not for this architecture.
    """
    architecture, schedule = ARCHITECTURES[recipe.architecture], recipe.schedule
    assert architecture.teach, "the recipe's settings fit each other"
    model = architecture.network(recipe.config)
    _start_from(model, recipe.start)
    begins = schedule.alone_first if schedule.transfer_begins_as_extractor else None
    return architecture.teach(channels_last(model, device), Teaching(schedule.frozen, schedule.perfect, begins, cache))


def channels_last(network: nn.Module, device: torch.device):
    """The network on a device, its convolutions laid out as they compute fastest."""
    return network.to(device).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


def _start_from(model: nn.Module, name: str) -> None:
    """Take over a model's weights. Blocks that it lacks begin as the identity, and what looks at a base with zeros."""
    if not name:
        return
    file: Path = find_model(name)
    try:
        missing = model.load_state_dict(load_model(file).state_dict(), strict=False).missing_keys
    except RuntimeError as error:
        raise ModelError(f"{file} does not fit the model that the recipe describes: {error}") from error
    optional = (".first.", ".second.", "base.")
    if lost := [key for key in missing if not any(part in key for part in optional)]:
        raise ModelError(f"{file} does not fit the model that the recipe describes: it has no {lost[0]}.")
    for key in missing:
        if ".first." not in key:
            model.get_parameter(key).detach().zero_()
