"""The tiled engine drives the steps of the model; it gives what the model gives when it is called."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from srntt.match import MATCHERS
from srntt.models import EncodedView
from srntt.models.lite import Lite, LiteConfig, Shown
from srntt.upscale import References, Upscaler
from srntt.views import PlaneMap

pytestmark = pytest.mark.usefixtures("searched_everywhere")  # of noise, not all is searched


def _network(scale: int, candidates: int) -> Lite:
    """Of the smallest size, but with textures that count."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = LiteConfig(8, content_blocks=1, transfer_blocks=1, descriptor=8, scale=scale, candidates=candidates)
        network = Lite(config)
    with torch.no_grad():
        network.fusion.merge[2].weight.mul_(4)
        network.fusion.gate[2].weight.mul_(4)
        network.tail.weight.mul_(20)
    return network.eval()


def _picture(height: int, width: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def _tensor(picture: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255


@given(
    scale=st.sampled_from((2, 3, 4)),
    candidates=st.integers(1, 3),
    size=st.tuples(st.integers(1, 30), st.integers(1, 30)),
    references=st.lists(st.tuples(st.integers(4, 90), st.integers(4, 90)), max_size=5),
)
@settings(max_examples=25, deadline=None)
def test_the_engine_gives_what_the_model_gives(scale, candidates, size, references):
    model = _network(scale, candidates)
    low_res, sharp = _picture(*size, 0), [_picture(*shape, number) for number, shape in enumerate(references, 1)]
    upscaler = Upscaler(model, device="cpu", matcher="exact")
    result = upscaler.upscale(low_res, upscaler.encode_references(sharp) if sharp else None)
    with torch.inference_mode():
        want = model(_tensor(low_res), [_tensor(picture) for picture in sharp])[0]
        got = _tensor(result.array)[0]
        assert (got - want.clamp(0, 1)).abs().max() <= 1 / 255
        if sharp:
            maps = [model.encode(_tensor(picture)) for picture in sharp]
            match = model.match(model.describe(_tensor(low_res)), maps)
            np.testing.assert_allclose(result.similarity, match.similarity[0].amax(0).numpy(), atol=1e-5)
            assert (got - model(_tensor(low_res))[0]).abs().max() > 2 / 255  # the references did count


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_matches_are_those_of_the_model_whatever_the_bands(scale):
    model = _network(scale, 3)
    sharp = [_picture(60, 50, 1), _picture(41, 72, 2), _picture(33, 33, 3), _picture(48, 60, 4)]
    low_res = _tensor(_picture(26, 19, 0))
    upscaler = Upscaler(model, device="cpu")
    drive, encoded = upscaler._drive, list(upscaler.encode_references(sharp))
    with torch.inference_mode():
        got = drive.match(low_res[0], encoded, 8, MATCHERS["exact"], lambda *_: None)
        want = model.match(model.describe(low_res), [model.encode(_tensor(picture)) for picture in sharp]).candidate(0)
    assert torch.equal(got.reference, want.reference.to(got.reference.dtype))
    torch.testing.assert_close(got.position, want.position, atol=1e-3, rtol=0)
    torch.testing.assert_close(got.evidence, want.evidence, atol=1e-3, rtol=0)


_KINDS = ("anywhere", "partly", "aligned", "aligned partly", "placed", "placed partly")


@given(
    scale=st.sampled_from((2, 3, 4)),
    candidates=st.integers(1, 3),
    size=st.tuples(st.integers(3, 40), st.integers(3, 40)),
    kinds=st.lists(
        st.sampled_from(("anywhere", "partly", "aligned", "aligned partly", "placed", "placed partly")), max_size=4
    ),
    place=st.integers(0, 4),
)
@settings(max_examples=15, deadline=None)
def test_views_that_are_aligned_or_partly_valid_are_those_of_the_model(scale, candidates, size, kinds, place):
    """Views in the frame of the picture among others, in any order; one is searched anywhere."""
    kinds.insert(place, "anywhere")
    model = _network(scale, candidates)
    low_res, random = _picture(*size, 0), torch.Generator().manual_seed(0)
    extent = [side * scale for side in size]
    sharp = [_tensor(_picture(*extent, number)) for number, _ in enumerate(kinds, 1)]
    shown = [
        Shown(
            torch.rand(1, *size, generator=random) < 0.6 if "partly" in kind else None,
            {"aligned": 2, "placed": 0}.get(kind.split()[0]),
        )
        for kind in kinds
    ]
    upscaler = Upscaler(model, device="cpu", matcher="exact", align="off")
    with torch.inference_mode():
        views = [_view(model, number, *one) for number, one in enumerate(zip(sharp, shown, strict=True))]
        want = model(_tensor(low_res), sharp, shown=shown)[0].clamp(0, 1)
        match = model.match(model.describe(_tensor(low_res)), [model.encode(picture) for picture in sharp], shown)
        banded = upscaler._drive.match(_tensor(low_res)[0], views, 8, MATCHERS["exact"], lambda *_: None)
    result = upscaler.upscale(low_res, References(upscaler.fingerprint, views))
    torch.testing.assert_close(banded.similarity, match.similarity[0], atol=1e-5, rtol=0)
    assume((banded.position - match.position[0]).abs().max() < 1e-2)  # of two alike in rounding, either may be taken
    assert (_tensor(result.array)[0] - want).abs().max() <= 1 / 255
    torch.testing.assert_close(banded.evidence, match.evidence[0], atol=1e-3, rtol=0)
    assert torch.equal(banded.reference.long(), match.reference[0].long())


def _view(model: Lite, number: int, picture: torch.Tensor, shown: Shown) -> EncodedView:
    """As the engine has it: descriptors that are not valid are zero."""
    maps = {name: whole[0] for name, whole in model.encode(picture).items()}
    valid = None if shown.valid is None else shown.valid[0]
    if valid is not None:
        maps["descriptor"] = maps["descriptor"] * valid
    height, width = picture.shape[2:]
    return EncodedView(number, "", "aligned", height, width, PlaneMap(), maps, valid, shown.reach)


@pytest.mark.parametrize("shown", [Shown(reach=2), Shown(torch.zeros(1, 24, 20, dtype=torch.bool))])
def test_where_a_match_may_lie_counts(shown):
    """A picture that was moved is not found nearby, and nothing is where nothing is valid."""
    model, scene = _network(2, 1), _picture(60, 60, 1)
    sharp, low_res = _tensor(scene[:48, :40]), _tensor(scene[12:60:2, 20:60:2])
    query, maps = model.describe(low_res), [model.encode(sharp)]
    anywhere, limited = model.match(query, maps), model.match(query, maps, [shown])
    assert (limited.similarity < anywhere.similarity).any()
    assert (limited.similarity <= anywhere.similarity + 1e-6).all()
    assert not torch.equal(model(low_res, [sharp], shown=[shown]), model(low_res, [sharp]))
