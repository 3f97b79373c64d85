import pytest
import torch

from srntt.match import Match, Window, keep_best


def _match(reference, similarity):
    similarity = torch.tensor(similarity)
    shape = similarity.shape
    position = torch.stack([torch.full(shape, float(reference)), similarity], -1)
    return Match(torch.full(shape, reference, dtype=torch.int16), position, similarity, similarity.repeat(2, 1, 1) * 10)


def _offered(count, *similarities):
    height, width = torch.tensor(similarities[0]).shape
    whole = Match.empty(min(count, len(similarities)), 2, (height, width), torch.device("cpu"))
    for number, similarity in enumerate(similarities):
        for row in range(height):
            whole.offer(number, slice(row, row + 1), _match(number, similarity[row : row + 1]))
    return whole


def test_while_there_is_room_each_reference_is_a_candidate_everywhere():
    match = _offered(3, [[0.1, 0.8]], [[0.3, 0.2]], [[0.2, 0.9]])
    assert match.reference.tolist() == [[[0, 0]], [[1, 1]], [[2, 2]]]
    assert torch.equal(match.similarity, torch.tensor([[[0.1, 0.8]], [[0.3, 0.2]], [[0.2, 0.9]]]))


def test_beyond_that_the_most_similar_stay_each_with_all_that_is_its_own():
    best = _offered(2, [[0.1, 0.8, 0.5]], [[0.3, 0.2, 0.5]], [[0.2, 0.9, 0.5]])
    assert best.reference[:, 0].tolist() == [[2, 0, 0], [1, 2, 1]]  # of equals the first stay
    assert torch.equal(best.similarity, torch.tensor([[[0.2, 0.8, 0.5]], [[0.3, 0.9, 0.5]]]))
    assert torch.equal(best.position[..., 0], best.reference.float())
    assert torch.equal(best.position[..., 1], best.similarity)
    assert torch.equal(best.evidence, best.similarity[:, None].repeat(1, 2, 1, 1) * 10)


def test_a_part_of_a_match_is_cut_from_every_candidate():
    match = _offered(3, [[0.1, 0.2], [0.3, 0.4]], [[0.5, 0.1], [0.2, 0.6]])
    part = match.crop(Window(slice(1, 2), slice(0, 2)))
    assert torch.equal(part.similarity, torch.tensor([[[0.3, 0.4]], [[0.2, 0.6]]]))
    assert part.evidence.shape == (2, 2, 1, 2)
    assert part.position.shape == (2, 1, 2, 2)


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_keeping_the_best_at_once_is_offering_them_band_by_band(count):
    generator = torch.Generator().manual_seed(count)
    maps = [torch.randint(0, 8, (4, 3), generator=generator) / 8 for _ in range(5)]  # with equals among them
    offered = _offered(count, *(similarity.tolist() for similarity in maps))
    kept = keep_best([_match(number, similarity.tolist()) for number, similarity in enumerate(maps)], count)
    for name in ("reference", "position", "similarity", "evidence"):
        assert torch.equal(getattr(kept, name), getattr(offered, name))


def test_a_batch_keeps_for_each_picture_what_it_would_alone():
    one, two, three = (torch.rand(2, 4, 3, generator=torch.Generator().manual_seed(n)) for n in range(3))

    def match(number, similarity):
        each = [_match(number, sample.tolist()) for sample in similarity]
        return Match(*(torch.stack(x) for x in zip(*(m._maps for m in each), strict=True)))

    kept = keep_best([match(number, similarity) for number, similarity in enumerate((one, two, three))], 2)
    alone = keep_best(
        [_match(number, similarity[1].tolist()) for number, similarity in enumerate((one, two, three))], 2
    )
    for whole, part in zip(kept._maps, alone._maps, strict=True):
        assert torch.equal(whole[1], part)
