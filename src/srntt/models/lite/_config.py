"""What there is to choose of a light model."""

from dataclasses import dataclass
from typing import Literal, get_args

from srntt.errors import InputError

Scale = Literal[2, 3, 4]
_RATIOS: dict[Scale, tuple[int, ...]] = {2: (2, 1), 3: (3, 1), 4: (4, 2, 1)}
_SIZES = {
    "channels": (8, 256),
    "content_blocks": (0, 64),
    "transfer_blocks": (0, 64),
    "descriptor": (8, 256),
    "candidates": (1, 8),
}


@dataclass(frozen=True)
class LiteConfig:
    """Size of a light model.

    Attributes:
        channels: width of the body.
        content_blocks: residual blocks before the textures come in.
        transfer_blocks: residual blocks after.
        descriptor: length of a matching descriptor.
        scale: output pixels for each input pixel along a side.
        base: accept the output of another upscaler as base.
        candidates: matches of a position that compete, at most, each in another view of a reference; as many again in
            views that are aligned with the picture.
        agreement: how much of the detail that the model finds without references must be left with them, for textures
            to be used at all (see `srntt.models.lite._agreement`); 0: anything goes.
    """

    channels: int = 64
    content_blocks: int = 6
    transfer_blocks: int = 8
    descriptor: int = 64
    scale: Scale = 4
    base: bool = False
    candidates: int = 3
    agreement: float = 0.0

    def __post_init__(self) -> None:
        for name, (low, high) in _SIZES.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise InputError(f"{name} of a light model is {low}..{high}, not {value}.")
        if not 0 <= self.agreement < 1:
            raise InputError(f"agreement of a light model is at least 0 and less than 1, not {self.agreement}.")
        if self.scale not in get_args(Scale):
            raise InputError(f"scale of a light model is 2, 3 or 4, not {self.scale}.")

    @property
    def ratios(self) -> tuple[int, ...]:
        """Grids of the texture bands, as multiples of the LR grid, the finest first."""
        return _RATIOS[self.scale]

    @property
    def band_channels(self) -> int:
        """Channels of a candidate's texture: every band, folded space to depth."""
        return 3 * sum(ratio**2 for ratio in self.ratios)
