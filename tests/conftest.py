"""What every test runs under: no network, and the development data if it is there.

Shape checks and warnings as errors are switched on in pyproject.toml (`[tool.pytest.ini_options]`).
"""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from offline import sitecustomize as offline

if TYPE_CHECKING:
    from srntt.upscale import Upscaler

REPOSITORY = Path(__file__).parent.parent

# Here, and in every Python process that a test starts: Python imports sitecustomize first where it is on the path.
offline.block_network()
_PATHS = [str(Path(offline.__file__).parent), os.environ.get("PYTHONPATH")]
os.environ["PYTHONPATH"] = os.pathsep.join(path for path in _PATHS if path)

# Where the tests run in the background of a script, Ctrl-C is ignored, and every process that they start inherits that.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of pictures and weights beside the checkout, which most machines lack: skips there."""
    folder = REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("needs the development data at ../shared/data, which is not part of the project")
    return folder


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a light model of the smallest size, its weights drawn from a fixed seed."""
    from tiny import tiny_model

    return tiny_model(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session")
def upscaler(model: Path) -> "Upscaler":
    from srntt.upscale import Upscaler

    return Upscaler.from_pretrained(model, device="cpu")


@pytest.fixture(scope="module")
def searched_everywhere() -> Iterator[None]:
    """References are searched everywhere, as the callable model does, even where their detail is not a photograph's."""
    import torch

    from srntt.upscale import _encode

    def everywhere(picture, scale):
        return torch.ones(picture.shape[1] // scale, picture.shape[2] // scale, dtype=torch.bool)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_encode, "holds_detail", everywhere)
        yield
