"""What the formulas say of a step's memory is what PyTorch's allocator counts of it."""

import pytest
import torch
from torch.profiler import ProfilerActivity, profile

from srntt.features import VGG19Features
from srntt.match import MATCHERS, Match, Window
from srntt.memory import Work
from srntt.models import EncodedView
from srntt.models.lite import Lite, LiteConfig
from srntt.models.lite._drive import LiteDrive
from srntt.models.paper import PaperConfig, PaperSRNTT
from srntt.models.paper._drive import PaperDrive
from srntt.views import PlaneMap

_CPU, _WHOLE = torch.device("cpu"), Window(slice(None), slice(None))
_LITE = [
    {}, {"channels": 8}, {"channels": 24, "descriptor": 40}, {"channels": 128}, {"channels": 256, "descriptor": 256},
    {"scale": 2}, {"scale": 3, "channels": 16}, {"candidates": 8}, {"descriptor": 8},
    {"agreement": 0.5}, {"agreement": 0.5, "channels": 8},
]  # fmt: skip
_PAPER = [{}, {"gated": True}, {"scale": 8}, {"scale": 16}]


def _lite(config):
    return LiteDrive(Lite(LiteConfig(content_blocks=2, transfer_blocks=2, **config)).eval(), _CPU)


def _paper(config):
    model = PaperSRNTT(PaperConfig(**config))
    model._vgg19.append(VGG19Features())
    return PaperDrive(model, _CPU)


_SIDES = {_lite: 64, _paper: 48}  # of less, PyTorch convolves in other ways
_DRIVES = [pytest.param(_lite, config, id=f"lite {config}") for config in _LITE]
_DRIVES += [pytest.param(_paper, config, id=f"paper {config}") for config in _PAPER]


@torch.inference_mode()
def _most(work):
    """What lives at once at the worst moment, and at the end; and what the work returned, which then still lives."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        result = work()
    events = [event for event in profiler.profiler.kineto_results.events() if event.name() == "[memory]"]
    held = most = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        held += event.nbytes()
        most = max(most, held)
    return most, held, result


def _predicted(work: Work, positions: int) -> int:
    """Without the holes of the allocator, which PyTorch does not see."""
    return work.fixed + positions * work.position


def _matched(drive, side, candidates, references, channels):
    places = (candidates, side, side)
    return Match(
        torch.randint(0, references, places).short(),
        torch.rand(*places, 2) * (side - 1),
        torch.rand(places),
        torch.rand(candidates, channels, side, side),
    )


def _views(drive, side, count):
    with torch.inference_mode():
        maps = drive.encode(torch.rand(3, side * drive.scale, side * drive.scale))
    return [EncodedView(n, "", "plain", side * drive.scale, side * drive.scale, PlaneMap(), maps) for n in range(count)]


@pytest.mark.parametrize(("make", "config"), _DRIVES)
def test_a_tile_takes_what_was_predicted(make, config):
    drive, side = make(config), _SIDES[make]
    picture, views = torch.rand(3, side, side), _views(drive, side, 2)
    for candidates in range(0 if drive.scale <= 4 else 1, drive.appetite.candidates + 1):
        match = _matched(drive, side, candidates, min(candidates, 2), 8 if make is _lite else 0) if candidates else None
        most, _, _ = _most(lambda match=match: drive.render(picture, match, _WHOLE, views))
        predicted = _predicted(drive.appetite.tile(candidates), side * side)
        least = 0.6 if drive.scale == 16 else 0.9  # whether oneDNN copies depends on the threads
        assert least * predicted <= most <= 1.01 * predicted, candidates


@pytest.mark.parametrize(("make", "config"), _DRIVES)
def test_encoding_takes_what_was_predicted_and_leaves_what_was_predicted(make, config):
    drive, side = make(config), _SIDES[make]
    pixels = (side * drive.scale) ** 2
    picture = torch.rand(3, side * drive.scale, side * drive.scale)
    most, kept, maps = _most(lambda: drive.encode(picture))
    assert sum(tensor.nbytes for tensor in maps.values()) == pytest.approx(kept, rel=0.02)
    assert kept <= drive.appetite.encoded * pixels <= 1.05 * kept + pixels
    predicted = _predicted(drive.appetite.encode, pixels)
    assert most <= predicted <= 1.15 * most + pixels * 24  # as the picture was read, and in floating point


@pytest.mark.parametrize("config", _LITE)
def test_describing_takes_what_was_predicted(config):
    drive = _lite(config)
    most, _, _ = _most(lambda: drive._model.describe(torch.rand(1, 3, 64, 64)))
    predicted = _predicted(drive._costs._described, 64 * 64)
    assert 0.85 * predicted <= most <= predicted


@pytest.mark.parametrize(("make", "config"), [(_lite, {}), (_lite, {"candidates": 2}), (_paper, {})])
def test_matches_take_what_was_predicted(make, config):
    drive, side = make(config), 24
    views = _views(drive, side, 4)
    with torch.inference_mode():
        found = drive.match(torch.rand(3, side, side), views, 8, MATCHERS["exact"], lambda *_: None)
    places = min(len(views), drive.appetite.candidates)
    assert len(found.similarity) == places
    assert found.bytes <= drive.appetite.matched * places * side * side <= 1.5 * found.bytes
