"""An architecture that is no part of the package: what one must bring, in the fewest lines.

It enlarges the picture and puts the pixels of the best matching patches over it, as far as one learned number says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from srntt.data import Pairs
from srntt.image import enlarge, reduce
from srntt.match import Match, Matcher, Window, dense_match
from srntt.memory import Appetite, Work
from srntt.models import Architecture, EncodedView, Fused, Outcome, Progress, Rendered, Teaching
from srntt.transfer import swap

_WHOLE = Window(slice(None), slice(None))


@dataclass(frozen=True)
class SmallConfig:
    """Its scale."""

    scale: int = 4


class Small(nn.Module):
    """The callable and its steps."""

    def __init__(self, config: SmallConfig = SmallConfig()) -> None:
        super().__init__()
        self.config, self.scale = config, config.scale
        self.gain = nn.Parameter(torch.tensor(0.5))

    def forward(self, low_res: Tensor, references: Sequence[Tensor] = ()) -> Tensor:
        """All steps in order."""
        if not references:
            return self.fuse(low_res, None).picture
        maps = [self.encode(reference) for reference in references]
        return self.fuse(low_res, self.sample(self.match(low_res, maps), maps)).picture

    def encode(self, reference: Tensor) -> dict[str, Tensor]:
        """The reduced reference, which is matched, and itself."""
        height, width = (extent // self.scale * self.scale for extent in reference.shape[2:])
        sharp = reference[:, :, :height, :width]
        return {"key": reduce(sharp, self.scale), "sharp": sharp}

    def match(self, query: Tensor, maps: Sequence[Mapping[str, Tensor]]) -> Match:
        """Among all references together."""
        found = [dense_match(one, [each["key"][number] for each in maps]) for number, one in enumerate(query.detach())]
        return Match.stacked([match.batched() for match in found])

    def sample(self, match: Match, maps: Sequence[Mapping[str, Tensor]], window: Window = _WHOLE) -> Tensor:
        """The pixels of the matched patches."""
        each = [
            swap([one["sharp"][number] for one in maps], match.candidate(number).candidate(0), ratio=self.scale,
                 rows=window.rows, columns=window.columns)
            for number in range(len(match.similarity))
        ]  # fmt: skip
        return torch.stack(each)

    def fuse(self, low_res: Tensor, swapped: Tensor | None) -> Fused:
        """The enlargement, and over it what was swapped."""
        large = enlarge(low_res, self.scale)
        if swapped is None:
            return Fused(large + 0 * self.gain, low_res[:, :0])
        share = self.gain.clamp(0, 1)
        return Fused(large + share * (swapped - large), share.expand(len(low_res), 1, *low_res.shape[2:]))


class SmallDrive:
    """Its steps, in bands and tiles."""

    halo, patch, key, reaches, describe, takes_base = 8, 3, "key", (), None, False
    appetite = Appetite(
        encode=Work(140),
        encoded=40,
        matched=14,
        candidates=1,
        tile=lambda candidates: Work(1000 + 1000 * candidates),
        first=10**7,
    )

    def __init__(self, model: Small, device: torch.device) -> None:
        self._model, self._device = model.to(device), device
        self.scale, self.context = model.scale, 4 * model.scale

    def encode(self, band: Tensor) -> dict[str, Tensor]:
        """Of a band."""
        return {name: whole[0] for name, whole in self._model.encode(band.to(self._device)[None]).items()}

    def match(
        self, low_res: Tensor, references: list[EncodedView], band: int, matcher: Matcher, progress: Progress
    ) -> Match:
        """At once, however small the band."""
        return self._model.match(low_res[None].to(self._device), [item.batch for item in references]).candidate(0)

    def matching_bytes(
        self, matcher: Matcher, size: tuple[int, int], keys: Sequence[int], band: int, threads: int
    ) -> int:
        """What `dense_match` takes."""
        return 2**26

    def render(
        self,
        low_res: Tensor,
        match: Match | None,
        window: Window,
        references: list[EncodedView],
        strength: Tensor | None = None,
        base: Tensor | None = None,
    ) -> Rendered:
        """A tile."""
        seen = low_res[None, :, *window].to(self._device)
        if match is None:
            return Rendered(self._model.fuse(seen, None).picture[0], None)
        maps = [item.batch for item in references]
        fused = self._model.fuse(seen, self._model.sample(match.batched(), maps, window))
        if strength is None:
            return Rendered(fused.picture[0], fused.share[0])
        weight = strength.repeat_interleave(self.scale, 0).repeat_interleave(self.scale, 1)
        alone = self._model.fuse(seen, None).picture[0]
        return Rendered(alone.lerp(fused.picture[0], weight), fused.share[0] * strength)


class SmallLesson:
    """How it is trained."""

    def __init__(self, model: Small, teaching: Teaching) -> None:
        self.model = model

    def prepare(self, step: int, networks: Sequence[nn.Module]) -> None:
        """Nothing."""

    def run(self, pairs: Pairs, with_references: bool) -> Outcome:
        """Forward."""
        output = self.model(pairs.low_res, pairs.references.unbind(1) if with_references else ())
        return Outcome(output, pairs.high_res, pairs.low_res)


SMALL = Architecture("small", SmallConfig, Small, SmallDrive, SmallLesson)
