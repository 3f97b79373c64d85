"""The processes that train together: one, or as many as ``torchrun`` started."""

import os
from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn

from srntt.errors import InputError


@dataclass(frozen=True)
class Workers:
    """This process's place among those that share a run's batches; that of rank 0 writes the files."""

    rank: int = 0
    count: int = 1

    @classmethod
    def joined(cls, device: torch.device) -> "Workers":
        """The processes that ``torchrun`` started, who find each other here; one alone without it."""
        count = int(os.environ.get("WORLD_SIZE", "1"))
        if count == 1:
            return cls()
        if not dist.is_initialized():
            dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
        return cls(dist.get_rank(), count)

    def samples(self, batch: int) -> range:
        """This process's share of a step's batch; InputError if the batch cannot be shared evenly."""
        if batch % self.count:
            raise InputError(f"A batch of {batch} does not divide among {self.count} processes; give a multiple of it.")
        share = batch // self.count
        return range(self.rank * share, (self.rank + 1) * share)

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Give every process the mean of all processes' gradients."""
        if self.count > 1:
            gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
            flat = torch.cat([gradient.flatten() for gradient in gradients])
            dist.all_reduce(flat)
            flat /= self.count
            for gradient, part in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
                gradient.copy_(part.view_as(gradient))

    def mean(self, value: Tensor) -> Tensor:
        """The mean of a number over all processes."""
        if self.count == 1:
            return value
        value = value.detach().clone()
        dist.all_reduce(value)
        return value / self.count

    def of_first(self, number: float, device: torch.device) -> float:
        """The first process's number, in all of them: each has a clock of its own, and one must decide."""
        if self.count == 1:
            return number
        shared = torch.tensor(number, dtype=torch.float64, device=device)
        dist.broadcast(shared, 0)
        return float(shared)

    def wait(self) -> None:
        """Until every process is here."""
        if self.count > 1:
            dist.barrier()


def own_device(device: torch.device) -> torch.device:
    """Of the processes that ``torchrun`` started on a machine, each takes the GPU of its local rank."""
    if device.type == "cuda" and device.index is None:
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    return device
