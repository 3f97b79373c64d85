"""Words to people and figures to programs, whatever a file is called."""

import contextlib
import io
import json
import os
import sys
from typing import Any

_MOST_SAID = 1500  # characters of a complaint


def say(*lines: str) -> None:
    """Results for people, on stdout."""
    for line in lines:
        print(printable(line))


def say_json(value: Any) -> None:
    """Results for programs, on stdout: one JSON value."""
    print(json.dumps(value, indent=1, allow_nan=False))


def complain(text: str) -> None:
    """What went wrong, on stderr; nowhere if nobody reads it any more.

    Lines after the first are indented, so that no name with a newline in it can speak for srntt; and what a hostile
    file made long is cut in the middle, for the end says what to do.
    """
    if len(text) > _MOST_SAID:
        text = f"{text[: _MOST_SAID // 2]} [...] {text[-_MOST_SAID // 2 :]}"
    shown = printable(text).rstrip("\n").replace("\n", "\n  ")
    with contextlib.suppress(BrokenPipeError):
        print(f"srntt: {shown}", file=sys.stderr, flush=True)


def printable(text: str) -> str:
    """Text without what could steer a terminal or cannot be encoded: it is shown as Python would write it."""
    return "".join(
        c if c.isprintable() or c == "\n" else c.encode("unicode_escape", "surrogatepass").decode() for c in text
    )


def tolerate_any_name() -> None:
    """A character that the terminal's encoding lacks is shown as an escape; what was closed is written to nowhere."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
