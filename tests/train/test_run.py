import json
import os
import shutil
import subprocess
import sys
import threading
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from srntt._safetensors import read_header, read_tensors
from srntt.errors import InputError, MissingDependencyError, ModelError
from srntt.image import load
from srntt.models import load_model, save_model
from srntt.train import Schedule, Surroundings, train
from srntt.train._log import Log, PrintedLines
from srntt.train._trainer import Trainer
from srntt.train.pairs._pairs import make_pairs
from srntt.train.pairs._photographs import Photographs
from srntt.upscale import Upscaler

_CPU = torch.device("cpu")
_ADVERSARIAL = {"adversarial": 0.01, "lr_consistency": 0.1}


@pytest.fixture
def place(photograph_folder, tmp_path):
    return Surroundings((photograph_folder,), tmp_path / "run", every=1e9)


def _with(recipe, section, **settings):
    return replace(recipe, **{section: replace(getattr(recipe, section), **settings)})


def _tensors(file):
    return read_tensors(file, {name: info.shape for name, info in read_header(file).tensors.items()})


def test_a_run_leaves_a_model_that_loads_a_log_that_reads_and_samples_to_look_at(recipe, place):
    weights = train(recipe, place)
    assert load_model(weights).config == recipe.config
    entry = json.loads((place.output / "log.jsonl").read_text())
    assert entry["step"] == 6
    assert {"reconstruction", "correspondence", "sub_position", "hit_rate", "rate"} <= set(entry)
    samples = load(place.output / "samples" / "step-0000006.png")
    assert (samples.height, samples.width) == (2 * 48, 5 * 48)
    assert json.loads(read_header(place.output / "checkpoint.safetensors").metadata["run"])["recipe"]["lite"] == {
        "channels": 8, "content_blocks": 1, "transfer_blocks": 1, "descriptor": 16,
            "scale": 4, "base": False, "candidates": 3, "agreement": 0.0,
    }  # fmt: skip


@pytest.mark.parametrize("losses", [{}, _ADVERSARIAL])
def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(recipe, place, losses, tmp_path):
    recipe = _with(recipe, "losses", **losses)
    train(recipe, place)
    short = replace(place, output=tmp_path / "stopped")
    train(_with(recipe, "schedule", steps=3, decay="step", halvings=()), short)
    same = _with(recipe, "schedule", decay="step", halvings=())
    train(same, replace(short, resume=True))
    train(same, replace(place, output=tmp_path / "whole"))
    stopped, whole = (_tensors(tmp_path / name / "checkpoint.safetensors") for name in ("stopped", "whole"))
    assert set(stopped) == set(whole)
    assert all(torch.equal(stopped[name], whole[name]) for name in whole)


def test_a_run_that_was_stopped_reports_the_same_losses_as_one_that_was_not(recipe, place, tmp_path):
    steps = _with(recipe, "schedule", decay="step", halvings=())
    train(steps, replace(place, every=0.0))
    short = replace(place, output=tmp_path / "stopped", every=0.0)
    train(_with(steps, "schedule", steps=3), short)
    train(steps, replace(short, resume=True))
    whole, stopped = (
        [json.loads(line) for line in (tmp_path / name / "log.jsonl").read_text().splitlines()]
        for name in ("run", "stopped")
    )
    assert [entry["reconstruction"] for entry in stopped] == [entry["reconstruction"] for entry in whole]


def test_a_line_of_the_log_has_the_means_of_the_steps_since_the_one_before(tmp_path):
    log = Log(tmp_path, PrintedLines())
    log.add({"reconstruction": 1.0, "correspondence": 5.0})
    log.add({"reconstruction": 2.0})
    log.write(2, {"minutes": 0.5})
    log.add({"reconstruction": 7.0})
    log.write(3, {})
    first, second = map(json.loads, (tmp_path / "log.jsonl").read_text().splitlines())
    assert first == {"step": 2, "minutes": 0.5, "reconstruction": 1.5, "correspondence": 5.0}
    assert second == {"step": 3, "reconstruction": 7.0}


def test_a_short_run_has_ten_checkpoints_and_a_long_one_every_five_minutes(place):
    place = replace(place, every=None)
    assert place.interval(Schedule(minutes=3.0)) == 18
    assert place.interval(Schedule(minutes=600.0)) == place.interval(Schedule()) == 300
    assert replace(place, every=7.0).interval(Schedule(minutes=3.0)) == 7


def test_a_run_may_stop_before_everything_has_learnt(recipe, place):
    """The first steps go without reference: the encoder has had no gradient when the run is stopped."""
    alone = _with(recipe, "schedule", steps=2, alone_first=3)
    train(alone, place)
    train(_with(alone, "schedule", steps=5), replace(place, resume=True))
    entries = [json.loads(line) for line in (place.output / "log.jsonl").read_text().splitlines()]
    assert [entry["step"] for entry in entries] == [2, 5]
    assert "correspondence" in entries[1]
    assert "correspondence" not in entries[0]


def test_a_folder_that_holds_a_run_is_not_written_over(recipe, place):
    with pytest.raises(InputError, match="no checkpoint to resume"):
        train(recipe, replace(place, resume=True))
    train(_with(recipe, "schedule", steps=1), place)
    with pytest.raises(InputError, match="holds a run already"):
        train(recipe, place)
    with pytest.raises(ModelError, match=r"another recipe: schedule .*'batch': 2.* is now .*'batch': 4"):
        train(_with(recipe, "schedule", batch=4), replace(place, resume=True))
    elsewhere = replace(_with(recipe, "schedule", steps=2), start=str(place.output / "model.safetensors"))
    train(elsewhere, replace(place, resume=True))  # what it began from is past


def test_steps_on_one_batch_lower_what_they_are_to_lower(recipe, photograph_folder):
    recipe = _with(_with(recipe, "losses", lr_consistency=1.0), "schedule", steps=30, rate=2e-3)
    trainer = Trainer(recipe, _CPU)
    pairs = make_pairs(Photographs([photograph_folder], 72, _CPU), recipe.pairs, 0, 0, range(2))
    history = [trainer.advance(pairs, with_references=True) for _ in range(20)]
    for name in ("reconstruction", "correspondence", "lr_consistency"):
        assert history[-1][name] < 0.97 * history[0][name]


def test_a_critic_learns_to_distinguish_and_the_generator_hears_of_it_after_its_warmup(recipe, photograph_folder):
    trainer = Trainer(_with(recipe, "losses", **_ADVERSARIAL), _CPU)
    pairs = make_pairs(Photographs([photograph_folder], 72, _CPU), recipe.pairs, 0, 0, range(2))
    first, *_, last = [trainer.advance(pairs, with_references=True) for _ in range(8)]
    assert "adversarial" not in first
    assert "adversarial" in last
    assert last["critic"] < first["critic"]


def test_a_frozen_encoder_stays_and_the_rest_moves(recipe, photograph_folder):
    trainer = Trainer(_with(recipe, "schedule", frozen=True), _CPU)
    before = {name: tensor.clone() for name, tensor in trainer.model.state_dict().items()}
    trainer.advance(make_pairs(Photographs([photograph_folder], 72, _CPU), recipe.pairs, 0, 0, range(2)), True)
    for name, tensor in trainer.model.state_dict().items():
        frozen = name.startswith("encoder") or name == "log_temperature"
        assert torch.equal(tensor, before[name]) == frozen, name


@pytest.mark.parametrize("scale", [2, 3])
def test_a_model_of_another_factor_learns_and_upscales(recipe, place, scale):
    other = _with(_with(recipe, "pairs", reference=72), "config", scale=scale)
    other = _with(_with(other, "schedule", steps=2), "losses", adversarial=0.01)
    model = load_model(train(other, place))
    upscaler = Upscaler(model, device="cpu")
    references = upscaler.encode_references([torch.rand(3, 40, 50)])
    result = upscaler.upscale(torch.rand(3, 9, 11), references)
    assert result.array.shape == (9 * scale, 11 * scale, 3)
    assert result.provenance.y.max() < 40
    with pytest.raises(InputError, match=r"pairs\.reference is 70; it takes multiples of 4"):
        _with(recipe, "pairs", reference=70)


def test_a_larger_model_begins_as_the_smaller_one_that_it_starts_from(recipe, tmp_path):
    small = Trainer(recipe, _CPU).model
    start = save_model(small, tmp_path / "small")
    large = _with(replace(recipe, start=str(start)), "config", content_blocks=3, transfer_blocks=2)
    low_res = torch.rand(1, 3, 9, 10)
    torch.testing.assert_close(Trainer(large, _CPU).model(low_res), small(low_res))
    with pytest.raises(ModelError, match="does not fit"):
        Trainer(_with(replace(recipe, start=str(start)), "config", channels=16), _CPU)


def test_a_loss_that_is_not_finite_stops_the_run_and_leaves_its_batch(recipe, place):
    wild = _with(_with(recipe, "losses", reconstruction=float("inf")), "schedule", seed=4)
    with pytest.raises(ModelError, match=r"inf at step 0\. Its batch is .*batch-0-0"):
        train(wild, place)
    assert _tensors(place.output / "batch-0-0.safetensors")["high_res"].shape == (2, 3, 48, 48)
    assert not (place.output / "checkpoint.safetensors").exists()


def test_a_gradient_that_is_not_finite_changes_nothing(recipe, photograph_folder):
    trainer = Trainer(_with(recipe, "losses", **_ADVERSARIAL), _CPU)
    pairs = make_pairs(Photographs([photograph_folder], 72, _CPU), recipe.pairs, 0, 0, range(2))
    next(trainer.model.parameters()).register_hook(lambda gradient: gradient * float("nan"))
    before = {name: tensor.clone() for name, tensor in trainer.model.state_dict().items()}
    with pytest.raises(ModelError, match=r"The gradient is nan at step 0\."):
        trainer.advance(pairs, with_references=True)
    assert all(torch.equal(tensor, before[name]) for name, tensor in trainer.model.state_dict().items())


def test_weights_whose_pictures_are_not_finite_are_not_saved(recipe, place):
    """One step at such a rate, and every output overflows; the loss of that step was fine."""
    wild = _with(recipe, "schedule", steps=1, rate=1e30, alone=0.0)
    with pytest.raises(ModelError, match=r"The output is not finite\. Its batch is .*batch-1-0"):
        train(wild, place)
    assert not (place.output / "checkpoint.safetensors").exists()


def test_validation_scores_what_there_is_and_what_is_wrong_with_it_is_reported_at_once(recipe, place, tmp_path):
    folder = tmp_path / "pairs"
    folder.mkdir()
    for name in ("a.png", "b.png"):
        shutil.copy(next(place.photographs[0].iterdir()), folder / name)
    index = folder / "index.json"
    index.write_text('[{"target": "a.png", "refs": ["c.png"]}]')
    with pytest.raises(InputError, match=r"entry 1: refs 'c\.png' does not exist"):
        train(recipe, replace(place, validation=folder))
    index.write_text('[{"target": "a.png", "references": ["b.png"]}]')
    with pytest.raises(InputError, match="entry 1 is missing refs"):
        train(recipe, replace(place, validation=folder))
    assert not (place.output / "checkpoint.safetensors").exists()
    index.write_text('[{"target": "a.png", "refs": ["b.png"]}]')
    train(_with(recipe, "schedule", steps=1), replace(place, validation=folder))
    entry = json.loads((place.output / "log.jsonl").read_text())
    assert {"first", "all", "none"} <= set(entry)
    assert "unrelated" not in entry


def test_tensorboard_that_is_not_installed_is_named(recipe, place):
    try:
        import tensorboard  # noqa: F401
    except ImportError:
        with pytest.raises(MissingDependencyError, match=r"\.\[tensorboard\]"):
            train(recipe, replace(place, tensorboard=True))
    else:
        train(_with(recipe, "schedule", steps=1), replace(place, tensorboard=True))
        assert list((place.output / "tensorboard").iterdir())


def _script(place):
    """A command that trains a tiny model in another process, four steps with references; without its output folder."""
    settings = ["lite.channels=8", "lite.content_blocks=1", "lite.transfer_blocks=1", "lite.descriptor=16"]
    settings += ["pairs.target=48", "pairs.reference=64", "schedule.steps=4", "schedule.batch=4", "schedule.minutes=0"]
    settings += ["schedule.precision=fp32", "schedule.warmup=1", "schedule.alone=0", "pairs.counts=[1.0]"]
    script = ["-m", "srntt.train", "cpu-smoke", "--photographs", str(place.photographs[0]), "--every", "0"]
    return [*script, "--threads", "1", *(part for setting in settings for part in ("--set", setting))]


def _run(command):
    subprocess.run([sys.executable, *command], check=True, env=os.environ | {"OMP_NUM_THREADS": "1"}, timeout=900)


def _logs(folder, *names):
    return ([json.loads(line) for line in (folder / name / "log.jsonl").read_text().splitlines()] for name in names)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("c++") is None, reason="torch.compile needs a compiler")
def test_a_compiled_network_learns_the_same(place, tmp_path):
    script = [*_script(place), "--every", "1e9"]
    _run([*script, "-o", str(tmp_path / "plain")])
    _run([*script, "-o", str(tmp_path / "compiled"), "--set", "schedule.compile=true"])
    plain, compiled = (entries[-1] for entries in _logs(tmp_path, "plain", "compiled"))
    for name in ("reconstruction", "correspondence", "sub_position"):
        assert plain[name] == pytest.approx(compiled[name], rel=1e-3)
    a, b = (_tensors(tmp_path / name / "model.safetensors") for name in ("plain", "compiled"))
    assert set(a) == set(b)


@pytest.mark.slow
def test_two_processes_learn_what_one_learns_from_the_doubled_batch(recipe, place, tmp_path):
    """The same loss, step by step, and the same weights but for the order of sums."""
    script = _script(place)
    _run(["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", *script, "-o", str(tmp_path / "two")])
    _run([*script, "-o", str(tmp_path / "one")])
    two, one = _logs(tmp_path, "two", "one")
    assert len(one) == len(two) == 4
    for a, b in zip(one, two, strict=True):
        assert a["reconstruction"] == pytest.approx(b["reconstruction"], rel=1e-4)
        assert a["correspondence"] == pytest.approx(b["correspondence"], rel=1e-4)
    a, b = (_tensors(tmp_path / name / "model.safetensors") for name in ("one", "two"))
    for name in a:
        torch.testing.assert_close(a[name], b[name], rtol=1e-3, atol=1e-4)


def test_the_limit_of_time_includes_validation(recipe, place, tmp_path, monkeypatch):
    """By a clock of its own, on which a step takes a second and a validation ten."""
    now = [0.0]

    def second():
        now[0] += 1
        return now[0]

    def validation(*_):
        now[0] += 10
        return {"first": 20.0}

    monkeypatch.setattr("srntt.train._run.time", SimpleNamespace(monotonic=second))
    monkeypatch.setattr("srntt.train._run.validate", validation)
    monkeypatch.setattr("srntt.train._run.read_pairs", lambda _: [])
    limited = _with(recipe, "schedule", steps=1000, minutes=1.0)
    train(limited, replace(place, every=12.0, validation=tmp_path))
    assert 48 <= now[0] <= 61
    (entries,) = _logs(place.output.parent, place.output.name)
    assert len(entries) == 3


@pytest.mark.slow
def test_two_processes_with_a_limit_of_time_end_together(place, tmp_path):
    """Each has a clock of its own: one of them says when to save, and when it is over."""
    script = [*_script(place), "--set", "schedule.steps=100000", "--set", "schedule.minutes=0.05", "--every", "0.3"]
    _run(["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", *script, "-o", str(tmp_path / "two")])
    (entries,) = _logs(tmp_path, "two")
    assert entries[-1]["minutes"] >= 0.03  # the rest is kept for the last checkpoint
    assert len(entries) > 2


def test_no_thread_is_left_behind(recipe, place):
    before = threading.enumerate()
    train(_with(recipe, "schedule", steps=1), place)
    assert threading.enumerate() == before
