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


@pytest.mark.parametrize(
    "wrong",
    [["--repeats", "0"], ["--patch", "2"], ["--query", "5"], ["--references", "0"]],
)
def test_what_cannot_be_measured_is_refused(capsys, wrong):
    assert main(["bench", "match", *_SMALL, *wrong]) == 2
    assert "defect" not in capsys.readouterr().err


@pytest.mark.parametrize("mode", [["--fast"], ["--device", "cuda"]])
def test_an_option_that_would_not_count_is_refused(capsys, mode):
    assert main(["bench", "match", *mode, "--large", "--no-check"]) == 2
    assert f"--large, --check: has no effect with {' '.join(mode)}." in capsys.readouterr().err
    assert main(["bench", "match", "--sizes", "16"]) == 2
    assert "--sizes: has no effect with exact matching" in capsys.readouterr().err


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
    assert "exponents of time" in out


def test_an_upscale_as_json_and_for_people(capsys):
    tiny = ["--size", "32", "48", "--reference", "32", "48", "--repeats", "1", "--matcher", "exact"]
    assert main(["bench", "upscale", *tiny, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["over_yardstick"]["end_to_end"] > 0
    assert main(["bench", "upscale", *tiny]) == 0
    out = capsys.readouterr().out
    assert "48 x 32 from 1 of 48 x 32" in out
    assert "exact matching: as requested" in out


def test_memory_for_people_and_what_is_refused(capsys):
    tiny = ["--megapixels", "0.01", "--references", "1", "--reference", "32", "48"]
    assert main(["bench", "memory", *tiny]) == 0
    assert "1 references" in (out := capsys.readouterr().out)
    assert "predicted, exact matching" in out
    assert main(["bench", "memory", *tiny, "--memory", "lots"]) == 2
    capsys.readouterr()
    assert main(["bench", "memory", *tiny, "--model", "nowhere"]) == 4
    assert (err := capsys.readouterr().err).startswith("srntt: No model 'nowhere'.")
    assert "Traceback" not in err
