"""Compiled code without a cache folder, with a damaged cache, and on a full disk."""

import errno
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from srntt import _compile

_PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
from looped import doubled
print(doubled(21))
"""
_LOOPED = """
import typing
from srntt._compile import compiled
@compiled
@typing.no_type_check
def doubled(number):
    return 2 * number
"""


def test_read_only_installation_compiles_without_cache(monkeypatch: pytest.MonkeyPatch):
    def njit_without_a_folder(**options):
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return lambda function: function

    monkeypatch.setattr(_compile, "njit", njit_without_a_folder)

    def double(x):
        return 2 * x

    assert _compile.compiled(double)(2) == 4


def _run(folder: Path) -> tuple[str, str]:
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(folder / "cache")}
    command = [sys.executable, "-c", _PROGRAM, str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def _flipped(whole: bytes, bit: int) -> bytes:
    """A content with one other bit."""
    changed = bytearray(whole)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


_DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda whole: b"",
    "torn": lambda whole: b"\x80\x04",
    "noise": lambda whole: b"noise",
    "half": lambda whole: whole[: len(whole) // 2],
    "flipped": lambda whole: _flipped(whole, 4 * len(whole)),
}


@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
@pytest.mark.parametrize("damage", _DAMAGES)
def test_a_damaged_cache_is_replaced_and_reported_once(tmp_path: Path, suffix: str, damage: str):
    """Numba raised EOFError in this and every later run; one other bit crashed the process."""
    (tmp_path / "looped.py").write_text(_LOOPED)
    assert _run(tmp_path) == ("42\n", "")
    (file,) = (tmp_path / "cache").rglob(f"*.{suffix}")
    file.write_bytes(_DAMAGES[damage](file.read_bytes()))
    out, err = _run(tmp_path)
    assert out == "42\n"
    assert "is damaged" in err
    assert "it is replaced." in err
    assert err.count("\n") == 1
    assert _run(tmp_path) == ("42\n", "")


def test_no_bit_of_a_cache_can_be_another(tmp_path: Path):
    cache = _compile._CheckedFile(str(tmp_path), "looped", "stamp")
    cache.save("key", b"code")
    assert cache.load("key") == b"code"
    for file in sorted(tmp_path.iterdir()):
        whole = file.read_bytes()
        for bit in range(8 * len(whole)):
            file.write_bytes(_flipped(whole, bit))
            with pytest.raises(ValueError, match="SHA-256"):
                cache.load("key")
        file.write_bytes(whole)
    assert cache.load("key") == b"code"


def test_a_disk_without_room_for_the_cache_is_reported(monkeypatch: pytest.MonkeyPatch, caplog):
    monkeypatch.setattr(_compile, "_reported", set())

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("numba.core.caching.IndexDataCacheFile.save", full)
    namespace: dict = {}
    exec(compile("def tripled(number):\n    return 3 * number\n", __file__, "exec"), namespace)
    with caplog.at_level(logging.WARNING, "srntt"):
        assert _compile.compiled(namespace["tripled"])(14) == 42
    assert "cannot be stored" in caplog.text
    assert "(No space left on device)" in caplog.text
