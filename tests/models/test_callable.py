"""The tiled engine drives the steps of the model; it gives what the model gives when it is called."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from srntt.match import MATCHERS
from srntt.models.lite import Lite, LiteConfig
from srntt.upscale import Upscaler


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
