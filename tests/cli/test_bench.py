import json

import pytest

from srntt.cli import main

_SMALL = ["--query", "5", "6", "--key", "7", "4", "--channels", "4", "--threads", "1", "--repeats", "1"]


def test_figures_as_json(capsys):
    assert main(["bench", "match", *_SMALL, "--json"]) == 0
    case = json.loads(capsys.readouterr().out)["cases"][0]
    assert case["wrong_index"]["fused"] == 0
    assert case["unfold_matmul_over_fused"] > 0


def test_figures_for_people(capsys):
    assert main(["bench", "match", *_SMALL, "--patch", "1"]) == 0
    out = capsys.readouterr().out
    assert "4 channels, 1 threads" in out
    assert "0 positions differ from the definition" in out


@pytest.mark.parametrize("wrong", [["--repeats", "0"], ["--patch", "2"], ["--query", "5"]])
def test_what_cannot_be_measured_is_refused(capsys, wrong):
    assert main(["bench", "match", *_SMALL, *wrong]) == 2
    assert capsys.readouterr().err


_FAST = ["--fast", "--sizes", "16", "--sizes", "24", "--channels", "8", "--threads", "1"]


def test_fast_matching_as_json(capsys):
    assert main(["bench", "match", *_FAST, "--json"]) == 0
    (report,) = json.loads(capsys.readouterr().out)["fast"]
    assert [case["query"] for case in report["cases"]] == [[16, 16], [24, 24]]
    assert report["growth"].keys() == {"exact", "fast"}


def test_fast_matching_for_people(capsys):
    assert main(["bench", "match", *_FAST]) == 0
    out = capsys.readouterr().out
    assert "24 x 24 positions, 8 channels, 1 threads" in out
    assert "time grows as positions to the" in out
