"""``srntt train``: what it says, what it returns, and what an interrupt leaves."""

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cli.pictures import pixels
from cli.test_processes import SRNTT, environment
from PIL import Image

from srntt.cli._train import describe
from srntt.cli._train_progress import TrainProgress, in_words, share_done
from srntt.models import load_model
from srntt.train import Schedule, shipped_recipes

_TINY = """
# For tests. Not for use.
[lite]
channels = 8
content_blocks = 1
transfer_blocks = 1
descriptor = 16
[pairs]
target = 32
reference = 40
[schedule]
steps = 2
batch = 1
warmup = 1
alone = 0.0
precision = "fp32"
"""


@pytest.fixture(scope="session")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("recipes") / "tiny.toml"
    file.write_text(_TINY.strip())
    return file


@pytest.fixture(scope="session")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photographs")
    Image.fromarray(pixels(80, 100)).save(folder / "photo.png")
    return folder


@pytest.fixture
def tokens(recipe: Path, photographs: Path, tmp_path: Path) -> list:
    return ["train", recipe, "--photographs", photographs, "-o", tmp_path / "run"]


def test_a_recipe_becomes_a_model_and_the_log_is_printed_in_words(run, tokens, tmp_path: Path) -> None:
    ran = run(*tokens, "--every", 0)
    assert ran.code == 0, ran.err
    weights = tmp_path / "run" / "model.safetensors"
    assert ran.out == f"{weights}: use it with --model {weights}\n"
    assert load_model(weights).config.channels == 8
    report = [line for line in ran.err.splitlines() if line.startswith("step")]
    assert [line.split(", ")[0] for line in report] == ["step 1 of 2 (50%)", "step 2 of 2 (100%)"]
    assert "reconstruction 0." in report[0]
    assert '{"step"' not in ran.err


def test_json_leaves_the_log_as_it_is(run, tokens, tmp_path: Path) -> None:
    ran = run(*tokens, "--json")
    assert json.loads(ran.out) == {
        "model": str(tmp_path / "run" / "model.safetensors"), "steps": 2, "log": str(tmp_path / "run" / "log.jsonl")
    }  # fmt: skip
    assert json.loads(next(line for line in ran.err.splitlines() if line.startswith("{")))["step"] == 2


def test_a_setting_is_replaced_and_a_run_resumed(run, tokens) -> None:
    assert run(*tokens, "--set", "schedule.steps=1").code == 0
    assert run(*tokens).code == 2  # holds a run already
    ran = run(*tokens, "--resume", "--set", "schedule.steps=3", "--json")
    assert (ran.code, json.loads(ran.out)["steps"]) == (0, 3)


@pytest.mark.parametrize(
    ("wrong", "report"),
    [
        (["--set", "schedule.stepps=1"], "There is no setting schedule.stepps"),
        (["--set", "schedule.steps=few"], "it takes a whole number"),
        (["--validation", "gone"], "There is no gone"),
        (["--every", "-1"], "must not be below 0"),
        (["--device", "abacus"], "not a device"),
        (["--pairs", "."], "The layout is input/NAME.png"),
        (["--resume"], "no checkpoint to resume"),
    ],
)
def test_mistakes_are_usage(run, tokens, wrong: list[str], report: str) -> None:
    ran = run(*tokens, *wrong)
    assert ran.code == 2, ran.err
    assert report in ran.err


def test_without_a_recipe_the_error_lists_which_there_are(run) -> None:
    ran = run("train")
    assert ran.code == 2
    for name, file in shipped_recipes().items():
        assert f"  {name}: {describe(file)}" in ran.err
    listed = run("train", "--list")
    assert (listed.code, len(listed.out.splitlines())) == (0, len(shipped_recipes()))
    assert [item["name"] for item in json.loads(run("train", "--list", "--json").out)] == list(shipped_recipes())
    assert run("train", "gone").code == 2


def test_a_recipe_is_described_by_its_first_sentence(recipe: Path) -> None:
    assert describe(recipe) == "For tests."
    assert all(len(describe(file)) > 20 for file in shipped_recipes().values())


def test_an_entry_of_the_log_in_words() -> None:
    entry = {"step": 500, "minutes": 10.0, "rate": 1e-4, "first": 27.604, "reconstruction": 0.031234}
    schedule = Schedule(steps=2000)
    assert in_words(entry, schedule) == (
        "step 500 of 2,000 (25%), 10 min, 0:30:00 left; reconstruction 0.03123; PSNR-Y first reference 27.60"
    )
    assert share_done(entry, Schedule(steps=2000, minutes=20.0)) == 0.5


def test_of_a_run_that_a_time_limit_will_end_no_last_step_is_reported() -> None:
    entry = {"step": 100, "minutes": 1.5}
    assert in_words(entry, Schedule(steps=100_000, minutes=3.0)) == "step 100 (50%), 1.5 min, 0:01:30 left"
    assert in_words(entry, Schedule(steps=120, minutes=3.0)).startswith("step 100 of 120 (83%)")


@pytest.fixture
def start():
    """Starts a command as a process; what still runs when the test is over, is ended."""
    started: list[subprocess.Popen] = []

    def start(*tokens: object) -> subprocess.Popen:
        command = [*SRNTT, *map(str, tokens)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        started.append(subprocess.Popen(command, text=True, env=environment(), **pipes))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def _until(process, beginning: str) -> str:
    while not (line := process.stderr.readline()).startswith(beginning):
        assert line, process.wait()
    return line


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.slow)]
)
def test_interrupted_it_leaves_a_whole_checkpoint_and_says_how_to_go_on(
    start,
    run,
    tokens,
    tmp_path: Path,
    number: int,
    code: int,
) -> None:
    process = start(*tokens, "--set", "schedule.steps=100000", "--every", 0)
    _until(process, "step 3 ")
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (code, ""), err
    assert "Traceback" not in err
    assert "terminate called" not in err
    assert f"The last checkpoint, {tmp_path / 'run'}, is of step " in err
    assert "continue with --resume." in err
    assert [file for file in os.listdir(tmp_path / "run") if file.endswith(".part")] == []
    assert run(*tokens, "--resume", "--set", "schedule.steps=1").code == 0  # it is whole, and done


@pytest.mark.slow
def test_interrupted_before_the_first_checkpoint_it_states_so(start, tokens) -> None:
    process = start(*tokens, "--set", "schedule.steps=100000")
    _until(process, "srntt: training ")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "There is no checkpoint yet" in err


def test_a_terminal_gets_a_bar_and_the_log_above_it(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", terminal)
    with TrainProgress(Schedule(steps=4), as_json=False) as progress:
        progress.moved(0.25)
        progress.logged({"step": 1, "minutes": 0.5})
    shown = terminal.getvalue()
    assert "step 1 of 4 (25%), 0.5 min, 0:01:30 left" in shown
    assert "25%" in shown
    assert "training" in shown
    assert "\x1b[" in shown
