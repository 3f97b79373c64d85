"""Worker that chooses the model for each picture."""

from collections.abc import Callable
from dataclasses import replace

from srntt.batch._record import Record
from srntt.batch._resolve import Resolver
from srntt.batch._tasks import Task
from srntt.batch._worker import Worker, WorkerSpec
from srntt.errors import SrnttError
from srntt.models import Progress
from srntt.upscale import CLEAN, ModelChoice, choose_model


class AutoWorker:
    """Worker that delegates each task to a worker with the model chosen for its picture.

    ``spec_of`` returns the specification of a worker by the name of its model; it is called once for each model used.
    """

    def __init__(self, spec_of: Callable[[str], WorkerSpec]) -> None:
        self._spec_of, self._workers = spec_of, dict[str, Worker]()
        spec = spec_of(CLEAN)
        self._resolver = Resolver(spec.batch, spec.shared, spec.options, spec.best, spec.limits, spec.memory)
        self._workers[CLEAN] = Worker(spec)

    def __call__(self, task: Task, progress: Progress | None = None) -> Record:
        """Perform a task; the record states which model was chosen and why."""
        choice = self._choice(task)
        if choice.model not in self._workers:
            self._workers[choice.model] = Worker(self._spec_of(choice.model))
        record = self._workers[choice.model](task, progress)
        return replace(record, about=record.about | {"model_reason": choice.reason}) if record.about else record

    def _choice(self, task: Task) -> ModelChoice:
        """Choose the model; any model for a picture that cannot be read, since its worker reports the error."""
        try:
            return choose_model(self._resolver.open_input(task))
        except (SrnttError, MemoryError):
            return ModelChoice(CLEAN, "")
