"""Entry point: run a command line and return an exit code; errors are messages, and tracebacks with --debug only."""

import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext

from srntt.cli._exit import Exit, exit_code, explanation
from srntt.cli._interrupt import interruptible
from srntt.cli._say import close_stdout, complain, printing, tolerate_any_name

_GROUPS = ([], ["bench"], ["corpus"], ["export"], ["weights"])  # they print help if they are alone


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
        close_stdout()
        return Exit.SOME_FAILED
    except KeyboardInterrupt as error:
        return _ended(error, debug)
    except Exception as error:
        return _ended(error, debug)


def _run(tokens: list[str]) -> int:
    from cyclopts import CycloptsError  # imported here, so that Ctrl-C during the import is handled, too

    from srntt.cli._app import app

    about = {"-h", "--help", "--version"} & set(tokens)
    try:
        with printing() if about or tokens[:2] in _GROUPS else nullcontext():  # help is printed by cyclopts
            code = app(tokens, exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        command = " ".join(["srntt", *(error.command_chain or ())])
        complain(f"{str(error).strip()}\nSee {command} --help.")
        return Exit.USAGE
    if code is None:  # help or version was shown, on request or because no command was given
        code = Exit.DONE if about else Exit.USAGE
    return code


def _ended(error: BaseException, debug: bool) -> int:
    if debug:
        import traceback

        traceback.print_exception(error)
    complain(explanation(error))
    return exit_code(error)
