"""Reliable handling of Ctrl-C and SIGTERM; a second signal ends the process immediately.

Raising from a signal handler is not enough. Python runs the handler at the next bytecode, and while Numba compiles,
that is often in a callback from LLVM, which cannot propagate exceptions: Python reports them as unraisable and
continues. An exception lost there is therefore raised again shortly afterwards, and progress calls check for it.
"""

import _thread
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from srntt._files import remove_unfinished
from srntt._system import unblock

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_AGAIN_SECONDS = 0.05


class Terminated(KeyboardInterrupt):
    """Raised on SIGTERM."""


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise KeyboardInterrupt on Ctrl-C and Terminated on SIGTERM within the block, until one is effective.

    No effect in threads other than the main one, which receive no signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    global _interrupted
    wanted = [number for number in _SIGNALS if signal.getsignal(number) != signal.SIG_IGN]  # nohup, a shell's &
    handlers = {number: signal.signal(number, _on_signal) for number in wanted}
    report = sys.unraisablehook
    sys.unraisablehook = partial(_on_lost, report)
    try:
        with _ending_at_once_on_the_second():
            yield
    except Exception as error:
        if _interrupted is None:
            raise
        raise _interrupted() from error  # compiled code may turn it into a SystemError
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        sys.unraisablehook, _interrupted = report, None


def raise_if_interrupted() -> None:
    """Raise the exception of a signal that was received but lost."""
    if _interrupted is not None:
        raise _interrupted()


_interrupted: type[KeyboardInterrupt] | None = None
_repeats = 0  # signals sent by this module to raise an exception again


def _on_signal(number: int, _: object) -> None:
    global _interrupted
    _interrupted = _interrupted or (Terminated if number == signal.SIGTERM else KeyboardInterrupt)
    raise _interrupted()


def _on_lost(report: Callable[[Any], object], lost: Any) -> None:
    """Replace ``sys.unraisablehook``, which reports every exception."""
    if not isinstance(lost.exc_value, KeyboardInterrupt):
        report(lost)
        return
    again = threading.Timer(_AGAIN_SECONDS, _raise_again)
    again.daemon = True
    again.start()


def _raise_again() -> None:
    global _repeats
    if _interrupted is not None:
        _repeats += 1
        _thread.interrupt_main(signal.SIGTERM if _interrupted is Terminated else signal.SIGINT)


@contextmanager
def _ending_at_once_on_the_second() -> Iterator[None]:
    """Receive signals in a thread immediately, even while the main thread runs compiled code."""
    reading, writing = os.pipe()
    unblock(writing)
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    listener = threading.Thread(target=_listen, args=(reading,), name="signals", daemon=True)
    listener.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        os.close(writing)
        listener.join()
        os.close(reading)


def _listen(reading: int) -> None:
    global _repeats
    presses = 0
    while number := os.read(reading, 1):
        if number[0] not in _SIGNALS:
            continue
        if _repeats:
            _repeats -= 1
            continue
        presses += 1
        if presses == 2:
            _end_now(number[0])


def _end_now(number: int) -> None:
    remove_unfinished()
    with suppress(OSError):  # stderr is closed
        cursor = b"\x1b[?25h" if os.isatty(2) else b""  # progress bars hide the cursor
        os.write(2, cursor + b"\nsrntt: Interrupted twice, ended immediately. No incomplete files were left.\n")
    os._exit(128 + number)
