from pathlib import Path

import numpy as np
import pytest
import torch
from reference.textures import slow_texture_consistency, slow_texture_consistency_released
from torch import Tensor
from torch.autograd import gradcheck

from srntt.errors import InputError
from srntt.features import VGG16Features, VGG19Features
from srntt.image import load
from srntt.train import losses
from srntt.weights import load_vgg19

LEVELS = ((4, 3, 5), (3, 6, 10), (2, 12, 20))  # channels, height, width of maps at 1x, 2x, 4x


def levels(seed: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(2, *shape, dtype=torch.float64, generator=generator) for shape in LEVELS]


def similarity() -> Tensor:
    return torch.rand(2, 1, 3, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(9))


def as_numpy(maps: list[Tensor]) -> list[np.ndarray]:
    return [x.numpy() for x in maps]


def test_texture_consistency_equals_its_slow_twin():
    output, swapped, score = levels(0), levels(1), similarity()
    expected = slow_texture_consistency(as_numpy(output), as_numpy(swapped), score[:, 0].numpy())
    assert float(losses.texture_consistency(output, swapped, score)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
def test_released_texture_consistency_equals_its_slow_twin(weighted: bool):
    output, swapped, score = levels(0), levels(1), similarity() / 10
    expected = slow_texture_consistency_released(
        as_numpy(output), as_numpy(swapped), score[:, 0].numpy() if weighted else None
    )
    found = float(losses.texture_consistency_released(output, swapped, score if weighted else None))
    assert found == pytest.approx(expected, rel=1e-12)


def test_texture_losses_have_the_gradient_of_their_values():
    output, swapped = (
        [x[:1, :2, :r, : 2 * r] for x, r in zip(levels(seed), (1, 2, 4), strict=True)] for seed in (0, 1)
    )
    output, score = [x.clone().requires_grad_() for x in output], similarity()[:1, :, :1, :2]
    assert gradcheck(lambda *x: losses.texture_consistency(x, swapped, score), output)
    assert gradcheck(lambda *x: losses.texture_consistency_released(x, swapped, score / 10), output)
    other = {"a": swapped[2]}
    for tiles in (1, 4):  # more positions than channels in a tile, and no more
        assert gradcheck(lambda x, n=tiles: losses.texture_gram({"a": x}, other, {"a": 2.0}, tiles=n), output[2])


def test_texture_consistency_asks_nothing_where_nothing_is_alike():
    output, swapped, score = levels(0), levels(1), similarity()
    score[:, :, :, 2:] = 0
    for one in (output, swapped):
        for ratio, maps in zip((1, 2, 4), one, strict=True):
            # Beyond the last column that interpolation reaches from a similarity above 0.
            maps[..., 3 * ratio :] += 100 * torch.randn_like(maps[..., 3 * ratio :])
    near = [[x[..., : 3 * r] for x, r in zip(maps, (1, 2, 4), strict=True)] for maps in (output, swapped)]
    expected = losses.texture_consistency(near[0], near[1], score[..., :3]) * 3 / 5  # the volume shrank with the maps
    assert float(losses.texture_consistency(output, swapped, score)) == pytest.approx(float(expected), rel=1e-9)


def test_the_papers_form_grows_with_similarity_and_the_released_one_falls():
    output, swapped, score = levels(0), levels(1), similarity()
    paper = [float(losses.texture_consistency(output, swapped, score * factor)) for factor in (0.2, 1.0)]
    released = [float(losses.texture_consistency_released(output, swapped, score * factor)) for factor in (0.2, 1.0)]
    assert paper[0] < paper[1]
    assert released[0] > released[1]


def test_equal_maps_owe_nothing_and_have_a_gradient():
    maps = {"a": levels(0)[0].requires_grad_()}
    same = {"a": maps["a"].detach().clone()}
    for form in ("relative", "frobenius", "squared"):
        owed = losses.perceptual(maps, same, {"a": 1.0}, form)
        assert owed.item() == 0
        assert torch.autograd.grad(owed, maps["a"])[0].abs().max() == 0
    for owed in (
        losses.texture_gram(maps, same, {"a": 1.0}),
        losses.texture_gram(maps, same, {"a": 1.0}, tiles=3),
        losses.texture_consistency([maps["a"]], [same["a"]], similarity()),
        losses.texture_consistency_released([maps["a"]], [same["a"]]),
    ):
        assert owed.item() == 0
        assert torch.autograd.grad(owed, maps["a"])[0].abs().max() == 0


def test_texture_gram_does_not_ask_where_in_a_tile_a_texture_is():
    maps = levels(0)[2]
    turned = maps.unflatten(3, (4, 5)).unflatten(2, (3, 4)).flip(3, 5).flatten(4, 5).flatten(2, 3)
    assert float(losses.texture_gram({"a": maps}, {"a": turned}, {"a": 1.0}, tiles=1)) < 1e-12
    assert float(losses.texture_gram({"a": maps[..., :16]}, {"a": turned[..., :16]}, {"a": 1.0}, tiles=4)) > 0.1


def test_texture_gram_is_relative_to_the_target_tile_by_tile():
    output, target = levels(0)[1], levels(1)[1]
    total = norm = 0.0
    for sample in range(2):
        for top, left in ((0, 0), (0, 5), (3, 0), (3, 5)):
            one, other = (x[sample, :, top : top + 3, left : left + 5].reshape(3, -1).numpy() for x in (output, target))
            total += np.linalg.norm(one @ one.T - other @ other.T)
            norm += np.linalg.norm(other @ other.T)
    found = float(losses.texture_gram({"a": output}, {"a": target}, {"a": 0.5}, tiles=2))
    assert found == pytest.approx(0.5 * total / norm, rel=1e-12)


def test_texture_gram_of_small_tiles_is_exact_near_the_target():
    generator = torch.Generator().manual_seed(0)
    target = torch.randn(2, 48, 8, 8, generator=generator)  # 16 positions a tile, 48 channels
    for step in (1.0, 1e-2, 1e-5):
        output = target + step * torch.randn(target.shape, generator=generator)
        found, exact = (
            float(losses.texture_gram({"a": kind(output)}, {"a": kind(target)}, {"a": 1.0}, tiles=2))
            for kind in (torch.Tensor.float, torch.Tensor.double)
        )
        grams = [
            losses.gram(x.double()[..., top : top + 4, left : left + 4])
            for x in (output, target)
            for top in (0, 4)
            for left in (0, 4)
        ]
        total = sum(float((a - b).norm(dim=(1, 2)).sum()) for a, b in zip(grams[:4], grams[4:], strict=True))
        expected = total / sum(float(b.norm(dim=(1, 2)).sum()) for b in grams[4:])
        assert exact == pytest.approx(expected, rel=1e-9)
        assert found == pytest.approx(expected, rel=1e-4)


def test_texture_gram_of_more_tiles_than_positions_is_refused():
    maps = {"a": levels(0)[0]}
    with pytest.raises(InputError, match="4 tiles each way of a map of 5x3"):
        losses.texture_gram(maps, maps, {"a": 1.0}, tiles=4)


def test_perceptual_forms_are_what_they_say():
    output, target = levels(0)[0], levels(1)[0]
    one, other = output.numpy(), target.numpy()
    expected = {
        "relative": np.abs(one - other).sum() / np.abs(other).sum(),
        "squared": ((one - other) ** 2).mean(),
        "frobenius": np.mean([sum(np.linalg.norm(x - y) for x, y in zip(a, b, strict=True)) / a.size
                              for a, b in zip(one, other, strict=True)]),
    }  # fmt: skip
    for form, value in expected.items():
        found = float(losses.perceptual({"a": output}, {"a": target}, {"a": 3.0}, form))
        assert found == pytest.approx(3 * value, rel=1e-12)
        assert gradcheck(lambda x, form=form: losses.perceptual({"a": x}, {"a": target}, {"a": 1.0}, form),
                         output.clone().requires_grad_())  # fmt: skip


def test_a_layer_that_the_network_does_not_give_is_named():
    maps = {"relu1_1": levels(0)[0]}
    for loss in (losses.perceptual, losses.texture_gram):
        with pytest.raises(InputError, match=r"No map of relu5_1; the network gives relu1_1\."):
            loss(maps, maps, {"relu5_1": 1.0})


def test_target_maps_hold_no_gradient_and_the_networks_weights_get_none():
    torch.manual_seed(0)
    network = VGG19Features("torchvision", "relu2_1")
    output = torch.rand(1, 3, 16, 16, requires_grad=True)
    maps, target_maps = losses.look_at(network, output, torch.rand(1, 3, 16, 16, requires_grad=True))
    assert not any(x.requires_grad for x in target_maps.values())
    losses.perceptual(maps, target_maps, {"relu1_1": 1.0, "relu2_1": 1.0}).backward()
    assert output.grad is not None
    assert output.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in network.parameters())


def test_losses_leave_autocast():
    torch.manual_seed(0)
    network = VGG19Features("caffe", "relu3_1").to(memory_format=torch.channels_last)
    output, target = torch.rand(2, 3, 32, 32), torch.rand(2, 3, 32, 32)
    weights = {"relu1_1": 1.0, "relu3_1": 1.0}

    def owed() -> Tensor:
        maps, target_maps = losses.look_at(network, output, target)
        score = torch.ones(2, 1, 8, 8)
        order = ("relu3_1", "relu2_1", "relu1_1")
        return torch.stack([
            losses.perceptual(maps, target_maps, weights),
            losses.texture_gram(maps, target_maps, weights, tiles=2),
            losses.texture_consistency([maps[x] for x in order], [target_maps[x] for x in order], score),
        ])  # fmt: skip

    exact = owed()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = owed()
    assert rough.dtype == torch.float32
    assert not torch.equal(rough, exact)  # or autocast did nothing
    torch.testing.assert_close(rough, exact, rtol=0.03, atol=0)


def test_a_gram_matrix_is_not_rounded_under_autocast():
    maps = torch.randn(1, 4, 8, 8)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = losses.gram(maps)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, losses.gram(maps))


def test_vgg16_gives_the_first_map_of_each_block():
    torch.manual_seed(0)
    network = VGG16Features()
    state = {name: tensor for name, tensor in network.state_dict().items() if name.endswith("weight")}
    assert len(state) == 11
    image = torch.rand(1, 3, 32, 48)
    maps = network(image)
    assert [tuple(x.shape[1:]) for x in maps.values()] == [
        (64, 32, 48), (128, 16, 24), (256, 8, 12), (512, 4, 6), (512, 2, 3)
    ]  # fmt: skip
    x = (image - torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)) / torch.tensor([0.229, 0.224, 0.225]).view(
        1, 3, 1, 1
    )
    for index, (name, kernel) in enumerate(state.items()):
        x = torch.conv2d(x, kernel, network.state_dict()[name.replace("weight", "bias")], padding=1).relu()
        if index in (1, 3, 6, 9):
            x = torch.max_pool2d(x, 2)
    torch.testing.assert_close(maps["relu5_1"], x)


def test_blurred_and_foreign_textures_owe_more_than_true_ones(shared_data: Path):
    network = load_vgg19(shared_data / "vgg19" / "caffe-conv1_1-conv3_4-rgb.safetensors", family="caffe")
    picture = load(sorted((shared_data / "train-bsds").glob("*.*"))[10]).rgb()[None]
    target, foreign = picture[..., :96, :96], picture[..., -96:, -96:]
    weights = {"relu1_1": 1.0, "relu2_1": 1.0, "relu3_1": 1.0}

    def owed(output: Tensor) -> tuple[float, float]:
        maps = losses.look_at(network, output, target)
        return float(losses.perceptual(*maps, weights)), float(losses.texture_gram(*maps, weights, tiles=6))

    noisy, blurred = (
        (target + 0.01 * torch.randn_like(target)).clamp(0, 1),
        torch.nn.functional.avg_pool2d(target, 5, 1, 2),
    )
    near, soft, far = owed(noisy), owed(blurred), owed(foreign)
    assert near < soft < far
    assert near[1] < soft[1] < far[1]
