"""What is refused, with which words; and how much memory is taken."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from srntt.errors import InputError, MemoryBudgetError
from srntt.match import dense_match
from srntt.match._problem import make_problem, tile_shape
from srntt.match._shortlist import rounding_margin

MAP = torch.ones(4, 5, 6)


@pytest.mark.parametrize(
    ("query", "keys", "options", "text"),
    [
        (MAP, [], {}, "keys is an empty list"),
        (MAP, [torch.ones(3, 5, 6)], {}, r"keys\[0\] has 3 channels and query has 4"),
        (MAP, [MAP, MAP.double()], {}, r"keys\[1\] is torch.float64 of shape \(4, 5, 6\)"),
        (MAP, [MAP[:, :2]], {"border": "valid"}, r"keys\[0\] is 2x6 positions; .* at least 3x3.*border='replicate'"),
        (MAP[:, :, :1], [MAP], {"border": "valid"}, "query is 5x1 positions"),
        (MAP / 0, [MAP], {}, "query contains NaN or infinity"),
        (MAP, [MAP * torch.nan], {}, r"keys\[0\] contains NaN"),
        (MAP, [MAP], {"patch": 2}, "patch is 2; it must be 1 or 3"),
        (MAP, [MAP], {"border": "zero"}, "border is 'zero'; it must be 'replicate'"),
        (MAP, [MAP], {"engine": "magic"}, "engine is 'magic'; give 'auto', 'fused', 'torch' or 'triton'"),
        (
            MAP,
            [MAP],
            {"precision": "int8"},
            "precision is 'int8'; give one of 'fp32', 'tf32x3', 'tf32', 'fp16', 'bf16'",
        ),
        (MAP, [MAP], {"threads": 0}, "threads=0"),
    ],
)
def test_refusal_says_what_to_do(query, keys, options, text):
    with pytest.raises(InputError, match=text):
        dense_match(query, keys, **options)


@pytest.mark.parametrize("engine", ["fused", "torch"])
def test_budget_refusal_names_a_budget_that_is_enough(engine: str):
    features = torch.rand(8, 12, 14, generator=torch.Generator().manual_seed(0))
    with pytest.raises(MemoryBudgetError, match="memory=1000 bytes is too little") as refusal:
        dense_match(features, [features], memory=1000, engine=engine, threads=1)
    enough = int(str(refusal.value).split("need ")[1].split()[0])
    match = dense_match(features, [features], memory=enough, engine=engine, threads=1)
    assert torch.equal(match.x[0], torch.arange(14))
    with pytest.raises(MemoryBudgetError):
        dense_match(features, [features], memory=enough - 1, engine=engine, threads=1)


def test_tiles_never_cost_more_than_allowed():
    for memory in range(2_400, 200_000, 1_777):
        rows, columns = tile_shape(lambda rows, columns: (rows + 2) * (columns + 2) * 100, 50, 300, memory)
        assert (rows + 2) * (columns + 2) * 100 <= memory
        assert 1 <= rows <= 50


_MEASURE = """
import resource, sys, torch
from srntt.match import dense_match
engine, memory = sys.argv[1], int(sys.argv[2])
torch.set_num_threads(1)
features = torch.rand(16, 96, 100, generator=torch.Generator().manual_seed(0))
dense_match(features[:, :8, :8], [features[:, :9, :9]], engine=engine)  # compiled or loaded before we measure
dense_match(features[:, :3, :3].double().float(), [features[:, :3, :3]], engine=engine)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
dense_match(features, [features, features.flip(1)], engine=engine, memory=memory)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""


@pytest.mark.parametrize("engine", ["fused", "torch"])
def test_peak_memory_stays_within_budget(engine: str):
    """All scores at once would take 737 MB; the budget is 4 MB, and 3 MB more are the result and the allocator's."""
    resource = pytest.importorskip("resource")
    assert resource.RUSAGE_SELF is not None
    budget = 4 * 2**20
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, engine, str(budget)], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) <= budget + 3 * 2**20


def test_rounding_margin_covers_the_engines_error():
    """Computed cosines of random patches lie within half the margin of the true ones, and not by a mile."""
    generator = torch.Generator().manual_seed(1)
    query, key = (torch.rand(256, 8, 8, generator=generator) for _ in range(2))
    match = dense_match(query, [key], engine="fused")
    problem = make_problem(query, [key], 3, "replicate")
    from srntt.match._fused import shortlist

    found = shortlist(problem, problem.centres(query), torch.float32, 1, (8, 8))
    exact = shortlist(problem, problem.centres(query), torch.float64, 1, (8, 8))
    pairs = {(p, k): c for p, k, c in zip(exact.position, exact.key, exact.cosine, strict=True)}
    errors = [
        abs(pairs[p, k] - c) for p, k, c in zip(found.position, found.key, found.cosine, strict=True) if (p, k) in pairs
    ]
    assert len(errors) == match.y.numel()
    assert 0 < max(errors) <= rounding_margin(256, torch.float32) / 2
    assert np.isfinite(errors).all()
