"""Options that several commands share."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from srntt.errors import InputError

if TYPE_CHECKING:
    import srntt.image
    import srntt.upscale


Json = Annotated[bool, Parameter(help="Print the figures as JSON.")]


@Parameter(name="*")
@dataclass(frozen=True)
class ModelOptions:
    """Which model runs, and on what.

    Attributes:
        model: A name (srntt weights list), a model folder, a .safetensors file, or hf://owner/name[@revision], which is
            fetched. Default: auto, lite-rec or lite-real by the compression, noise and blur of each picture; for
            evaluate lite-rec.
        device: cpu, cuda, cuda:1, mps or auto. Default: auto, the GPU where there is one.
        memory: Most that the whole process may hold, such as 800MB or 2GB. Default: most of what is free.
        matcher: How the references are searched: exact, fast (nearly always the same match; on the CPU), or auto: fast
            where that is predicted to be three times quicker and fits the memory, else exact. Default: auto.
        align: Also search each reference as seen from where the picture was taken, where geometry can tell how: auto
            or off. Default: auto.
        base_model: ONNX file of any upscaler of the model's factor: the model goes on from what that makes, and adds
            what references show. Needs the extra onnx; lite-rec can.
    """

    model: str = "auto"
    device: str = "auto"
    memory: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None  # -5GB is no option, but refused
    matcher: Literal["auto", "exact", "fast"] = "auto"
    align: Literal["auto", "off"] = "auto"
    base_model: Path | None = None

    def chosen_for(self, picture: "srntt.image.Picture", *, based: bool = False) -> "tuple[ModelOptions, str | None]":
        """With a model by name or path, and the reason where it was chosen.

        Args:
            picture: the small one.
            based: the model is to go on from a base.
        """
        from srntt.upscale import AUTO, CLEAN, ModelChoice, choose_model

        if self.model != AUTO:
            return self, None
        based = based or self.base_model is not None
        choice = ModelChoice(CLEAN, f"{CLEAN}: it takes a base") if based else choose_model(picture)
        return replace(self, model=choice.model), choice.reason

    def named(self) -> "ModelOptions":
        """The same, where no picture can be looked at: auto is the model for clean ones."""
        from srntt.upscale import AUTO, CLEAN

        return replace(self, model=CLEAN) if self.model == AUTO else self

    def open(self) -> "srntt.upscale.Upscaler":
        """Load the model.

        Raises:
            InputError: a memory or device that means nothing, or a matcher that this device does not have.
            ModelError: no such model, or a damaged one.
            MissingDependencyError: a device that is not there.
        """
        from srntt.upscale import Upscaler

        return Upscaler.from_pretrained(
            self.model,
            device=self.device,
            memory=self.memory,
            matcher=self.matcher,
            align=self.align,
            base_model=self.base_model,
        )


@Parameter(name="*")
@dataclass(frozen=True)
class LimitOptions:
    """What a picture that is read may cost.

    Attributes:
        max_pixels: Refuse pictures of more pixels. Default: 200 million.
        max_bytes: Refuse files of more bytes. Default: 512 MiB.
    """

    max_pixels: int | None = None
    max_bytes: int | None = None

    def limits(self) -> "srntt.image.Limits":
        """Raises InputError for a limit below one."""
        given = {"max_pixels": self.max_pixels, "max_bytes": self.max_bytes}
        chosen = {name: value for name, value in given.items() if value is not None}
        for name, value in chosen.items():
            if value < 1:
                raise InputError(f"--{name.replace('_', '-')} {value}: must be at least 1.")
        from srntt.image import Limits

        return Limits(**chosen)


def check_quality_option(quality: int | Literal["lossless"] | None) -> None:
    """Raises InputError for a quality that there is not."""
    from srntt.image import check_quality

    try:
        check_quality(quality)
    except InputError as error:
        raise InputError(f"--{error}") from error


def refuse_missing(files: Iterable[Path]) -> None:
    """Name every file that is not there, before any work.

    Raises:
        InputError: at least one is not.
    """
    missing = [str(file) for file in files if not _there(file)]
    if missing:
        raise InputError(f"There is no {', no '.join(missing)}. Check the spelling and the folder.")


def _there(file: Path) -> bool:
    try:
        file.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False
    except OSError:  # there, perhaps, but out of reach: whoever opens it knows why
        return True
    return True


def views_of(augment_refs: bool) -> tuple[str, ...]:
    """The kinds of views of each reference that are searched."""
    return ("plain", "turned") if augment_refs else ("plain",)
