"""Options shared by several commands."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from srntt.errors import InputError

if TYPE_CHECKING:
    import srntt.image
    import srntt.upscale


Json = Annotated[bool, Parameter(help="Print the figures as JSON.")]


@Parameter(name="*")
@dataclass(frozen=True)
class ModelOptions:
    """Model, device and memory.

    Attributes:
        model: A name (srntt weights list), a model folder, a .safetensors file, or hf://owner/name[@revision], which is
            downloaded. Default: auto, which chooses lite-rec or lite-real by the compression, noise and blur of each
            picture; lite-rec for evaluate.
        device: cpu, cuda, cuda:1, mps or auto. Default: auto, the GPU if there is one.
        memory: Memory budget of the process, such as 800MB or 2GB. Default: most of the available memory.
        matcher: How the references are searched: exact, fast (nearly always the same match; CPU only), or auto, which
            chooses fast if it is predicted to be three times faster and fits in memory. Default: auto.
        align: Also search each reference warped to the viewpoint of the picture, if its geometry can be estimated: auto
            or off. Default: auto.
        base_model: ONNX file of any upscaler of the same scale, to whose output the model adds detail from references.
            Requires the extra onnx, and a model such as lite-rec.
    """

    model: str = "auto"
    device: str = "auto"
    memory: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None  # so that -5GB is refused
    matcher: Literal["auto", "exact", "fast"] = "auto"
    align: Literal["auto", "off"] = "auto"
    base_model: Path | None = None

    def chosen_for(self, picture: "srntt.image.Picture", *, based: bool = False) -> "tuple[ModelOptions, str | None]":
        """Resolve ``auto`` to a model for a low-res picture; return the options, and the reason of the choice.

        If ``based``, the model has to start from a base.
        """
        from srntt.upscale import AUTO, CLEAN, ModelChoice, choose_model

        if self.model != AUTO:
            return self, None
        based = based or self.base_model is not None
        choice = ModelChoice(CLEAN, f"{CLEAN}: it supports a base") if based else choose_model(picture)
        return replace(self, model=choice.model), choice.reason

    def named(self) -> "ModelOptions":
        """Resolve ``auto`` without a picture, to the model for clean pictures."""
        from srntt.upscale import AUTO, CLEAN

        return replace(self, model=CLEAN) if self.model == AUTO else self

    def open(self, precision: Literal["float32", "auto"] = "float32") -> "srntt.upscale.Upscaler":
        """Load the model; ``precision`` is as for ``Upscaler``.

        Raises:
            InputError: The memory or device is invalid, or the matcher does not run on the device.
            ModelError: The model does not exist or is damaged.
            MissingDependencyError: The device is not available.
        """
        from srntt.upscale import Upscaler

        return Upscaler.from_pretrained(self.model, **self._settings(precision))

    def opener(self, precision: Literal["float32", "auto"] = "float32") -> "Callable[[], srntt.upscale.Upscaler]":
        """Load the model, and return a function that makes an upscaler of it. It can be pickled.

        Raises:
            ModelError: The model does not exist or is damaged.
        """
        from srntt.models import open_model
        from srntt.upscale import Upscaler

        settings = self._settings(precision)
        if self.base_model:
            settings["base_model"] = Path(os.path.abspath(self.base_model))
        return partial(Upscaler, open_model(self.model), **settings)

    def _settings(self, precision: Literal["float32", "auto"]) -> dict[str, Any]:
        return {
            "device": self.device,
            "memory": self.memory,
            "matcher": self.matcher,
            "align": self.align,
            "precision": precision,
            "base_model": self.base_model,
        }


@Parameter(name="*")
@dataclass(frozen=True)
class LimitOptions:
    """Limits on pictures read.

    Attributes:
        max_pixels: Refuse pictures with more pixels. Default: 200 million.
        max_bytes: Refuse larger files. Default: 512 MiB.
    """

    max_pixels: int | None = None
    max_bytes: int | None = None

    def limits(self) -> "srntt.image.Limits":
        """Return the limits; raise InputError for a limit below one."""
        given = {"max_pixels": self.max_pixels, "max_bytes": self.max_bytes}
        chosen = {name: value for name, value in given.items() if value is not None}
        for name, value in chosen.items():
            if value < 1:
                raise InputError(f"--{name.replace('_', '-')} {value}: must be at least 1.")
        from srntt.image import Limits

        return Limits(**chosen)


def refuse_missing(files: Iterable[Path]) -> None:
    """Raise InputError that names all missing files, before any work."""
    missing = [str(file) for file in files if not _there(file)]
    if missing:
        raise InputError(f"There is no {', no '.join(missing)}. Check the spelling and the folder.")


def _there(file: Path) -> bool:
    try:
        file.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False
    except OSError:  # inaccessible: opening it will report the reason
        return True
    return True
