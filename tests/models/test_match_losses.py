import numpy as np
import torch

from srntt.models.lite import _losses as losses


def test_correspondence_is_a_cross_entropy_against_bilinear_shares():
    torch.manual_seed(0)
    query, key = torch.randn(5, 7), torch.randn(7, 4, 6)
    truth = torch.tensor([[1.25, 2.5], [0.0, 0.0], [2.9, 4.1], [-0.4, 5.4], [3.0, 5.0]])
    temperature = torch.tensor(3.0)
    found = float(losses.correspondence(query, key, truth, temperature))
    terms = []
    for q, (y, x) in zip(query.double().numpy(), truth.numpy().astype(np.float64), strict=True):
        logits = 3 * np.einsum("d,dhw->hw", q, key.double().numpy())
        share = np.zeros((4, 6))
        for row in (np.floor(y), np.floor(y) + 1):
            for column in (np.floor(x), np.floor(x) + 1):
                place = (int(np.clip(row, 0, 3)), int(np.clip(column, 0, 5)))
                share[place] += (1 - abs(y - row)) * (1 - abs(x - column))
        terms.append(np.log(np.exp(logits).sum()) - (share * logits).sum())
    assert abs(found - np.mean(terms)) < 1e-4


def test_correspondence_has_the_gradient_of_its_value():
    torch.manual_seed(0)
    query = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    key = torch.randn(4, 3, 3, dtype=torch.float64, requires_grad=True)
    truth = torch.rand(3, 2, dtype=torch.float64) * 2
    temperature = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda q, k, t: losses.correspondence(q, k, truth, t), (query, key, temperature))


def test_sub_position_counts_only_matches_that_started_near():
    position = torch.tensor([[[1.0, 1.0], [5.0, 5.0], [2.0, 2.0]]])
    truth = torch.tensor([[[1.25, 0.5], [1.0, 1.0], [2.0, 2.1]]])
    visible = torch.tensor([[True, True, False]])
    assert float(losses.sub_position(position, truth, visible)) == 0.75


def test_hit_rate_is_the_share_of_visible_queries_matched_within_one_position():
    position = torch.tensor([[[0.0, 0.0], [1.0, 2.0], [2.0, 1.0], [0.0, 3.0]]])
    truth = torch.tensor([[[0.4, 0.4], [1.0, 3.5], [2.0, 1.0], [0.0, 3.0]]])
    visible = torch.tensor([[True, True, True, False]])
    assert abs(losses.hit_rate(position, truth, visible) - 2 / 3) < 1e-6
