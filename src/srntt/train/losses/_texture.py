"""Texture losses on Gram matrices, which hold what features occur together, not where (Gatys et al. 1508.06576)."""

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from srntt._shapes import Float
from srntt.errors import InputError
from srntt.train.losses._precision import exact


def gram(maps: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c c"]:
    """Products of every two channels, summed over positions; in float32 at least, whatever autocast says."""
    with torch.autocast(maps.device.type, enabled=False):
        flat = exact(maps).flatten(2)
        return flat @ flat.transpose(1, 2)


def texture_consistency(
    output_maps: Sequence[Float[Tensor, "b _ _ _"]],
    swapped_maps: Sequence[Float[Tensor, "b _ _ _"]],
    similarity: Float[Tensor, "b 1 h w"],
) -> Float[Tensor, ""]:
    """The paper's texture loss (section 3.2): sum over levels l of w_l || Gr(phi_l(SR) S*) - Gr(M_l S*) ||_F.

    The more alike a reference was, the more its texture is asked for; where nothing was alike, nothing is. w_l is
    1 / (2 c h w) of the level's maps.

    Args:
        output_maps: phi_l(SR), one a level, of VGG19's relu3_1, relu2_1, relu1_1.
        swapped_maps: M_l in the same order; `srntt.models.paper.SwappedMaps` is one.
        similarity: S*, the best matching score at each LR position; enlarged bilinearly for the larger levels.

    Returns:
        Mean over the batch.
    """
    terms = []
    for output, swapped in zip(output_maps, swapped_maps, strict=True):
        share = _at_size(similarity, output)
        difference = gram(exact(output) * share) - gram(exact(swapped) * share)
        # PAPER: its factor "corresponds to the feature size"; this is the root of the one of Gatys et al., whose terms
        # are squared.
        terms.append(torch.linalg.vector_norm(difference, dim=(1, 2)) / (2 * output[0].numel()))
    return torch.stack(terms).sum(0).mean()


def texture_consistency_released(
    output_maps: Sequence[Float[Tensor, "b _ _ _"]],
    swapped_maps: Sequence[Float[Tensor, "b _ _ _"]],
    similarity: Float[Tensor, "b 1 h w"] | None = None,
) -> Float[Tensor, ""]:
    """The released code's texture loss: mean over levels of mean (Gr(phi_l(SR)) - Gr(M_l))^2 / (4 (c h w)^2).

    Args:
        output_maps: as for `texture_consistency`.
        swapped_maps: likewise.
        similarity: None: unweighted, as the code runs by default. Given: maps are multiplied by
            sigmoid(-20 S* + 0.65), as its option does, which falls as similarity rises: contrary to the paper, here for
            comparison alone.
    """
    terms = []
    for output, swapped in zip(output_maps, swapped_maps, strict=True):
        output, swapped = exact(output), exact(swapped)
        if similarity is not None:
            share = torch.sigmoid(-20 * _at_size(similarity, output) + 0.65)
            output, swapped = output * share, swapped * share
        volume = output[0].numel()
        # Divided before the square: values in 0..255 would leave float32.
        terms.append(((gram(output) - gram(swapped)) / (2 * volume)).square().mean())
    return torch.stack(terms).mean()


def texture_gram(
    output_maps: Mapping[str, Float[Tensor, "b _ _ _"]],
    target_maps: Mapping[str, Float[Tensor, "b _ _ _"]],
    weights: Mapping[str, float],
    tiles: int = 1,
) -> Float[Tensor, ""]:
    """Texture of the output against that of the HR picture, tile by tile (Sajjadi et al., arXiv:1612.07919, 4.2.3).

    For models whose swapped textures are no VGG maps. A layer's term is the sum of the distances of Gram matrices over
    the sum of the target's norms: the same for networks of any scale, and busy tiles count for more than flat ones.

    Args:
        output_maps: as `look_at` gives them.
        target_maps: likewise.
        weights: of the layers to compare.
        tiles: how many tiles each way; what is left over at the right and below is not looked at. Sajjadi et al. take
            tiles of 16 pixels: 10 for pictures of 160.

    Raises:
        InputError: a layer that the network does not give, or with fewer positions than tiles.
    """
    if missing := sorted(set(weights) - set(output_maps)):
        raise InputError(f"No map of {', '.join(missing)}; the network gives {', '.join(output_maps)}.")
    terms = []
    for name, weight in weights.items():
        distance, norm = _gram_distance(_tiled(output_maps[name], tiles), _tiled(target_maps[name], tiles))
        terms.append(weight * distance.sum() / norm.sum().clamp(min=1e-12))
    return torch.stack(terms).sum()


def _gram_distance(
    output: Float[Tensor, "b n c"], target: Float[Tensor, "b n c"]
) -> tuple[Float[Tensor, " b"], Float[Tensor, " b"]]:
    """Frobenius norms of the difference of two Gram matrices, and of the second, for maps as rows of positions.

    Small tiles have fewer positions than channels. There, with D = A - B and M = A + B, both n x c,
    2 ||A'A - B'B||^2 = <DD', MM'> + <DM', (DM')'>: products of n x n, and nothing cancels where A is near B.
    """
    with torch.autocast(output.device.type, enabled=False):
        if output.shape[1] >= output.shape[2]:
            grams = [x.transpose(1, 2) @ x for x in (output, target)]
            distance, norm = (torch.linalg.vector_norm(x, dim=(1, 2)) for x in (grams[0] - grams[1], grams[1]))
            return distance, norm
        less, more = output - target, output + target
        crossed = less @ more.transpose(1, 2)
        square = (less @ less.transpose(1, 2)) * (more @ more.transpose(1, 2)) + crossed * crossed.transpose(1, 2)
        norm = torch.linalg.vector_norm(target @ target.transpose(1, 2), dim=(1, 2))
        return _root(square.sum((1, 2)) / 2), norm


def _root(square: Float[Tensor, " b"]) -> Float[Tensor, " b"]:
    """Square root whose gradient at 0 is 0."""
    above = square > 0
    return torch.where(above, torch.where(above, square, 1).sqrt(), 0)


def _at_size(similarity: Float[Tensor, "b 1 h w"], maps: Float[Tensor, "b _ _ _"]) -> Float[Tensor, "b 1 _ _"]:
    size = (maps.shape[-2], maps.shape[-1])
    similarity = exact(similarity)
    if similarity.shape[-2:] == size:
        return similarity
    return F.interpolate(similarity, size, mode="bilinear", align_corners=False)


def _tiled(maps: Float[Tensor, "b c h w"], tiles: int) -> Float[Tensor, "_ _ c"]:
    """Tiles side by side in the batch, their positions as rows."""
    height, width = maps.shape[-2] // tiles, maps.shape[-1] // tiles
    if min(height, width) < 1:
        raise InputError(f"{tiles} tiles each way of a map of {maps.shape[-1]}x{maps.shape[-2]}. Ask for fewer.")
    cut = exact(maps[..., : height * tiles, : width * tiles]).permute(0, 2, 3, 1)
    apart = cut.unflatten(2, (tiles, width)).unflatten(1, (tiles, height)).transpose(2, 3)
    return apart.flatten(3, 4).flatten(0, 2)
