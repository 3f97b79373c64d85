"""Folders of small pictures, and a batch as one call."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from batch.pictures import write_pictures

from srntt.batch import (
    SharedReferences,
    SideFile,
    Tally,
    UpscaleOptions,
    Worker,
    WorkerSpec,
    describe_references,
    keep_records,
    open_output_folder,
    plan_batch,
    work_here,
)
from srntt.image import Limits
from srntt.models import open_model


@pytest.fixture
def folders(tmp_path: Path) -> SimpleNamespace:
    """inputs with a.png, b.jpg, c.png (20x14), references with x.png and y.jpg; outputs is not there yet."""
    write_pictures(tmp_path / "in", ["a.png", "b.jpg", "c.png"])
    write_pictures(tmp_path / "refs", ["x.png", "y.jpg"], size=(48, 40), seed=10)
    return SimpleNamespace(inputs=tmp_path / "in", references=tmp_path / "refs", outputs=tmp_path / "out")


@pytest.fixture
def batch(folders: SimpleNamespace, model: Path) -> Callable[..., SimpleNamespace]:
    """Run a batch over the folders; gives its tally, its history and what it was."""

    def run(
        *,
        references: bool = True,
        options: UpscaleOptions = UpscaleOptions(),  # noqa: B008 (frozen)
        resume: bool = False,
        overwrite: bool = False,
        recursive: bool = False,
        suffix: str | None = None,
        best: int = 4,
        watch: Callable = lambda tally, name: None,
        work: Callable = work_here,
        side_files: tuple[SideFile, ...] = (),
    ) -> SimpleNamespace:
        planned = plan_batch(
            folders.inputs,
            folders.outputs,
            folders.references if references else None,
            recursive=recursive,
            suffix=suffix,
            side_files=side_files,
        )
        tally = Tally(len(planned.tasks), failed=list(planned.failures))
        with open_output_folder(folders.outputs) as folder:
            shared = SharedReferences()
            if planned.references and planned.chooses:
                shared = describe_references(planned.references, planned.shared, folder.descriptors, Limits())
                tally.failed += shared.failures
            spec = WorkerSpec(
                open_model(model),
                "tiny",
                planned,
                shared,
                options,
                folder.history,
                device="cpu",
                best=best,
                resume=resume,
                overwrite=overwrite,
            )
            watching = partial(watch, tally)
            records = work(Worker(spec), planned.tasks, watching)
            keep_records(records, folder, tally, watching, overwrite=overwrite)
        return SimpleNamespace(tally=tally, batch=planned, history=folder.history)

    return run
