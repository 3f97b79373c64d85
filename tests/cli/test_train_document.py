"""docs/training.md and runs/: the commands exist, and the cheap ones run, in their order."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cli.pictures import pixels, size_and_mode
from cli.test_processes import environment
from PIL import Image

from srntt.models import load_model
from srntt.train import shipped_recipes

REPOSITORY = Path(__file__).parent.parent.parent
DOCUMENT = (REPOSITORY / "docs" / "training.md").read_text(encoding="utf-8")
RUNS = sorted((REPOSITORY / "runs").glob("*.sh"))
_TINY = [
    "lite.channels=8", "lite.content_blocks=1", "lite.transfer_blocks=1", "lite.descriptor=16", "pairs.target=32",
    "pairs.reference=40", "schedule.steps=1", "schedule.batch=1", "schedule.alone=0", "schedule.precision=fp32",
]  # fmt: skip


def commands() -> list[list[str]]:
    """The words of every call of srntt in the document's shell examples."""
    blocks = re.findall(r"```sh\n(.*?)```", DOCUMENT, re.DOTALL)
    lines = [shlex.split(line, comments=True) for line in "".join(blocks).splitlines()]
    after = {"srntt": 1, "torchrun": 5}  # torchrun --nproc-per-node 4 -m srntt
    return [words[after[words[0]] :] for words in lines if words and words[0] in after]


def tiny() -> list[str]:
    return [part for setting in _TINY for part in ("--set", setting)]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with photographs/, small.png and sharp.png, in which commands run."""
    (tmp_path / "photographs" / "below").mkdir(parents=True)
    for seed in range(2):
        Image.fromarray(pixels(300, 320, seed=seed)).save(tmp_path / "photographs" / "below" / f"{seed}.png")
    Image.fromarray(pixels(14, 20)).save(tmp_path / "small.png")
    Image.fromarray(pixels(48, 64)).save(tmp_path / "sharp.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_command_and_option_exists(run) -> None:
    assert len(commands()) >= 12
    for words in commands():
        name = words[:2] if words[0] in ("corpus", "weights") else words[:1]
        helped = run(*name, "--help")
        assert helped.code == 0
        report = set(re.findall(r"(?<![\w-])--?[\w-]+", helped.out))
        assert {word for word in words if word.startswith("-")} <= report, words


def test_every_recipe_is_in_the_table() -> None:
    named = re.findall(r"`([\w-]+)`", "".join(re.findall(r"^\| `.*? \|", DOCUMENT.split("| recipe")[1], re.MULTILINE)))
    assert set(shipped_recipes()) <= set(named)


def test_from_photographs_to_a_picture_as_the_document_says(run, place: Path) -> None:
    build, smoke, upscale = (words for words in commands()[:3])
    assert run(*build).code == 0
    assert run(*smoke, *tiny()).code == 0
    assert run(*upscale).code == 0
    assert size_and_mode(place / "large.png") == (80, 56, "RGB")
    (python,) = re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
    exec(compile(python, "training.md", "exec"), {})
    assert load_model(place / "out" / "my-model").config.channels == 8
    (use,) = [words for words in commands() if words[-1] == "out/my-model"]
    assert run(*use).code == 0
    assert size_and_mode(place / "small_x4.png") == (80, 56, "RGB")


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize("script", RUNS, ids=lambda path: path.name)
def test_scripts_are_whole_and_say_how_to_be_called(script: Path) -> None:
    subprocess.run(["bash", "-n", script], check=True)
    called = subprocess.run([script], capture_output=True, text=True, check=False)
    assert called.returncode == 1
    assert re.search(rf"usage: runs/{script.name} (RECIPE )?PHOTOGRAPHS \[PAIRS", called.stderr)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_scripts_go_from_photographs_to_models_and_on_from_there(place: Path) -> None:
    srntt = place / "srntt"
    srntt.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m srntt "$@"\n')
    srntt.chmod(0o755)
    quiet = ["--set", "losses.perceptual=0", "--set", "losses.texture=0", "--set", "losses.adversarial=0"]

    def script(name: str, *options: str) -> str:
        command = [REPOSITORY / "runs" / name, "photographs", "", *tiny(), *options]
        done = subprocess.run(
            command, env=environment(SRNTT=str(srntt)), capture_output=True, text=True, check=False, cwd=place
        )
        assert done.returncode == 0, done.stderr
        return done.stderr

    script("lite_rec.sh")
    assert (place / "out" / "corpus" / "MANIFEST.tsv").is_file()
    script("lite_gan.sh", *quiet)
    log = place / "out" / "lite-gan" / "log.jsonl"
    assert len(log.read_text().splitlines()) == 1
    script("lite_gan.sh", *quiet, "--set", "schedule.steps=2")
    assert len(log.read_text().splitlines()) == 2
    assert not os.path.exists(place / "out" / "corpus" / ".unfinished")
