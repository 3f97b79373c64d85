"""Entry point: run a command line and return an exit code; errors are messages, and tracebacks with --debug only."""

import os
import sys
from collections.abc import Sequence

from srntt.cli._exit import Exit, exit_code, explanation
from srntt.cli._interrupt import interruptible
from srntt.cli._say import complain, tolerate_any_name


def main(tokens: Sequence[str] | None = None) -> int:
    """Run a command line, by default that of the process, and return the exit code.

    SRNTT_DEBUG=1 or --debug shows the traceback of an error.
    """
    given = list(sys.argv[1:] if tokens is None else tokens)
    options = given[: given.index("--")] if "--" in given else given
    debug = "--debug" in options or os.environ.get("SRNTT_DEBUG", "0") not in ("", "0")
    tolerate_any_name()
    if "--debug" in options:
        given.remove("--debug")
    try:
        with interruptible():
            return _run(given)
    except BrokenPipeError:  # the reader of stdout has exited (| head)
        _close_stdout()
        return Exit.SOME_FAILED
    except KeyboardInterrupt as error:
        return _ended(error, debug)
    except Exception as error:
        return _ended(error, debug)


def _run(tokens: list[str]) -> int:
    from cyclopts import CycloptsError  # imported here, so that Ctrl-C during the import is handled, too

    from srntt.cli._app import app

    try:
        code = app(tokens, exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        command = " ".join(["srntt", *(error.command_chain or ())])
        complain(f"{str(error).strip()}\nSee {command} --help.")
        return Exit.USAGE
    if code is None:  # help or version was shown, on request or because no command was given
        code = Exit.DONE if {"-h", "--help", "--version"} & set(tokens) else Exit.USAGE
    sys.stdout.flush()
    return code


def _ended(error: BaseException, debug: bool) -> int:
    if debug:
        import traceback

        traceback.print_exception(error)
    complain(explanation(error))
    return exit_code(error)


def _close_stdout() -> None:
    """Redirect stdout to the null device, since the interpreter reports a broken pipe again on exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
