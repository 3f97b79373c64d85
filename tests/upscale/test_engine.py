"""The engine on a stand-in model that fails on demand."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from srntt.errors import MemoryBudgetError, ModelError
from srntt.match import Match
from srntt.memory import Appetite, Work
from srntt.models import EncodedView, Rendered
from srntt.upscale._engine import Engine
from srntt.upscale._plan import Plan
from srntt.upscale._tiles import Canvas
from srntt.views import PlaneMap

_CPU = torch.device("cpu")
_REFERENCE = EncodedView(0, "r", "plain", 8, 8, PlaneMap(), {})


class NearestMethod:
    """Repeats each pixel; refuses a tile of more than ``limit`` pixels, and whatever ``refuse`` picks by its number."""

    scale, halo, context = 4, 10, 0
    appetite = Appetite(Work(1), 1, 1, 1, lambda candidates: Work(1), 0)
    patch, key = 1, ""

    def __init__(self, limit=10**9, refuse=(), error=torch.OutOfMemoryError):
        self.limit, self.refuse, self.error, self.calls = limit, set(refuse), error, 0

    def match(self, low_res, references, band, matcher, progress):
        if not matcher.exact:
            raise self.error("DefaultCPUAllocator: can't allocate memory")
        if band * low_res.shape[2] > self.limit:
            raise self.error("DefaultCPUAllocator: can't allocate memory")
        shape = (1, *low_res.shape[1:])
        nothing = torch.zeros(1, 0, *shape[1:])
        return Match(torch.zeros(shape, dtype=torch.int64), torch.zeros(*shape, 2), torch.ones(shape), nothing)

    def render(self, low_res, match, window, references):
        self.calls += 1
        low_res = low_res[:, *window]
        if low_res[0].numel() > self.limit or self.calls in self.refuse:
            raise self.error("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes")
        share = None if match is None else torch.full((1, *low_res.shape[1:]), 0.25)
        return Rendered(low_res.repeat_interleave(4, 1).repeat_interleave(4, 2), share)


def _run(drive, low_res, tile=128, references=(), band=64):
    engine = Engine(lambda device: drive, _CPU, list(references), Plan(tile, band, 0), lambda *_: None)
    canvas = Canvas(*low_res.shape[1:], 4, bits=8, gray=False)
    share = engine.render(low_res, engine.match(low_res), canvas)
    return canvas.pixels, share, engine.fallbacks


def _picture(height, width):
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, height, width)).astype(np.float32)) / 255


def _repeated(low_res):
    return (low_res * 255).round().byte().permute(1, 2, 0).numpy().repeat(4, 0).repeat(4, 1)


@settings(max_examples=25, deadline=None)
@given(
    height=st.integers(1, 200),
    width=st.integers(1, 200),
    tile=st.sampled_from([32, 64, 128]),
    refuse=st.sets(st.integers(1, 12), max_size=2),
    error=st.sampled_from([torch.OutOfMemoryError, MemoryError, RuntimeError]),
)
def test_every_output_pixel_is_right_whatever_fails_on_the_way(height, width, tile, refuse, error):
    low_res = _picture(height, width)
    if tile >> len(refuse) < 32:
        refuse = set(list(refuse)[:1]) if tile > 32 else set()
    drive = NearestMethod(refuse=refuse, error=error)
    pixels, share, fallbacks = _run(drive, low_res, tile)
    np.testing.assert_array_equal(pixels, _repeated(low_res))
    assert share is None
    assert len(fallbacks) == len([call for call in refuse if call <= drive.calls])


def test_a_tile_that_does_not_fit_is_halved_and_the_step_recorded():
    low_res = _picture(150, 150)
    pixels, _, fallbacks = _run(NearestMethod(limit=80 * 80), low_res, tile=128)
    np.testing.assert_array_equal(pixels, _repeated(low_res))
    assert fallbacks == ["rendering: out of memory at 128 on cpu, continued with 64"]


def test_when_nothing_fits_it_is_an_error_and_not_a_picture():
    with pytest.raises(MemoryBudgetError, match="even the smallest piece"):
        _run(NearestMethod(limit=10), _picture(50, 50))


def test_matching_is_halved_too_and_share_covers_every_position():
    low_res = _picture(70, 40)
    pixels, share, fallbacks = _run(NearestMethod(limit=40 * 70), low_res, references=[_REFERENCE], band=128, tile=32)
    np.testing.assert_array_equal(pixels, _repeated(low_res))
    assert fallbacks[0].startswith("matching: out of memory at 128")
    assert (share == np.float32(0.25)).all()


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, MemoryError])
def test_fast_matching_that_does_not_fit_gives_way_to_exact_matching(error):
    low_res = _picture(20, 20)
    plan = Plan(32, 8, 0, "fast", "fast matching: as requested")
    engine = Engine(lambda device: NearestMethod(error=error), _CPU, [_REFERENCE], plan, lambda *_: None)
    assert engine.match(low_res) is not None
    assert engine.fallbacks == ["matching: out of memory with fast matching, continued with exact matching"]
    assert (engine.plan.matcher, engine.plan.reason[:14]) == ("exact", "exact matching")
    assert engine.plan.band == 8


def test_from_an_accelerator_it_goes_to_the_cpu():
    """A device that has no memory at all: torch's meta device, which no tile is rendered on."""
    methods = {"meta": NearestMethod(limit=0), "cpu": NearestMethod()}
    requested = []
    engine = Engine(
        lambda device: requested.append(device.type) or methods[device.type],
        torch.device("meta"),
        [],
        Plan(32, 8, 0),
        lambda *_: None,
    )
    canvas = Canvas(20, 20, 4, bits=8, gray=False)
    low_res = _picture(20, 20)
    engine.render(low_res, None, canvas)
    np.testing.assert_array_equal(canvas.pixels, _repeated(low_res))
    assert requested == ["meta", "cpu"]
    assert engine.fallbacks == ["rendering: out of memory at 32 on meta, continued on the cpu"]


def test_numbers_that_are_not_finite_are_refused():
    class Broken(NearestMethod):
        def render(self, low_res, match, window, references):
            image = super().render(low_res, match, window, references).image
            image[0, -1, -1] = torch.nan
            return Rendered(image, None)

    with pytest.raises(ModelError, match=r"not finite at LR rows 0\.\.20"):
        _run(Broken(), _picture(20, 20))


def test_other_errors_are_not_taken_for_memory():
    with pytest.raises(KeyError, match="memory"):
        _run(NearestMethod(refuse={1}, error=KeyError), _picture(20, 20))
