"""Peers in a process of their own: whatever that process does, the caller gets a picture or an error that helps."""

import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from evaluate.pictures import scene
from PIL import Image

from srntt.data import read_pairs
from srntt.errors import InputError, MissingDependencyError, ModelError
from srntt.evaluate import open_peer, protocol_named, score_pairs
from srntt.evaluate._metrics import mean_scores
from srntt.evaluate._peer_process import PEERS_PYTHON, PeerProcess
from srntt.evaluate._peers import pillow

START = """
    import json, os, sys, time
    import struct
    def say(about, content=b""):
        sys.stdout.buffer.write(json.dumps(about).encode() + b"\\n" + content)
        sys.stdout.buffer.flush()
    say({"package": "1.0"})
    def asked():
        height, width = json.loads(sys.stdin.buffer.readline())["shape"]
        return height, width, sys.stdin.buffer.read(height * width * 3)
"""
ENLARGE = """
    while True:
        height, width, pixels = asked()
        row = struct.pack("<f", pixels[0] / 255) * (16 * height * width * 3)
        say({"shape": [3, 4 * height, 4 * width], "seconds": 0.25}, row)
"""


@pytest.fixture(autouse=True)
def own_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers of these tests need only the standard library."""
    monkeypatch.setenv(PEERS_PYTHON, sys.executable)


def started(folder: Path, code: str, patience: float = 1.0) -> PeerProcess:
    worker = folder / "worker.py"
    worker.write_text(textwrap.dedent(START) + textwrap.dedent(code))
    return PeerProcess("other", worker=worker, patience=patience)


def test_one_process_answers_every_picture_with_its_own_seconds(tmp_path: Path) -> None:
    with started(tmp_path, ENLARGE) as peer:
        assert peer.made_of == {"package": "1.0"}
        for level in (0, 51, 255):
            answer = peer(np.full((5, 7, 3), level, np.uint8), ())
            assert answer.picture.shape == (3, 20, 28)
            assert answer.picture == pytest.approx(level / 255)
            assert answer.seconds == 0.25
        with pytest.raises(InputError, match="other does not use references"):
            peer(np.zeros((5, 7, 3), np.uint8), (Path("a.png"),))
    with pytest.raises(ModelError, match="exited without an answer"):
        peer(np.zeros((5, 7, 3), np.uint8), ())


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("asked(); say({'error': 'OutOfPaper: none left'})", "The peer other failed: OutOfPaper: none left"),
        ("asked(); sys.exit('no ink')", "exited without an answer. Its last output: no ink"),
        ("sys.exit('early')", "exited without an answer. Its last output: early"),
        ("asked(); os.abort()", "exited without an answer"),
        ("asked(); print('hello', flush=True); asked()", "exited without an answer"),
        ("asked(); print('[1]', flush=True); asked()", "exited without an answer"),
        ("asked(); print('{' * 2000, flush=True); asked()", "exited without an answer"),
        ("asked(); say({'shape': [3, 20, 28], 'seconds': 1.0}, b'short')", "exited without an answer"),
        ("asked(); say({'shape': [3, 20, 27], 'seconds': 1.0}); asked()", r"expected a picture of shape \(3, 20, 28\)"),
        ("asked(); say({'shape': [3, 20, 28]}); asked()", "expected a picture"),
        (
            "asked(); say({'shape': [3, 20, 28], 'seconds': 1.0}, struct.pack('<f', float('nan')) * 1680); asked()",
            "not finite",
        ),
    ],
)
def test_a_peer_that_fails_is_an_error_that_names_it(tmp_path: Path, code: str, message: str) -> None:
    with started(tmp_path, code) as peer:
        with pytest.raises(ModelError, match=message) as failed:
            peer(np.zeros((5, 7, 3), np.uint8), ())
        assert len(str(failed.value)) < 1000
        assert peer._process.poll() is not None  # no later answer can be taken for another picture's
        with pytest.raises(ModelError, match="exited without an answer"):
            peer(np.zeros((5, 7, 3), np.uint8), ())


def test_a_peer_that_hangs_is_ended(tmp_path: Path) -> None:
    with started(tmp_path, "asked(); time.sleep(60)") as peer:
        peer._patience = 0.001
        with pytest.raises(ModelError, match="timed out and was stopped"):
            peer(np.zeros((5, 7, 3), np.uint8), ())


def test_the_process_ends_with_the_block_whatever_it_does(tmp_path: Path) -> None:
    with started(tmp_path, "import signal\nwhile True: time.sleep(60)") as peer:
        process = peer._process
        assert process.poll() is None
    assert process.poll() is not None


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("nowhere/python", "SRNTT_PEERS_PYTHON is nowhere/python, which is not a file. .*make peers"),
        (__file__, "cannot be run: .*make peers"),
        (sys.executable, "peer dat-light exited without an answer. Its last output: .* `make peers`"),
    ],
)
def test_a_missing_environment_says_how_to_make_it(monkeypatch: pytest.MonkeyPatch, named: str, message: str) -> None:
    monkeypatch.setenv(PEERS_PYTHON, named)
    with pytest.raises(MissingDependencyError, match=message), open_peer("dat-light"):
        pass


def test_no_environment_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PEERS_PYTHON)
    monkeypatch.setattr("srntt.__file__", str(tmp_path / "a" / "b" / "c" / "__init__.py"))
    with (
        pytest.raises(MissingDependencyError, match=r"\.venv-peers, does not exist. .*make peers"),
        open_peer("dat-light"),
    ):
        pass


def test_lanczos_is_pillows() -> None:
    low_res = scene(9, 12, 0)
    expected = np.asarray(Image.fromarray(low_res).resize((48, 36), Image.Resampling.LANCZOS))
    np.testing.assert_array_equal(np.rint(pillow("lanczos", 4)(low_res, ()).picture * 255), expected.transpose(2, 0, 1))


# DAT-light on Set5: 32.57 dB and .8991 in Chen et al., "Dual Aggregation Transformer for Image Super-Resolution" (ICCV
# 2023) and its repository. Of Real-ESRGAN, whose aim is looks, nothing is published; its figure is that of the same
# weights under PyTorch.


@pytest.fixture
def peers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real environment, or none of these tests."""
    monkeypatch.delenv(PEERS_PYTHON)
    try:
        with open_peer("dat-light"), open_peer("realesrgan"):
            pass
    except MissingDependencyError as error:
        pytest.skip(f"needs the environment of the peers: {error}")


@pytest.mark.slow
def test_dat_light_on_set5_is_as_published(peers: None, shared_data: Path) -> None:
    """That it comes out proves pictures, rounding, luma, crop and SSIM."""
    protocol = protocol_named("sisr")
    pairs = protocol.data.read(shared_data / "sets" / "Set5", subset=False)
    with open_peer("dat-light") as peer:
        scores = score_pairs(peer.upscale, pairs, "none", protocol)
    means = mean_scores([score.values for score in scores])
    assert means["psnr_y"] == pytest.approx(32.57, abs=0.005)
    assert means["ssim_y"] == pytest.approx(0.8991, abs=0.00025)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "psnr"), [("dat-light", 23.187), ("realesrgan", 20.95)])
def test_peers_on_a_group_of_cufed5(peers: None, shared_data: Path, name: str, psnr: float) -> None:
    from srntt.data import read_rgb
    from srntt.metrics import psnr_y, round_to_bytes

    folder = shared_data / "golden-srntt"
    with open_peer(name) as peer:
        output = round_to_bytes(peer.upscale(read_rgb(folder / "LR.png"), ()).picture)
    target = read_rgb(folder / "HR.png").transpose(2, 0, 1) / 255
    assert psnr_y(output, target, crop=4) == pytest.approx(psnr, abs=0.005)


@pytest.mark.slow
def test_dat_light_on_pairs(peers: None, shared_data: Path) -> None:
    pairs = read_pairs(shared_data / "refpairs-dev")
    with open_peer("dat-light") as peer:
        scores = score_pairs(peer.upscale, pairs, "none", protocol_named("pairs"))
    assert mean_scores([score.values for score in scores])["psnr_y"] == pytest.approx(28.964, abs=0.002)
