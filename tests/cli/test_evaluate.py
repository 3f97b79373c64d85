"""``srntt evaluate``: the protocol from the command line."""

import json
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from cli.pictures import contents
from evaluate.pictures import PAIRS, bicubic, entry, opening, write_pairs
from evaluate.sets import flat

from srntt.data import read_pairs
from srntt.evaluate import PEERS, PreparedReference, Upscaled, score_pairs


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_pairs(tmp_path / "data")


def finished(err: str) -> list[str]:
    """What progress told the end of; lines on the way there depend on the time."""
    return [line.removesuffix(": 2 of 2 pictures") for line in err.splitlines() if line.endswith(": 2 of 2 pictures")]


def test_a_model_with_every_kind_of_reference(run, data: Path, model: Path, tmp_path: Path) -> None:
    ran = run(
        *("evaluate", "--protocol", "pairs", "--data", data, "--model", model, "--json"),
        *("--refs", "first,all,none,unrelated", "--report", tmp_path / "report"),
    )
    assert ran.code == 0, ran.err
    report = json.loads(ran.out)
    assert [item["refs"] for item in report] == ["first", "all", "none", "unrelated"]
    assert {(item["protocol"], item["model"]) for item in report} == {("pairs", str(model))}
    assert all([image["name"] for image in item["images"]] == ["scene/1", "scene/2"] for item in report)
    assert report[0]["environment"]["device"] in ("cpu", "cuda", "mps")
    assert report[0]["mean"]["psnr_y"] != report[2]["mean"]["psnr_y"]  # the reference has a say
    assert json.loads((tmp_path / "report" / "report.json").read_text()) == report
    assert finished(ran.err) == ["first", "all", "none", "unrelated"]


def test_peers_are_scored_next_to_the_model(run, data: Path, model: Path, tmp_path: Path) -> None:
    requested = ("--refs", "none,first", "--peer", "bicubic", "--peer", "lanczos", "--peer", "bicubic")
    ran = run("evaluate", "--data", data, "--model", model, *requested, "--json", "--report", tmp_path / "out")
    assert ran.code == 0, ran.err
    report = json.loads(ran.out)
    rows = [(item["model"], item["refs"], "peer" in item) for item in report]
    assert rows == [
        (str(model), "first", False),
        (str(model), "none", False),
        ("bicubic", "none", True),
        ("lanczos", "none", True),
    ]
    assert report[2]["peer"] == {"pillow": version("pillow")}
    floor = [image["bicubic_psnr_y"] for image in report[0]["images"]]
    assert [image["psnr_y"] for image in report[2]["images"]] == pytest.approx(floor, abs=1e-5)
    assert report[3]["mean"]["psnr_y"] not in (report[1]["mean"]["psnr_y"], report[2]["mean"]["psnr_y"])
    assert finished(ran.err) == ["first", "none", "bicubic", "lanczos"]
    assert "| lanczos (peer) | none |" in (tmp_path / "out" / "report.md").read_text()
    alone = json.loads(run("evaluate", "--data", data, "--model", model, "--refs", "none", "--json").out)
    assert "peer" not in alone  # and one object, as without peers
    assert alone["mean"] == report[1]["mean"]
    ours = ("--baseline", "lanczos", "--json")
    found = json.loads(run("evaluate", "--compare", tmp_path / "out" / "report.json", *ours).out)
    assert {item["runs"] for item in found} == {
        f"lanczos / {other}" for other in (f"{model}, first", f"{model}, none", "bicubic")
    }


def test_an_interrupted_run_keeps_what_each_method_scored(
    run, data: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("evaluate", "--data", data, "--model", model, "--peer", "bicubic", "--peer", "lanczos", "--json")
    arguments = (*arguments, "--report", tmp_path / "out")

    def interrupted(low_res: np.ndarray, references: Sequence[PreparedReference]) -> Upscaled:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setitem(PEERS, "lanczos", opening("lanczos", interrupted))
        assert run(*arguments).code == 130
    with monkeypatch.context() as patched:
        patched.setitem(PEERS, "bicubic", opening("bicubic", interrupted))  # scored, so not asked again
        ran = run(*arguments)
    assert ran.code == 0, ran.err
    assert ran.err.count("scored.jsonl holds 4 scores of an interrupted run") == 1
    assert not (tmp_path / "out" / "scored.jsonl").exists()
    fresh = json.loads(run(*arguments[:-2]).out)
    assert [item["mean"] for item in json.loads(ran.out)] == [item["mean"] for item in fresh]


def test_people_see_that_code_is_compiled(run, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from numba.core import event

    def compiling(low_res: np.ndarray, references: Sequence[PreparedReference]) -> Upscaled:
        with event.trigger_event("numba:compile"):
            return bicubic(low_res, references)

    monkeypatch.setitem(PEERS, "bicubic", opening("bicubic", compiling))
    ran = run("evaluate", "--data", data, "--model", "none", "--peer", "bicubic")
    assert ran.err.splitlines()[0] == "compiling for this machine, once: up to a minute"


def test_the_figure_is_that_of_the_library(run, data: Path) -> None:
    ran = run("evaluate", "--data", data, "--model", "none", "--peer", "bicubic", "--json")
    report = json.loads(ran.out)
    assert (report["model"], report["refs"]) == ("bicubic", "none")
    scores = score_pairs(bicubic, read_pairs(data), "none", PAIRS)
    assert [image["psnr_y"] for image in report["images"]] == [score.values["psnr_y"] for score in scores]


def test_people_get_a_table(run, data: Path) -> None:
    ran = run("evaluate", "--data", data, "--model", "none", "--peer", "bicubic")
    head, _, row = ran.out.splitlines()
    assert head == "| model | references | PSNR-Y | SSIM-Y | LR-PSNR | seconds |"
    assert row.startswith("| bicubic (peer) | none | ")
    assert ran.err.splitlines() == [
        "bicubic: 2 of 2 pictures",
        "LPIPS not computed: the weights were not fetched (srntt weights get lpips).",
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--refs", "second"], 2, "--refs 'second': there are first, all, none, unrelated, self"),
        (["--refs", "first,"], 2, "--refs ''"),
        (
            ["--peer", "cubic"],
            2,
            "Unknown peer 'cubic'. Available: bicubic, bicubic-matlab, lanczos, dat-light, real",
        ),
        (["--model", "none"], 2, "leaves nothing to score"),
        (["--model", "none", "--refs", "first"], 2, "leaves nothing to score"),
        (["--model", "none", "--peer", "bicubic", "--refs", "first"], 2, "Only a model uses references"),
        (["--protocol", "pears"], 2, "no protocol called 'pears'"),
        (["--protocol", "pairs-x2", "--refs", "none"], 2, "lite-rec enlarges 4 times, protocol pairs-x2 2 times"),
        (["--matcher", "quick"], 2, "--matcher"),
        (["--model", "nobody"], 4, "No model 'nobody'"),
        (["--model", "none", "--peer", "bicubic", "--report", "data"], 2, "data is a file"),
    ],
)
def test_refusals(
    run, data: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, message: str
) -> None:
    (data.parent / "here").mkdir()
    (data.parent / "here" / "data").touch()
    monkeypatch.chdir(data.parent / "here")
    before = contents(data.parent)
    ran = run("evaluate", "--data", data, *arguments)
    assert ran.code == code, ran.err
    assert message in ran.err
    assert ran.out == ""
    assert contents(data.parent) == before


def test_references_that_are_missing_are_known_before_the_work(run, tmp_path: Path) -> None:
    data = write_pairs(tmp_path / "data", [entry(), {"name": "b", "target": "target.png", "refs": ["near.png"]}])
    ran = run("evaluate", "--data", data, "--refs", "first,unrelated", "--model", "nobody")
    assert ran.code == 2  # the missing model would have been 4
    assert "b has no unrelated picture" in ran.err


def test_an_empty_index_is_nothing_to_do(run, tmp_path: Path) -> None:
    ran = run("evaluate", "--data", write_pairs(tmp_path / "data", []), "--model", "none", "--peer", "bicubic")
    assert ran.code == 3
    assert "lists no targets" in ran.err


def test_a_damaged_picture_is_a_failed_input_and_no_mean_is_printed(run, data: Path) -> None:
    (data / "second.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    ran = run("evaluate", "--data", data, "--model", "none", "--peer", "bicubic", "--json")
    assert ran.code == 1
    assert "second.png" in ran.err
    assert ran.out == ""


def test_hostile_index_is_a_mistake_in_use(run, tmp_path: Path) -> None:
    data = write_pairs(tmp_path / "data", [entry(target="../../etc/passwd")])
    ran = run("evaluate", "--data", data, "--model", "none", "--peer", "bicubic")
    assert ran.code == 2
    assert "outside the folder of the index" in ran.err


@pytest.mark.parametrize(
    ("made", "message"),
    [("nope", "nope does not exist. "), ("empty", "empty is empty. "), ("file", "file is not a folder. ")],
)
def test_no_folder_of_pictures(run, tmp_path: Path, made: str, message: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    ran = run("evaluate", "--data", tmp_path / made, "--model", "none", "--peer", "bicubic")
    assert ran.code == 2
    assert message in ran.err
    assert "Protocol pairs expects a folder with an index.json" in ran.err
    assert "`srntt protocols`" in ran.err
    assert "does not exist" in ran.err or made != "nope"


def test_a_set_without_references_says_what_to_do(run, tmp_path: Path) -> None:
    folder = flat(tmp_path / "Set", ("a.png", "b.png"))
    ran = run("evaluate", "--data", folder, "--model", "nobody")
    assert ran.code == 2
    assert "Use --refs none" in ran.err
    assert "sisr" in ran.err
    assert "Omit 'first'" not in ran.err
    assert "Omit 'first'" in run("evaluate", "--data", folder, "--model", "nobody", "--refs", "first").err


def test_every_damaged_picture_is_named_before_anything_is_scored(
    run, data: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def requested(low_res: np.ndarray, references: Sequence[PreparedReference]) -> Upscaled:
        raise AssertionError("scored")

    monkeypatch.setitem(PEERS, "bicubic", opening("bicubic", requested))
    whole = (data / "second.png").read_bytes()
    (data / "second.png").write_bytes(whole[: len(whole) // 2])
    (data / "target.png").write_bytes(b"nothing")
    ran = run("evaluate", "--data", data, "--model", "none", "--peer", "bicubic", "--report", tmp_path / "out")
    assert ran.code == 1
    assert "second.png" in ran.err
    assert "target.png" in ran.err
    assert not (tmp_path / "out").exists()


def test_a_report_that_cannot_be_written_is_known_before_the_work(
    run, data: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full(**_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("srntt.report._report.tempfile.TemporaryFile", full)
    monkeypatch.setitem(PEERS, "bicubic", opening("bicubic", lambda *_: pytest.fail("scored")))
    ran = run("evaluate", "--data", data, "--model", "none", "--peer", "bicubic", "--report", tmp_path / "x" / "out")
    assert ran.code == 2
    assert f"{tmp_path} cannot be written to: Read-only file system. Name another folder." in ran.err
    assert not (tmp_path / "x").exists()
