"""A run under way: networks, optimisers, moving average; one step of it, and its checkpoint."""

import copy
import json
import math
from pathlib import Path

import torch
from torch import Tensor, nn

from srntt._safetensors import read_header, read_tensors, write_tensors
from srntt.data import Pairs
from srntt.errors import ModelError
from srntt.models import Outcome, save_model
from srntt.train import losses
from srntt.train._begin import begin, channels_last
from srntt.train._recipe import Losses, Recipe, recipe_table
from srntt.train._workers import Workers
from srntt.train.critics import Discriminator, UNetDiscriminator
from srntt.train.pairs._draws import generator
from srntt.transfer import SWAPPED_LAYERS
from srntt.weights import load_features

_LEAST_RATE = 0.01  # of the peak, at the end of a cosine


class Trainer:
    """State of a run: everything that a checkpoint holds, and how a step changes it.

    ``workers`` are the processes that share its batches; ``cache`` holds the swapped maps of ready-made pairs.
    """

    def __init__(
        self,
        recipe: Recipe,
        device: torch.device,
        workers: Workers = Workers(),  # noqa: B008 (frozen)
        cache: Path | None = None,
    ) -> None:
        schedule = recipe.schedule
        torch.manual_seed(schedule.seed)
        self.recipe, self.device, self.workers = recipe, device, workers
        self.lesson = begin(recipe, device, cache)
        self.model = self.lesson.model
        self.average = copy.deepcopy(self.model).requires_grad_(False).eval()
        self.optimizer = _adam(self.model, schedule.rate)
        self.critic = _critic(recipe, device) if recipe.losses.adversarial else None
        self.critic_optimizer = _adam(self.critic, schedule.critic_rate) if self.critic else None
        looked = _looked_through(recipe.losses).items()
        self._features = {name: load_features(name, layers, device) for name, layers in looked}
        if schedule.compile:
            self.model.fuse = torch.compile(self.model.fuse)  # pyright: ignore[reportCallIssue, reportArgumentType]
        self.step, self.seconds, self.reserved = 0, 0.0, 0.0

    def progress(self) -> float:
        """Share of the run that is done, by steps or by time, whichever is further. Of the time, ``reserved`` seconds
        are kept for the last checkpoint and its validation.
        """
        schedule = self.recipe.schedule
        by_time = (self.seconds + self.reserved) / (60 * schedule.minutes) if schedule.minutes else 0.0
        return min(1.0, max(self.step / schedule.steps, by_time))

    def rate(self) -> float:
        """Learning rate of the next step, as a share of the peak."""
        schedule, done = self.recipe.schedule, self.progress()
        warm = min(1.0, (self.step + 1) / schedule.warmup)
        if schedule.decay == "step":
            return warm * 0.5 ** sum(done >= share for share in schedule.halvings)
        return warm * (_LEAST_RATE + (1 - _LEAST_RATE) * 0.5 * (1 + math.cos(math.pi * done)))

    def advance(self, pairs: Pairs, with_references: bool) -> dict[str, float]:
        """One step of the generator, and of the critic if there is one.

        Returns:
            Every term of the loss, unweighted, as its mean over the processes.

        Raises:
            ModelError: the loss or its gradient is not finite. What it was to change was left as it was.
        """
        self.lesson.prepare(self.step, (self.model, self.average))
        self.model.train()
        with self._autocast():
            outcome = self.lesson.run(pairs, with_references)
            terms = self._terms(outcome)
        total = torch.stack([getattr(self.recipe.losses, name) * term for name, term in terms.items()]).sum()
        if not math.isfinite(found := float(self.workers.mean(total.detach()))):
            raise ModelError(f"The loss is {found} at step {self.step}.")
        self._learn(self.model, self.optimizer, self.recipe.schedule.rate, total)
        seen = {name: float(self.workers.mean(term.detach())) for name, term in terms.items()}
        if self.critic:
            seen["critic"] = self._advance_critic(self.critic, outcome.target, outcome.output.detach())
        self._move_average()
        self.step += 1
        metrics = {name: torch.tensor(value, device=self.device) for name, value in outcome.metrics.items()}
        return seen | {name: float(self.workers.mean(value)) for name, value in metrics.items()}

    def save(self, folder: Path) -> None:
        """Write the checkpoint and the averaged weights, each atomically."""
        time = {"seconds": self.seconds, "reserved": self.reserved}
        run = {"step": self.step, **time, "recipe": recipe_table(self.recipe)}
        write_tensors(folder / "checkpoint.safetensors", self._tensors(), {"run": json.dumps(run)})
        save_model(self.average, folder / "model.safetensors", overwrite=True)

    def resume(self, folder: Path) -> None:
        """Continue from a folder's checkpoint.

        Raises:
            ModelError: missing, damaged, or of another recipe; length and time limit of the run may differ, and what
                it began from.
        """
        file = folder / "checkpoint.safetensors"
        run = _read_run(file)
        _refuse_other_recipe(file, run["recipe"], recipe_table(self.recipe))
        own = self._tensors()
        stored = read_tensors(file, {name: tuple(tensor.shape) for name, tensor in own.items()})
        with torch.no_grad():
            for name, tensor in own.items():
                tensor.copy_(stored[name])
        self.step, self.seconds = int(run["step"]), float(run["seconds"])
        self.reserved = float(run["reserved"])

    def _terms(self, outcome: Outcome) -> dict[str, Tensor]:
        """The terms of the loss that have a weight and count in this step."""
        wanted, output, target = self.recipe.losses, outcome.output, outcome.target
        distance = losses.l1 if wanted.reconstruction_form == "l1" else losses.charbonnier
        terms = {"reconstruction": distance(output, target)}
        terms |= {name: term for name, term in outcome.terms.items() if getattr(wanted, name)}
        if wanted.lr_consistency:
            terms["lr_consistency"] = losses.lr_consistency(output, outcome.low_res)
        if wanted.lattice:
            terms["lattice"] = losses.lattice(output, target, self.recipe.config.scale)
        if self.step < self.recipe.schedule.reconstruction_first:
            return terms
        terms |= self._looked_at(outcome)
        if self.critic and self.step >= self.recipe.schedule.critic_warmup:
            self.critic.requires_grad_(False)
            terms["adversarial"] = self._judged(self.critic, output, target)
        return terms

    def _looked_at(self, outcome: Outcome) -> dict[str, Tensor]:
        """Terms of the perceptual networks' maps."""
        wanted, terms = self.recipe.losses, {}
        seen = {
            name: losses.look_at(network, outcome.output, outcome.target) for name, network in self._features.items()
        }
        if wanted.perceptual:
            maps = seen[wanted.perceptual_features or wanted.features]
            terms["perceptual"] = losses.perceptual(*maps, wanted.perceptual_layers, wanted.perceptual_form)
        own, truth = seen.get(wanted.features, ({}, {}))
        if wanted.texture:
            terms["texture"] = losses.texture_gram(own, truth, wanted.texture_layers, wanted.texture_tiles)
        if wanted.texture_consistency and outcome.swapped and outcome.similarity is not None:
            maps = [own[name] for name in SWAPPED_LAYERS]
            if wanted.texture_consistency_form == "paper":
                term = losses.texture_consistency(maps, outcome.swapped, outcome.similarity)
            else:
                term = losses.texture_consistency_released(maps, outcome.swapped)
            terms["texture_consistency"] = term
        return terms

    def _judged(self, critic: nn.Module, output: Tensor, target: Tensor) -> Tensor:
        if self.recipe.losses.adversarial_form == "wasserstein":
            return losses.wasserstein_generator(critic(output))
        return losses.relativistic_generator(critic(target), critic(output))

    def _advance_critic(self, critic: nn.Module, real: Tensor, fake: Tensor) -> float:
        assert self.critic_optimizer
        critic.requires_grad_(True)
        with self._autocast():
            if self.recipe.losses.adversarial_form == "wasserstein":
                stream = generator(self.recipe.schedule.seed, self.step, self.workers.rank, "penalty")
                loss = losses.wasserstein_critic(critic(real), critic(fake))
                loss = loss + self.recipe.losses.gradient_penalty * losses.gradient_penalty(
                    critic, real, fake.float(), torch.Generator(self.device).manual_seed(stream.initial_seed())
                )
            else:
                loss = losses.relativistic_critic(critic(real), critic(fake))
        self._learn(critic, self.critic_optimizer, self.recipe.schedule.critic_rate, loss)
        return float(self.workers.mean(loss.detach()))

    def _learn(self, network: nn.Module, optimizer: torch.optim.Optimizer, rate: float, loss: Tensor) -> None:
        for group in optimizer.param_groups:
            group["lr"] = rate * self.rate()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.workers.average_gradients(_learning(network))
        norm = float(nn.utils.clip_grad_norm_(_learning(network), self.recipe.schedule.clip))
        if not math.isfinite(norm):
            raise ModelError(f"The gradient is {norm} at step {self.step}.")
        optimizer.step()

    @torch.no_grad()
    def _move_average(self) -> None:
        decay = min(self.recipe.schedule.average, (1 + self.step) / (10 + self.step))
        torch._foreach_lerp_(list(self.average.parameters()), list(self.model.parameters()), 1 - decay)
        for slow, fast in zip(self.average.buffers(), self.model.buffers(), strict=True):
            slow.copy_(fast)  # what batch normalisation has seen is an average already

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.recipe.schedule.precision == "bf16")

    def _learners(self) -> list[tuple[nn.Module, torch.optim.Optimizer]]:
        both = [(self.model, self.optimizer), (self.critic, self.critic_optimizer)]
        return [(network, optimizer) for network, optimizer in both if network and optimizer]

    def _tensors(self) -> dict[str, Tensor]:
        """All that changes in a step, by name."""
        tensors = {f"average.{name}": tensor for name, tensor in self.average.state_dict().items()}
        for role, (network, optimizer) in zip(("model", "critic"), self._learners(), strict=False):
            tensors |= {f"{role}.{name}": tensor for name, tensor in network.state_dict().items()}
            for name, parameter in network.named_parameters():
                tensors |= {f"{role}.{name}.{part}": value for part, value in optimizer.state[parameter].items()}
        return tensors


def _critic(recipe: Recipe, device: torch.device) -> nn.Module:
    relativistic = recipe.losses.adversarial_form == "relativistic"
    return channels_last(UNetDiscriminator() if relativistic else Discriminator(recipe.pairs.target), device)


def _looked_through(wanted: Losses) -> dict[str, list[str]]:
    """The layers of each perceptual network that some loss of weight looks at."""
    layers: dict[str, list[str]] = {}
    if wanted.perceptual:
        layers.setdefault(wanted.perceptual_features or wanted.features, []).extend(wanted.perceptual_layers)
    if wanted.texture or wanted.texture_consistency:
        own = layers.setdefault(wanted.features, [])
        own += wanted.texture_layers if wanted.texture else ()
        own += SWAPPED_LAYERS if wanted.texture_consistency else ()
    return layers


def _adam(network: nn.Module, rate: float) -> torch.optim.Optimizer:
    """AdamW, with a state from the start: a parameter that has had no gradient yet is in a checkpoint, too."""
    optimizer = torch.optim.AdamW(_learning(network), rate, betas=(0.9, 0.99), weight_decay=1e-4)
    for parameter in _learning(network):
        moments = {name: torch.zeros_like(parameter) for name in ("exp_avg", "exp_avg_sq")}
        optimizer.state[parameter] = {"step": torch.zeros(()), **moments}
    return optimizer


def _learning(network: nn.Module) -> list[nn.Parameter]:
    return [parameter for parameter in network.parameters() if parameter.requires_grad]


def _read_run(file: Path) -> dict:
    stored = read_header(file).metadata.get("run", "")
    try:
        run = json.loads(stored)
        return {name: run[name] for name in ("recipe", "step", "seconds", "reserved")}
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ModelError(f"{file} is no checkpoint of a training run.") from error


def _refuse_other_recipe(file: Path, stored: dict, given: dict) -> None:
    given["start"] = stored.get("start")
    given["schedule"] |= {name: stored.get("schedule", {}).get(name) for name in ("steps", "minutes")}
    if stored != given:
        differing = [
            f"{name} {stored.get(name)} is now {own}" for name, own in given.items() if stored.get(name) != own
        ]
        raise ModelError(
            f"{file} is of another recipe: {'; '.join(differing)}. Resume with its own, or start elsewhere."
        )
