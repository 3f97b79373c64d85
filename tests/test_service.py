"""The service of docs/service.md: what it answers to good and bad requests, and model folders on a hub."""

import io
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from loading import load_module
from PIL import Image
from tiny import tiny_network

from srntt import Upscaler
from srntt.models import load_model, save_model
from srntt.models.lite import Lite, LiteConfig

REPOSITORY = Path(__file__).parent.parent


def png(height: int, width: int, seed: int = 0) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def client() -> Any:
    pytest.importorskip("fastapi", reason="pip install fastapi python-multipart httpx")
    from fastapi.testclient import TestClient

    return TestClient(load_module(REPOSITORY / "examples" / "service.py").app)


def test_it_answers_with_the_picture_and_the_shares(client: Any):
    files = [("picture", png(16, 20)), ("references", png(64, 64, 1)), ("references", png(48, 80, 2))]
    answer = client.post("/upscale", files=files)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    assert Image.open(io.BytesIO(answer.content)).size == (80, 64)
    assert len(answer.headers["x-reference-shares"].split(", ")) == 2


def test_without_references_it_upscales_alone(client: Any):
    answer = client.post("/upscale", files=[("picture", png(16, 20))])
    assert answer.status_code == 200
    assert Image.open(io.BytesIO(answer.content)).size == (80, 64)


def test_a_bad_file_is_the_clients_error(client: Any):
    answer = client.post("/upscale", files=[("picture", b"no picture")])
    assert answer.status_code == 422
    assert "traceback" not in answer.text.lower()
    assert client.post("/upscale", files=[("references", png(16, 20))]).status_code == 422


def test_each_image_is_logged(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.INFO, logger="srntt"):
        Upscaler(tiny_network(), device="cpu").upscale(np.zeros((12, 16, 3), np.uint8))
    (record,) = (record for record in caplog.records if record.name.startswith("srntt.upscale"))
    assert "16 x 12, references: 0" in record.getMessage()


def test_model_folders_have_the_layout_of_the_hub_mixin(tmp_path: Path):
    hub = pytest.importorskip("huggingface_hub")

    class LiteOnHub(Lite, hub.PyTorchModelHubMixin):
        def __init__(self, config: dict, **about: Any) -> None:
            super().__init__(LiteConfig(**config))

    save_model(tiny_network(), tmp_path / "folder")
    picture = torch.rand(1, 3, 9, 7)
    ours = load_model(tmp_path / "folder").eval()
    theirs = LiteOnHub.from_pretrained(tmp_path / "folder").eval()
    with torch.inference_mode():
        torch.testing.assert_close(theirs(picture), ours(picture), rtol=0, atol=0)
