import math

import pytest
import torch
import torch.nn.functional as F

from srntt.transfer import local_frames, refine_match, sample_blocks


def _positions(height, width, jacobian, shift):
    y, x = torch.meshgrid(torch.arange(float(height)), torch.arange(float(width)), indexing="ij")
    return (torch.stack([y, x], -1) @ torch.tensor(jacobian).T + torch.tensor(shift))[None]


def test_frames_of_an_affine_map_are_its_matrix():
    angle = math.radians(20)
    matrix = [[1.2 * math.cos(angle), -1.2 * math.sin(angle)], [1.2 * math.sin(angle), 1.2 * math.cos(angle)]]
    frames = local_frames(_positions(6, 7, matrix, [3.0, -2.0]))
    torch.testing.assert_close(frames.jacobian, torch.tensor(matrix).expand(1, 6, 7, 2, 2))
    assert (frames.agreement[0, 1:-1, 1:-1] == 1).all()


def test_neighbours_that_do_not_continue_the_surface_have_no_weight():
    position = _positions(5, 5, [[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0])
    position[0, 2, 2] += 40
    frames = local_frames(position)
    identity = torch.eye(2).expand(1, 5, 5, 2, 2)
    torch.testing.assert_close(frames.jacobian, identity)
    assert frames.agreement[0, 2, 2] == 0
    assert frames.agreement[0, 2, 1] == 0.75


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (4, 1)])
def test_maps_of_one_row_or_column(shape):
    frames = local_frames(_positions(*shape, [[1.0, 0.0], [0.0, 1.0]], [2.0, 2.0]))
    torch.testing.assert_close(frames.jacobian, torch.eye(2).expand(1, *shape, 2, 2))


def test_a_match_is_refined_to_the_peak_between_positions():
    """Descriptors that turn with the position: their cosine falls off smoothly from the true place."""
    place = torch.arange(12.0)
    y, x = torch.meshgrid(place, place, indexing="ij")
    turn = 0.35

    def describe(y, x):
        return (
            torch.stack([torch.cos(turn * y), torch.sin(turn * y), torch.cos(turn * x), torch.sin(turn * x)]) / 2**0.5
        )

    key = describe(y, x)[None]
    truth = torch.tensor([[5.0, 6.0], [5.3, 6.0], [4.8, 6.4], [7.5, 3.5]])
    query = describe(truth[:, 0], truth[:, 1])[None]
    index = (truth[:, 0].round() * 12 + truth[:, 1].round()).long()[None]
    position, sharpness = refine_match(query, key, index, torch.tensor(60.0))
    assert (position[0] - truth).abs().max() < 0.2
    assert (position[0] - truth).abs().mean() < (index_error(index, truth)) / 2
    assert (sharpness > 1 / 9).all()


def index_error(index, truth):
    return (torch.stack([index[0] // 12, index[0] % 12], -1) - truth).abs().mean()


def test_at_the_corner_only_what_is_inside_counts():
    key = torch.ones(1, 1, 3, 3)
    position, sharpness = refine_match(torch.ones(1, 1, 1), key, torch.tensor([[0]]), torch.tensor(1.0))
    torch.testing.assert_close(position, torch.tensor([[[0.5, 0.5]]]))
    torch.testing.assert_close(sharpness, torch.tensor([[0.25]]))


@pytest.mark.parametrize("ratio", [1, 2, 4])
def test_blocks_sampled_at_whole_positions_are_the_pixels_folded(ratio):
    band = torch.randn(1, 3, 5 * ratio, 6 * ratio)
    y, x = torch.meshgrid(torch.arange(5.0), torch.arange(6.0), indexing="ij")
    position = torch.stack([y, x], -1).reshape(1, -1, 2)
    blocks = sample_blocks(band, position, torch.eye(2).expand(1, 30, 2, 2), ratio)
    expected = F.pixel_unshuffle(band, ratio).flatten(2)
    torch.testing.assert_close(blocks, expected, atol=2e-5, rtol=0)


def test_blocks_turn_with_their_frame():
    """A quarter turn of the frame reads the block turned by a quarter."""
    band = torch.randn(1, 1, 12, 12)
    quarter = torch.tensor([[0.0, -1.0], [1.0, 0.0]])[None, None]
    centre = torch.tensor([[[1.0, 1.0]]])
    straight = sample_blocks(band, centre, torch.eye(2)[None, None], 4).reshape(4, 4)
    turned = sample_blocks(band, centre, quarter, 4).reshape(4, 4)
    torch.testing.assert_close(turned, straight.rot90(-1), atol=2e-5, rtol=0)
