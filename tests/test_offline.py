"""The block on the network is itself tested: a block that lets through would let every other test lie."""

import socket
import subprocess
import sys

import pytest

# 192.0.2.0/24 and example.invalid exist for documentation: nobody answers there (RFC 5737, RFC 2606).
REMOTE_ADDRESS = ("192.0.2.1", 80)


def test_connection_is_refused():
    with (
        socket.socket() as connection,
        pytest.raises(RuntimeError, match=r"tests run offline.*192\.0\.2\.1"),
    ):
        connection.connect(REMOTE_ADDRESS)


def test_name_lookup_is_refused():
    with pytest.raises(RuntimeError, match=r"tests run offline.*example\.invalid"):
        socket.getaddrinfo("example.invalid", 443)


def test_started_process_is_refused_too():
    code = f"import socket; socket.create_connection({REMOTE_ADDRESS!r}, timeout=1)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "tests run offline" in done.stderr


def test_loopback_stays_open():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        pass
