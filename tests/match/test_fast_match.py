"""Fast matching: never wrong about what it returns, seldom short of the best, the same whatever the threads."""

import os
import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.matching import slow_match
from torch import Tensor

from srntt.bench import turned_pair
from srntt.errors import InputError, MemoryBudgetError
from srntt.match import STRIP, Match, Sizes, dense_match, fast_match, fast_match_bytes, fast_match_strips


def cosines_of(query: Tensor, keys: list[Tensor], match: Match, patch: int) -> Tensor:
    """Cosines of the patches that a correspondence names, from the definition."""
    reach = patch // 2

    def patches(features: Tensor) -> Tensor:
        padded = F.pad(features.double()[None], (reach,) * 4, mode="replicate")
        return F.normalize(F.unfold(padded, patch)[0], dim=0)

    result = torch.empty(match.y.numel(), dtype=torch.float64)
    wanted = patches(query)
    for number, key in enumerate(keys):
        chosen = (match.reference == number).flatten().nonzero()[:, 0]
        index = (match.y * key.shape[2] + match.x).flatten()[chosen]
        result[chosen] = (wanted[:, chosen] * patches(key)[:, index]).sum(0)
    return result.view_as(match.similarity)


def random_map(generator: torch.Generator, channels: int, height: int, width: int) -> Tensor:
    return torch.randn(channels, height, width, generator=generator).relu()


@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_small_maps_are_matched_exactly(data: st.DataObject):
    """Keys that fit one leaf are all compared."""
    border = data.draw(st.sampled_from(("replicate", "valid")))
    sizes = st.integers(3 if border == "valid" else 1, 8)
    shapes = data.draw(st.lists(st.tuples(sizes, sizes), min_size=2, max_size=3))
    generator = torch.Generator().manual_seed(data.draw(st.integers(0, 2**31)))
    channels, patch = data.draw(st.sampled_from(((1, 1), (20, 1), (64, 1), (2, 3), (7, 3))))
    query, *keys = (torch.randn(channels, *shape, generator=generator) for shape in shapes)
    match = fast_match(query, keys, patch=patch, border=border, threads=data.draw(st.sampled_from((1, 2))))
    similarity = slow_match(query, keys, patch, border)[3]
    assert torch.allclose(match.similarity, similarity, rtol=0, atol=2e-6)


@pytest.mark.parametrize(("channels", "patch", "least"), [(32, 1, 0.97), (96, 1, 0.95), (24, 3, 0.97)])
def test_what_it_returns_is_true_and_nearly_always_the_best(channels: int, patch: int, least: float):
    query, key = turned_pair(40, channels)
    keys = [key[:, :17].contiguous(), key[:, 17:].contiguous()]
    match = fast_match(query, keys, patch=patch)
    exact = dense_match(query, keys, patch=patch)
    assert torch.allclose(match.similarity.double(), cosines_of(query, keys, match, patch), rtol=0, atol=2e-6)
    assert float((match.similarity - exact.similarity).max()) <= 2e-6
    same = (match.reference == exact.reference) & (match.y == exact.y) & (match.x == exact.x)
    assert float(same.double().mean()) >= least
    assert float((exact.similarity - match.similarity).mean()) <= 0.002


def test_what_has_no_counterpart_is_matched_nearly_as_well():
    """Nothing in common, nothing smooth: the worst case for propagation."""
    generator = torch.Generator().manual_seed(1)
    query, key = (F.normalize(torch.randn(64, 60, 60, generator=generator), dim=0) for _ in range(2))
    exact, match = dense_match(query, [key], patch=1), fast_match(query, [key], patch=1)
    assert float((exact.similarity - match.similarity).mean()) <= 0.02


@pytest.mark.parametrize("patch", [1, 3])
def test_threads_do_not_matter(patch: int):
    query, key = turned_pair(95, 16)
    first, second = (fast_match(query, [key], patch=patch, threads=threads, seed=5) for threads in (1, 2))
    for name in ("reference", "y", "x", "similarity"):
        assert torch.equal(getattr(first, name), getattr(second, name))


@pytest.mark.parametrize("rows", [STRIP, 3 * STRIP, 95])
def test_strips_are_matched_as_the_whole_is(rows: int):
    query, key = turned_pair(95, 20)
    query[:, 30:33, 4:9] = 0
    whole = fast_match(query, [key], patch=1, threads=1)
    taken = []
    strips = (taken.append(strip) or strip for strip in query.split(rows, 1))
    parts = []
    for part in fast_match_strips(strips, key, threads=2):
        parts.append(part)
        assert len(taken) - len(parts) <= 2  # of the strips few are held
    for name in ("reference", "y", "x", "similarity"):
        assert torch.equal(torch.cat([getattr(part, name) for part in parts]), getattr(whole, name))


def test_seed_is_heard():
    generator = torch.Generator().manual_seed(2)
    query, key = (torch.randn(64, 50, 50, generator=generator) for _ in range(2))
    first, second = (fast_match(query, [key], patch=1, seed=seed) for seed in (0, 1))
    assert not torch.equal(first.y, second.y)


def test_matching_a_map_with_itself_is_the_identity():
    features = torch.randn(24, 70, 80, generator=torch.Generator().manual_seed(3))
    match = fast_match(features, [features], patch=1)
    assert torch.equal(match.y, torch.arange(70)[:, None].expand(70, 80))
    assert torch.equal(match.x, torch.arange(80).expand(70, 80))


@pytest.mark.parametrize("patch", [1, 3])
def test_flat_maps_and_repetition_cost_no_more(patch: int):
    """Equal keys cannot be told apart by any tree; leaves are full all the same, and what is found is as good."""
    flat = torch.full((8, 90, 90), 0.3)
    assert torch.allclose(fast_match(flat, [flat * 2], patch=patch).similarity, torch.ones(90, 90))
    tile = torch.randn(8, 5, 6, generator=torch.Generator().manual_seed(4))
    repeated = tile.repeat(1, 14, 12)
    match = fast_match(repeated, [repeated], patch=patch)
    assert float((match.similarity >= 1 - 1e-6).double().mean()) >= 0.99


@pytest.mark.parametrize("patch", [1, 3])
def test_empty_patches(patch: int):
    generator = torch.Generator().manual_seed(5)
    filled, empty = random_map(generator, 6, 12, 13) + 0.1, torch.zeros(6, 9, 9)
    match = fast_match(filled, [empty, filled], patch=patch)
    assert bool((match.reference == 1).all())
    match = fast_match(empty, [filled, empty], patch=patch)
    for values in (match.reference, match.y, match.x, match.similarity):
        assert not values.any()
    assert not fast_match(filled, [empty], patch=patch).similarity.any()


@pytest.mark.parametrize("factor", [1e-30, 1e30])
def test_magnitude_does_not_matter(factor: float):
    query, key = turned_pair(20, 12)
    plain, scaled = fast_match(query, [key]), fast_match(query * factor, [key / factor])
    assert torch.allclose(scaled.similarity, plain.similarity, atol=1e-5)


def test_valid_border_repeats_the_outermost_match():
    query, key = turned_pair(20, 12)
    match = fast_match(query, [key[:, :15].contiguous()], border="valid")
    assert match.frame == 1
    for values in (match.reference, match.y, match.x, match.similarity):
        assert torch.equal(values[0, 1:-1], values[1, 1:-1])
        assert torch.equal(values[:, -1], values[:, -2])
    assert (match.y.min() >= 1) & (match.y.max() <= 13)
    assert (match.x.min() >= 1) & (match.x.max() <= 18)


def test_equal_references_give_the_first():
    query, key = turned_pair(24, 12)
    assert not fast_match(query, [key, key.clone()], patch=1).reference.any()


MAP = torch.ones(4, 5, 6)


@pytest.mark.parametrize(
    ("query", "keys", "options", "text"),
    [
        (MAP, [], {}, "keys is an empty list"),
        (MAP / 0, [MAP], {}, "query contains NaN or infinity"),
        (MAP, [MAP * torch.nan], {}, r"keys\[0\] contains NaN"),
        (MAP, [MAP], {"patch": 2}, "patch is 2"),
        (MAP, [MAP], {"threads": 0}, "threads=0"),
        (MAP, [MAP], {"seed": -1}, r"seed in 0\.\.2\^63-1"),
    ],
)
def test_refusal_says_what_to_do(query, keys, options, text):
    with pytest.raises(InputError, match=text):
        fast_match(query, keys, **options)


def test_budget_refusal_names_a_budget_that_is_enough():
    with pytest.raises(MemoryBudgetError, match="memory=1000 bytes is too little for fast matching") as refusal:
        fast_match(MAP, [MAP], memory=1000, threads=1)
    enough = int(str(refusal.value).split("needs ")[1].split()[0])
    assert enough == fast_match_bytes(Sizes(30, (30,), 4, 3), 1)
    fast_match(MAP, [MAP], memory=enough, threads=1)


def test_memory_is_linear():
    sizes = [4**n for n in range(6, 11)]
    needed = [fast_match_bytes(Sizes(n, (n,), 64, 1), 2) for n in sizes]
    added = [(b - a) / (n - m) for a, b, m, n in zip(needed, needed[1:], sizes, sizes[1:], strict=False)]
    assert max(added) / min(added) < 1.1
    assert max(added) < 1200  # bytes for a position of each


@pytest.mark.slow
@pytest.mark.parametrize(("channels", "patch"), [(64, 1), (40, 3)])
def test_peak_memory_is_as_predicted(channels: int, patch: int):
    """In a process of its own, beyond what a small problem took."""
    if not os.access("/proc/self/clear_refs", os.W_OK):
        pytest.skip("needs Linux, which counts a peak from any moment on")
    command = [sys.executable, "-c", _MEASURE, str(channels), str(patch)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    taken, predicted = map(int, done.stdout.split())
    assert predicted * 0.3 <= taken <= predicted * 1.02 + 3 * 2**20


_MEASURE = """
import sys, torch
from pathlib import Path
from srntt.match import Sizes, fast_match, fast_match_bytes

def bytes_of(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))

channels, patch = int(sys.argv[1]), int(sys.argv[2])
torch.set_num_threads(1)
features = torch.rand(channels, 150, 200, generator=torch.Generator().manual_seed(0))
turned = features.flip(1)
fast_match(features[:, :100, :20].contiguous(), [features[:, :100, :60].contiguous()], patch=patch)
Path("/proc/self/clear_refs").write_text("5")
before = bytes_of("VmRSS")
fast_match(features, [turned], patch=patch)
print(bytes_of("VmHWM") - before, fast_match_bytes(Sizes(30000, (30000,), channels, patch), 1))
"""
