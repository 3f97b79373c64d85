from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from srntt.errors import InputError
from srntt.image import enlarge
from srntt.models.paper import MapCache
from srntt.train import Surroundings, train
from srntt.train.pairs._pair_folder import MixedPairs, PairFolder
from srntt.train.pairs._pair_range import PairRange
from srntt.train.pairs._pairs import PhotographPairs
from srntt.train.pairs._photographs import Photographs
from srntt.train.pairs._vary_references import VariationRange

_CPU = torch.device("cpu")
_WHOLE = PairRange(target=48, reference=64)
_UNVARIED = VariationRange(gain=0.0, channel_gain=0.0, shift=0.0, gamma=0.0, blur=0.0, noise=0.0, jpeg=0.0)


@pytest.fixture
def folder(tmp_path):
    random = np.random.default_rng(0)
    for part, side in (("input", 48), ("ref", 64)):
        (tmp_path / "pairs" / part).mkdir(parents=True)
        for name in ("a", "b", "c"):
            pixels = random.integers(0, 256, (side, side, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pairs" / part / f"{name}.png")
    return tmp_path / "pairs"


def test_files_of_one_name_belong_together(folder):
    pairs = PairFolder(folder, _WHOLE, _CPU).draw(0, 0, range(6))
    assert set(pairs.names) <= {"a", "b", "c"}
    assert len(set(pairs.names)) > 1
    for number, name in enumerate(pairs.names):
        for part, picture in (("input", pairs.high_res[number]), ("ref", pairs.references[number, 0])):
            pixels = np.array(Image.open(folder / part / f"{name}.png"))
            assert np.array_equal((picture * 255).round().byte().permute(1, 2, 0).numpy(), pixels)
    assert not pairs.visible.any()


def test_a_reference_that_lacks_a_row_repeats_its_last(folder):
    """As some of CUFED's do; such pairs can still be kept."""
    pixels = np.random.default_rng(1).integers(0, 256, (63, 62, 3), dtype=np.uint8)
    for name in ("a", "b", "c"):
        Image.fromarray(pixels).save(folder / "ref" / f"{name}.png")
    source = PairFolder(folder, _WHOLE, _CPU)
    assert source.whole
    reference = (source.draw(0, 0, range(1)).references[0, 0] * 255).round().byte().permute(1, 2, 0).numpy()
    assert np.array_equal(reference, np.pad(pixels, ((0, 1), (0, 2), (0, 0)), mode="edge"))


def test_larger_pictures_are_cropped_and_then_have_no_name(folder):
    pairs = PairFolder(folder, PairRange(target=16, reference=32), _CPU).draw(0, 0, range(2))
    assert pairs.high_res.shape == (2, 3, 16, 16)
    assert pairs.references.shape == (2, 1, 3, 32, 32)
    assert pairs.names == ()


def test_each_sample_is_the_same_whichever_others_are_drawn_with_it(folder):
    source = PairFolder(folder, PairRange(target=16, reference=32), _CPU)
    whole, part = source.draw(1, 2, range(4)), source.draw(1, 2, range(2, 4))
    assert all(torch.equal(a[2:], b) for a, b in zip(whole[:5], part[:5], strict=True))


def test_a_light_model_and_the_papers_learn_from_them(folder, recipe, tmp_path):
    place = Surroundings((), tmp_path / "run", pairs=folder, every=1e9)
    train(replace(recipe, pairs=_WHOLE), place)
    with pytest.raises(InputError, match="or both"):
        train(replace(recipe, pairs=_WHOLE), replace(place, pairs=None, output=tmp_path / "other"))
    cropped = replace(recipe, pairs=PairRange(target=16, reference=32))
    with pytest.raises(InputError, match="not cropped"):
        train(cropped, replace(place, cache=tmp_path / "cache", output=tmp_path / "third"))


def test_photographs_and_ready_made_pairs_take_turns(folder, photograph_folder):
    made = PhotographPairs(Photographs([photograph_folder], 72, _CPU), _WHOLE, 4)
    source = MixedPairs(made, PairFolder(folder, _WHOLE, _CPU), 0.5)
    ready = [bool(source.draw(0, step, range(1)).names) for step in range(40)]
    assert 10 < sum(ready) < 30
    assert ready == [bool(source.draw(0, step, range(1)).names) for step in range(40)]


@pytest.fixture
def taught(folder):
    """The teacher says white."""
    (folder / "teacher").mkdir()
    for name in ("a", "b", "c"):
        Image.new("RGB", (48, 48), "white").save(folder / "teacher" / f"{name}.png")
    return folder


def test_a_teacher_is_mixed_into_the_goal_and_is_the_base_of_a_share(taught):
    assert PairFolder(taught, replace(_WHOLE, distilled=0.25), _CPU).draw(0, 0, range(2)).base is None
    pairs = PairFolder(taught, replace(_WHOLE, distilled=0.25, based=0.5), _CPU).draw(0, 0, range(16))
    assert pairs.goal is not None
    assert pairs.base is not None
    torch.testing.assert_close(pairs.goal, 0.75 * pairs.high_res + 0.25)
    white = (pairs.base == 1).flatten(1).all(1)
    assert 2 < white.sum() < 14
    torch.testing.assert_close(pairs.base[~white], enlarge(pairs.low_res[~white], 4))


def test_a_teacher_is_cropped_as_its_target(taught):
    for name in ("a", "b", "c"):
        Image.open(taught / "input" / f"{name}.png").save(taught / "teacher" / f"{name}.png")
    pairs = PairFolder(taught, PairRange(target=16, reference=32, distilled=1.0), _CPU).draw(0, 0, range(6))
    assert pairs.goal is not None
    assert torch.equal(pairs.goal, pairs.high_res)


@pytest.mark.parametrize("wrong", ["missing", "size"])
def test_what_is_wrong_with_a_teacher_is_reported(taught, wrong):
    file = taught / "teacher" / "b.png"
    if wrong == "missing":
        for part in ("input", "ref"):
            (taught / part / "b.png").unlink()
    else:
        Image.new("RGB", (52, 48)).save(file)
    with pytest.raises(InputError, match="b has no counterpart" if wrong == "missing" else "52 x 48 pixels"):
        PairFolder(taught, _WHOLE, _CPU)


def test_steps_without_references_learn_from_teachers_and_the_others_from_references(taught):
    (taught / "teacher" / "a.png").unlink()
    (taught / "ref" / "c.png").unlink()
    source = PairFolder(taught, PairRange(target=16, reference=32), _CPU)
    with_them = source.draw(0, 0, range(12))
    alone = source.draw(0, 0, range(12), with_references=False)
    assert source.has_references
    assert with_them.references.shape == (12, 1, 3, 32, 32)
    assert with_them.goal is None  # a has none
    assert alone.references.shape == (12, 0, 3, 32, 32)
    assert alone.goal is not None
    whole = PairFolder(taught, _WHOLE, _CPU)
    assert set(whole.draw(0, 0, range(12)).names) == {"a", "b"}
    assert set(whole.draw(0, 0, range(12), with_references=False).names) == {"b", "c"}


def test_with_photographs_a_folder_of_teachers_serves_the_steps_without_references(taught, photograph_folder):
    for name in "abc":
        (taught / "ref" / f"{name}.png").unlink()
    made = PhotographPairs(Photographs([photograph_folder], 72, _CPU), _WHOLE, 4)
    source = MixedPairs(made, PairFolder(taught, _WHOLE, _CPU), 1.0)
    assert source.draw(0, 0, range(1), with_references=False).goal is not None
    assert source.draw(0, 0, range(1)).references.shape[1] > 0


def test_an_aligned_reference_is_shown_in_the_frame_of_its_target_where_it_is_opaque(folder):
    (folder / "aligned").mkdir()
    for name in ("a", "b"):
        view = Image.open(folder / "input" / f"{name}.png").convert("RGBA")
        view.putalpha(Image.linear_gradient("L").resize((48, 48)).point(lambda value: 255 * (value >= 128)))
        view.save(folder / "aligned" / f"{name}.png")
    plain = PairRange(target=16, reference=32, variation=_UNVARIED)
    pairs = PairFolder(folder, plain, _CPU).draw(0, 0, range(24))
    assert (pairs.references.shape[1], pairs.placed) == (2, 1)
    assert pairs.valid is not None
    known = pairs.valid.flatten(1).any(1)
    assert 4 < known.sum() < 24
    view = pairs.references[:, 1, :, 8:24, 8:24]
    opaque = pairs.valid[:, 0].repeat_interleave(4, 1).repeat_interleave(4, 2)[:, None]
    assert ((view - pairs.high_res).abs() * opaque).max() < 1 / 255
    assert ((view - pairs.high_res).abs() * ~opaque).max() > 0.1


def test_an_aligned_reference_without_its_reference_is_refused(folder):
    (folder / "aligned").mkdir()
    Image.new("RGBA", (48, 48)).save(folder / "aligned" / "d.png")
    with pytest.raises(InputError, match="d has no counterpart"):
        PairFolder(folder, _WHOLE, _CPU)
    (folder / "aligned" / "d.png").rename(folder / "aligned" / "a.png")
    with pytest.raises(InputError, match=r"set pairs\.reference=32"):
        PairFolder(folder, PairRange(target=32, reference=16), _CPU)


@pytest.mark.parametrize("damage", ["layout", "counterpart", "size", "empty"])
def test_what_is_wrong_with_a_folder_is_reported(folder, damage):
    if damage == "layout":
        (folder / "ref").rename(folder / "reference")
        reported = r"a has no counterpart\. The layout is input/NAME\.png"
    elif damage == "counterpart":
        (folder / "ref" / "b.png").unlink()
        reported = "b has no counterpart"
    elif damage == "size":
        Image.new("RGB", (48, 30)).save(folder / "input" / "a.png")
        reported = r"a\.png has 48 x 30 pixels; .* 48 x 48 .*--set pairs\.target=28"
    else:
        for file in [*(folder / "ref").iterdir(), *(folder / "input").iterdir()]:
            file.unlink()
        reported = "holds no pairs"
    with pytest.raises(InputError, match=reported):
        PairFolder(folder, _WHOLE, _CPU)


def test_kept_maps_come_back_and_changed_pixels_are_another_pair(tmp_path):
    from srntt.transfer import SwappedMaps

    cache = MapCache(tmp_path / "maps", "caffe")
    target, references = torch.rand(3, 16, 16), torch.rand(2, 3, 16, 16)
    maps = SwappedMaps(torch.rand(256, 4, 4), torch.rand(128, 8, 8), torch.rand(64, 16, 16))
    assert cache.get(target, references) is None
    cache.put(target, references, maps, torch.rand(1, 4, 4))
    kept = cache.get(target, references)
    assert kept is not None
    for one, two in zip(kept[0], maps, strict=True):
        torch.testing.assert_close(one, two, atol=1e-3, rtol=1e-3)
    target[0, 0, 0] = 1 - target[0, 0, 0].round()
    assert cache.get(target, references) is None
    assert MapCache(tmp_path / "maps", "torchvision").get(target, references) is None
