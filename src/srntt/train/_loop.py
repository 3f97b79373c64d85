"""The training loop: steps, schedule, moving average, checkpoints, log."""

import json
import math
import queue
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from srntt._safetensors import read_header, read_tensors, write_tensors
from srntt.errors import InputError
from srntt.network import Lite, load_model, save_model
from srntt.train._pairs import Pairs, make_pairs
from srntt.train._photographs import Photographs
from srntt.train._plan import TrainingPlan
from srntt.train._step import StepLosses, losses
from srntt.train._validate import validate

_PREFETCH = 3
_CHECKPOINT = "checkpoint.safetensors"


class Trainer:
    """State of a run; everything that a checkpoint holds."""

    def __init__(self, plan: TrainingPlan, device: torch.device) -> None:
        torch.manual_seed(plan.seed)
        self.plan, self.device = plan, device
        model = Lite(plan.model).to(device)
        if plan.start:
            _start_from(model, plan.start)
        for parameter in [model.log_temperature, *model.encoder.parameters()]:
            parameter.requires_grad_(not plan.frozen)
        self.model = model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self.average = Lite(plan.model).to(device)
        self.average.load_state_dict(self.model.state_dict())
        self.optimizer = torch.optim.AdamW(self._learning(), plan.rate, betas=(0.9, 0.99), weight_decay=1e-4)
        self.step, self.seconds = 0, 0.0

    def progress(self) -> float:
        """Share of the run that is done, by steps or by time, whichever is further."""
        by_time = self.seconds / (60 * self.plan.minutes) if self.plan.minutes else 0.0
        return min(1.0, max(self.step / self.plan.steps, by_time))

    def rate(self) -> float:
        """Learning rate of the next step."""
        warm = min(1.0, (self.step + 1) / self.plan.warmup)
        return self.plan.rate * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * self.progress())))

    def advance(self, pairs: Pairs, with_reference: bool) -> StepLosses:
        """One optimiser step."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate()
        with torch.autocast(self.device.type, torch.bfloat16):
            terms = losses(self.model, pairs, with_reference)
        total = (
            terms.reconstruction
            + self.plan.correspondence * terms.correspondence
            + self.plan.sub_position * terms.sub_position
        )
        if not torch.isfinite(total):
            raise InputError(f"the loss is {float(total)} at step {self.step}; the last checkpoint is whole")
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self._move_average()
        self.step += 1
        return terms

    def save(self) -> None:
        """Write the checkpoint and the averaged weights, each whole or not at all."""
        clock = {"step": str(self.step), "seconds": repr(self.seconds)}
        write_tensors(self.plan.output / _CHECKPOINT, self._tensors(), clock)
        save_model(self.average, self.plan.output / "model.safetensors", overwrite=True)

    def resume(self) -> None:
        """Continue from the output folder's checkpoint, if it has one.

        Raises:
            ModelError: it is damaged, or of a model of another size.
        """
        file = self.plan.output / _CHECKPOINT
        if not file.exists():
            return
        for parameter in self._learning():  # an optimiser has no state before its first step
            self.optimizer.state[parameter] = {
                "step": torch.zeros(()),
                "exp_avg": torch.zeros_like(parameter),
                "exp_avg_sq": torch.zeros_like(parameter),
            }
        own = self._tensors()
        stored = read_tensors(file, {name: tuple(tensor.shape) for name, tensor in own.items()})
        with torch.no_grad():
            for name, tensor in own.items():
                tensor.copy_(stored[name])
        clock = read_header(file).metadata
        self.step, self.seconds = int(clock["step"]), float(clock["seconds"])

    def _tensors(self) -> dict[str, Tensor]:
        """All that changes in a step, by name."""
        tensors = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        tensors |= {f"average.{name}": tensor for name, tensor in self.average.state_dict().items()}
        for name, parameter in self.model.named_parameters():
            if parameter.requires_grad:
                state = self.optimizer.state[parameter]
                tensors |= {f"optimizer.{name}.{part}": value for part, value in state.items()}
        return tensors

    def _learning(self) -> list[nn.Parameter]:
        return [parameter for parameter in self.model.parameters() if parameter.requires_grad]

    @torch.no_grad()
    def _move_average(self) -> None:
        decay = min(self.plan.average, (1 + self.step) / (10 + self.step))
        for slow, fast in zip(self.average.parameters(), self.model.parameters(), strict=True):
            slow.lerp_(fast, 1 - decay)


def _start_from(model: Lite, file: Path) -> None:
    """Take over a model's weights. Blocks that it lacks begin as the identity."""
    missing = model.load_state_dict(load_model(file).state_dict(), strict=False).missing_keys
    for name in missing:
        if ".second." in name:
            model.get_parameter(name).detach().zero_()


def train(plan: TrainingPlan, device: torch.device) -> Path:
    """Run a plan to its end, resuming what its output folder holds.

    Returns:
        The file with the averaged weights.
    """
    if plan.threads:
        torch.set_num_threads(plan.threads)
    plan.output.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(plan, device)
    trainer.resume()
    smallest = max(plan.pairs.target, plan.pairs.reference) + 8
    photographs = Photographs(list(plan.photographs), smallest, device)
    random = np.random.default_rng([plan.seed, trainer.step])
    mean = _RunningMean()
    saved = began = time.monotonic()
    before = trainer.seconds
    for pairs in _prefetched(photographs, plan, random):
        terms = trainer.advance(pairs, with_reference=random.uniform() >= plan.alone)
        mean.add(terms)
        trainer.seconds = before + time.monotonic() - began
        finished = trainer.progress() >= 1
        if finished or time.monotonic() - saved > plan.every:
            saved = time.monotonic()
            trainer.save()
            _log(trainer, mean)
        if finished:
            break
    return plan.output / "model.safetensors"


class _RunningMean:
    def __init__(self) -> None:
        self.values: dict[str, float] = {}

    def add(self, terms: StepLosses) -> None:
        for name, term in terms._asdict().items():
            value = float(term.detach()) if isinstance(term, torch.Tensor) else term
            if value != 0:  # zero is what a step did not owe
                self.values[name] = 0.98 * self.values.get(name, value) + 0.02 * value


def _log(trainer: Trainer, mean: _RunningMean) -> None:
    entry = {"step": trainer.step, "minutes": trainer.seconds / 60, "rate": trainer.rate(), **mean.values}
    if trainer.plan.validation:
        entry |= validate(trainer.average, trainer.plan.validation, trainer.device)
    line = json.dumps({name: round(value, 6) for name, value in entry.items()})
    with (trainer.plan.output / "log.jsonl").open("a") as log:
        log.write(line + "\n")
    print(line, flush=True)


def _prefetched(photographs: Photographs, plan: TrainingPlan, random: np.random.Generator) -> Iterator[Pairs]:
    source = random.spawn(1)[0]
    ready: queue.Queue[Pairs | Exception] = queue.Queue(_PREFETCH)

    def work() -> None:
        while True:
            try:
                ready.put(make_pairs(photographs, plan.batch, plan.pairs, source))
            except Exception as error:
                ready.put(error)
                return

    threading.Thread(target=work, daemon=True).start()
    while True:
        pairs = ready.get()
        if isinstance(pairs, Exception):
            raise pairs
        yield pairs
