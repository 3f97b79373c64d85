"""The commands used in fault injection: their inputs, how they resume, and the expected files."""

import functools
import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from batch.pictures import pixels, write_pictures
from faults.children import Ended, processor_seconds, run, start
from faults.disk import Disk
from faults.fault import Ground
from models import official_oracle
from PIL import Image

from srntt._safetensors import read_header, read_tensors
from srntt.library import reading
from srntt.models import load_model, save_model
from srntt.models.lite import Lite, LiteConfig

_RECIPE = """
[lite]
channels = 8
content_blocks = 1
transfer_blocks = 1
descriptor = 8
[pairs]
target = 32
reference = 48
[schedule]
steps = 3
batch = 1
warmup = 2
alone = 0.3
precision = "fp32"
"""
#: Printed by the interpreter for an error in a callback, which cannot be caught; not a message of srntt.
_IGNORED = re.compile(r"^Exception ignored in.*?^MemoryError: ?$", re.DOTALL | re.MULTILINE)
Facts = dict[str, str]
#: Films need the extra video.
FILMS = ("video",) if find_spec("av") else ()


@dataclass(frozen=True)
class Work:
    """A command.

    Attributes:
        name: of it.
        begin: its words, for a folder.
        again: what a person would type after it failed, in a folder with these facts.
        facts: what is there under final names, each with a word for its content; one that is not whole raises.
        good_codes: of ``again``.
    """

    name: str
    begin: tuple[str, ...]
    again: Callable[[Facts], tuple[str, ...]]
    facts: Callable[[Path], Facts]
    good_codes: tuple[int, ...] = (0,)


@dataclass
class Undisturbed:
    """The course of a command without faults.

    Attributes:
        facts: what it leaves.
        seconds: of processor time.
        acts: what it does to the disk, in order.
    """

    facts: Facts
    seconds: float
    acts: list[str] = field(default_factory=list)


@functools.cache
def known(name: str, ground: Ground) -> tuple[Work, Undisturbed]:
    """A command and its undisturbed course: run twice, because the first run may compile."""
    work = works(ground)[name]
    found = []
    for _ in range(2):
        with ground.folder() as folder:
            child = start(folder, work.begin, lambda folder=folder: Disk(record=folder / "home" / "acts").install())
            seconds = _seconds_of(child)
            found.append(Undisturbed(work.facts(folder), seconds, (folder / "home" / "acts").read_text().split()))
    assert found[0].facts == found[1].facts, "two undisturbed runs differ"
    return work, found[1]


def _seconds_of(child: int) -> float:
    seconds = 0.0
    while not os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
        seconds = max(seconds, processor_seconds(child))
        time.sleep(0.002)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    return seconds


@functools.cache
def works(ground: Ground) -> dict[str, Work]:
    """All commands, with their inputs created in the ground folder."""
    things = ground.root / "things"
    things.mkdir(parents=True)
    _make_things(things)
    model = ("--model", str(things / "model"), "--device", "cpu")
    sidecars = ("-o", "out/x.png", "--map", "out/map.png", "--provenance", "out/from.npz", "--overwrite")
    upscale = ("upscale", str(things / "a.png"), "--ref", str(things / "ref.png"), *sidecars, *model)
    batch = ("batch", str(things / "in"), "-r", str(things / "refs"), "-o", "out/all", "--resume", *model)
    settings = ("--photographs", str(things / "photographs"), "-o", "out/run", "--every", "0", "--device", "cpu")
    train = ("train", str(things / "recipe.toml"), *settings, "--threads", "1")
    video = ("video", str(things / "film.mp4"), "--ref", str(things / "ref.png"), "-o", "out/x.mp4", *model)
    convert = ("weights", "convert", str(things / "upscale.npz"), "-o", "out/extractor")
    library = ("library", "add", str(things / "photographs"), "--library-file", "out/library.sqlite")
    found = (
        Work("upscale", upscale, lambda facts: upscale, _contents),
        Work("batch", batch, lambda facts: batch, _contents, (0, 3)),
        Work("train", train, lambda facts: _resumed(train, facts), _run_facts),
        Work("library", library, lambda facts: library, _library_facts),
        Work("video", video, lambda facts: (*video, "--overwrite" if facts else "--resume"), _contents),
        Work("weights", convert, lambda facts: (*convert, "--overwrite") if facts else convert, _model_facts),
    )
    return {work.name: work for work in found}


def _resumed(train: tuple[str, ...], facts: Facts) -> tuple[str, ...]:
    return (*train, "--resume") if "run/checkpoint.safetensors" in facts else train


def _make_things(things: Path) -> None:
    Image.fromarray(pixels(20, 24)).save(things / "a.png")
    Image.fromarray(pixels(48, 56, 1)).save(things / "ref.png")
    write_pictures(things / "in", ["a.png", "b.jpg", "c.png"])
    write_pictures(things / "refs", ["x.png", "y.png"], size=(48, 40), seed=10)
    write_pictures(things / "photographs", ["1.png", "2.png"], size=(96, 80), seed=20)
    (things / "recipe.toml").write_text(_RECIPE)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = LiteConfig(channels=8, content_blocks=1, transfer_blocks=1, descriptor=8)
        save_model(Lite(config), things / "model", card="# tiny\n\nFor tests.\n")
    if FILMS:
        from video.films import pictures, write_film

        write_film(things / "film.mp4", pictures(20))
    tape = official_oracle.Tape(seed=3)
    official_oracle.content_extractor(tape, np.zeros((3, 3, 3)))
    official_oracle.save_official(things / "upscale.npz", tape.arrays)


def files(folder: Path) -> dict[str, Path]:
    """Every file with a final name below ``out``: hidden files are unfinished, or internal to a batch."""
    found = (path for path in sorted((folder / "out").rglob("*")) if path.is_file())
    named = {path.relative_to(folder / "out").as_posix(): path for path in found}
    return {name: path for name, path in named.items() if not any(part.startswith(".") for part in name.split("/"))}


def leftovers(folder: Path) -> list[str]:
    """Unfinished files below ``out``."""
    return [path.name for path in (folder / "out").rglob("*.part")]


def _contents(folder: Path) -> Facts:
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files(folder).items()}


def _model_facts(folder: Path) -> Facts:
    facts = _contents(folder)
    if any(name.startswith("extractor/") for name in facts):
        load_model(folder / "out" / "extractor")
    return facts


def _library_facts(folder: Path) -> Facts:
    """What is stored of each photograph: one that was not reached yet is missing."""
    path = folder / "out" / "library.sqlite"
    if not path.exists():
        return {}
    select = (
        "SELECT path, sha256, descriptor, packed FROM file JOIN photograph ON id = file.photograph "
        "JOIN keypoints ON keypoints.photograph = id"
    )
    with reading(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        rows = connection.execute(select).fetchall()
    return {Path(os.fsdecode(name)).name: hashlib.sha256(b"".join(stored)).hexdigest() for name, *stored in rows}


def _run_facts(folder: Path) -> Facts:
    """A checkpoint without its run time, and a model that loads.

    The log and the samples must be readable: a run killed after a checkpoint lacks what follows it.
    """
    facts = {}
    for name, path in files(folder).items():
        if path.name == "checkpoint.safetensors":
            facts[name] = _checkpoint(path)
        elif path.name == "log.jsonl":
            steps = [json.loads(line)["step"] for line in path.read_text().splitlines()]
            assert steps == sorted(set(steps)), f"the log lists the steps {steps}"
        elif path.suffix == ".png":
            Image.open(path).load()
        else:
            load_model(path)
            facts[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return facts


def _checkpoint(path: Path) -> str:
    header = read_header(path)
    tensors = read_tensors(path, {name: info.shape for name, info in header.tensors.items()})
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(name.encode() + tensor.numpy().tobytes())
    return f"step {json.loads(header.metadata['run'])['step']} {digest.hexdigest()}"


def judged(work: Work, whole: Undisturbed, folder: Path) -> tuple[Facts, list[str]]:
    """The present files, and those that must not exist: partial files, and contents that only a disturbed run has."""
    try:
        facts = work.facts(folder)
    except Exception as error:
        return {}, [f"{work.name}: not whole: {type(error).__name__}: {error}"]
    if work.name == "train":  # whose files change from step to step; only that they can be read is checked
        return facts, []
    return facts, [f"{name} is not what it should be" for name in facts if facts[name] != whole.facts.get(name)]


def went_on(work: Work, whole: Undisturbed, folder: Path, facts: Facts) -> list[str]:
    """Run the command again as a user would; return what is wrong."""
    ended = run(folder, work.again(facts))
    if ended.code not in work.good_codes:
        return [f"again: exit code {ended.code}: {ended.output[-300:]}"]
    now, lost = judged(work, whole, folder)
    return lost + differences(whole.facts, now)


def differences(wanted: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    """Differences between facts."""
    names: Sequence[str] = sorted(wanted.keys() | found.keys())
    return [
        f"{name}: {found.get(name, 'missing')[:70]}, not {wanted.get(name, 'there')[:70]}"
        for name in names
        if found.get(name) != wanted.get(name)
    ]


def is_reported(ended: Ended) -> list[str]:
    """Problems of the message of a failed command: it must be readable, and state what to do."""
    output = _IGNORED.sub("", ended.output)
    found = {
        "a traceback": "Traceback" in output,
        "an unexpected error": "an unexpected error" in ended.output,
        "no word": not any(line.startswith("srntt: ") for line in ended.output.splitlines()),
    }
    return [f"{what}: {ended.output[-400:]}" for what, wrong in found.items() if wrong]
