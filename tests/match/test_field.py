import torch

from srntt.match._field import Field, View


def _field(reference, similarity):
    similarity = torch.tensor(similarity)[None]
    shape = similarity.shape
    position = torch.stack([torch.full(shape, float(reference)), similarity], -1)
    return Field(
        torch.full(shape, reference, dtype=torch.int16),
        position,
        similarity,
        similarity[:, None].repeat(1, 2, 1, 1) * 10,
    )


def _offered(count, *similarities):
    height, width = torch.tensor(similarities[0]).shape
    whole = Field.empty(min(count, len(similarities)), 2, (height, width), torch.device("cpu"))
    for number, similarity in enumerate(similarities):
        for row in range(height):
            whole.offer(number, slice(row, row + 1), _field(number, similarity[row : row + 1]))
    return whole


def test_while_there_is_room_each_reference_is_a_candidate_everywhere():
    field = _offered(3, [[0.1, 0.8]], [[0.3, 0.2]], [[0.2, 0.9]])
    assert field.reference.tolist() == [[[0, 0]], [[1, 1]], [[2, 2]]]
    assert torch.equal(field.similarity, torch.tensor([[[0.1, 0.8]], [[0.3, 0.2]], [[0.2, 0.9]]]))


def test_beyond_that_the_most_similar_stay_each_with_all_that_is_its_own():
    best = _offered(2, [[0.1, 0.8, 0.5]], [[0.3, 0.2, 0.5]], [[0.2, 0.9, 0.5]])
    assert best.reference[:, 0].tolist() == [[2, 0, 0], [1, 2, 1]]  # of equals the first stay
    assert torch.equal(best.similarity, torch.tensor([[[0.2, 0.8, 0.5]], [[0.3, 0.9, 0.5]]]))
    assert torch.equal(best.position[..., 0], best.reference.float())
    assert torch.equal(best.position[..., 1], best.similarity)
    assert torch.equal(best.extra, best.similarity[:, None].repeat(1, 2, 1, 1) * 10)


def test_a_part_of_a_field_is_cut_from_every_candidate():
    field = _offered(3, [[0.1, 0.2], [0.3, 0.4]], [[0.5, 0.1], [0.2, 0.6]])
    part = field.crop(View(slice(1, 2), slice(0, 2)))
    assert torch.equal(part.similarity, torch.tensor([[[0.3, 0.4]], [[0.2, 0.6]]]))
    assert part.extra.shape == (2, 2, 1, 2)
    assert part.position.shape == (2, 1, 2, 2)
