"""SRNTT as the paper has it: VGG19's features matched and swapped, content extractor, texture transfer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, get_args

import torch
from torch import Tensor, nn

from srntt._shapes import Float
from srntt.errors import InputError
from srntt.features import Family, VGG19Features
from srntt.image import bicubic_pillow
from srntt.match import Match, Window, dense_match
from srntt.models._drive import Fused
from srntt.models.paper._content_extractor import ContentExtractor
from srntt.models.paper._texture_transfer import Scale, TextureTransfer
from srntt.transfer import SWAPPED_LAYERS, SwappedMaps, swap
from srntt.weights import find_weights, load_vgg19

MATCHED = SWAPPED_LAYERS[0]
FINEST = 4  # the finest of the swapped maps, as a multiple of the LR grid
_RATIOS = (1, 2, FINEST)
_WHOLE = Window(slice(None), slice(None))

Maps = Mapping[str, Float[Tensor, "b _ _ _"]]
"""Of a reference, by name: ``key``, what is matched, on the LR grid, and the layers of VGG19 that are swapped."""


@dataclass(frozen=True)
class PaperConfig:
    """What there is to choose.

    Attributes:
        scale: of the output: 4, 8 or 16.
        gated: the maps are gated by the similarity.
        phi: the VGG19 weights whose maps the transfer was trained on; official weights: caffe.
    """

    scale: Scale = 4
    gated: bool = False
    phi: Family = "caffe"

    def __post_init__(self) -> None:
        if self.scale not in get_args(Scale):
            raise InputError(f"scale is {self.scale!r}; allowed are 4, 8 and 16.")
        if self.phi not in get_args(Family):
            raise InputError(f"phi is {self.phi!r}; allowed are {', '.join(get_args(Family))}.")


class Swapped(NamedTuple):
    """The references' textures laid out like the LR picture, and the similarity S* of the matches that brought them."""

    maps: SwappedMaps
    similarity: Float[Tensor, "b 1 h w"]


class PaperSRNTT(nn.Module):
    """LR picture and references to a larger picture: VGG19's features, content extractor, texture transfer.

    New ones are in evaluation mode. `train()` reaches the transfer alone: the extractor is trained beforehand, by
    itself, and stays unchanged. VGG19 is no part of the weights: it is read where it is needed first, from where
    `srntt weights get vgg19` put it.

    Attributes:
        halo: LR pixels on each side that an output pixel depends on, in the picture and the swapped maps.

    Example:
        >>> model = PaperSRNTT(PaperConfig(scale=4))
        >>> low_res = torch.rand(1, 3, 5, 6)
        >>> maps = SwappedMaps(torch.rand(1, 256, 5, 6), torch.rand(1, 128, 10, 12), torch.rand(1, 64, 20, 24))
        >>> tuple(model.fuse(low_res, Swapped(maps, torch.rand(1, 1, 5, 6))).picture.shape)
        (1, 3, 20, 24)
    """

    halo = ContentExtractor.halo + TextureTransfer.halo

    def __init__(self, config: PaperConfig = PaperConfig()) -> None:
        super().__init__()
        self.config, self.scale = config, config.scale
        self.extractor = ContentExtractor().requires_grad_(False)
        self.transfer = TextureTransfer(config.scale, config.gated)
        self._vgg19: list[VGG19Features] = []  # in a list, so that its weights are none of this model's
        self.eval()

    @property
    def phi(self) -> VGG19Features:
        """VGG19, on the model's device; MissingWeightsError if its weights were not fetched yet."""
        if not self._vgg19:
            self._vgg19.append(load_vgg19(find_weights(f"vgg19-{self.config.phi}"), family=self.config.phi))
        return self._vgg19[0].to(self.transfer.to_rgb.weight.device)

    def train(self, mode: bool = True) -> "PaperSRNTT":
        """Set the mode of the transfer; the extractor stays in evaluation mode."""
        super().train(mode)
        # PAPER: the released code ran the frozen extractor's batch normalisation in training mode.
        self.extractor.eval()
        return self

    def begin_transfer(self) -> None:
        """Let the transfer begin as the extractor's own head (4x only), to which the maps add nothing yet."""
        # PAPER: the transfer begins from random weights; thousands of steps go by before it is as good as no reference.
        if self.scale != self.extractor.scale:
            raise InputError(f"The extractor's head upscales 4x: a transfer of scale {self.scale} cannot begin as it.")
        self.transfer.begin_as(self.extractor.up1, self.extractor.up2, self.extractor.to_rgb)

    def forward(
        self, low_res: Float[Tensor, "b 3 h w"], references: Sequence[Float[Tensor, "b 3 _ _"]] = ()
    ) -> Float[Tensor, "b 3 H W"]:
        """The HR picture: all steps in order.

        Args:
            low_res: RGB in [0, 1].
            references: sharp pictures in [0, 1] for each of them, of any sizes from one LR pixel; none: the extractor's
                own head answers (4x only).

        Raises:
            InputError: no references, where the scale is not 4.
        """
        if not references:
            return self.fuse(low_res, None).picture
        maps = [self.encode(reference) for reference in references]
        return self.fuse(low_res, self.sample(self.match(self.describe(low_res), maps), maps)).picture

    def describe(self, low_res: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 256 h w"]:
        """What is looked for: phi of the enlarged picture."""
        height, width = low_res.shape[2:]
        return self.phi(bicubic_pillow(low_res, (FINEST * height, FINEST * width)))[MATCHED].float()

    def encode(self, reference: Float[Tensor, "b 3 H W"]) -> dict[str, Float[Tensor, "b _ _ _"]]:
        """What is looked in, phi of the blurred reference, and what is brought from there; the reference is in [0, 1].

        What does not fill a whole LR pixel at the right and bottom is left out.
        """
        sharp = self.at_finest(reference)
        height, width = sharp.shape[2:]
        blurred = bicubic_pillow(bicubic_pillow(sharp, (height // FINEST, width // FINEST)), (height, width))
        return {"key": self.phi(blurred)[MATCHED].float(), **self.textures(sharp)._asdict()}

    def textures(self, sharp: Float[Tensor, "b 3 H W"]) -> SwappedMaps:
        """phi of a sharp picture on the finest of the maps' grids."""
        maps = self.phi(sharp)
        return SwappedMaps(*(maps[layer].float() for layer in SWAPPED_LAYERS))

    def match(self, query: Float[Tensor, "b 256 h w"], maps: Sequence[Maps]) -> Match:
        """The best patch among all references (Eq. 1-3), by exact search, in the released code's frame: (b, 1)."""
        keys = [one["key"] for one in maps]
        border = border_of(query, keys)
        found = [dense_match(one, [key[number] for key in keys], border=border) for number, one in enumerate(query)]
        return Match.stacked([one.batched() for one in found])

    def sample(self, match: Match, maps: Sequence[Maps], window: Window = _WHOLE) -> Swapped:
        """The swapped maps, averaged where patches overlap, of the window that is wanted."""
        levels = [
            torch.stack(
                [
                    swap(
                        [one[name][number] for one in maps], match.candidate(number).candidate(0),
                        ratio=ratio, rows=window.rows, columns=window.columns,
                    )
                    for number in range(len(match.similarity))
                ]
            )
            for name, ratio in zip(SwappedMaps._fields, _RATIOS, strict=True)
        ]  # fmt: skip
        return Swapped(SwappedMaps(*levels), match.similarity[..., *window])

    def fuse(self, low_res: Float[Tensor, "b 3 h w"], swapped: Swapped | None) -> Fused:
        """The picture, with what was swapped, if anything. There is no gate to report, so a reference's share is the
        similarity of its match, as the paper weights it.

        Raises:
            InputError: maps that do not fit; none, where the scale is not 4.
        """
        content_feature = self.extractor(low_res)
        if swapped is not None:
            weights = swapped.similarity if self.config.gated else None
            return Fused(self.transfer(content_feature, swapped.maps, weights), swapped.similarity.clamp(0, 1))
        # PAPER: the released code lets the LR picture be its own reference; here the extractor's own head answers.
        if self.scale != self.extractor.scale:
            raise InputError(
                f"Without a reference the paper's network upscales 4x, not {self.scale}x. Give references."
            )
        return Fused(self.extractor.upscale(content_feature), low_res[:, :0])

    def at_finest(self, reference: Float[Tensor, "b 3 H W"]) -> Float[Tensor, "b 3 _ _"]:
        """Reduced to the finest grid that textures are swapped on."""
        height, width = (extent // self.scale * self.scale for extent in reference.shape[2:])
        whole = reference[:, :, :height, :width]
        if self.scale == FINEST:
            return whole
        # PAPER: how references of the 8x and 16x variants meet maps of 1x, 2x and 4x the LR grid is not said. Reduced.
        return bicubic_pillow(whole, (height // self.scale * FINEST, width // self.scale * FINEST))


def border_of(query: Float[Tensor, "*b _ h w"], keys: Sequence[Float[Tensor, "*b _ _ _"]]) -> str:
    """Patches that lie wholly inside compete, where there are any."""
    smallest = min(extent for map_ in (query, *keys) for extent in map_.shape[-2:])
    return "valid" if smallest >= 3 else "replicate"
