"""Prepares, runs and evaluates attacks."""

import hashlib
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from attacks import page
from attacks.attack import WRITABLE, Attack, Outcome
from attacks.page import PageAttack
from load.server import Server
from weights.hub_server import serving

TESTS = Path(__file__).parent.parent
_CALIBRATION = {"home/srntt", "home/srntt/speed.json"}  # measured speeds in the user's cache (docs/commands.md)
_MOST_SAID = 2000  # characters: a message, not a flood
_PROGRESS = re.compile(
    r"compiling for|predicted: |(none: )?\d+ of \d+ pictures|(rendering|matching|encode|references|scor)[a-z]*:? "
)
Signature = tuple[int, int, int, str]


class Arena:
    """Runs attacks, each in a separate folder."""

    def __init__(self, server: subprocess.Popen, stack: ExitStack) -> None:
        self._server, self._stack = server, stack

    def run(self, attack: Attack | PageAttack) -> Outcome:
        """Prepare the attack, run it, and clean up."""
        if isinstance(attack, PageAttack):
            return page.run(attack, self._page)
        with tempfile.TemporaryDirectory(prefix="attack-") as place:
            folder, home, reported = (Path(place, name) for name in ("room/work", "room/home", "told"))
            for path in (folder / WRITABLE, home, reported):
                path.mkdir(parents=True)
            attack.make(folder)
            before = _files(folder.parent)
            order = {"folder": str(folder), "home": str(home), "told": str(reported), "command": attack.command}
            order["seconds"] = attack.seconds
            with _hub(attack) as address:
                figures = self._ask(order | {"hub": address})
            after = _files(folder.parent)
            outcome = _outcome(figures, reported, before, after)
            _make_removable(folder)
        return outcome

    @cached_property
    def _page(self) -> Server:
        """The page, from the first attack on it on."""
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="attack-page-")))
        server = Server(folder, "--model", "lite-rec")
        self._stack.callback(server.stop)
        return server

    def _ask(self, order: dict[str, Any]) -> dict[str, Any]:
        assert self._server.stdin
        assert self._server.stdout
        self._server.stdin.write(json.dumps(order) + "\n")
        self._server.stdin.flush()
        return json.loads(self._server.stdout.readline())


@contextmanager
def open_arena() -> Iterator[Arena]:
    """Start the process whose forks are attacked, with one thread and no network."""
    paths = os.pathsep.join([str(TESTS / "offline"), str(TESTS), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    environment.pop("SRNTT_DEBUG", None)
    server = subprocess.Popen(
        [sys.executable, "-m", "attacks.server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    with server, ExitStack() as stack:
        yield Arena(server, stack)
        assert server.stdin
        server.stdin.close()


@contextmanager
def _hub(attack: Attack) -> Iterator[str]:
    """Run the hub of an attack, and give its address; without one, an empty address."""
    if attack.hub is None:
        yield ""
        return
    with serving() as hub:
        hub.repositories.update(attack.hub())
        yield hub.address


def faults(attack: Attack | PageAttack, outcome: Outcome) -> list[str]:
    """The effects of the attack; empty if it failed."""
    if isinstance(attack, PageAttack):
        return page.faults(attack, outcome)
    output = outcome.out if attack.code == 0 else outcome.err
    checks = {
        f"exit code {outcome.code}, not {attack.code}": outcome.code != attack.code,
        "a traceback": "Traceback" in outcome.err + outcome.out,
        "an unexpected error": "an unexpected error" in outcome.err,
        f"it does not say {attack.says!r}": not re.search(attack.says, output),
        "not one line that begins with srntt: and a file or option": attack.code != 0 and not _is_reported(outcome.err),
        f"{len(outcome.err)} characters on stderr": len(outcome.err) > _MOST_SAID,
        "control characters that reach the terminal": not (outcome.out + outcome.err).replace("\n", "").isprintable(),
        f"{outcome.seconds:.1f} s of {attack.seconds}": outcome.seconds > attack.seconds,
        f"{outcome.mib:.0f} MiB of {attack.mib}": outcome.mib > attack.mib,
        f"out/ holds {outcome.written}, not {attack.writes}": sorted(outcome.written) != sorted(attack.writes),
        f"changed elsewhere: {outcome.changed}": bool(outcome.changed),
        f"misdeeds: {outcome.misdeeds}": bool(outcome.misdeeds),
    }
    return [what for what, wrong in checks.items() if wrong]


def _is_reported(err: str) -> bool:
    lines = [line for line in err.splitlines() if not _PROGRESS.match(line)]
    return len(lines) > 0 and all(line.startswith(("srntt: ", "  ")) for line in lines)


def _outcome(
    figures: dict[str, Any], reported: Path, before: dict[str, Signature], after: dict[str, Signature]
) -> Outcome:
    inside = f"work/{WRITABLE}/"
    written = [name.removeprefix(inside) for name in after if name.startswith(inside) and not _is_folder(after[name])]
    elsewhere = {name for name in before | after if not name.startswith(inside) and name != inside[:-1]}
    changed = sorted(ascii(name) for name in elsewhere - _CALIBRATION if before.get(name) != after.get(name))
    texts = {name: _text(reported / name) for name in ("out", "err", "misdeeds")}
    state = tuple(sorted(name for name in written if not name.startswith(".srntt-batch/")))
    return Outcome(
        **figures,
        out=texts["out"],
        err=texts["err"],
        written=state,
        changed=tuple(changed),
        misdeeds=tuple(texts["misdeeds"].splitlines()),
    )


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def _is_folder(signature: Signature) -> bool:
    return stat.S_ISDIR(signature[0])


def _files(root: Path) -> dict[str, Signature]:
    """Everything below a folder: names, contents, modes and times, which reveal changes."""
    found = {}
    for folder, inner, names in os.walk(root):
        for name in (*inner, *names):
            path = os.path.join(folder, name)
            found[os.path.relpath(path, root)] = _signature(path)
    return found


def _signature(path: str) -> Signature:
    status = os.lstat(path)
    if stat.S_ISDIR(status.st_mode):
        return status.st_mode, 0, 0, ""
    content = ""
    if stat.S_ISREG(status.st_mode) and status.st_size < 2**20:
        content = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    return status.st_mode, status.st_size, status.st_mtime_ns, content


def _make_removable(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
