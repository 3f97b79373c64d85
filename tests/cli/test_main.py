"""From errors to exit codes, and what `srntt` says on its own."""

import pytest

import srntt
from srntt.cli import _upscale, main
from srntt.cli._exit import NothingToDoError, exit_code
from srntt.cli._say import complain
from srntt.errors import (
    InputError,
    MemoryBudgetError,
    MissingDependencyError,
    ModelError,
    OutputError,
    PictureError,
)

CODES = {
    PictureError: 1,
    ZeroDivisionError: 1,
    InputError: 2,
    OutputError: 2,
    NothingToDoError: 3,
    ModelError: 4,
    MissingDependencyError: 4,
    MemoryBudgetError: 4,
    MemoryError: 4,
    ImportError: 4,
    KeyboardInterrupt: 130,
}


@pytest.mark.parametrize(("kind", "code"), CODES.items(), ids=[kind.__name__ for kind in CODES])
def test_every_error_has_its_code(run, folder, monkeypatch: pytest.MonkeyPatch, kind: type, code: int) -> None:
    def fail(*_: object) -> None:
        raise kind("this and that")

    monkeypatch.setattr(_upscale, "refuse_missing", fail)
    ran = run("upscale", folder / "small.png")
    assert ran.code == code == exit_code(kind())
    assert ran.out == ""
    assert ran.err.startswith("srntt: ")


def test_an_error_that_nobody_foresaw_says_what_to_do(run, folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_upscale, "refuse_missing", lambda files: 1 // 0)
    assert "ZeroDivisionError" in (err := run("upscale", folder / "small.png").err)
    assert "--debug" in err


def test_a_name_with_a_newline_cannot_speak_for_srntt(run, folder) -> None:
    (folder / "a\nsrntt: all is well.png").write_bytes(b"nothing")
    err = run("upscale", folder / "a\nsrntt: all is well.png").err
    assert "is not a picture" in err
    assert sum(line.startswith("srntt:") for line in err.splitlines()) == 1


def test_what_a_hostile_file_makes_long_is_cut_in_the_middle(capsys) -> None:
    complain("begin " + "x" * 100_000 + " what to do.")
    err = capsys.readouterr().err
    assert len(err) < 1600
    assert err.startswith("srntt: begin xxx")
    assert err.endswith("xxx what to do.\n")


@pytest.mark.parametrize("way", ["option", "environment"])
def test_debug_shows_where_an_error_came_from(folder, capsys, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    monkeypatch.setenv("SRNTT_DEBUG", "1" if way == "environment" else "0")
    code = main(["upscale", str(folder / "gone.png"), *(["--debug"] if way == "option" else [])])
    err = capsys.readouterr().err
    assert code == 2
    assert "Traceback" in err
    assert "refuse_missing" in err
    assert err.splitlines()[-1].startswith("srntt: There is no ")


def test_version(run) -> None:
    assert run("--version") == (0, f"{srntt.__version__}\n", "")


@pytest.mark.parametrize(
    "tokens", [["--help"], ["upscale", "--help"], ["weights", "--help"], ["weights", "get", "-h"], ["evaluate", "-h"]]
)
def test_help_is_a_result(run, tokens: list[str]) -> None:
    code, out, err = run(*tokens)
    assert (code, err) == (0, "")
    assert out.startswith("Usage: srntt")


def test_help_names_every_command_with_a_line_on_it(run) -> None:
    commands = run("--help").out
    for command in ("upscale", "weights", "evaluate", "doctor"):
        assert any(line.split()[1:2] == [command] and len(line.split()) > 4 for line in commands.splitlines()), command


@pytest.mark.parametrize("tokens", [[], ["weights"]])
def test_no_command_is_a_mistake_in_use(run, tokens: list[str]) -> None:
    assert run(*tokens).code == 2


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        (["upscal"], 'Unknown command "upscal"'),
        (["upscale"], "srntt upscale --help"),
        (["upscale", "a.png", "-o"], "-o"),
        (["weights", "convert", "a.npz"], "srntt weights convert --help"),
        (["weights", "get", "vgg20"], "vgg19"),
    ],
)
def test_mistakes_in_use_point_to_the_help(run, tokens: list[str], message: str) -> None:
    ran = run(*tokens)
    assert ran.code == 2
    assert ran.out == ""
    assert message in ran.err


def test_a_file_may_be_called_debug(run) -> None:
    assert "There is no --debug" in run("upscale", "--", "--debug").err
