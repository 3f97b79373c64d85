"""Every row of the table keeps the protocol: bands that cover the query, and their matches, those of the whole."""

import pytest
import torch

from srntt.match import MATCHERS, Matcher, Sizes, dense_match

_CPU = torch.device("cpu")


@pytest.mark.parametrize("name", MATCHERS)
@pytest.mark.parametrize(("patch", "channels"), [(1, 8), (1, 100), (3, 8)])
def test_bands_cover_the_query_and_match_as_the_whole(name, patch, channels):
    matcher = MATCHERS[name]
    assert isinstance(matcher, Matcher)
    assert matcher.name == name
    if refusal := matcher.refusal(_CPU):
        assert name == "triton"
        pytest.skip(refusal)
    generator = torch.Generator().manual_seed(0)
    query, key = torch.randn(channels, 40, 13, generator=generator), torch.randn(channels, 21, 19, generator=generator)
    sizes = Sizes(40 * 13, (21 * 19,), channels, patch)
    bands = matcher.bands(40, 17, sizes)
    assert [top for top, _ in bands[1:]] == [bottom for _, bottom in bands[:-1]]
    assert (bands[0][0], bands[-1][1]) == (0, 40)
    if patch == 3:
        bands = [(0, 40)]  # patches reach over the edge of a band: the caller's to see to
    parts = list(matcher.search((query[:, top:bottom] for top, bottom in bands), [key], patch=patch))
    exact = dense_match(query, [key], patch=patch)
    similarity = torch.cat([part.similarity for part in parts])
    if matcher.exact:
        assert torch.equal(torch.cat([part.position for part in parts]), exact.position)
    assert (similarity <= exact.similarity + 1e-5).all()
    assert similarity.mean() > 0.9 * exact.similarity.mean()


def test_a_narrow_query_is_matched_in_rows_of_another_width():
    query, keys = torch.randn(8, 30, 2), [torch.randn(8, 5, 7), torch.randn(8, 9, 3)]
    keys[0][:, 2, 3] = query[:, 17, 1]
    (found,) = MATCHERS["exact"].search([query], keys, patch=1)
    plain = dense_match(query, keys, patch=1)
    for name in ("reference", "position", "similarity", "evidence"):
        assert torch.equal(getattr(found, name), getattr(plain, name)), name
    assert (found.y[17, 1], found.x[17, 1]) == (2, 3)


@pytest.mark.parametrize("name", MATCHERS)
def test_time_and_memory_grow_with_the_work(name):
    matcher = MATCHERS[name]
    small, large = (Sizes(n, (n, 10), 64, 1) for n in (10**4, 10**6))
    assert 0 < matcher.seconds(large, 2) < matcher.seconds(large, 1)
    assert matcher.seconds(small, 1) < matcher.seconds(large, 1)
    assert 0 < matcher.bytes(small, 1) <= matcher.bytes(large, 1)
