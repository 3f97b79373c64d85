"""Forbids a Python process every connection that leaves the machine: the library must work, and fail, without one.

Loopback stays open, for worker processes and servers that a test starts itself.
"""

import ipaddress
import sys


def block_network() -> None:
    """Stays on until the process ends: nobody, the code under test included, can take an audit hook away."""
    sys.addaudithook(_refuse_remote)


def _refuse_remote(event: str, arguments: tuple) -> None:
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        _refuse_unless_local(arguments[1])
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        _refuse_unless_local((arguments[0],))


def _refuse_unless_local(address: object) -> None:
    if not isinstance(address, tuple):
        return  # a path: a socket of the file system
    host = address[0]
    if not _is_local(host):
        # Not an OSError: code that lives with a dead network must not live with the attempt.
        raise RuntimeError(f"tests run offline, and something tried to reach {host!r}")


def _is_local(host: object) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "", "localhost"):
        return True
    try:
        return ipaddress.ip_address(str(name)).is_loopback
    except ValueError:
        return False


if __name__ == "sitecustomize":
    block_network()
