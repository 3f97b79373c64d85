"""Block-wise swapping against cutting, pasting and dividing."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.swapping import slow_swap

from srntt.errors import InputError
from srntt.match import Match, dense_match
from srntt.transfer import _swap, swap


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_equals_paste_and_divide(data: st.DataObject):
    border = data.draw(st.sampled_from(("replicate", "valid")))
    sizes = st.tuples(*[st.integers(3 if border == "valid" else 1, 9)] * 2)
    (height, width), *keys = data.draw(st.lists(sizes, min_size=2, max_size=4))
    ratio, patch = data.draw(st.sampled_from((1, 2, 3, 4, 7))), data.draw(st.sampled_from((1, 3)))
    generator = torch.Generator().manual_seed(data.draw(st.integers(0, 2**31)))
    match = dense_match(
        torch.randn(3, height, width, generator=generator),
        [torch.randn(3, *key, generator=generator) for key in keys],
        border=border,
        patch=data.draw(st.sampled_from((1, 3))),
    )
    values = [torch.randn(5, key[0] * ratio, key[1] * ratio, generator=generator) for key in keys]
    expected = slow_swap(values, match, ratio, patch)
    swapped = swap(values, match, ratio=ratio, patch=patch)
    assert torch.allclose(swapped, expected, rtol=0, atol=2e-6)
    with_gradient = swap([v.clone().requires_grad_() for v in values], match, ratio=ratio, patch=patch)
    assert torch.allclose(with_gradient, expected, rtol=0, atol=2e-6)
    top, left = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    part = swap(values, match, ratio=ratio, patch=patch, rows=slice(top, None), columns=slice(left, left + 2))
    assert torch.equal(part, swapped[:, top * ratio :, left * ratio : (left + 2) * ratio])


def random_match(height: int, width: int, keys: int) -> Match:
    generator = torch.Generator().manual_seed(0)
    key = torch.randint(0, keys, (height, width), generator=generator)
    y, x = (torch.randint(0, size, (height, width), generator=generator) for size in (height, width))
    return Match.at(key, y, x, torch.rand(height, width, generator=generator))


def test_bands_and_threads_change_nothing(monkeypatch: pytest.MonkeyPatch):
    match = random_match(13, 11, 2)
    values = [torch.randn(7, 26, 22, generator=torch.Generator().manual_seed(n)) for n in range(2)]
    whole = swap(values, match, ratio=2)
    monkeypatch.setattr(_swap, "_POSITIONS_AT_ONCE", 30)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    assert torch.equal(swap(values, match, ratio=2), whole)


def test_strided_values():
    match = random_match(6, 5, 1)
    values = torch.randn(12, 10, 8, generator=torch.Generator().manual_seed(0)).permute(2, 0, 1)
    assert torch.allclose(swap([values], match, ratio=2), slow_swap([values], match, 2), atol=2e-6)


@pytest.mark.parametrize("ratio", [1, 4])
def test_identity_match_returns_the_values(ratio: int):
    y, x = torch.meshgrid(torch.arange(5), torch.arange(7), indexing="ij")
    match = Match.at(torch.zeros_like(y), y, x, torch.ones(5, 7))
    values = torch.rand(3, 5 * ratio, 7 * ratio, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(swap([values], match, ratio=ratio), values, atol=1e-6)


def test_gradient_is_that_of_the_average():
    match = random_match(4, 3, 2)
    values = [torch.randn(2, 4, 3, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    assert torch.autograd.gradcheck(lambda *maps: swap(list(maps), match, ratio=1), values)


@pytest.mark.parametrize(
    ("sizes", "options", "text"),
    [
        ([], {"ratio": 1}, "values is empty"),
        ([(6, 5)], {"ratio": 1}, "refers to 2 references but values has 1"),
        ([(12, 10), (12, 9)], {"ratio": 2}, r"values\[1\] is 12x9; at ratio 2 it must be 2 times"),
        ([(6, 5), (3, 3)], {"ratio": 1}, r"values\[1\] is 3x3; .* at least"),
        ([(6, 5), (6, 5)], {"ratio": 0}, "ratio=0"),
        ([(6, 5), (6, 5)], {"ratio": 1, "rows": slice(3, 3)}, "rows=slice"),
        ([(6, 5), (6, 5)], {"ratio": 1, "columns": slice(0, 4, 2)}, "columns=slice"),
    ],
)
def test_refusals(sizes: list, options: dict, text: str):
    with pytest.raises(InputError, match=text):
        swap([torch.rand(2, *size) for size in sizes], random_match(6, 5, 2), **options)


def test_refuses_maps_of_different_depth():
    with pytest.raises(InputError, match=r"values\[1\] has 3 channels .* values\[0\] \(2\)"):
        swap([torch.rand(2, 6, 5), torch.rand(3, 6, 5)], random_match(6, 5, 2), ratio=1)
