"""The command as a process: what it imports, how it ends, which stream gets what."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cli.pictures import contents, pixels
from PIL import Image

SRNTT = [sys.executable, "-m", "srntt"]
SOURCE = Path(__file__).parent.parent.parent / "src"


def environment(**changes: str) -> dict[str, str]:
    path = os.pathsep.join(filter(None, [str(SOURCE), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", **changes}


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen]]:
    """Starts a command as a process; what still runs when the test is over, is ended."""
    started: list[subprocess.Popen] = []

    def start(*tokens: object, env: dict[str, str] | None = None, **options: Any) -> subprocess.Popen:
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        command = [*SRNTT, *map(str, tokens)]
        started.append(subprocess.Popen(command, text=True, env=env or environment(), **streams))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def imported_by(code: str) -> set[str]:
    heavy = "print(*{'torch', 'numba', 'numpy', 'PIL'} & set(sys.modules), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\n{heavy}"],
        capture_output=True,
        text=True,
        env=environment(),
        check=True,
    )
    return set(done.stderr.split())


@pytest.mark.parametrize(
    "tokens", ["['--help']", "['upscale', '--help']", "['--version']", "['upscale', 'no-such.png']"]
)
def test_help_and_mistakes_cost_no_heavy_import(tokens: str) -> None:
    quiet = "import os, contextlib\nwith contextlib.redirect_stderr(open(os.devnull, 'w')):\n    main"
    assert imported_by(f"from srntt.cli import main\n{quiet}({tokens})") == set()


def test_exit_codes_reach_the_shell_and_name_the_file(start, folder: Path) -> None:
    (folder / "torn.png").write_bytes((folder / "other.png").read_bytes()[:200])
    for code, name in ((1, "torn.png"), (2, "gone.png")):
        process = start("upscale", folder / name)
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out) == (code, "")
        assert name in err
        assert "Traceback" not in err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_and_nothing_half_written_is_left(
    start, folder: Path, model: Path, number: int, code: int
) -> None:
    Image.fromarray(pixels(600, 800)).save(folder / "large.png")
    before = contents(folder)
    process = start("upscale", folder / "large.png", "-r", folder / "sharp.jpg", "--tile", 32, "--model", model)
    assert process.stderr
    while not (line := process.stderr.readline()).startswith("reading references"):
        assert line.startswith(("predicted: ", "compiling")), line  # compiled in a new installation
    time.sleep(0.1)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (code, "")
    assert "Traceback" not in err
    assert "Interrupted" in err
    assert contents(folder) == before


@pytest.mark.slow  # compiles anew
@pytest.mark.parametrize("seconds", [0.1, 1, 2, 4])
def test_ctrl_c_is_heard_while_compiling(
    start, folder: Path, model: Path, tmp_path_factory: pytest.TempPathFactory, seconds: float
) -> None:
    before = contents(folder)
    cold = environment(NUMBA_CACHE_DIR=str(tmp_path_factory.mktemp("cold")))
    process = start("upscale", folder / "small.png", "-r", folder / "sharp.jpg", "--model", model, env=cold)
    while not process.stderr.readline().startswith("compiling"):
        assert process.poll() is None
    time.sleep(seconds)
    if process.poll() is not None:
        pytest.skip(f"this machine compiles all in less than {seconds} s")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, ""), err
    assert err.endswith("srntt: Interrupted. No incomplete files were left.\n")
    assert "ctypes" not in err
    assert contents(folder) == before


def test_a_reader_that_leaves_is_no_reason_to_shout(start, folder: Path, model: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = start("upscale", folder / "small.png", "--model", model, "--json", stdout=writing)
    os.close(writing)
    _, err = process.communicate(timeout=60)
    assert "Traceback" not in err
    assert "Exception ignored" not in err
    assert process.returncode == 1
    assert (folder / "small_x4.png").exists()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("command", [["--help"], ["bench"], ["weights", "list"], ["weights", "list", "--json"]])
def test_a_full_stdout_is_reported(command: list[str], unbuffered: str) -> None:
    with open("/dev/full", "w") as full:
        environ = environment(PYTHONUNBUFFERED=unbuffered)
        done = subprocess.run([*SRNTT, *command], stdout=full, stderr=subprocess.PIPE, env=environ, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(b"srntt: stdout: cannot be written: No space left on device. Redirect it elsewhere")
    assert done.stderr.count(b"\n") == 1


def test_closed_stderr_does_not_break_stdout(folder: Path, model: Path) -> None:
    command = [*SRNTT, "upscale", str(folder / "small.png"), "--model", str(model), "--json"]
    done = subprocess.run(
        ["sh", "-c", '"$@" 2>&-', "sh", *command], stdout=subprocess.PIPE, env=environment(), check=False
    )
    assert done.returncode == 0
    assert json.loads(done.stdout)["width"] == 80


@pytest.mark.skipif(sys.platform != "linux", reason="names of arbitrary bytes are a Linux matter")
def test_names_of_arbitrary_bytes(folder: Path, model: Path) -> None:
    name = os.fsencode(folder) + b"/bl\xe4ue.png"
    os.rename(os.fsencode(folder / "small.png"), name)
    done = subprocess.run(
        [*SRNTT, "upscale", name, "--model", str(model)], capture_output=True, env=environment(LC_ALL="C"), check=False
    )
    assert done.returncode == 0, done.stderr
    assert b"bl\\udce4ue_x4.png: 80x56" in done.stdout
    assert os.path.exists(os.fsencode(folder) + b"/bl\xe4ue_x4.png")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_terminal_gets_a_bar_that_leaves_no_trace_on_stdout(start, folder: Path, model: Path) -> None:
    ours, theirs = os.openpty()
    process = start("upscale", folder / "small.png", "--model", model, "--json", stderr=theirs)
    os.close(theirs)
    out, _ = process.communicate(timeout=60)
    shown = os.read(ours, 1 << 16).decode()
    os.close(ours)
    assert process.returncode == 0
    assert json.loads(out)["width"] == 80
    assert "rendering" in shown
    assert "\x1b[" in shown
