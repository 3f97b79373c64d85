"""What the recipe says of training pairs."""

from dataclasses import dataclass
from typing import Literal

from srntt.errors import InputError
from srntt.train.pairs._vary_references import VariationRange
from srntt.train.pairs._warp import WarpRange

_SMALLEST = 16  # pixels of a side


@dataclass(frozen=True)
class PairRange:
    """What pairs are made of.

    Attributes:
        target: side of the HR target, in pixels; a multiple of the model's scale.
        reference: side of the HR reference, likewise.
        counts: how often a batch has one reference a target, two, and so on.
        unrelated: share of references cut from another photograph.
        elsewhere: share cut from anywhere in the same photograph, so that they show little of the target or nothing.
        far: share at quite another scale, up to 4x either way, which match well and have nothing to give.
        warp: how references are turned.
        variation: how references differ in exposure, colour, sharpness, noise and compression.
        degradation: what LR pictures go through beyond bicubic: ``none``, ``mild``, ``real-esrgan``, or ``mixed``: each
            sample either of these two.
        aligned: share of steps that show each reference a second time, in the frame of its target, as views by geometry
            do.
        misaligned: deviation of the smooth error of those views, in LR pixels.
        smooth: share of targets that are smooth pictures made by the program; their references show other things.
        ready: share of steps with ready-made pairs, where there are photographs as well.
        distilled: of ready-made pairs with a teacher: how far it takes the place of the target in steps without
            references; 0 the target alone .. 1 the teacher alone.
        based: of the same: share of samples whose base is the teacher's picture, where the model takes a base.
    """

    target: int = 160
    reference: int = 192
    counts: tuple[float, ...] = (0.6, 0.25, 0.15)
    unrelated: float = 0.1
    elsewhere: float = 0.05
    far: float = 0.08
    warp: WarpRange = WarpRange()  # noqa: RUF009 (frozen)
    variation: VariationRange = VariationRange()  # noqa: RUF009 (frozen)
    degradation: Literal["none", "mild", "real-esrgan", "mixed"] = "none"
    aligned: float = 0.0
    misaligned: float = 0.35
    smooth: float = 0.0
    ready: float = 0.5
    distilled: float = 0.75
    based: float = 0.0

    def __post_init__(self) -> None:
        for name in ("target", "reference"):
            if getattr(self, name) < _SMALLEST:
                raise InputError(f"The setting pairs.{name} is {getattr(self, name)}; it takes {_SMALLEST} or more.")
        if not self.counts or min(self.counts) < 0 or sum(self.counts) <= 0:
            raise InputError(f"The setting pairs.counts is {self.counts}; it takes shares, such as [0.6, 0.4].")
        for name in ("aligned", "smooth", "ready", "distilled", "based"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"The setting pairs.{name} is {getattr(self, name)}; it takes a share, 0 to 1.")
        if self.aligned and self.reference < self.target:
            raise InputError(
                f"Aligned views need references as large as targets: pairs.reference is {self.reference}, "
                f"pairs.target {self.target}. Set pairs.aligned=0, or a larger pairs.reference."
            )

    def check_scale(self, scale: int) -> None:
        """Refuse sides that do not fill whole LR pixels: InputError if one is no multiple of the scale."""
        for name in ("target", "reference"):
            if (side := getattr(self, name)) % scale:
                raise InputError(f"The setting pairs.{name} is {side}; it takes multiples of {scale}.")
