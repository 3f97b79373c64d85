"""Requests that the components of the page do not accept: one line of the log each, which the client cannot forge.

In a process of its own, since Gradio leaves event loops open.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from srntt.demo import OrderLimits, Settings

WISHES = ("lite-rec", 0, 1, "PNG", 95, False, False)
ACCEPTED = [None, None, *WISHES]
REFUSED = (
    ([], "ValueError: An event handler"),
    (["x\n\x1b[2J" * 100_000], "ValueError: An event handler"),
    ([[{"path": 5}], None, *WISHES], "ValidationError: "),
    ([None, None, "../lite-rec", *WISHES[1:]], "Error: "),
    ([None, None, "lite-rec", 10**300, *WISHES[2:]], "Error: "),
)


@pytest.mark.skipif(find_spec("gradio") is None, reason="needs the extra demo: gradio is not installed")
def test_a_refusal_is_one_line_of_the_log() -> None:
    given = json.dumps([ACCEPTED, *(values for values, _ in REFUSED)])
    ran = subprocess.run([sys.executable, __file__], input=given, capture_output=True, text=True, check=True)
    accepted, *refused = json.loads(ran.stdout)
    assert accepted == ACCEPTED
    lines = ran.stderr.splitlines()
    assert len(lines) == len(refused) == len(REFUSED)
    for (_, reason), line, (text, traceback) in zip(REFUSED, lines, refused, strict=True):
        assert line.startswith("Refused a request: ")
        assert reason in line
        assert line.isprintable()
        assert len(line) < 250
        assert text == "'The page does not accept this. Reload it, and try again.'"
        assert not traceback


async def _print_answers(requests: list[list[Any]]) -> None:
    """Print what the page makes of each, or how it refuses it and whether Gradio then prints a traceback."""
    from gradio import Error  # pyright: ignore[reportMissingImports]

    from srntt.demo._page import build_page
    from srntt.demo._service import Service

    answers = []
    with tempfile.TemporaryDirectory() as folder:
        page = build_page(Service(Path(folder), Settings(limits=OrderLimits())), ())
        (upscale,) = (each for each in page.fns.values() if each.api_name == "upscale")
        for values in requests:
            try:
                answers.append(await page.preprocess_data(upscale, values, None))
            except Error as error:
                answers.append((str(error), error.print_exception))
    print(json.dumps(answers))


if __name__ == "__main__":
    asyncio.run(_print_answers(json.load(sys.stdin)))
