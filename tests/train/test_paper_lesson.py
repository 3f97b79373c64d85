from dataclasses import replace

import pytest
import torch
from PIL import Image

from srntt.errors import InputError
from srntt.features import VGG19Features
from srntt.models import load_model
from srntt.models.paper import PaperConfig, PaperLesson, PaperSRNTT, Swapped
from srntt.train import Losses, Recipe, Surroundings, train
from srntt.train._trainer import Trainer
from srntt.train.pairs._pair_range import PairRange
from srntt.train.pairs._pairs import make_pairs
from srntt.train.pairs._photographs import Photographs
from srntt.transfer import SwappedMaps
from srntt.upscale import Upscaler, _encode
from srntt.weights import save_vgg19, weights_path

_CPU = torch.device("cpu")
_PAPER_LOSSES = Losses(
    reconstruction=2.0, reconstruction_form="l1", perceptual=1e-4, perceptual_form="squared",
    perceptual_layers={"relu2_1": 1.0}, texture_consistency=1e-4, adversarial=1e-6, adversarial_form="wasserstein",
    features="vgg19-caffe",
)  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def vgg19(tmp_path_factory):
    """Random weights where the library looks for fetched ones, as deep as training asks for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        weights_path("vgg19-caffe").parent.mkdir(parents=True)
        torch.manual_seed(0)
        features = VGG19Features("caffe", last="relu5_1")
        save_vgg19(weights_path("vgg19-caffe"), features.state_dict(), "caffe")
        yield


@pytest.fixture
def paper(recipe):
    return replace(
        recipe,
        architecture="paper",
        config=PaperConfig(),
        pairs=PairRange(target=48, reference=64, unrelated=0.0, counts=(0.0, 1.0)),
        losses=Losses(reconstruction_form="l1"),
        schedule=replace(recipe.schedule, steps=3, alone=0.0, alone_first=1, perfect=True),
    )


@pytest.fixture(scope="module")
def pairs(photograph_folder):
    limits = PairRange(target=48, reference=64, unrelated=0.0, counts=(0.0, 1.0))
    return make_pairs(Photographs([photograph_folder], 72, _CPU), limits, 0, 0, range(2))


def test_the_maps_are_those_that_upscaling_would_bring(pairs, monkeypatch):
    """Trained as used, where references hold detail: the lesson's output is the engine's, but for 8 bits."""
    monkeypatch.setattr(_encode, "holds_detail", lambda picture, scale: torch.ones(16, 16, dtype=torch.bool))
    torch.manual_seed(0)
    model = PaperSRNTT()
    outcome = PaperLesson(model).run(pairs, with_references=True)
    upscaler = Upscaler(model, device="cpu", align="off")
    references = upscaler.encode_references([*pairs.references[0]])
    whole = upscaler.upscale(pairs.low_res[0], references).tensor
    assert (outcome.output[0] - whole).abs().max() <= 1 / 255
    assert 0 < outcome.metrics["similarity"] <= 1


def test_steps_without_references_teach_the_extractor_and_those_with_the_transfer(paper, pairs):
    trainer = Trainer(paper, _CPU)
    for with_references, learns in ((False, "extractor"), (True, "transfer")):
        before = {name: tensor.clone() for name, tensor in trainer.model.named_parameters()}
        trainer.advance(pairs, with_references)
        moved = {
            name.split(".")[0] for name, tensor in trainer.model.named_parameters() if (tensor != before[name]).any()
        }
        assert moved == {learns}


def test_a_perfect_reference_is_shown_next_to_the_real_ones(paper, pairs):
    outcome = Trainer(paper, _CPU).lesson.run(pairs, with_references=True)
    assert outcome.output.shape == (4, 3, 48, 48)
    assert torch.equal(outcome.target[:2], outcome.target[2:])
    assert (outcome.similarity[2:] == 1).all()
    assert not torch.equal(outcome.output[:2], outcome.output[2:])


def test_all_losses_of_the_paper_are_owed_and_finite(paper, pairs):
    schedule = replace(paper.schedule, critic_warmup=1, reconstruction_first=1)
    trainer = Trainer(replace(paper, losses=_PAPER_LOSSES, schedule=schedule), _CPU)
    first, second = (trainer.advance(pairs, with_references=True) for _ in range(2))
    assert set(first) == {"reconstruction", "critic", "similarity"}
    assert set(second) == set(first) | {"perceptual", "texture_consistency", "adversarial"}
    released = replace(_PAPER_LOSSES, texture_consistency_form="released")
    other = Trainer(replace(paper, losses=released, schedule=schedule), _CPU)
    other.step = 1
    assert other.advance(pairs, True)["texture_consistency"] != pytest.approx(second["texture_consistency"], rel=0.1)


def test_a_run_and_its_second_stage(paper, photograph_folder, tmp_path):
    place = Surroundings((photograph_folder,), tmp_path / "rec", every=1e9)
    weights = train(paper, place)
    assert isinstance(load_model(weights), PaperSRNTT)
    second = replace(paper, start=str(weights), losses=_PAPER_LOSSES)
    train(second, replace(place, output=tmp_path / "gan"))
    assert (tmp_path / "gan" / "samples" / "step-0000003.png").exists()


def test_maps_of_ready_made_pairs_are_made_once(paper, photograph_folder, tmp_path, monkeypatch):
    for part, side in (("input", 48), ("ref", 64)):
        (tmp_path / part).mkdir()
        for number in range(2):
            Image.open(photograph_folder / f"{number}.png").crop((0, 0, side, side)).save(
                tmp_path / part / f"{number}.png"
            )
    once = replace(paper, pairs=PairRange(target=48, reference=64))
    place = Surroundings((), tmp_path / "one", pairs=tmp_path, cache=tmp_path / "maps", every=1e9)
    first = load_model(train(once, place)).state_dict()
    assert len(list((tmp_path / "maps").iterdir())) == 2
    monkeypatch.setattr(PaperLesson, "_swap", None)  # would fail if it were called
    again = load_model(train(once, replace(place, output=tmp_path / "two"))).state_dict()
    for name in first:
        assert torch.equal(first[name], again[name])


def test_a_transfer_begins_as_the_extractor_at_its_first_step_and_resumes(paper, photograph_folder, tmp_path):
    schedule = replace(paper.schedule, transfer_begins_as_extractor=True, perfect=False, rate=1e-6, warmup=1)
    recipe = replace(paper, schedule=schedule)
    place = Surroundings((photograph_folder,), tmp_path / "whole")
    model = load_model(train(recipe, place))
    low_res = torch.rand(1, 3, 12, 12)
    maps = SwappedMaps(torch.rand(1, 256, 12, 12), torch.rand(1, 128, 24, 24), torch.rand(1, 64, 48, 48))
    with_maps = model.fuse(low_res, Swapped(maps, torch.rand(1, 1, 12, 12))).picture
    torch.testing.assert_close(with_maps, model(low_res), rtol=0, atol=1e-3)
    for steps in (1, 3):  # before it has begun, and to the end
        shorter = replace(recipe, schedule=replace(schedule, steps=steps))
        other = train(shorter, replace(place, output=tmp_path / "resumed", resume=steps == 3))
    assert other.read_bytes() == (tmp_path / "whole" / "model.safetensors").read_bytes()


def test_only_the_papers_networks_have_a_transfer(paper):
    schedule = replace(paper.schedule, transfer_begins_as_extractor=True)
    for recipe in (Recipe(schedule=schedule), replace(paper, config=PaperConfig(scale=8), schedule=schedule)):
        with pytest.raises(InputError, match="transfer_begins_as_extractor is for"):
            Trainer(recipe, _CPU)


def test_the_perceptual_loss_can_look_through_a_network_of_its_own(paper, pairs, tmp_path):
    """Such as VGG16, where the file of VGG19 does not reach relu5_1."""
    other = tmp_path / "other.safetensors"
    torch.manual_seed(1)
    save_vgg19(other, VGG19Features("caffe", last="relu5_1").state_dict(), "caffe")
    seen = []
    for name in ("", "vgg19-caffe", str(other)):
        wanted = replace(_PAPER_LOSSES, adversarial=0.0, perceptual_features=name)
        seen.append(Trainer(replace(paper, losses=wanted), _CPU).advance(pairs, True))
    assert seen[0] == seen[1]
    assert seen[2]["perceptual"] != seen[0]["perceptual"]
    assert seen[2]["texture_consistency"] == seen[0]["texture_consistency"]
