"""Patch searches of other methods, in plain PyTorch, following their papers and released code.

Each takes a query map and a key map (c, h, w) and returns for each query position the number of a key position. They
are written for speed as their authors meant it, not against themselves: inference mode, no copies that can be avoided,
all threads.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

_FILTERS_AT_ONCE = 1024  # of the released SRNTT
_BLOCK, _WINDOW, _DILATIONS = 8, 13, (1, 2, 3)  # of the released MASA


def unfold_bmm(query: Tensor, key: Tensor) -> Tensor:
    """TTSR (Yang et al., CVPR 2020, section 3.2): all patches as unit vectors, one batched product, its maximum.

    Takes n * m floats of memory at once.
    """
    keys = F.normalize(_patches(key), dim=0).T[None]
    queries = F.normalize(_patches(query), dim=0)[None]
    return torch.bmm(keys, queries).max(1).indices[0]


def chunked_filters(query: Tensor, key: Tensor) -> Tensor:
    """SRNTT (Zhang et al., CVPR 2019, section 3.1) as released: unit key patches as the filters of convolutions over
    the query, so many at once, and a running maximum.
    """
    channels, height, width = query.shape
    filters = F.normalize(_patches(key), dim=0).T.reshape(-1, channels, 3, 3)
    padded = F.pad(query[None], (1, 1, 1, 1), mode="replicate")
    best = torch.full((height, width), -torch.inf)
    index = torch.zeros(height, width, dtype=torch.int64)
    for start in range(0, len(filters), _FILTERS_AT_ONCE):
        score, number = F.conv2d(padded, filters[start : start + _FILTERS_AT_ONCE])[0].max(0)
        better = score > best
        best[better], index[better] = score[better], number[better] + start
    return index.flatten()


def block_coarse(query: Tensor, key: Tensor) -> Tensor:
    """MASA (Lu et al., CVPR 2021, section 3.3): the centre of each block of 8 x 8 positions is matched everywhere, its
    patch taken at three dilations; each position of the block then only within 13 x 13 positions around that.
    """
    _, height, width = query.shape
    rows, columns = key.shape[1:]
    top, left = _block_windows(query, key)
    tall, wide = min(_WINDOW, rows), min(_WINDOW, columns)
    down, across = (torch.arange(size) for size in (tall, wide))
    places = (top[:, None, None] + down[:, None]) * columns + left[:, None, None] + across  # block, window
    places = places.flatten(1)
    keys = F.normalize(_patches(key), dim=0).T[places]
    queries = F.normalize(_patches(query), dim=0)
    inside = _in_blocks(torch.arange(height * width).view(height, width))
    scores = torch.bmm(queries.T[inside], keys.transpose(1, 2))
    found = places.gather(1, scores.max(2).indices)
    index = torch.empty(height * width, dtype=torch.int64)
    index[inside] = found
    return index


def _block_windows(query: Tensor, key: Tensor) -> tuple[Tensor, Tensor]:
    """Top and left of the window of each block."""
    _, height, width = query.shape
    rows, columns = key.shape[1:]
    centre = _in_blocks(torch.arange(height * width).view(height, width))[:, _BLOCK * _BLOCK // 2 + _BLOCK // 2]
    score = torch.zeros(len(centre), rows * columns)
    for dilation in _DILATIONS:
        queries = F.normalize(_patches(query, dilation)[:, centre], dim=0)
        score += queries.T @ F.normalize(_patches(key, dilation), dim=0)
    best = score.max(1).indices
    half = _WINDOW // 2
    top = (best // columns - half).clamp(0, max(0, rows - _WINDOW))
    return top, (best % columns - half).clamp(0, max(0, columns - _WINDOW))


def _in_blocks(numbers: Tensor) -> Tensor:
    """Indices of the positions of each block; positions beyond the edge repeat the last one."""
    height, width = numbers.shape
    down, across = -height % _BLOCK, -width % _BLOCK
    rows = torch.arange(height + down).clamp(max=height - 1)
    columns = torch.arange(width + across).clamp(max=width - 1)
    whole = numbers[rows][:, columns]
    return whole.unfold(0, _BLOCK, _BLOCK).unfold(1, _BLOCK, _BLOCK).reshape(-1, _BLOCK * _BLOCK)


def _patches(features: Tensor, dilation: int = 1) -> Tensor:
    """3 x 3 patches as columns, with the border repeated: the same for all, although TTSR and MASA pad with zeros."""
    padded = F.pad(features[None], (dilation,) * 4, mode="replicate")
    return F.unfold(padded, 3, dilation=dilation)[0]


#: By name.
PEERS = {"unfold_bmm": unfold_bmm, "chunked_filters": chunked_filters, "block_coarse": block_coarse}


def unit_patches(features: Tensor) -> Tensor:
    """3 x 3 patches of a map as unit vectors, a column each: their inner products are what all search for."""
    return F.normalize(_patches(features), dim=0)
