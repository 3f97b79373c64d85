"""ComfyUI node: reference-based image super-resolution. Copy this file into ``ComfyUI/custom_nodes``.

Requires the package srntt in the environment of ComfyUI.
"""

from functools import lru_cache
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

MODELS = ("lite-rec", "lite-real", "lite-gan", "paper-rec")


@lru_cache(maxsize=2)
def _upscaler(model: str, align: Literal["auto", "off"]) -> Any:
    from srntt import Upscaler

    return Upscaler.from_pretrained(model, align=align)


class SRNTTUpscale:
    """Enlarge images four times with detail from reference images.

    ComfyUI passes images as float tensors (batch, height, width, channels) in [0, 1]. All images of
    ``references`` serve every image of ``image``.
    """

    CATEGORY = "image/upscaling"
    FUNCTION = "upscale"
    RETURN_TYPES = ("IMAGE", "MASK")
    RETURN_NAMES = ("image", "share")
    OUTPUT_TOOLTIPS: ClassVar = ("The enlarged images.", "How much of each position comes from the references.")
    DESCRIPTION = "Enlarges images four times; detail comes from references that show similar content."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, dict[str, tuple]]:  # noqa: N802 (ComfyUI's name)
        return {
            "required": {
                "image": ("IMAGE",),
                "model": (list(MODELS), {"default": "lite-rec"}),
                "align": (["auto", "off"], {"default": "auto", "tooltip": "Align references by geometry."}),
            },
            "optional": {"references": ("IMAGE",), "more_references": ("IMAGE",)},
        }

    def upscale(
        self,
        image: Tensor,
        model: str = "lite-rec",
        align: Literal["auto", "off"] = "auto",
        references: Tensor | None = None,
        more_references: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        upscaler = _upscaler(model, align)
        given = [one for batch in (references, more_references) if batch is not None for one in _planes(batch)]
        encoded = upscaler.encode_references(given) if given else None
        results = [upscaler.upscale(one, encoded) for one in _planes(image)]
        pictures = torch.stack([result.tensor.movedim(0, -1) for result in results])
        return pictures, torch.stack([_share(result) for result in results])


def _planes(batch: Tensor) -> list[Tensor]:
    """Images as srntt takes tensors: channels first, RGB."""
    return list(batch[..., :3].detach().cpu().clamp(0, 1).movedim(-1, 1))


def _share(result: Any) -> Tensor:
    """The share of the references at each output pixel, in [0, 1]; 0 without references."""
    height, width = result.tensor.shape[1:]
    if result.provenance is None:
        return torch.zeros(height, width)
    share = torch.from_numpy(result.provenance.share)
    repeat = height // share.shape[0]
    return share.clamp(0, 1).repeat_interleave(repeat, 0).repeat_interleave(repeat, 1)


NODE_CLASS_MAPPINGS = {"SRNTTUpscale": SRNTTUpscale}
NODE_DISPLAY_NAME_MAPPINGS = {"SRNTTUpscale": "Upscale Image (references)"}
