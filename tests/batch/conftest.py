"""A tiny model, folders of small pictures, and a batch as one call."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from batch.pictures import write_pictures
from tiny import tiny_model

from srntt.batch import (
    Beside,
    KnownDescriptors,
    LocalEngine,
    Resolver,
    Run,
    Settings,
    Station,
    Tally,
    Worker,
    describe_pool,
    open_output_folder,
    plan_batch,
)
from srntt.image import Limits
from srntt.upscale import Upscaler


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a light model of the smallest size, its weights drawn from a fixed seed."""
    return tiny_model(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session")
def upscaler(model: Path) -> Upscaler:
    return Upscaler.from_pretrained(model, device="cpu")


@pytest.fixture
def folders(tmp_path: Path) -> SimpleNamespace:
    """inputs with a.png, b.jpg, c.png (20x14), references with x.png and y.jpg; outputs is not there yet."""
    write_pictures(tmp_path / "in", ["a.png", "b.jpg", "c.png"])
    write_pictures(tmp_path / "refs", ["x.png", "y.jpg"], size=(48, 40), seed=10)
    return SimpleNamespace(inputs=tmp_path / "in", references=tmp_path / "refs", outputs=tmp_path / "out")


@pytest.fixture
def batch(folders: SimpleNamespace, upscaler: Upscaler) -> Callable[..., SimpleNamespace]:
    """Run a batch over the folders; gives its tally and its worker."""

    def run(
        *,
        references: bool = True,
        settings: Settings = Settings(),  # noqa: B008 (frozen)
        resume: bool = False,
        overwrite: bool = False,
        recursive: bool = False,
        suffix: str | None = None,
        best: int = 4,
        watch: Callable = lambda tally, name: None,
        before: Callable = lambda work: None,
        cache_bytes: int = 10**9,
        also: tuple[Beside, ...] = (),
    ) -> SimpleNamespace:
        plan = plan_batch(
            folders.inputs,
            folders.outputs,
            folders.references if references else None,
            recursive=recursive,
            suffix=suffix,
            also=also,
        )
        tally = Tally(len(plan.pictures), failed=list(plan.problems))
        with open_output_folder(folders.outputs) as folder:
            pool = None
            if plan.chooses:
                known = KnownDescriptors(folder.descriptors)
                pool = describe_pool(folders.references, plan.shared, known, Limits())
                tally.failed += pool.problems
            worker = Worker(upscaler, folder.outputs, cache_bytes=cache_bytes)
            resolver = Resolver(plan, pool, worker.fingerprint, settings, best=best)
            station = Station(resolver, worker, folder.manifest, resume, overwrite)
            work = Run(plan, LocalEngine(station), folder, overwrite)
            before(work)
            work.all(tally, watch)
        return SimpleNamespace(tally=tally, worker=worker, plan=plan)

    return run
