import json

import numpy as np
import pytest
import torch
from PIL import Image

from srntt.network import LiteConfig, load_model
from srntt.train._loop import Trainer, train
from srntt.train._pairs import PairRange, make_pairs
from srntt.train._photographs import Photographs
from srntt.train._plan import TrainingPlan

_CPU = torch.device("cpu")


@pytest.fixture
def plan(tmp_path):
    random = np.random.default_rng(0)
    folder = tmp_path / "photographs"
    folder.mkdir()
    rough = random.integers(0, 256, (16, 20, 3), dtype=np.uint8)
    Image.fromarray(rough).resize((200, 160), Image.Resampling.BICUBIC).save(folder / "a.png")
    return TrainingPlan(
        photographs=(folder,),
        output=tmp_path / "run",
        steps=4,
        batch=2,
        warmup=2,
        alone=0.0,
        every=1e9,
        model=LiteConfig(channels=8, content_blocks=1, transfer_blocks=1, descriptor=16),
        pairs=PairRange(target=48, reference=64, unrelated=0.0),
    )


def test_a_run_leaves_a_model_that_loads_and_a_log_that_reads(plan):
    weights = train(plan, _CPU)
    assert load_model(weights).config == plan.model
    entry = json.loads((plan.output / "log.jsonl").read_text())
    assert entry["step"] == 4
    assert {"reconstruction", "correspondence", "sub_position", "hit_rate", "rate"} <= set(entry)
    assert sorted(p.name for p in plan.output.iterdir()) == ["checkpoint.safetensors", "log.jsonl", "model.safetensors"]


def test_steps_on_one_batch_lower_its_loss(plan):
    trainer = Trainer(plan, _CPU)
    photographs = Photographs(list(plan.photographs), 72, _CPU)
    pairs = make_pairs(photographs, 2, plan.pairs, np.random.default_rng(0))
    history = [trainer.advance(pairs, with_reference=True) for _ in range(12)]
    for name in ("reconstruction", "correspondence"):
        assert float(getattr(history[-1], name).detach()) < float(getattr(history[0], name).detach())


def test_a_checkpoint_brings_back_weights_average_and_optimiser(plan):
    photographs = Photographs(list(plan.photographs), 72, _CPU)
    batches = [make_pairs(photographs, 2, plan.pairs, np.random.default_rng(seed)) for seed in range(4)]
    straight, first = Trainer(plan, _CPU), Trainer(plan, _CPU)
    plan.output.mkdir()
    for batch in batches[:2]:
        straight.advance(batch, with_reference=True)
        first.advance(batch, with_reference=True)
    first.save()
    resumed = Trainer(plan, _CPU)
    resumed.resume()
    assert resumed.step == 2
    for batch in batches[2:]:
        torch.manual_seed(7)
        a = straight.advance(batch, with_reference=True)
        torch.manual_seed(7)
        b = resumed.advance(batch, with_reference=True)
        assert float(a.reconstruction.detach()) == float(b.reconstruction.detach())
    for one, two in zip(straight.average.parameters(), resumed.average.parameters(), strict=True):
        assert torch.equal(one, two)
