"""A command line as a function, a tiny model, and pictures made on the spot."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from cli.pictures import pixels
from PIL import Image

from srntt.cli import main


class Ran(NamedTuple):
    """What a command came to."""

    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def no_weights_at_hand(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a person has in their cache changes no test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """Run a command line in this process. Whatever it is, it must not end in a traceback."""
    monkeypatch.delenv("SRNTT_DEBUG", raising=False)

    def command(*tokens: object) -> Ran:
        code = main([str(token) for token in tokens])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        return Ran(code, captured.out, captured.err)

    return command


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with small.png (20x14), sharp.jpg (64x48) and other.png (40x40)."""
    Image.fromarray(pixels(14, 20)).save(tmp_path / "small.png")
    Image.fromarray(pixels(48, 64, seed=1)).save(tmp_path / "sharp.jpg")
    Image.fromarray(pixels(40, 40, seed=2)).save(tmp_path / "other.png")
    return tmp_path
