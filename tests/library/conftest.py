"""An album of two scenes, made on the spot: three views of the first and one of the second."""

from pathlib import Path

import numpy as np
import pytest
from library.album import LOW, save, write_album
from PIL import Image
from views.aligned.scenes import low_res_to_scene, scene, seen

from srntt.library import Library


@pytest.fixture(scope="session")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    """The pixels of the album by name, made once."""
    folder = tmp_path_factory.mktemp("photographs")
    write_album(folder)
    return {path.name: np.asarray(Image.open(path)) for path in sorted(folder.iterdir())}


@pytest.fixture
def album(tmp_path: Path, photographs: dict[str, np.ndarray]) -> Path:
    """A folder with these photographs."""
    for name, pixels in photographs.items():
        save(pixels, tmp_path / "album" / name)
    return tmp_path / "album"


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """A library that does not exist yet."""
    return Library(tmp_path / "index" / "library.sqlite")


@pytest.fixture(scope="session")
def small() -> np.ndarray:
    """A small picture of the first scene."""
    return seen(scene(1), low_res_to_scene(), LOW, 8)
