"""Exact and fast matching in the engine: the same picture, whichever is chosen, and why it was."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tiny import tiny_network

from srntt.errors import InputError, MemoryBudgetError
from srntt.match import MATCHERS, MatcherChoice, Sizes
from srntt.models.paper import PaperConfig, PaperSRNTT
from srntt.upscale import Upscaler, _plan
from srntt.upscale._options import check_options
from srntt.upscale._plan import Plan, plan_matching

_EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "motorcycle"
_CPU = torch.device("cpu")
_SIZES = Sizes(10**6, (10**6, 1000), 64, 1)


@pytest.fixture(scope="module")
def upscalers():
    return {name: Upscaler.from_pretrained("lite-rec", device="cpu", matcher=name) for name in ("exact", "fast")}


@pytest.fixture(scope="module")
def truth():
    return Image.open(_EXAMPLE / "truth.png").convert("RGB").crop((240, 160, 560, 400))


@pytest.fixture(scope="module")
def low_res(truth):
    return truth.resize((truth.width // 4, truth.height // 4), Image.Resampling.BICUBIC)


@pytest.fixture(scope="module")
def references(upscalers):
    """The other photograph, and a part of it, so that there are several."""
    picture = Image.open(_EXAMPLE / "reference.png").convert("RGB")
    return upscalers["exact"].encode_references([picture, picture.crop((300, 100, 700, 400))])


def _psnr(result, truth):
    error = np.asarray(result.image, float) - np.asarray(truth, float)
    return 10 * np.log10(255**2 / (error[8:-8, 8:-8] ** 2).mean())


def test_fast_matching_of_photographs_gives_the_same_picture(upscalers, references, truth, low_res):
    exact, fast = (upscalers[name].upscale(low_res, references) for name in ("exact", "fast"))
    assert (exact.matcher, fast.matcher) == ("exact", "fast")
    assert _psnr(fast, truth) > _psnr(exact, truth) - 0.02
    here, there = exact.provenance, fast.provenance
    same = (np.hypot(here.y - there.y, here.x - there.x) < 1) & (here.reference == there.reference)
    assert same.mean() > 0.95
    assert not same.all()  # the test would see it if fast matching were exact matching under another name
    assert fast.similarity.mean() > exact.similarity.mean() - 1e-3
    assert (fast.similarity <= exact.similarity + 1e-5).all()
    assert fast.fallbacks == ()


def test_tiles_and_bands_do_not_show_in_what_was_matched_fast(upscalers, references, low_res, monkeypatch):
    from srntt.memory import _plan

    whole = upscalers["fast"].upscale(low_res, references)
    monkeypatch.setattr(_plan, "_BANDS", (8,))
    cut = upscalers["fast"].upscale(low_res, references, tile=32)
    np.testing.assert_allclose(whole.similarity, cut.similarity, atol=1e-5)
    difference = np.abs(whole.array.astype(int) - cut.array)
    assert (difference > 1).mean() < 0.001


def test_the_order_of_references_does_not_matter_to_fast_matching(upscalers, truth, low_res):
    fast = upscalers["fast"]
    parts = [truth.crop((0, 0, 160, 240)), truth.crop((160, 0, 320, 240))]
    one, two = (fast.upscale(low_res, fast.encode_references(p)) for p in (parts, parts[::-1]))
    np.testing.assert_array_equal(one.similarity, two.similarity)
    assert (one.array == two.array).all(-1).mean() > 0.97  # an exact tie goes to whichever comes first
    again = fast.upscale(low_res, fast.encode_references(parts))
    assert again.array.tobytes() == one.array.tobytes()


@pytest.mark.parametrize("reference", [(4, 4), (4, 40), (17, 300)])
def test_fast_matching_takes_references_of_any_size(upscalers, low_res, reference):
    picture = np.random.default_rng(0).integers(0, 256, (*reference, 3), dtype=np.uint8)
    fast = upscalers["fast"]
    result = fast.upscale(low_res, fast.encode_references([picture]))
    assert result.matcher == "fast"
    assert result.provenance.y.max() < reference[0]
    assert result.provenance.x.max() < reference[1]


def test_the_papers_features_are_matched_fast_with_the_same_frame(tmp_path, monkeypatch):
    from srntt.features import VGG19Features
    from srntt.weights import save_vgg19, weights_path

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    torch.manual_seed(1)
    weights_path("vgg19-caffe").parent.mkdir(parents=True)
    save_vgg19(weights_path("vgg19-caffe"), VGG19Features("caffe").state_dict(), "caffe")
    random = np.random.default_rng(3)
    references = [random.integers(0, 256, size, dtype=np.uint8) for size in ((40, 48, 3), (31, 52, 3))]
    low_res = random.integers(0, 256, (12, 14, 3), dtype=np.uint8)
    model = PaperSRNTT(PaperConfig())
    found = []
    for matcher in ("exact", "fast"):
        upscaler = Upscaler(model, device="cpu", matcher=matcher)
        found.append(upscaler.upscale(low_res, upscaler.encode_references(references)))
    exact, fast = found
    assert (exact.matcher, fast.matcher) == ("exact", "fast")
    assert fast.similarity[1, 1] == fast.similarity[0, 0]  # the frame repeats what is inside
    assert (np.abs(exact.similarity - fast.similarity) < 1e-5).mean() > 0.9
    assert (fast.similarity <= exact.similarity + 1e-5).all()


def _choose(option, fits=("exact", "fast"), device=_CPU, sizes=_SIZES):
    def plan(matcher):
        if matcher not in fits:
            raise MemoryBudgetError(f"too little for {matcher}")
        return Plan(32, 8, 0, matcher)

    return plan_matching(option, sizes, device, plan)


@pytest.mark.parametrize("option", ["exact", "fast"])
def test_what_was_asked_for_is_planned(option):
    plan = _choose(option)
    assert (plan.matcher, plan.reason, plan.fallbacks) == (option, f"{option} matching: as requested", ())


def test_fast_matching_takes_the_memory_of_the_keys_not_of_the_picture(upscalers):
    taken = upscalers["fast"]._drive.matching_bytes
    once, wide, tall = (
        taken(MATCHERS["fast"], size, [10**5], 32, 2) for size in ((1000, 500), (1000, 1000), (2000, 500))
    )
    assert tall - once < 20_000_000 + 500_000 * 20 < wide
    assert taken(MATCHERS["fast"], (1000, 500), [10**6], 32, 2) - once > 500_000_000


def test_auto_goes_by_predicted_time_and_says_so():
    large, small = _choose("auto"), _choose("auto", sizes=Sizes(1000, (1000,), 64, 1))
    assert large.reason.startswith("fast matching: predicted ")
    assert small.reason.startswith("exact matching: predicted ")
    assert (large.matcher, small.matcher) == ("fast", "exact")


def test_auto_is_exact_where_memory_is_short_and_says_so():
    plan = _choose("auto", fits=("exact",))
    assert (plan.matcher, plan.reason) == ("exact", "exact matching: memory does not allow fast matching")
    assert plan.fallbacks == (f"matching: {plan.reason}",)


def test_fast_matching_that_was_asked_for_is_refused_where_memory_is_short():
    for option in ("fast", "auto"):
        with pytest.raises(MemoryBudgetError, match=r"too little for (fast|exact)"):
            _choose(option, fits=())
    tight = Upscaler.from_pretrained("lite-rec", device="cpu", matcher="fast")
    references = tight.encode_references([np.zeros((64, 64, 3), np.uint8)])
    tight.memory = 100_000_000
    with pytest.raises(MemoryBudgetError, match=r"budget is 100 MB, but the program alone uses [\d.]+ [MG]B"):
        tight.upscale(np.zeros((64, 64, 3), np.uint8), references)


def test_an_upscale_reports_that_auto_went_without_the_memory(low_res, references, monkeypatch):
    """The time model is made to want fast matching of this small picture, and the plan to have no room for it."""
    wanted = MatcherChoice("fast", 9.0, 1.0, "fast matching: predicted")
    monkeypatch.setattr(_plan, "choose_matcher", lambda *_, **__: wanted)
    upscaler = Upscaler.from_pretrained("lite-rec", device="cpu")
    assert upscaler.upscale(low_res, references).matcher_reason == "fast matching: predicted"
    needed = type(upscaler._drive).matching_bytes
    monkeypatch.setattr(
        type(upscaler._drive),
        "matching_bytes",
        lambda self, matcher, *rest: 10**15 if not matcher.exact else needed(self, matcher, *rest),
    )
    short = upscaler.upscale(low_res, references)
    assert short.matcher == "exact"
    assert short.fallbacks == (f"matching: {short.matcher_reason}",)


def test_other_devices_match_exactly():
    plan = _choose("auto", device=torch.device("cuda"))
    assert (plan.matcher, plan.reason) == ("exact", "exact matching: fast matching runs on the CPU, not on cuda")
    with pytest.raises(InputError, match=r"runs on the CPU, not on cuda:0. Give matcher 'auto'"):
        check_options("fast", "auto", "float32", torch.device("cuda", 0))


def test_a_matcher_that_does_not_exist_is_refused_with_what_there_is():
    with pytest.raises((InputError, TypeError), match=r"auto, exact, triton|matcher"):
        Upscaler.from_pretrained("lite-rec", device="cpu", matcher="quick")
    with pytest.raises(InputError, match="'quick' does not exist; available: auto, exact, triton, torch, fast"):
        check_options("quick", "auto", "float32", _CPU)


def test_without_references_nothing_was_matched(upscalers, low_res):
    alone = upscalers["fast"].upscale(low_res)
    assert alone.matcher is alone.matcher_reason is None


def test_descriptors_of_more_channels_than_strips_take_are_matched_whole(low_res, truth):
    found = {}
    for matcher in ("exact", "fast"):
        upscaler = Upscaler(tiny_network(descriptor=80), device="cpu", matcher=matcher)
        found[matcher] = upscaler.upscale(low_res, upscaler.encode_references([truth])).provenance
    distance = np.hypot(found["exact"].y - found["fast"].y, found["exact"].x - found["fast"].x)
    assert (distance < 1).mean() > 0.8
