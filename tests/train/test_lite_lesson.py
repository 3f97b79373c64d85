import torch

from srntt.data import Pairs
from srntt.image import reduce
from srntt.models import Teaching, drive_model
from srntt.models.lite import Lite, LiteConfig, LiteLesson, Shown
from srntt.train.pairs._pair_range import PairRange
from srntt.train.pairs._pairs import make_pairs
from srntt.train.pairs._photographs import Photographs

_CONFIG = LiteConfig(channels=8, content_blocks=1, transfer_blocks=1, descriptor=16)


def _pairs(folder) -> Pairs:
    pairs = make_pairs(Photographs([folder], 72, torch.device("cpu")), PairRange(48, 64), 0, 0, range(2))
    return pairs._replace(goal=torch.rand_like(pairs.high_res), base=torch.rand_like(pairs.high_res))


def test_candidates_of_placed_views_compete_among_themselves_as_in_inference():
    """One alone twice: at each position's own place, and around it; of what is not valid nothing comes."""
    torch.manual_seed(0)
    model = Lite(_CONFIG).eval()
    high_res = torch.rand(1, 3, 32, 32)
    low_res = reduce(high_res, 4)
    view = torch.nn.functional.pad(high_res, (16, 16, 16, 16), mode="reflect")
    other = torch.rand(1, 3, 64, 64)
    nothing = torch.zeros(1, 2, 8, 8, 2)
    valid = torch.ones(1, 1, 8, 8, dtype=torch.bool)
    valid[..., :4] = False
    pairs = Pairs(high_res, low_res, torch.stack([other, view], 1), nothing, nothing[..., 0] > 0, placed=1, valid=valid)
    lesson = LiteLesson(model, Teaching(frozen=True))
    reaches = drive_model(model, torch.device("cpu")).reaches
    shown = [Shown(), *(Shown(valid[:, 0], reach) for reach in reaches)]
    expected = model(low_res, [other, high_res, high_res], shown=shown)
    torch.testing.assert_close(lesson.run(pairs, with_references=True).output, expected)
    without = model(low_res, [other])
    assert not torch.equal(expected, without)
    nowhere = lesson.run(pairs._replace(valid=torch.zeros_like(valid)), with_references=True).output
    torch.testing.assert_close(nowhere, without)


def test_the_goal_stands_in_for_the_target_only_where_nothing_else_is_shown(photograph_folder):
    lesson, pairs = LiteLesson(Lite(_CONFIG)), _pairs(photograph_folder)
    assert lesson.run(pairs, with_references=False).target is pairs.goal
    assert lesson.run(pairs, with_references=True).target is pairs.high_res
    assert lesson.run(pairs._replace(goal=None), with_references=False).target is pairs.high_res


def test_a_model_that_takes_a_base_begins_from_it_and_another_from_bicubic(photograph_folder):
    pairs = _pairs(photograph_folder)
    for takes in (False, True):
        torch.manual_seed(0)
        model = Lite(LiteConfig(**{**vars(_CONFIG), "base": takes}))
        torch.nn.init.zeros_(model.tail.weight)
        torch.nn.init.zeros_(model.tail.bias)
        for with_references in (False, True):
            output = LiteLesson(model).run(pairs, with_references).output
            assert torch.equal(output, pairs.base) == takes
