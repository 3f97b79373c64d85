"""Ctrl-C and SIGTERM within a command: never lost, and the second ends it at once."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cli.test_processes import environment

from srntt.cli import main
from srntt.cli._interrupt import Terminated, interruptible, raise_if_interrupted
from srntt.cli._progress import ProgressOnStderr

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to send")
_BOTH = pytest.mark.parametrize(
    ("number", "raised"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated)]
)


def lose(number: int) -> None:
    """Receive a signal inside a callback from C, through which no exception passes: as in Numba's compiler."""

    def receive() -> None:
        signal.raise_signal(number)
        time.sleep(0)

    ctypes.CFUNCTYPE(None)(receive)()


def interrupted(send: Callable[[], None]) -> None:
    with interruptible():
        send()
        wait()


def wait() -> None:
    for _ in range(500):
        time.sleep(0.01)
    pytest.fail("the interrupt never came")


@_BOTH
def test_a_signal_is_raised_where_it_is_heard(number: int, raised: type) -> None:
    with pytest.raises(raised) as caught:
        interrupted(lambda: signal.raise_signal(number))
    assert caught.type is raised


@_BOTH
def test_one_that_was_lost_in_a_callback_is_raised_again(number: int, raised: type) -> None:
    with pytest.raises(raised) as caught:
        interrupted(lambda: lose(number))
    assert caught.type is raised


def test_one_that_was_swallowed_is_raised_by_the_next_progress() -> None:
    with interruptible(), ProgressOnStderr() as progress:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            progress("match", 1, 2)


@_BOTH
def test_one_that_became_another_error_is_still_an_interrupt(number: int, raised: type) -> None:
    def mangle() -> None:
        try:
            signal.raise_signal(number)
            wait()
        except KeyboardInterrupt:
            raise SystemError("returned a result with an exception set") from None

    with pytest.raises(raised) as caught:
        interrupted(mangle)
    assert caught.type is raised
    with pytest.raises(ZeroDivisionError):
        interrupted(lambda: 1 // 0)


def test_everything_is_as_before_afterwards() -> None:
    def state() -> tuple:
        return signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM), sys.unraisablehook

    before, threads = state(), threading.active_count()
    with interruptible():
        assert state() != before
    with pytest.raises(KeyboardInterrupt):
        interrupted(lambda: signal.raise_signal(signal.SIGINT))
    assert state() == before
    assert threading.active_count() == threads
    assert signal.set_wakeup_fd(-1) == -1
    raise_if_interrupted()  # nothing is due any more


def test_other_unraisable_exceptions_are_still_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    reported = []
    monkeypatch.setattr(sys, "unraisablehook", lambda lost: reported.append(lost.exc_type))
    with interruptible():
        ctypes.CFUNCTYPE(None)(lambda: 1 // 0)()
    assert reported == [ZeroDivisionError]


def test_what_a_shell_keeps_from_us_is_left_so() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interruptible():
            assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_command_may_run_in_another_thread(capsys: pytest.CaptureFixture[str]) -> None:
    codes = []
    thread = threading.Thread(target=lambda: codes.append(main(["--version"])))
    thread.start()
    thread.join()
    assert codes == [0]


@_BOTH
def test_the_second_ends_the_process_at_once_and_leaves_no_file(tmp_path: Path, number: int, raised: type) -> None:
    code = """if True:
        import sys, time
        from srntt._files import whole_file
        from srntt.cli._interrupt import interruptible
        with interruptible(), whole_file(sys.argv[1], overwrite=False) as file:
            file.write(b"half")
            while True:
                try:
                    print("ready", flush=True)
                    time.sleep(60)
                except KeyboardInterrupt:
                    pass  # as deaf as compiled code
    """
    command = [sys.executable, "-c", code, str(tmp_path / "x")]
    with subprocess.Popen(command, text=True, stdout=-1, stderr=-1, env=environment()) as process:
        try:
            assert process.stdout
            for _ in range(2):
                assert process.stdout.readline() == "ready\n"
                assert [name[-5:] for name in os.listdir(tmp_path)] == [".part"]
                process.send_signal(number)
            _, err = process.communicate(timeout=20)
        finally:
            process.kill()
    assert process.returncode == 128 + number
    assert "Interrupted twice" in err
    assert os.listdir(tmp_path) == []
