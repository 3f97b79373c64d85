"""How far textures are trusted, by what is left of the detail that the model finds on its own."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from srntt.errors import InputError
from srntt.image import enlarge
from srntt.models.lite import Lite, LiteConfig
from srntt.models.lite._agreement import RAMP, RICH, SOFT, TINY, WINDOW, agreement

_CONFIG = LiteConfig(channels=8, content_blocks=1, transfer_blocks=1, descriptor=16, agreement=0.45)


def _slow_agreement(own, change, scale, least):
    """Position by position, in float64."""
    own, change = (x.double().numpy() for x in (own, change))
    height, width = (extent // scale for extent in own.shape[1:])
    trust, reach = np.empty((height, width)), WINDOW // 2
    for y in range(height):
        for x in range(width):
            shared = energy = made = 0.0
            for v in range(y - reach, y + reach + 1):
                for u in range(x - reach, x + reach + 1):
                    top, left = min(max(v, 0), height - 1) * scale, min(max(u, 0), width - 1) * scale
                    cell = (slice(None), slice(top, top + scale), slice(left, left + scale))
                    shared += (own[cell] * change[cell]).mean() / WINDOW**2
                    energy += (own[cell] ** 2).mean() / WINDOW**2
                    made += ((own[cell] + change[cell]) ** 2).mean() / WINDOW**2
            left = 1 + shared / (energy + TINY)
            soft = min((RICH - made / (energy + TINY)) / (RICH - SOFT), left / RAMP)
            kept = (left - least) / RAMP
            trust[y, x] = np.clip(max(kept, soft), 0, 1)
    return trust


@pytest.mark.parametrize(("scale", "size"), [(4, (9, 12)), (3, (1, 5)), (2, (20, 3))])
def test_trust_is_that_of_its_slow_twin(scale, size):
    random = torch.Generator().manual_seed(1)
    own = 0.05 * torch.randn(1, 3, size[0] * scale, size[1] * scale, generator=random)
    change = 0.05 * torch.randn(own.shape, generator=random) - 0.5 * own
    trust = agreement(own, change, replace(_CONFIG, scale=scale))
    slow = _slow_agreement(own[0], change[0], scale, 0.45)
    np.testing.assert_allclose(trust[0, 0].numpy(), slow, atol=1e-5)
    assert 0 < slow.mean() < 1


@pytest.mark.parametrize(("kept", "trust"), [(1.0, 1.0), (0.7, 1.0), (0.55, 0.5), (0.4, 0.0), (-1.0, 0.0)])
def test_textures_are_trusted_by_how_much_of_the_own_detail_they_leave(kept, trust):
    stripes = torch.ones(48).cumsum(0).remainder(2).sub(0.5)
    own, other = 0.1 * stripes.expand(1, 3, 48, 48), 0.2 * stripes[:, None].expand(1, 3, 48, 48)  # no part in common
    change = (kept - 1) * own + other
    torch.testing.assert_close(agreement(own, change, _CONFIG), torch.full((1, 1, 12, 12), trust), atol=0.01, rtol=0)


@pytest.mark.parametrize(("part", "trust"), [(0.6, 1.0), (0.2, 1.0), (0.1, 0.5), (0.0, 0.0), (-0.5, 0.0), (-1.0, 0.0)])
def test_a_softer_picture_is_no_contradiction(part, trust):
    own = 0.05 * torch.randn(1, 3, 48, 48)
    close = pytest.approx(trust, abs=0.01)
    assert agreement(own, (part - 1) * own, _CONFIG).mean() == close


def test_where_the_model_finds_nothing_on_its_own_textures_are_trusted():
    nothing = torch.zeros(1, 3, 16, 16)
    assert torch.equal(agreement(nothing, torch.randn(1, 3, 16, 16), _CONFIG), torch.ones(1, 1, 4, 4))


class _Negative(torch.nn.Module):
    """In place of a fusion: turns what the model found without references into its negative."""

    def __init__(self, head):
        super().__init__()
        self._head = head

    def forward(self, content, low_res, textures, strength):
        return -content - 2 * self._head(low_res - 0.5), torch.ones_like(textures.evidence[:, :, 0])


def test_textures_that_contradict_what_the_model_found_are_not_used_except_in_training():
    model = Lite(replace(_CONFIG, transfer_blocks=0)).eval()
    torch.nn.init.zeros_(model.tail.bias)
    model.fusion = _Negative(model.head)
    low_res, reference = torch.rand(1, 3, 12, 12), torch.rand(1, 3, 48, 48)
    maps = [model.encode(reference)]
    textures = model.sample(model.match(model.describe(low_res), maps), maps)
    alone, fused = model.fuse(low_res, None).picture, model.fuse(low_res, textures)
    torch.testing.assert_close(fused.picture, alone)
    assert fused.share.max() == 0
    followed = model.train().fuse(low_res, textures)
    torch.testing.assert_close(followed.picture, 2 * enlarge(low_res, 4) - alone)
    assert followed.share.min() == 1


@pytest.mark.parametrize("agreement", [-0.1, 1.0, float("nan")])
def test_agreement_is_a_share(agreement):
    with pytest.raises(InputError, match="agreement of a light model is at least 0 and less than 1"):
        replace(_CONFIG, agreement=agreement)
