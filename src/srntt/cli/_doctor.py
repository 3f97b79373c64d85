"""``srntt doctor``: check the installation. A check never raises; errors are its result."""

import os
import platform
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

import srntt
from srntt.cli._exit import Exit
from srntt.cli._options import Json
from srntt.cli._say import complain, say_either
from srntt.errors import MissingDependencyError, MissingWeightsError

_MARKS = {"ok": "ok     ", "absent": "absent ", "broken": "BROKEN "}

_PACKAGES = {
    "torch": "torch",
    "numpy": "numpy",
    "numba": "numba",
    "pillow": "PIL",
    "safetensors": "safetensors",
    "psutil": "psutil",
    "filelock": "filelock",
    "platformdirs": "platformdirs",
}
_FORMATS = (  # suffix, bits, whether the format is essential
    (".png", 8, True),
    (".jpg", 8, True),
    (".png", 16, True),
    (".webp", 8, False),
    (".tif", 16, False),
    (".avif", 8, False),
    (".heic", 8, False),
    (".jxl", 8, False),
)
EXTRAS = {  # with the packages of each
    "heif": ("pillow-heif",),
    "jxl": ("pillow-jxl-plugin", "imagecodecs"),
    "tiff": ("imagecodecs",),
    "demo": ("gradio",),
    "video": ("av",),
    "hub": ("huggingface-hub",),
    "tensorboard": ("tensorboard",),
    "onnx": ("onnx", "onnxruntime"),
    "ray": ("ray", "fsspec"),
    "mat": ("scipy",),
}


@dataclass(frozen=True)
class Check:
    """Result of a check.

    Attributes:
        group: versions, formats, extras, devices, memory, models, weights or caches.
        name: Name of what was checked.
        status: ok, absent (an extra or device that is not available, weights that were not fetched), or broken.
        detail: Version, size or location; otherwise what is wrong and what to do.
        essential: Whether srntt does not work without it.
    """

    group: str
    name: str
    status: Literal["ok", "absent", "broken"]
    detail: str
    essential: bool = False

    @property
    def fatal(self) -> bool:
        """Whether it is essential and not ok."""
        return self.essential and self.status != "ok"

    def __str__(self) -> str:
        return f"{_MARKS[self.status]} {self.group:<8} {self.name}: {self.detail}"


def doctor(*, json: Json = False) -> int:
    """Check versions, formats, extras, devices, memory, models and caches; each model upscales a picture of 16x16."""
    checks = list(_all_checks())
    broken = [check for check in checks if check.fatal]
    say_either(map(str, checks), {"ok": not broken, "checks": [asdict(check) for check in checks]}, as_json=json)
    if broken:
        complain(f"Not working: {', '.join(check.name for check in broken)}.")
        return Exit.ENVIRONMENT
    return Exit.DONE


def _all_checks() -> Iterator[Check]:
    """Run every check, the most basic first."""
    yield Check("versions", "srntt", "ok", srntt.__version__, essential=True)
    yield Check("versions", "python", "ok", f"{platform.python_version()} on {platform.platform()}", essential=True)
    versions = [
        _tried("versions", name, True, lambda module=module: import_module(module).__version__)
        for name, module in _PACKAGES.items()
    ]
    yield from versions
    if any(check.fatal for check in versions):
        return  # nothing else can be imported
    for suffix, bits, must in _FORMATS:
        yield _tried("formats", f"{suffix} {bits} bits", must, _round_trip(suffix, bits))
    for extra, packages in EXTRAS.items():
        yield _tried("extras", f"srntt[{extra}]", False, lambda packages=packages: _versions(packages))
    yield from _devices()
    yield _tried("memory", "memory", False, _memory)
    yield from _models()
    yield from _weights()
    yield from _caches()


def _tried(group: str, name: str, essential: bool, look: Callable[[], str]) -> Check:
    try:
        return Check(group, name, "ok", look(), essential)
    except MissingDependencyError as error:
        return Check(group, name, "absent", str(error), essential)
    except MissingWeightsError as error:  # optional
        return Check(group, name, "absent", str(error))
    except Exception as error:
        return Check(group, name, "broken", f"{type(error).__name__}: {error}", essential)


def _versions(packages: tuple[str, ...]) -> str:
    try:
        return ", ".join(f"{package} {version(package)}" for package in packages)
    except PackageNotFoundError as error:
        raise MissingDependencyError(f"{error.name} is not installed") from error


def _round_trip(suffix: str, bits: int) -> Callable[[], str]:
    """Write a small picture in a format and read it back."""

    def look() -> str:
        import numpy as np

        from srntt.image import Picture, load, save

        depth = np.uint8 if bits == 8 else np.uint16
        picture = Picture(np.full((16, 16, 3), np.iinfo(depth).max // 3, depth))
        with tempfile.TemporaryDirectory() as folder:
            save(picture, Path(folder) / f"picture{suffix}")
            back = load(Path(folder) / f"picture{suffix}")
        if back.color.shape != (16, 16, 3) or back.bits != bits:
            raise ValueError(f"read back as {back.width}x{back.height} with {back.bits} bits")
        return "written and read back"

    return look


def _devices() -> Iterator[Check]:
    import torch

    yield Check("devices", "cpu", "ok", f"{torch.get_num_threads()} of {os.cpu_count()} threads", essential=True)
    for index in range(torch.cuda.device_count()):
        yield _tried("devices", f"cuda:{index}", False, lambda index=index: _cuda(index))
    if not torch.cuda.is_available():
        yield Check("devices", "cuda", "absent", "no GPU that this version of torch supports; the CPU is used")
    if torch.backends.mps.is_available():
        yield _tried("devices", "mps", False, lambda: _used("mps"))


def _cuda(index: int) -> str:
    import torch

    properties = torch.cuda.get_device_properties(index)
    return f"{properties.name}, {properties.total_memory / 1e9:.1f} GB, {_used(f'cuda:{index}')}"


def _used(device: str) -> str:
    import torch

    if float(torch.ones(2, device=device).sum()) != 2:
        raise ValueError("cannot add 1 and 1")
    return "works"


def _memory() -> str:
    import psutil

    from srntt.memory import budget_bytes, format_memory

    total, budget = format_memory(psutil.virtual_memory().total), format_memory(budget_bytes(None))
    return f"{total} in the machine; default budget of an upscale without --memory: {budget}"


def _models() -> Iterator[Check]:
    from srntt.models import list_models

    models = list_models()
    if not models:
        yield Check("models", "embedded models", "broken", "none found: reinstall srntt", essential=True)
    for model in models:
        yield _tried("models", model["name"], True, lambda model=model: _upscaled(model["path"], model["bytes"]))


def _upscaled(path: str, size: int) -> str:
    """Load a model and upscale a picture of 16x16 with itself as the reference."""
    import numpy as np

    from srntt.upscale import Upscaler

    upscaler = Upscaler.from_pretrained(path, device="cpu")
    picture = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    result = upscaler.upscale(picture, upscaler.encode_references([picture.repeat(4, 0).repeat(4, 1)]))
    expected = (16 * upscaler.scale, 16 * upscaler.scale, 3)
    if result.array.shape != expected:
        raise ValueError(f"output of 16x16 has shape {result.array.shape}, expected {expected}")
    return f"{size / 1e6:.1f} MB, intact, upscaled a picture in {result.seconds:.2f} s"


def _weights() -> Iterator[Check]:
    from srntt.weights import WEIGHTS, find_weights

    for name, weights in WEIGHTS.items():
        if weights.kept:
            yield _tried("weights", name, False, lambda name=name: str(find_weights(name)))


def _caches() -> Iterator[Check]:
    from srntt.weights import weights_cache_dir

    yield _tried("caches", "fetched weights", False, lambda: _writable(weights_cache_dir()))
    yield _tried("caches", "compiled code", False, lambda: _writable(_compiled_code_dir()))


def _compiled_code_dir() -> Path:
    """Return Numba's cache folder: as configured, else next to the source, else in the user's cache folder."""
    if configured := os.environ.get("NUMBA_CACHE_DIR"):
        return Path(configured)
    next_to_code = Path(srntt.__file__).parent / "match" / "__pycache__"
    return next_to_code if os.access(_existing(next_to_code), os.W_OK) else Path.home() / ".cache" / "numba"


def _writable(folder: Path) -> str:
    if not os.access(_existing(folder), os.W_OK | os.X_OK):
        raise PermissionError(f"{folder} cannot be written to")
    return str(folder)


def _existing(folder: Path) -> Path:
    """Return the folder, or its nearest existing parent."""
    return next(path for path in (folder, *folder.parents) if path.exists())
