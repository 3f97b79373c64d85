"""What is compiled is told of once; what is found compiled is not."""

import pytest
from numba import njit

from srntt.cli._compiling import compiling_reported


def test_the_first_compilation_is_reported_once_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    double, half = njit(lambda x: 2 * x), njit(lambda x: x / 2)
    with compiling_reported():
        assert (double(2), half(2)) == (4, 1)
    captured = capsys.readouterr()
    assert captured.err == "compiling for this machine, once: up to a minute\n"
    assert captured.out == ""


def test_nothing_is_reported_where_nothing_is_compiled(capsys: pytest.CaptureFixture[str]) -> None:
    double = njit(lambda x: 2 * x)
    double(2)
    with compiling_reported():
        assert double(3) == 6
    njit(lambda x: 3 * x)(2)  # outside the block
    assert capsys.readouterr().err == ""
