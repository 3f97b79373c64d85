"""The Triton engine against the definition: on a GPU, or in Triton's interpreter on the CPU (`make test-triton`)."""

import os
import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F
from reference.matching import slow_match
from torch import Tensor

from srntt.bench import bench_device
from srntt.errors import MemoryBudgetError
from srntt.match import Match, _triton, dense_match
from srntt.match._problem import make_problem

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
REFUSAL = _triton.refusal(DEVICE)
pytestmark = pytest.mark.skipif(REFUSAL is not None, reason=f"the Triton engine does not run: {REFUSAL}")

PRECISIONS = (*_triton.EXACT, *_triton.ROUNDED)
# Largest change of a cosine, both ways, by rounding the features (2^-9, 2^-12 and 2^-11 of either) and by adding up.
MARGIN = {"bf16": 4.1 * 2.0**-9, "fp16": 4.1 * 2.0**-12, "tf32": 4.1 * 2.0**-11}
SHAPES = [
    ((7, 9), [(8, 5), (4, 13)], "rectified", 20),
    ((9, 6), [(11, 7)], "signed", 70),
    ((1, 17), [(1, 11)], "signed", 33),
    ((13, 1), [(1, 6), (5, 1), (1, 1)], "signed", 5),
    ((1, 1), [(3, 2)], "rectified", 64),
]


def match_on_chip(query: Tensor, keys: list[Tensor], **options) -> Match:
    match = dense_match(query.to(DEVICE), [key.to(DEVICE) for key in keys], engine="triton", **options)
    return match.on(torch.device("cpu"))


def assert_equal_to_twin(query: Tensor, keys: list[Tensor], *, patch: int = 3, border="replicate", precision="fp16"):
    match = match_on_chip(query, keys, patch=patch, border=border, precision=precision)
    reference, y, x, similarity = slow_match(query, keys, patch, border)
    assert torch.equal(match.reference, reference)
    assert torch.equal(match.y, y)
    assert torch.equal(match.x, x)
    assert torch.allclose(match.similarity, similarity, rtol=0, atol=1e-6)
    return match


def assert_within_margin(query: Tensor, keys: list[Tensor], *, patch: int, precision: str) -> float:
    """The definition's index wherever its cosine exceeds all others by the margin; the share of all with that index.

    Elsewhere the cosine of the index found is within the margin of the best, and the similarity is that cosine.
    """
    match = match_on_chip(query, keys, patch=patch, precision=precision)
    cosines = patches(query, patch).T @ torch.cat([patches(key, patch) for key in keys], 1)
    starts = torch.tensor([0, *(key[0].numel() for key in keys)]).cumsum(0)
    widths = torch.tensor([key.shape[2] for key in keys])
    found = (starts[match.reference] + match.y * widths[match.reference] + match.x).flatten()
    best, second = cosines.topk(2).values.T if cosines.shape[1] > 1 else (cosines[:, 0], cosines[:, 0] - 1)
    same = found == cosines.argmax(1)
    assert same[best - second > MARGIN[precision]].all()
    true = cosines.gather(1, found[:, None])[:, 0]
    assert (best - true).max() <= MARGIN[precision]
    assert (match.similarity.flatten() - true).abs().max() < 1e-6
    return same.double().mean().item()


def random_map(seed: int, kind: str, channels: int, height: int, width: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    if kind == "ties":  # few values: many patches score exactly alike
        return torch.randint(-1, 2, (channels, height, width), generator=generator).float()
    values = torch.randn(channels, height, width, generator=generator)
    if kind == "holes":  # patches of zeros among others
        return values * (torch.rand(1, height, width, generator=generator) > 0.8)
    return values.relu() if kind == "rectified" else values


def patches(features: Tensor, patch: int) -> Tensor:
    """Unit patches around all positions in float64, as columns."""
    padded = F.pad(features.double()[None], (patch // 2,) * 4, mode="replicate")
    return F.normalize(F.unfold(padded, patch)[0], dim=0)


@pytest.mark.parametrize(
    ("size", "key_sizes", "kind", "channels", "precision"),
    [(*SHAPES[0], precision) for precision in PRECISIONS]
    + [(*shape, precision) for shape in SHAPES[1:] for precision in ("fp32", "fp16")],
)
@pytest.mark.parametrize("patch", [1, 3])
def test_index_equals_twin(size, key_sizes, kind: str, channels: int, patch: int, precision: str):
    query, *keys = (random_map(n, kind, channels, *shape) for n, shape in enumerate([size, *key_sizes]))
    if precision in _triton.EXACT:
        assert_equal_to_twin(query, keys, precision=precision, patch=patch)
    else:
        assert assert_within_margin(query, keys, precision=precision, patch=patch) > (0.9 if patch == 1 else 0.99)


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
@pytest.mark.parametrize("patch", [1, 3])
def test_valid_border_equals_twin(patch: int, precision: str):
    query, *keys = (random_map(n, "signed", 24, *shape) for n, shape in enumerate([(7, 8), (3, 9), (5, 5)]))
    match = assert_equal_to_twin(query, keys, precision=precision, patch=patch, border="valid")
    assert match.frame == patch // 2


@pytest.mark.parametrize("precision", _triton.EXACT)
@pytest.mark.parametrize("kind", ["ties", "holes"])
@pytest.mark.parametrize("patch", [1, 3])
def test_exact_precisions_settle_ties(patch: int, kind: str, precision: str):
    """What eight candidates cannot hold is searched again in float64."""
    query, *keys = (random_map(n, kind, 3, *shape) for n, shape in enumerate([(8, 9), (12, 11), (7, 7)]))
    assert_equal_to_twin(query, keys, precision=precision, patch=patch)


@pytest.mark.parametrize("precision", _triton.ROUNDED)
@pytest.mark.parametrize("kind", ["ties", "near copies"])
@pytest.mark.parametrize("patch", [1, 3])
def test_rounding_loses_no_more_than_its_margin(patch: int, kind: str, precision: str):
    query = random_map(0, "ties" if kind == "ties" else "rectified", 12, 8, 9)
    key = random_map(1, "ties", 12, 12, 11)
    if kind == "near copies":
        key = query.repeat(1, 3, 3) * (1 + MARGIN[precision] * random_map(2, "signed", 12, 24, 27))
    assert_within_margin(query, [key], patch=patch, precision=precision)


@pytest.mark.parametrize("patch", [1, 3])
def test_several_programs_and_shares(monkeypatch, patch: int):
    """More positions than one program walks, and keys dealt out to several programs."""
    monkeypatch.setattr(_triton, "_processors", lambda device: 3)
    query, *keys = (random_map(n, "signed", 16, *size) for n, size in enumerate([(3, 450), (6, 17), (3, 4)]))
    expected = dense_match(query, keys, patch=patch)
    match = match_on_chip(query, keys, patch=patch, precision="fp32")
    for name in ("reference", "y", "x"):
        assert torch.equal(getattr(match, name), getattr(expected, name))
    assert assert_within_margin(query, keys, patch=patch, precision="fp16") > 0.99


def test_benchmark_reports_what_it_states():
    report = bench_device(
        device=DEVICE.type, query_size=(5, 7), key_size=(6, 5), references=2, channels=(9,), repeats=1,
        precisions=("fp16", "fp32"), yardstick=64,
    )  # fmt: skip
    assert [(case["channels"], case["precision"]) for case in report["cases"]] == [(9, "fp16"), (9, "fp32")]
    for case in report["cases"]:
        assert case["wrong_index"] == {"triton": 0, "unfold_matmul": 0}
        assert (case["compared"], case["similarity_lost"]) == (35, 0.0)
        ours, theirs = case["seconds"]["triton"], case["seconds"]["unfold_matmul"]
        assert case["unfold_matmul_over_triton"] == theirs / ours
        issued = 2 * 35 * 60 * 9 * 3 / 1e12 / ours
        assert case["peak_share"] == pytest.approx(issued / report["matmul_tflops"][case["precision"]])
        assert case["peak_share_as_written"] == pytest.approx(3 * case["peak_share"])


@pytest.mark.parametrize("precision", PRECISIONS)
def test_ties_go_to_the_lowest_index(precision: str):
    """Copies of a map, and maps of one value."""
    query, key = (random_map(n, "rectified", 9, 6, 7) for n in range(2))
    assert not assert_equal_to_twin(query, [key, key.clone(), key * 4.0], precision=precision).reference.any()
    flat = match_on_chip(torch.full((5, 4, 6), 0.3), [torch.full((5, 9, 20), 0.125)] * 2, precision=precision)
    for values in (flat.reference, flat.y, flat.x):
        assert not values.any()


@pytest.mark.parametrize("precision", PRECISIONS)
def test_empty_patches(precision: str):
    filled, empty = random_map(0, "rectified", 6, 7, 8), torch.zeros(6, 5, 5)
    assert bool((assert_equal_to_twin(filled, [empty, filled], precision=precision).reference == 1).all())
    assert not assert_equal_to_twin(empty, [empty, filled], precision=precision).similarity.any()
    assert not assert_equal_to_twin(filled, [empty], precision=precision).y.any()
    negative = assert_equal_to_twin(torch.ones(2, 4, 4), [-torch.ones(2, 4, 4), torch.zeros(2, 3, 3)], precision="fp16")
    assert bool((negative.reference == 1).all())


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
@pytest.mark.parametrize("factor", [1e-30, 1e30])
def test_magnitude_does_not_matter(factor: float, precision: str):
    query, key = (random_map(n, "rectified", 6, 5, 6) for n in range(2))
    assert_equal_to_twin(query * factor, [key / factor], precision=precision)


def test_dark_patches_keep_their_digits_in_fp16():
    """Positions a million times brighter than the rest, which would be too small for fp16 but for the scale."""
    query, key = (random_map(n, "rectified", 16, 6, 7) for n in range(2))
    for features in (query, key):
        features[:, :3, :3] *= 1e6
    assert_equal_to_twin(query, [key], precision="fp16")


def test_tf32_is_rounded_to_the_nearest():
    values = torch.randn(10_000, 16, generator=torch.Generator().manual_seed(0))
    rounded = _triton._round(values, "tf32")
    assert not (rounded.view(torch.int32) & 0x1FFF).any()
    assert ((rounded - values).abs() <= values.abs() * 2.0**-11).all()


def test_budget_is_kept_or_refused():
    features = random_map(0, "rectified", 6, 9, 9)
    with pytest.raises(MemoryBudgetError, match=r"engine='triton': it needs .* bytes, and memory=1000") as refusal:
        match_on_chip(features, [features], memory=1000)
    enough = int(str(refusal.value).split("needs ")[1].split()[0])
    assert torch.equal(match_on_chip(features, [features], memory=enough).x[0], torch.arange(9))


def test_memory_grows_with_the_sum():
    """Four times the positions of both maps, and at most four times the memory."""

    def needed(side: int) -> int:
        features = torch.zeros(64, side, side, device=DEVICE)
        return _triton.workspace_bytes(make_problem(features, [features], 3, "replicate"), "fp16")

    assert needed(128) < needed(256) < 4 * needed(128)


_COMPILE = """
import sys, triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from srntt.match._triton_kernel import match_kernel
kind, precision, exact, reach = sys.argv[1], sys.argv[2], sys.argv[3] == "True", int(sys.argv[4])
pointers = dict(query=kind, keys=kind, factor="*fp32", offset="*fp32", best="*fp32", index="*i32", second="*fp32")
constants = dict(CHANNELS=256, BLOCK=64 if kind == "*fp16" else 32, M=128, N=128, WALK=16, CLASSES=8, REACH=reach,
                 EXACT=exact, PRECISION=precision)
names = match_kernel.arg_names
signature = {n: pointers.get(n, "constexpr" if n in constants else "i32") for n in names}
source = ASTSource(match_kernel, signature, {(names.index(n),): value for n, value in constants.items()},
                   {(names.index(n),): [["tt.divisibility", 16]] for n in pointers})
compiled = triton.compile(source, target=GPUTarget("cuda", 90, 32),
                          options=dict(num_warps=8, num_stages=3, enable_fp_fusion=True))
print(compiled.asm["ptx"].count("wgmma.mma_async"), compiled.metadata.shared, len(compiled.asm["cubin"]))
"""


@pytest.mark.parametrize(
    ("kind", "precision", "exact", "reach"),
    [("*fp16", "ieee", False, 1), ("*fp16", "ieee", False, 0), ("*fp32", "tf32", False, 1), ("*fp32", "ieee", True, 1)],
)
def test_compiles_for_an_h100_without_one(kind: str, precision: str, exact: bool, reach: int):
    """To machine code: with tensor-core products where the precision has them, in the shared memory there is."""
    without = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    command = [sys.executable, "-W", "ignore", "-c", _COMPILE, kind, precision, str(exact), str(reach)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=without)
    assert done.returncode == 0, done.stderr[-2000:]
    products, shared, _ = map(int, done.stdout.split())
    assert (products > 0) == (precision != "ieee" or kind == "*fp16")
    assert shared <= 99 * 1024  # what the smallest GPU of compute capability 8 or more has
