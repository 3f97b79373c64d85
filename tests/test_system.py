"""The one module that knows operating systems, as it is and as it would be on the others; no other module asks."""

import importlib.util
import mmap
import os
import re
import socket
import sys
import tempfile
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import psutil
import pytest

from srntt import _system

_SOURCE = Path(_system.__file__)
#: Names that the module `os` lacks there.
_LACKING = {
    "win32": ("O_NONBLOCK", "O_NOFOLLOW", "register_at_fork", "posix_fallocate", "set_blocking"),
    "darwin": ("posix_fallocate",),
    "linux": (),
}


@pytest.fixture(params=_LACKING)
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module, imported anew on a system of this name."""
    for name in _LACKING[request.param]:
        monkeypatch.delattr(os, name, raising=False)
    if request.param == "win32":
        monkeypatch.setattr(os, "O_BINARY", 0x8000, raising=False)
        monkeypatch.setitem(sys.modules, "resource", None)
        monkeypatch.delattr(mmap, "MADV_DONTNEED", raising=False)
        memory = SimpleNamespace(rss=5, vms=6, peak_wset=77)
        monkeypatch.setattr(psutil.Process, "memory_info", lambda _: memory)
    monkeypatch.setattr(sys, "platform", request.param)
    return _imported()


def _imported() -> ModuleType:
    spec = importlib.util.spec_from_file_location("system", _SOURCE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_files_are_opened_for_bytes_and_without_waiting(system: ModuleType):
    binary = 0x8000 if sys.platform == "win32" else 0
    assert bool(system.READING & binary) == bool(system.WRITING & binary) == (sys.platform == "win32")
    assert system.WRITING & os.O_CREAT
    assert system.WRITING & os.O_RDWR
    if sys.platform != "win32":
        assert system.READING == os.O_RDONLY | os.O_NONBLOCK
        assert system.WRITING == os.O_RDWR | os.O_CREAT | os.O_NONBLOCK | os.O_NOFOLLOW


def test_a_file_is_enlarged_and_its_pages_are_released(system: ModuleType):
    with tempfile.TemporaryFile() as file:
        system.reserve(file.fileno(), 0, 8192)
        assert os.fstat(file.fileno()).st_size == 8192
        with mmap.mmap(file.fileno(), 8192) as mapped:
            mapped[:3] = b"abc"
            system.release_pages(mapped)
            assert mapped[:3] == b"abc"


def test_peak_memory_and_limits(system: ModuleType, monkeypatch: pytest.MonkeyPatch):
    system.reset_peak()
    system.give_back()
    if sys.platform == "win32":
        assert (system.peak_bytes(), system.free_address_space()) == (77, None)
        return
    import resource

    usage: Any = resource.struct_rusage((0.0, 0.0, 5000, *[0] * 13))
    monkeypatch.setattr(resource, "getrusage", lambda _: usage)
    if sys.platform == "darwin":
        assert system.peak_bytes() == 5000
    else:
        assert system.peak_bytes() > 10**7
        monkeypatch.setattr(Path, "read_text", lambda _: "")  # a Linux without /proc
        assert system.peak_bytes() == 5000 * 1024
    limit = psutil.Process().memory_info().vms + 10**9
    monkeypatch.setattr(resource, "getrlimit", lambda _: (limit, limit))
    assert 0 < system.free_address_space() <= 10**9
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, 0))
    assert system.free_address_space() is None


def test_forks_pipes_and_ports(system: ModuleType):
    system.after_fork(lambda: None)
    reading, writing = os.pipe()
    try:
        system.unblock(writing)
    finally:
        os.close(reading)
        os.close(writing)
    with socket.socket() as probe:
        system.allow_recent_address(probe)
        option = probe.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)
    assert bool(option) == (sys.platform != "win32")


def test_no_other_module_asks_for_the_system():
    asking = r"sys\.platform|os\.name\b|hasattr\(os,|getattr\(os,|import (resource|fcntl|msvcrt|ctypes|winreg)\b|MADV_"
    found = {path.name for path in _SOURCE.parent.rglob("*.py") if re.search(asking, path.read_text())}
    assert found == {"_system.py"}
