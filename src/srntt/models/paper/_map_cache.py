"""Swapped maps of ready-made pairs, kept on disk between epochs, as the paper does."""

import hashlib
from pathlib import Path

import torch
from torch import Tensor

from srntt._safetensors import read_header, read_tensors, write_tensors
from srntt._shapes import Float
from srntt.transfer import SwappedMaps


class MapCache:
    """A folder of swapped maps and similarities in half precision; 5.7 MB for a pair of 160 x 160 pixels.

    Each is known by its pair's pixels and by the name of the VGG19 weights that made it, so that changed ones are
    computed again.
    """

    def __init__(self, folder: Path, phi: str) -> None:
        self._folder, self._phi = folder, phi
        folder.mkdir(parents=True, exist_ok=True)

    def get(
        self, target: Float[Tensor, "3 H W"], references: Float[Tensor, "r 3 R R"]
    ) -> tuple[SwappedMaps, Float[Tensor, "1 h w"]] | None:
        """Maps and similarity, on the device of the target; None if they are not kept."""
        file = self._file(target, references)
        if not file.exists():
            return None
        shapes = {name: info.shape for name, info in read_header(file).tensors.items()}
        kept = {name: tensor.float().to(target.device) for name, tensor in read_tensors(file, shapes).items()}
        return SwappedMaps(*(kept[name] for name in SwappedMaps._fields)), kept["similarity"]

    def put(
        self,
        target: Float[Tensor, "3 H W"],
        references: Float[Tensor, "r 3 R R"],
        maps: SwappedMaps,
        similarity: Float[Tensor, "1 h w"],
    ) -> tuple[SwappedMaps, Float[Tensor, "1 h w"]]:
        """Keep them, atomically; returns them as ``get`` will."""
        halved = {name: tensor.half().contiguous() for name, tensor in maps._asdict().items()}
        halved["similarity"] = similarity.half().contiguous()
        kept = {name: tensor.cpu() for name, tensor in halved.items()}
        write_tensors(self._file(target, references), kept, {"phi": self._phi})
        return SwappedMaps(*(halved[name].float() for name in SwappedMaps._fields)), halved["similarity"].float()

    def _file(self, target: Tensor, references: Tensor) -> Path:
        digest = hashlib.sha256(self._phi.encode())
        for pixels in (target, references):
            digest.update((pixels * 255).round().to(torch.uint8).cpu().contiguous().numpy().tobytes())
        return self._folder / f"{digest.hexdigest()[:32]}.safetensors"
