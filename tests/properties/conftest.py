"""The models that promises are made for: those that are shipped, and the paper's with random weights."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from srntt.features import VGG19Features
from srntt.models.paper import PaperConfig, PaperSRNTT
from srntt.upscale import Upscaler
from srntt.weights import save_vgg19, weights_path

LIGHT = ("lite-rec", "lite-gan", "lite-real")


@pytest.fixture(scope="session")
def light() -> dict[str, Upscaler]:
    """The shipped models."""
    return {name: Upscaler.from_pretrained(name, device="cpu", matcher="exact") for name in LIGHT}


@pytest.fixture(scope="session")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upscaler]:
    """The paper's networks and VGG19, all with random weights: nothing is downloaded, and the engine is the same."""
    with pytest.MonkeyPatch.context() as patch, torch.random.fork_rng():
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        torch.manual_seed(1)
        _save_random_vgg19(weights_path("vgg19-caffe"))
        yield Upscaler(PaperSRNTT(PaperConfig()), name="paper", device="cpu", matcher="exact")


@pytest.fixture(scope="session")
def models(light: dict[str, Upscaler], paper: Upscaler) -> dict[str, Upscaler]:
    """All of them."""
    return {**light, "paper": paper}


def _save_random_vgg19(path: Path) -> None:
    features = VGG19Features("caffe")
    for name, parameter in features.named_parameters():
        torch.nn.init.normal_(parameter, std=0.02 if name.endswith("bias") else (2 / parameter[0].numel()) ** 0.5)
    path.parent.mkdir(parents=True)
    save_vgg19(path, features.state_dict(), "caffe")
