"""Eq. 1-3 as written, in float64: the twin of ``srntt.match.dense_match``."""

import torch
import torch.nn.functional as F
from torch import Tensor

TIE = 1e-12  # cosines closer than this are equal
EMPTY = 2.0**-40  # times the largest value of a map: a patch of at most this norm is empty


def slow_match(
    query: Tensor, keys: list[Tensor], patch: int = 3, border: str = "replicate"
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Reference, y, x and cosine of the best patch, one query position at a time."""
    queries, (height, width), _ = _patches(query, patch, border)
    candidates, addresses = [], []
    for number, key in enumerate(keys):
        patches, (rows, columns), first = _patches(key, patch, border)
        norm = patches.norm(dim=1, keepdim=True)
        candidates.append(torch.where(norm > EMPTY * key.abs().max(), patches / norm, 0.0))
        addresses += [(number, first + y, first + x) for y in range(rows) for x in range(columns)]
    normalised = torch.cat(candidates)
    norm = queries.norm(dim=1)
    cosines = torch.where(norm > EMPTY * query.abs().max(), normalised @ queries.T / norm, 0.0)
    found = []
    for cosine in cosines.T:
        best = int((cosine >= cosine.max() - TIE).nonzero()[0])
        found.append((*addresses[best], cosine[best].item()))
    maps = [torch.tensor(values).view(1, height, width) for values in zip(*found, strict=True)]
    if border == "valid" and patch == 3:
        maps = [F.pad(values.double(), (1, 1, 1, 1), mode="replicate") for values in maps]
    reference, y, x, similarity = (values[0] for values in maps)
    return reference.long(), y.long(), x.long(), similarity.float()


def _patches(features: Tensor, patch: int, border: str) -> tuple[Tensor, tuple[int, int], int]:
    """Patches as rows, the number of centres down and across, and the coordinate of the first centre."""
    reach = patch // 2
    features = features.double()[None]
    if border == "replicate":
        features = F.pad(features, (reach,) * 4, mode="replicate")
    size = (features.shape[2] - 2 * reach, features.shape[3] - 2 * reach)
    return F.unfold(features, patch)[0].T, size, reach if border == "valid" else 0
