"""A tiny model."""

from pathlib import Path

import pytest
from tiny import tiny_model

from srntt.upscale import Upscaler


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session")
def upscaler(model: Path) -> Upscaler:
    return Upscaler.from_pretrained(model, device="cpu")
