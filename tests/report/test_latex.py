"""The LaTeX table: every character a name may have, and published figures next to the measured ones."""

from pathlib import Path

import pytest

from srntt.evaluate import Evaluation, Score
from srntt.report import write_report


def written(folder: Path, protocol: str, model: str = "lite") -> tuple[str, str]:
    scores = (Score("a", {"psnr_y": 30.0, "ssim_y": 0.9, "lpips": None}, 1.5),)
    write_report([Evaluation(protocol, model, "first", scores)], folder / "out")
    return (folder / "out" / "report.tex").read_text(), (folder / "out" / "report.md").read_text()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (r"a_b&c%d$e#f{g}~^\x", r"a\_b\&c\%d\$e\#f\{g\}\textasciitilde{}\textasciicircum{}\textbackslash{}x"),
        ("two\nlines", "two lines"),
    ],
)
def test_names_cannot_break_the_table(tmp_path: Path, name: str, shown: str) -> None:
    table, _ = written(tmp_path, "pairs", name)
    assert f"{shown} & first & 30.00 & 0.9000 \\\\" in table
    assert table.count(r"\begin{tabular}{llrr}") == table.count(r"\end{tabular}") == 1
    assert "Published" not in table  # of pairs of one's own, no paper has figures


def test_published_figures_name_protocol_and_source(tmp_path: Path) -> None:
    table, markdown = written(tmp_path, "c2")
    row = r"C2-Matching-rec & table of AMSA (Xia et al., AAAI 2022); protocol c2 & 28.24 & 0.841 \\"
    assert row in table
    assert "| C2-Matching-rec | 28.24 | 0.841 | c2 | table of AMSA (Xia et al., AAAI 2022) |" in markdown
    assert "| SRNTT | 25.61 | 0.764 | not stated | table of AMSA (Xia et al., AAAI 2022) |" in markdown
    assert "Only figures made by the same protocol (c2) compare" in markdown


def test_each_set_has_its_own_figures(tmp_path: Path) -> None:
    _, markdown = written(tmp_path, "sun80")
    assert "## Published figures on Sun80" in markdown
    assert "| MASA-rec | 30.15 | 0.815 | sun80 |" in markdown
