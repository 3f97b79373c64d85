"""Both engines against the definition, wherever rounding, ties, borders or tiles could make them differ."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.matching import slow_match
from torch import Tensor

from srntt.match import Match, dense_match

ENGINES = ("fused", "torch")
SMALL = {"fused": 120_000, "torch": 160_000}  # bytes; cuts the maps below into several tiles


def assert_equal_to_twin(query: Tensor, keys: list[Tensor], *, patch=3, border="replicate", **options) -> Match:
    match = dense_match(query, keys, patch=patch, border=border, **options)
    reference, y, x, similarity = slow_match(query, keys, patch, border)
    assert torch.equal(match.reference, reference)
    assert torch.equal(match.y, y)
    assert torch.equal(match.x, x)
    assert torch.allclose(match.similarity, similarity, rtol=0, atol=2e-6)
    return match


def random_map(generator: torch.Generator, kind: str, channels: int, height: int, width: int) -> Tensor:
    if kind == "rectified":
        return torch.randn(channels, height, width, generator=generator).relu()
    if kind == "signed":
        return torch.randn(channels, height, width, generator=generator)
    if kind == "ties":  # few values: many patches score exactly alike
        return torch.randint(-1, 2, (channels, height, width), generator=generator).float()
    holes = torch.rand(1, height, width, generator=generator) > 0.7
    return torch.randint(0, 2, (channels, height, width), generator=generator) * holes.float()


@pytest.mark.parametrize("engine", ENGINES)
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_index_equals_twin(engine: str, data: st.DataObject):
    border = data.draw(st.sampled_from(("replicate", "valid")))
    sizes = st.integers(3 if border == "valid" else 1, 12)
    kind = data.draw(st.sampled_from(("rectified", "signed", "ties", "holes")))
    channels = data.draw(st.integers(1, 20))
    shapes = data.draw(st.lists(st.tuples(sizes, sizes), min_size=2, max_size=4))
    generator = torch.Generator().manual_seed(data.draw(st.integers(0, 2**31)))
    query, *keys = (random_map(generator, kind, channels, *shape) for shape in shapes)
    assert_equal_to_twin(
        query, keys, patch=data.draw(st.sampled_from((1, 3))), border=border, engine=engine,
        memory=data.draw(st.sampled_from((None, SMALL[engine]))), threads=data.draw(st.sampled_from((1, 2))),
    )  # fmt: skip


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("patch", [1, 3])
def test_many_tiles(engine: str, patch: int):
    """Wider than the widest tile, and cut in both directions on both sides."""
    generator = torch.Generator().manual_seed(3)
    query, key = (random_map(generator, "rectified", 5, *size) for size in ((9, 135), (11, 140)))
    whole = assert_equal_to_twin(query, [key], patch=patch, engine=engine)
    pieces = dense_match(query, [key], patch=patch, engine=engine, memory=SMALL[engine], threads=2)
    assert torch.equal(pieces.y, whole.y)
    assert torch.equal(pieces.x, whole.x)
    if engine == "fused":
        assert torch.equal(pieces.similarity, whole.similarity)


@pytest.mark.parametrize("engine", ENGINES)
def test_duplicated_references_give_the_first(engine: str):
    generator = torch.Generator().manual_seed(4)
    query, key = (random_map(generator, "rectified", 32, 10, 12) for _ in range(2))
    scaled = key * 4.0  # other bits, same cosines
    match = assert_equal_to_twin(query, [key, key.clone(), scaled, scaled * 0.5], engine=engine)
    assert not match.reference.any()


@pytest.mark.parametrize("engine", ENGINES)
def test_periodic_texture_gives_the_first_period(engine: str):
    generator = torch.Generator().manual_seed(5)
    query = random_map(generator, "rectified", 16, 4, 5).repeat(1, 5, 4)
    match = assert_equal_to_twin(query, [query], engine=engine)
    inside = (slice(1, -1), slice(1, -1))  # the patches of the rim are found at the rim alone
    assert match.y[inside].max() <= 4
    assert match.x[inside].max() <= 5
    assert torch.allclose(match.similarity, torch.ones(20, 20))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("channels", [1, 33])
def test_constant_maps_give_the_lowest_index(engine: str, channels: int):
    query = torch.full((channels, 6, 7), 0.3)
    match = dense_match(query, [torch.full((channels, 9, 40), 0.1), torch.full((channels, 5, 5), 0.7)], engine=engine)
    assert not match.reference.any()
    assert not match.y.any()
    assert not match.x.any()
    assert torch.allclose(match.similarity, torch.ones(6, 7))


@pytest.mark.parametrize("engine", ENGINES)
def test_near_copies_are_distinguished(engine: str):
    """More near-copies than a shortlist holds, apart by less than float32 rounding of the scores."""
    generator = torch.Generator().manual_seed(6)
    query = random_map(generator, "rectified", 24, 6, 6)
    noise = torch.randn(24, 30, 30, generator=generator) * 1e-6
    assert_equal_to_twin(query, [query.repeat(1, 5, 5) * (1 + noise)], engine=engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_flat_but_for_noise(engine: str):
    generator = torch.Generator().manual_seed(7)
    query, key = (1 + 1e-7 * torch.randn(8, 9, 10, generator=generator) for _ in range(2))
    assert_equal_to_twin(query, [key], engine=engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_empty_patches(engine: str):
    generator = torch.Generator().manual_seed(8)
    filled = random_map(generator, "rectified", 6, 7, 8)
    empty = torch.zeros(6, 5, 5)
    match = assert_equal_to_twin(filled, [empty, filled], engine=engine)
    assert bool((match.reference == 1).all())
    for keys in ([filled], [empty], [empty, filled]):
        match = assert_equal_to_twin(empty, keys, engine=engine)
        for values in (match.reference, match.y, match.x, match.similarity):
            assert not values.any()
    match = assert_equal_to_twin(filled, [empty], engine=engine)
    assert not match.similarity.any()


@pytest.mark.parametrize("engine", ENGINES)
def test_empty_key_beats_only_negative_scores(engine: str):
    match = assert_equal_to_twin(torch.ones(2, 4, 4), [-torch.ones(2, 4, 4), torch.zeros(2, 3, 3)], engine=engine)
    assert bool((match.reference == 1).all())


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("factor", [1e-30, 1e30])
def test_magnitude_does_not_matter(engine: str, factor: float):
    generator = torch.Generator().manual_seed(9)
    query, key = (random_map(generator, "rectified", 6, 7, 8) for _ in range(2))
    plain = dense_match(query, [key], engine=engine)
    scaled = assert_equal_to_twin(query * factor, [key / factor], engine=engine)
    assert torch.allclose(scaled.similarity, plain.similarity, atol=1e-6)


@pytest.mark.parametrize("engine", ENGINES)
def test_valid_border_repeats_the_outermost_match(engine: str):
    generator = torch.Generator().manual_seed(10)
    query, key = (random_map(generator, "signed", 6, 7, 8) for _ in range(2))
    match = dense_match(query, [key], border="valid", engine=engine)
    assert match.frame == 1
    for values in (match.reference, match.y, match.x, match.similarity):
        assert torch.equal(values[0, 1:-1], values[1, 1:-1])
        assert torch.equal(values[:, -1], values[:, -2])
    assert match.y.min() >= 1
    assert match.y.max() <= 5
    assert match.x.min() >= 1
    assert match.x.max() <= 6


@pytest.mark.parametrize("engine", ENGINES)
def test_matching_a_map_with_itself_is_the_identity(engine: str):
    features = torch.randn(16, 9, 11, generator=torch.Generator().manual_seed(11))
    match = dense_match(features, [features], engine=engine)
    y, x = torch.meshgrid(torch.arange(9), torch.arange(11), indexing="ij")
    assert torch.equal(match.y, y)
    assert torch.equal(match.x, x)


def test_strided_maps_are_read_as_they_are():
    generator = torch.Generator().manual_seed(12)
    query, key = (random_map(generator, "rectified", 6, 7, 8) for _ in range(2))
    channels_last = query.permute(1, 2, 0).contiguous().permute(2, 0, 1)
    assert_equal_to_twin(channels_last, [key.transpose(1, 2)])


def test_torch_engine_multiplies_in_full_precision():
    generator = torch.Generator().manual_seed(13)
    query, key = (random_map(generator, "rectified", 64, 6, 6) for _ in range(2))
    torch.set_float32_matmul_precision("medium")
    try:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert_equal_to_twin(query, [key], engine="torch")
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision("highest")


@pytest.mark.parametrize("engine", ENGINES)
def test_features_of_photographs(engine: str, shared_data):
    """Real features: the paper's phi of two photographs of one scene."""
    from safetensors.torch import load_file

    weights = load_file(shared_data / "vgg19" / "caffe-conv1_1-conv3_4-rgb.safetensors")
    query, key = (
        _relu3_1(shared_data / "golden-srntt" / "CUFED5-001" / name, weights) for name in ("001_0.png", "001_2.png")
    )
    assert_equal_to_twin(query, [key], engine=engine)


def _relu3_1(path, weights: dict[str, Tensor]) -> Tensor:
    import numpy as np
    from PIL import Image

    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("RGB").crop((0, 0, 160, 120)), np.float32)
    x = torch.from_numpy(pixels).permute(2, 0, 1) - torch.tensor([123.68, 116.779, 103.939])[:, None, None]
    for layer in ("1_1", "1_2", "2_1", "2_2", "3_1"):
        if layer.endswith("_1") and layer != "1_1":
            x = torch.nn.functional.max_pool2d(x, 2)
        x = torch.nn.functional.conv2d(
            x, weights[f"conv{layer}.weight"], weights[f"conv{layer}.bias"], padding=1
        ).relu()
    return x
