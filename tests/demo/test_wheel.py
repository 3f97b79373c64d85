"""What is installed has all that the page needs."""

import zipfile
from pathlib import Path

import pytest

from srntt.demo._serve import example_folder

REPOSITORY = Path(__file__).parents[2]


def test_the_examples_are_those_of_the_checkout() -> None:
    assert example_folder() == REPOSITORY / "examples" / "motorcycle"


@pytest.mark.slow
def test_the_wheel_has_all_that_the_page_needs(tmp_path: Path) -> None:
    build = pytest.importorskip("hatchling.builders.wheel", reason="hatchling is not installed here")
    (wheel,) = build.WheelBuilder(str(REPOSITORY)).build(directory=str(tmp_path), versions=["standard"])
    names = zipfile.ZipFile(wheel).namelist()
    for name in ("_view.js", "_page.css", "examples/motorcycle/low-res.png", "examples/motorcycle/reference.png"):
        assert f"srntt/demo/{name}" in names
