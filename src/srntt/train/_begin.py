"""The networks that a run begins with."""

from pathlib import Path

import torch
from torch import nn

from srntt.errors import ModelError
from srntt.models import Lesson, find_model, load_model
from srntt.models.lite import Lite, LiteLesson
from srntt.models.paper import PaperLesson, PaperSRNTT
from srntt.train._recipe import Recipe


def begin(recipe: Recipe, device: torch.device, cache: Path | None = None) -> Lesson:
    """A model to train and how to; from random weights, or from those that the recipe starts from.

    Args:
        recipe: what to learn.
        device: where.
        cache: folder for the swapped maps of ready-made pairs, or None.

    Raises:
        ModelError: those are missing, or of another kind or width.
    """
    if recipe.architecture == "paper":
        paper = PaperSRNTT(recipe.paper)
        paper.extractor.requires_grad_(True)
        _start_from(paper, recipe.start)
        return PaperLesson(channels_last(paper, device), recipe.schedule.perfect, cache)
    lite = Lite(recipe.lite)
    _start_from(lite, recipe.start)
    for parameter in [lite.log_temperature, *lite.encoder.parameters()]:
        parameter.requires_grad_(not recipe.schedule.frozen)
    return LiteLesson(channels_last(lite, device))


def channels_last(network: nn.Module, device: torch.device):
    """The network on a device, its convolutions laid out as they compute fastest."""
    return network.to(device).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


def _start_from(model: nn.Module, name: str) -> None:
    """Take over a model's weights. Blocks that it lacks begin as the identity."""
    if not name:
        return
    file: Path = find_model(name)
    try:
        missing = model.load_state_dict(load_model(file).state_dict(), strict=False).missing_keys
    except RuntimeError as error:
        raise ModelError(f"{file} does not fit the model that the recipe describes: {error}") from error
    if lost := [key for key in missing if ".first." not in key and ".second." not in key]:
        raise ModelError(f"{file} does not fit the model that the recipe describes: it has no {lost[0]}.")
    for key in missing:
        if ".second." in key:
            model.get_parameter(key).detach().zero_()
