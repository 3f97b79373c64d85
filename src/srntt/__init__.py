"""Reference-based image super-resolution by neural texture transfer.

Upscales a low-resolution picture four times, with detail from sharper pictures of similar content:

    from srntt import Upscaler

    upscaler = Upscaler.from_pretrained("lite-rec")
    references = upscaler.encode_references(["sharp.jpg"])
    upscaler.upscale("small.png", references).save("large.png")

Importing this package is cheap: PyTorch is imported on first use of one of its names.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from srntt import errors

if TYPE_CHECKING:
    from srntt.image import load, save
    from srntt.upscale import References, Result, Upscaler

__version__ = "0.1.0.dev0"

__all__ = ["References", "Result", "Upscaler", "__version__", "errors", "load", "save"]

_HOME = {
    "References": "srntt.upscale",
    "Result": "srntt.upscale",
    "Upscaler": "srntt.upscale",
    "load": "srntt.image",
    "save": "srntt.image",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(_HOME[name]), name)
    globals()[name] = found  # so that __getattr__ is called once per name
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
