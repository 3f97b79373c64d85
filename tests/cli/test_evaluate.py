"""``srntt evaluate``: the protocol from the command line."""

import json
from pathlib import Path

import pytest
from cli.pictures import contents
from evaluate.pictures import entry, write_pairs

from srntt.evaluate import PAIRS, bicubic, read_pairs, score_pairs


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_pairs(tmp_path / "data")


def test_a_model_with_every_kind_of_reference(run, data: Path, model: Path, tmp_path: Path) -> None:
    ran = run(
        *("evaluate", "--protocol", "pairs", "--data", data, "--model", model, "--json"),
        *("--refs", "first,all,none,unrelated", "--report", tmp_path / "report"),
    )
    assert ran.code == 0, ran.err
    told = json.loads(ran.out)
    assert [item["refs"] for item in told] == ["first", "all", "none", "unrelated"]
    assert {(item["protocol"], item["model"]) for item in told} == {("pairs", str(model))}
    assert all([image["name"] for image in item["images"]] == ["scene/1", "scene/2"] for item in told)
    assert told[0]["environment"]["device"] in ("cpu", "cuda", "mps")
    assert told[0]["mean"]["psnr_y"] != told[2]["mean"]["psnr_y"]  # the reference has a say
    assert json.loads((tmp_path / "report" / "report.json").read_text()) == told
    assert ran.err.splitlines() == [f"{kind}: 2 of 2 pictures" for kind in ("first", "all", "none", "unrelated")]


def test_the_figure_is_that_of_the_library(run, data: Path) -> None:
    ran = run("evaluate", "--data", data, "--peer", "bicubic", "--json")
    told = json.loads(ran.out)
    assert (told["model"], told["refs"]) == ("bicubic", "none")
    scores = score_pairs(bicubic, read_pairs(data), "none", PAIRS)
    assert [image["psnr_y"] for image in told["images"]] == [score.values["psnr_y"] for score in scores]


def test_people_get_a_table(run, data: Path) -> None:
    ran = run("evaluate", "--data", data, "--peer", "bicubic")
    head, _, row = ran.out.splitlines()
    assert head == "| model | references | PSNR-Y | SSIM-Y | LPIPS | LR-PSNR | seconds |"
    assert row.startswith("| bicubic | none | ")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--refs", "second"], 2, "--refs 'second': there are first, all, none, unrelated, self"),
        (["--refs", "first,"], 2, "--refs ''"),
        (["--peer", "lanczos"], 2, "no peer called 'lanczos'; there are: bicubic, bicubic-matlab"),
        (["--peer", "bicubic", "--refs", "first"], 2, "bicubic takes no references"),
        (["--protocol", "pears"], 2, "no protocol called 'pears'"),
        (["--matcher", "fast"], 2, "--matcher fast does not exist yet"),
        (["--model", "nobody"], 4, "No model 'nobody'"),
        (["--peer", "bicubic", "--report", "data"], 2, "data is a file"),
    ],
)
def test_refusals(run, data: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, said: str) -> None:
    (data.parent / "here").mkdir()
    (data.parent / "here" / "data").touch()
    monkeypatch.chdir(data.parent / "here")
    before = contents(data.parent)
    ran = run("evaluate", "--data", data, *arguments)
    assert ran.code == code, ran.err
    assert said in ran.err
    assert ran.out == ""
    assert contents(data.parent) == before


def test_references_that_are_missing_are_known_before_the_work(run, tmp_path: Path) -> None:
    data = write_pairs(tmp_path / "data", [entry(), {"name": "b", "target": "target.png", "refs": ["near.png"]}])
    ran = run("evaluate", "--data", data, "--refs", "first,unrelated", "--model", "nobody")
    assert ran.code == 2  # the missing model would have been 4
    assert "b has no unrelated picture" in ran.err


def test_an_empty_index_is_nothing_to_do(run, tmp_path: Path) -> None:
    ran = run("evaluate", "--data", write_pairs(tmp_path / "data", []), "--peer", "bicubic")
    assert ran.code == 3
    assert "lists no targets" in ran.err


def test_a_damaged_picture_is_a_failed_input_and_no_mean_is_printed(run, data: Path) -> None:
    (data / "second.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    ran = run("evaluate", "--data", data, "--peer", "bicubic", "--json")
    assert ran.code == 1
    assert "second.png" in ran.err
    assert ran.out == ""


def test_hostile_index_is_a_mistake_in_use(run, tmp_path: Path) -> None:
    data = write_pairs(tmp_path / "data", [entry(target="../../etc/passwd")])
    ran = run("evaluate", "--data", data, "--peer", "bicubic")
    assert ran.code == 2
    assert "leaves the folder of the index" in ran.err
