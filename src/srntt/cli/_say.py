"""Output of results and errors, safe for any file name."""

import contextlib
import io
import json
import os
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from srntt.errors import OutputError

_MOST_SAID = 1500  # characters of a complaint


@contextlib.contextmanager
def printing() -> Iterator[None]:
    """Flush stdout at the end of the block, in which nothing else is written to.

    Raises:
        OutputError: Stdout cannot be written to, such as a file on a full disk.
    """
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        close_stdout()
        raise OutputError(
            f"stdout: cannot be written: {error.strerror}. Redirect it elsewhere; files named by options are complete."
        ) from error


def close_stdout() -> None:
    """Redirect stdout to the null device, since the interpreter reports an error again on exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def say(*lines: str) -> None:
    """Print results as text on stdout; raise OutputError if that fails."""
    with printing():
        for line in lines:
            print(printable(line))


def say_json(value: Any) -> None:
    """Print results as one JSON value on stdout; raise OutputError if that fails."""
    with printing():
        print(json.dumps(value, indent=1, allow_nan=False))


def say_either(lines: Iterable[str], value: Any, *, as_json: bool) -> None:
    """Print results as text, or as one JSON value if requested; raise OutputError if that fails."""
    if as_json:
        say_json(value)
    else:
        say(*lines)


def complain_of_each(failed: Iterable[tuple[object, str]]) -> None:
    """Print the name and reason of each failure on stderr; many reasons contain the name."""
    for name, reason in failed:
        complain(reason if str(name) in reason else f"{name}: {reason}")


def complain(text: str) -> None:
    """Print an error on stderr, unless it is closed.

    Lines after the first are indented, so that a name with a newline cannot imitate a message of srntt. Long messages,
    e.g. caused by malicious files, are truncated in the middle, since their end says what to do.
    """
    if len(text) > _MOST_SAID:
        text = f"{text[: _MOST_SAID // 2]} [...] {text[-_MOST_SAID // 2 :]}"
    shown = printable(text).rstrip("\n").replace("\n", "\n  ")
    with contextlib.suppress(BrokenPipeError):
        print(f"srntt: {shown}", file=sys.stderr, flush=True)


def printable(text: str) -> str:
    """Escape control characters and characters that cannot be encoded, as in Python literals."""
    return "".join(
        c if c.isprintable() or c == "\n" else c.encode("unicode_escape", "surrogatepass").decode() for c in text
    )


def tolerate_any_name() -> None:
    """Escape characters that the encoding of the terminal lacks, and replace closed streams by the null device."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
