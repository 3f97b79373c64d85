import torch

from srntt.data import Pairs
from srntt.models.lite import Lite, LiteConfig, LiteLesson
from srntt.train.pairs._pair_range import PairRange
from srntt.train.pairs._pairs import make_pairs
from srntt.train.pairs._photographs import Photographs

_CONFIG = LiteConfig(channels=8, content_blocks=1, transfer_blocks=1, descriptor=16)


def _pairs(folder) -> Pairs:
    pairs = make_pairs(Photographs([folder], 72, torch.device("cpu")), PairRange(48, 64), 0, 0, range(2))
    return pairs._replace(goal=torch.rand_like(pairs.high_res), base=torch.rand_like(pairs.high_res))


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
