"""The file computes what the model computes, says so, and is written only then."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import srntt
from srntt.cli import main
from srntt.errors import InputError, MissingDependencyError, ModelError, OutputError
from srntt.models import save_model
from srntt.models.lite import Lite, LiteConfig
from srntt.models.lite.onnx import OnnxFile, export_onnx
from srntt.models.paper import ContentExtractor
from srntt.upscale import Upscaler

onnx = pytest.importorskip("onnx", reason="needs the package onnx: pip install 'srntt[onnx]'")
onnxruntime = pytest.importorskip("onnxruntime", reason="needs the package onnxruntime: pip install 'srntt[onnx]'")

EXAMPLES = Path(__file__).parents[2] / "examples"
PAGE = Path(__file__).parents[2] / "docs" / "onnx.md"

pytestmark = pytest.mark.usefixtures("searched_everywhere")  # a graph searches all that it is given


@pytest.fixture(scope="module")
def model() -> Lite:
    """Of the smallest size, and drawn, but with textures that count, not all of which are trusted."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = Lite(LiteConfig(channels=8, content_blocks=1, transfer_blocks=1, descriptor=8, agreement=0.9))
    with torch.no_grad():
        network.fusion.merge[2].weight.mul_(4)
        network.fusion.gate[2].weight.mul_(4)
        network.tail.weight.mul_(20)
    return network.eval()


@pytest.fixture(scope="module")
def written(model: Lite, tmp_path_factory: pytest.TempPathFactory) -> OnnxFile:
    return export_onnx(model, tmp_path_factory.mktemp("onnx") / "tiny.onnx", name="tiny")


@pytest.fixture(scope="module")
def session(written: OnnxFile):
    return onnxruntime.InferenceSession(written.path, providers=["CPUExecutionProvider"])


def pixels(height: int, width: int, number: int) -> np.ndarray:
    """A smooth pattern and noise, never the same twice."""
    generator = np.random.default_rng(number)
    coarse = Image.fromarray(generator.integers(0, 256, (height // 6 + 2, width // 6 + 2, 3), np.uint8))
    smooth = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), np.int64)
    return (smooth + generator.integers(-20, 21, smooth.shape)).clip(0, 255).astype(np.uint8)


def as_input(picture: np.ndarray) -> np.ndarray:
    return picture.astype(np.float32).transpose(2, 0, 1)[None] / 255


def run(session, low_res: np.ndarray, references: list[np.ndarray]) -> np.ndarray:
    """Through the file, in whole levels."""
    given = {"low_res": as_input(low_res), "references": [as_input(reference) for reference in references]}
    (picture,) = session.run(["picture"], given)
    return (picture[0].transpose(1, 2, 0) * 255).round().astype(np.int64)


@pytest.mark.parametrize(
    ("size", "references"),
    [
        ((1, 1), []),
        ((7, 1), [(9, 12)]),
        ((1, 6), [(12, 8), (8, 8)]),
        ((23, 31), []),
        ((30, 21), [(61, 43), (8, 90), (50, 50)]),
        ((17, 26), [(40, 40), (40, 52), (33, 35), (64, 30), (8, 8), (70, 21), (44, 44)]),
    ],
)
def test_gives_what_the_engine_gives_at_any_size_with_any_number_of_references(model, session, size, references):
    low_res = pixels(*size, 0)
    sharp = [pixels(*shape, number) for number, shape in enumerate(references, 1)]
    upscaler = Upscaler(model, device="cpu", matcher="exact", align="off")

    want = upscaler.upscale(low_res, upscaler.encode_references(sharp) if sharp else None).array.astype(np.int64)
    got = run(session, low_res, sharp)

    assert got.shape == (4 * size[0], 4 * size[1], 3)
    assert np.abs(got - want).max() <= 1  # in 8 bits the last one is decided by rounding
    assert (got == want).mean() > 0.999
    if sharp:
        assert np.abs(got - run(session, low_res, [])).max() > 3  # the references did count


def test_says_what_it_is_and_how_far_from_the_model(model: Lite, written: OnnxFile):
    report = {item.key: item.value for item in onnx.load(written.path).metadata_props}
    assert report == written.metadata
    assert (report["model"], report["srntt_version"], report["opset"]) == ("tiny", srntt.__version__, "18")
    assert report["fingerprint"] == Upscaler(model, device="cpu").encode_references([pixels(8, 8, 0)]).fingerprint
    parity = json.loads(report["parity"])
    assert {0, 1, 3, 7} <= {len(case["references"]) for case in parity}
    assert len({tuple(case["low_res"]) for case in parity}) >= 5
    assert max(case["largest"] for case in parity) < 0.1
    assert written.bytes == written.path.stat().st_size


def test_the_same_model_makes_the_same_bytes(model: Lite, tmp_path: Path):
    one, two = (export_onnx(model, tmp_path / name, check=False) for name in ("one.onnx", "two.onnx"))
    assert one.path.read_bytes() == two.path.read_bytes()
    assert (one.parity, one.metadata["parity"]) == ((), "not checked")


@pytest.mark.parametrize(
    ("file", "constant", "value"),
    [("_match_graph", "SMOOTH", 0.5), ("_encode_graph", "WINDOW", 7), ("_transfer_graph", "MOST_TRUST", 0.0)],
)
def test_a_graph_that_computes_something_else_is_not_written(model, tmp_path, monkeypatch, file, constant, value):
    monkeypatch.setattr(f"srntt.models.lite.onnx.{file}.{constant}", value)
    with pytest.raises(ModelError, match=r"disagree by up to [\d.]+ levels of 255 at .* Nothing was written"):
        export_onnx(model, tmp_path / "wrong.onnx")
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_stays_unless_requested(model: Lite, tmp_path: Path):
    path = tmp_path / "model.onnx"
    path.write_text("precious")
    with pytest.raises(OutputError, match=r"exists already.*--overwrite"):
        export_onnx(model, path, check=False)
    assert path.read_text() == "precious"
    assert export_onnx(model, path, check=False, overwrite=True).bytes == path.stat().st_size > 10_000


def test_refusals_say_what_to_do(model: Lite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(InputError, match=r"takes a light model .* not a ContentExtractor"):
        export_onnx(ContentExtractor(), tmp_path / "model.onnx")
    with pytest.raises(OutputError, match=r"the folder .*absent does not exist\. Create it first"):
        export_onnx(model, tmp_path / "absent" / "model.onnx")
    monkeypatch.setattr("srntt.models.lite.onnx._file.find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"needs onnx and onnxruntime: .* pip install '\.\[onnx\]'"):
        export_onnx(model, tmp_path / "model.onnx")


def test_command_line(model: Lite, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folder, path = save_model(model, tmp_path / "small"), tmp_path / "small.onnx"
    command = ["export", "onnx", "--model", str(folder), "-o", str(path), "--no-check"]
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert f"{path}: 0.4 MB, small, opset 18" in printed
    assert "not compared" in printed
    assert main(command) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert main([*command, "--overwrite", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["bytes"] == path.stat().st_size


def test_the_example_runs_without_torch_and_without_srntt(tmp_path: Path):
    """On a part of the shipped photograph, with the shipped model, beside what the engine makes of it."""
    low_res, reference = tmp_path / "low-res.png", tmp_path / "reference.png"
    Image.open(EXAMPLES / "motorcycle" / "low-res.png").crop((60, 40, 105, 79)).save(low_res)
    Image.open(EXAMPLES / "motorcycle" / "reference.png").crop((200, 150, 423, 322)).save(reference)
    upscaler = Upscaler.from_pretrained("lite-rec", device="cpu", matcher="exact", align="off")
    want = upscaler.upscale(low_res, upscaler.encode_references([reference])).array.astype(np.int64)
    model = tmp_path / "model.onnx"
    assert main(["export", "onnx", "-o", str(model), "--no-check"]) == 0

    arguments = [str(path) for path in (model, low_res, tmp_path / "large.png", reference)]
    code = (
        "import runpy, sys; sys.modules['torch'] = sys.modules['srntt'] = None; "
        f"sys.argv = {['onnx_upscale.py', *arguments]!r}; "
        f"runpy.run_path({str(EXAMPLES / 'onnx_upscale.py')!r}, run_name='__main__')"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

    got = np.asarray(Image.open(tmp_path / "large.png"), np.int64)
    assert np.abs(got - want).max() <= 1
    assert (got == want).mean() > 0.999


def test_the_code_of_the_page_is_the_example_and_runs(
    written: OnnxFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    use, _, about = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert use in (EXAMPLES / "onnx_upscale.py").read_text(encoding="utf-8")
    (tmp_path / "model.onnx").symlink_to(written.path)
    monkeypatch.chdir(tmp_path)
    exec(compile(about, "onnx.md", "exec"), {})
    assert "largest" in capsys.readouterr().out
