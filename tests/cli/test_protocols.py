"""``srntt protocols``, and ``srntt evaluate`` by protocols other than pairs: sets, changes to references, resuming."""

import json
from pathlib import Path

import pytest
from cli.pictures import contents
from evaluate.outputs import write_outputs
from evaluate.pictures import bicubic, opening, write_pairs
from evaluate.sets import cufed5, flat, selfexsr

from srntt.evaluate import PEERS, PROTOCOLS, Upscaled


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_pairs(tmp_path / "data")


def test_a_table_of_all_protocols(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    header, *lines = run("protocols").out.splitlines()
    assert header.split("  ")[0] == "protocol"
    assert all(len(line) <= 100 for line in lines)
    rows = [line for line in lines[:-2] if not line.startswith(" ")]
    assert [row.split()[0] for row in rows] == list(PROTOCOLS)
    assert rows[list(PROTOCOLS).index("c2")].split()[1:4] == ["4", "4", "first"]


def test_a_protocol_by_a_part_of_its_name_is_corrected(run, tmp_path: Path) -> None:
    ran = run("evaluate", "--protocol", "ttsr", "--data", tmp_path)
    assert ran.code == 2
    assert "no protocol called 'ttsr'. Did you mean ttsr-first or ttsr-stitched?" in ran.err
    assert "Did you mean manga109-self?" in run("protocols", "manga").err
    assert "Did you mean mrefsr?" in run("protocols", "mrfsr").err


def test_every_protocol_is_described(run) -> None:
    ran = run("protocols", *PROTOCOLS)
    assert ran.code == 0
    for name, protocol in PROTOCOLS.items():
        assert f"{name}: {protocol.description}\n" in ran.out
        assert protocol.source in ran.out
    printed = json.loads(run("protocols", "masa", "c2", "--json").out)
    assert [item["name"] for item in printed] == ["masa", "c2"]
    assert printed[0]["canvas"] == "padded (edge, on all sides) to multiples of 32"
    ran = run("protocols", "massa")
    assert (ran.code, ran.out) == (2, "")
    assert "no protocol called 'massa'" in ran.err


def test_a_protocol_with_its_own_kind_of_references(run, tmp_path: Path, model: Path) -> None:
    printed = json.loads(
        run(
            *("evaluate", "--protocol", "urban100-self", "--data", flat(tmp_path / "set", ("a.png", "b.png"))),
            *("--model", model, "--subset", "--json"),
        ).out
    )
    assert (printed["protocol"], printed["refs"]) == ("urban100-self", "self")
    assert printed["subset"] == {"scored": 2, "missing": 98}


def test_a_whole_set_has_no_subset(run, tmp_path: Path) -> None:
    arguments = (
        "evaluate",
        "--protocol",
        "sisr",
        "--data",
        selfexsr(tmp_path / "Set5"),
        "--model",
        "none",
        "--peer",
        "bicubic-matlab",
    )
    printed = json.loads(run(*arguments, "--json", "--metrics", "psnr_y").out)
    assert "subset" not in printed
    assert list(printed["mean"]) == ["psnr_y"]


def test_people_are_reported_a_subset(run, tmp_path: Path) -> None:
    ran = run(
        "evaluate",
        "--protocol",
        "c2",
        "--data",
        cufed5(tmp_path / "set"),
        "--model",
        "none",
        "--peer",
        "bicubic",
        "--subset",
    )
    assert "| bicubic (peer) | none (2 of 126 targets) |" in ran.out


def test_a_set_that_is_not_whole_is_refused(run, tmp_path: Path) -> None:
    ran = run(
        "evaluate", "--protocol", "c2", "--data", cufed5(tmp_path / "set"), "--model", "none", "--peer", "bicubic"
    )
    assert ran.code == 2
    assert "has 2 of the 126 targets of CUFED5" in ran.err
    assert "--subset" in ran.err


def test_each_value_is_a_point_of_a_curve(run, data: Path, model: Path, tmp_path: Path) -> None:
    ran = run(
        *("evaluate", "--data", data, "--model", model, "--refs", "none,first,self", "--json"),
        *("--ref-noise", "0,20", "--ref-scale", "0.5", "--ref-rotate", "30", "--ref-exposure", "-1.5"),
        *("--report", tmp_path / "report"),
    )
    assert ran.code == 0, ran.err
    printed = json.loads(ran.out)
    points = [(item["refs"], item.get("reference_change", {}).get("what")) for item in printed]
    curve = ["noise", "noise", "scale", "rotate", "exposure"]
    assert points == [*(("first", what) for what in curve), ("none", None), *(("self", what) for what in curve)]
    assert [item["reference_change"]["value"] for item in printed[:5]] == [0, 20, 0.5, 30, -1.5]
    assert all("8 bits" in item["reference_change"]["exactly"] for item in printed[:5])
    assert printed[0]["mean"]["psnr_y"] != printed[1]["mean"]["psnr_y"]
    assert "| first, noise 20 |" in (tmp_path / "report" / "report.md").read_text()
    assert "first, scale 0.5: 2 of 2 pictures" in ran.err.splitlines()
    plain = json.loads(run("evaluate", "--data", data, "--model", model, "--json").out)
    assert plain["mean"] == printed[0]["mean"]  # no noise is no change


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--ref-noise", "a"], "--ref-noise 'a': give numbers separated by commas"),
        (["--ref-noise", ""], "--ref-noise ''"),
        (["--ref-scale", "0.5,-1"], "--ref-scale -1: the value must be from"),
        (["--ref-rotate", "nan"], "--ref-rotate nan"),
        (["--refs", "none", "--ref-noise", "5"], "need references: choose them"),
        (["--peer", "bicubic", "--refs", "none", "--ref-noise", "5"], "need references"),
        (["--ref-scale", "0.02"], "leaves 1x1 of a reference"),
        (["--metrics", "beauty"], "Unknown metric 'beauty'"),
        (["--protocol", "urban100-self", "--subset", "--refs", "first"], "far has no references in this set"),
    ],
)
def test_refusals(run, data: Path, model: Path, arguments: list[str], message: str) -> None:
    before = contents(data)
    ran = run("evaluate", "--data", data, "--model", model, *arguments)
    assert ran.code == 2, ran.err
    assert message in ran.err
    assert ran.out == ""
    assert contents(data) == before


def test_an_interrupted_run_is_continued(run, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report, calls = tmp_path / "report", []

    def interrupted(low_res, references) -> Upscaled:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return bicubic(low_res, references)

    monkeypatch.setitem(PEERS, "bicubic", opening("bicubic", interrupted))
    arguments = ("evaluate", "--data", data, "--model", "none", "--peer", "bicubic", "--report", report, "--json")
    assert run(*arguments).code == 130
    assert list(contents(report)) == ["scored.jsonl"]
    ran = run(*arguments)
    assert ran.code == 0
    assert len(calls) == 5  # to warm up, one, the interrupted one; to warm up, and that one again
    assert "scored.jsonl holds 1 scores of an interrupted run" in ran.err
    assert sorted(contents(report)) == ["report.csv", "report.html", "report.json", "report.md", "report.tex"]
    fresh = json.loads(run("evaluate", "--data", data, "--model", "none", "--peer", "bicubic", "--json").out)
    assert [image["psnr_y"] for image in json.loads(ran.out)["images"]] == [
        image["psnr_y"] for image in fresh["images"]
    ]


def test_outputs_at_the_prompt(run, tmp_path: Path) -> None:
    data = write_pairs(tmp_path / "data")
    folder = write_outputs(data, tmp_path / "theirs")
    options = ("evaluate", "--data", data, "--model", "none", "--peer", "bicubic", "--json")
    ran = run(*options, "--outputs", f"DATSR={folder}", "--report", tmp_path / "report")
    assert ran.code == 0, ran.err
    peer, theirs = json.loads(ran.out)
    assert (theirs["model"], theirs["refs"]) == ("DATSR", "unknown")
    assert theirs["mean"] == peer["mean"]
    assert theirs["peer"]["folder"] == "theirs"
    assert r"DATSR (peer) & unknown" in (tmp_path / "report" / "report.tex").read_text()
    alone = run("evaluate", "--data", data, "--model", "none", "--outputs", folder)
    assert "| theirs (peer) | unknown |" in alone.out
