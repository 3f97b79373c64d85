"""Measures the quality table of the README, stores it in benchmarks/results/quality.json, and writes it to README.md.

    make results                      lite-rec with all references takes most of the time; each set is stored when done
    make results DATA=FOLDER          another folder with refpairs-dev, refpairs-near-dev and sets/Set5
    python benchmarks/quality.py --tables     only write the content of quality.json to the documents

Expect, of the 15 wide views, 26.59 dB for bicubic and 28.95 for DAT-light; of Set5, 28.42 and 32.57.

Results are stored in out/results, so that an interrupted run continues and an unchanged one finishes immediately:
scores keyed by everything they depend on (`srntt.evaluate.Evaluator`), outputs of a peer by its weights and its input.
A missing set or peer is named and skipped; its figures in quality.json are kept, with their commit.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from origin import origin
from quality_tables import write_tables

from srntt import Upscaler
from srntt._files import write_bytes
from srntt.data import ReferenceKind
from srntt.errors import InputError, MissingDependencyError
from srntt.evaluate import (
    Evaluation,
    Evaluator,
    Peer,
    PreparedReference,
    Upscale,
    Upscaled,
    choose_metrics,
    open_peer,
    protocol_named,
)
from srntt.metrics import round_to_bytes
from srntt.models import fingerprint, open_model

REPOSITORY = Path(__file__).parent.parent
RESULTS = REPOSITORY / "benchmarks" / "results" / "quality.json"
KEPT = REPOSITORY / "out" / "results"
METRICS = ("psnr_y", "ssim_y")
MODEL = "lite-rec"


@dataclass(frozen=True)
class Set:
    """Images, and the methods scored on them.

    Attributes:
        title: for people, with the number of targets.
        folder: below the repository, or else below the development data.
        protocol: name.
        peers: names.
        refs: that the model is given.
    """

    title: str
    folder: str
    protocol: str = "pairs"
    peers: tuple[str, ...] = ("bicubic", "dat-light")
    refs: tuple[ReferenceKind, ...] = ("none", "first", "all", "unrelated")


SETS = {
    "motorcycle": Set("motorcycle (1)", "examples/motorcycle", refs=("none", "first")),
    "Set5": Set(
        "Set5, its own LR (5)", "sets/Set5", "sisr", ("bicubic-matlab", "dat-light", "realesrgan"), refs=("none",)
    ),
    "refpairs-near-dev": Set("neighbouring frames (6)", "refpairs-near-dev"),
    "refpairs-dev": Set("wide views (15)", "refpairs-dev"),
}


def main() -> None:
    """Score the available sets, store the scores, and write the tables."""
    options = argparse.ArgumentParser(description="Every figure of README's quality table.")
    options.add_argument("--data", type=Path, default=REPOSITORY.parent / "shared" / "data", help="development data")
    options.add_argument("--tables", action="store_true", help="score nothing, only write the tables again")
    chosen = options.parse_args()
    if not chosen.tables:
        for text in measure(chosen.data):
            print(f"left out: {text}", file=sys.stderr)
    write_tables(json.loads(RESULTS.read_text("utf-8")))


def measure(data: Path) -> list[str]:
    """Score every available set with every available method, and store each set when it is done.

    Returns:
        What was left out, and why.
    """
    left_out = []
    with ExitStack() as opened:
        peers = {}
        for name in dict.fromkeys(name for item in SETS.values() for name in item.peers):
            try:
                peers[name] = opened.enter_context(remembering(name))
            except MissingDependencyError as error:
                left_out.append(f"{name}: {error}")
        upscaler = Upscaler.from_pretrained(MODEL, device="cpu")
        for name, item in SETS.items():
            folder = next((f for f in (REPOSITORY / item.folder, data / item.folder) if f.is_dir()), None)
            if folder is None:
                left_out.append(f"{name}: {data / item.folder} is not there")
                continue
            here = [peers[peer] for peer in item.peers if peer in peers]
            record(name, scored(name, item, folder, upscaler, here))
    return left_out


def record(name: str, found: dict[str, Any]) -> None:
    """Store a set in quality.json, which keeps the other sets."""
    before = json.loads(RESULTS.read_text("utf-8"))["sets"] if RESULTS.exists() else {}
    sets = {**before, name: merged(before.get(name), found)}
    content = {"metrics": METRICS, "sets": {name: sets[name] for name in SETS if name in sets}}
    write_bytes(RESULTS, (json.dumps(content, indent=1, allow_nan=False) + "\n").encode())


def scored(name: str, item: Set, folder: Path, upscaler: Upscaler, peers: Sequence[Peer]) -> dict[str, Any]:
    """One set: the origin of its figures, and a row for each method."""
    protocol = protocol_named(item.protocol)
    pairs = protocol.data.read(folder, subset=False)
    progress = partial(show_progress, name)
    evaluator = Evaluator(protocol, pairs, choose_metrics(METRICS), folder, progress, KEPT / name)
    evaluations = [
        *(evaluator.peer(peer) for peer in peers),
        *evaluator.model(upscaler, MODEL, [(kind, None) for kind in item.refs]),
    ]
    rows = [row(evaluation) for evaluation in evaluations]
    about = {"title": item.title, "protocol": item.protocol, "targets": len(pairs)}
    return {**about, **origin(), "weights": {MODEL: weights_hash()}, "rows": rows}


def row(evaluation: Evaluation) -> dict[str, Any]:
    """Means, and the figures of each image."""
    report = evaluation.as_json()
    about = {key: report[key] for key in ("model", "peer", "refs", "mean") if key in report}
    assert evaluation.seconds is not None
    return {**about, "seconds": round(evaluation.seconds, 2), "images": report["images"]}


def merged(before: dict[str, Any] | None, now: dict[str, Any]) -> dict[str, Any]:
    """The new rows, and earlier rows of peers that are not available now, with their commit."""
    if before is None:
        return now
    fresh = {entry["model"] for entry in now["rows"] if "peer" in entry}
    kept = [entry for entry in before["rows"] if "peer" in entry and entry["model"] not in fresh]
    return {
        **now,
        "rows": [*({**entry, "commit": entry.get("commit", before["commit"])} for entry in kept), *now["rows"]],
    }


def weights_hash() -> str:
    """The hash of the shipped weights, as reports name it."""
    return fingerprint(open_model(MODEL))


def show_progress(name: str, what: str, done: int, total: int) -> None:
    """Progress on stderr, one line per image."""
    print(f"{name}, {what}: {done} of {total}", file=sys.stderr)


@contextmanager
def remembering(name: str) -> Iterator[Peer]:
    """A peer whose outputs are cached, in the 8 bits used for scoring, with the seconds of the first run."""
    with open_peer(name) as peer:
        yield Peer(name, peer.upscale if "weights" not in peer.made_of else remembered(peer), peer.made_of)


def remembered(peer: Peer) -> Upscale:
    """The same outputs, read from disk if they were computed before."""

    def upscale(low_res: np.ndarray, references: Sequence[PreparedReference]) -> Upscaled:
        made_of = json.dumps([dict(peer.made_of), low_res.shape], sort_keys=True).encode()
        file = KEPT / "peers" / f"{hashlib.sha256(made_of + low_res.tobytes()).hexdigest()}.npz"
        if file.is_file():
            with np.load(file, allow_pickle=False) as kept:
                return Upscaled(kept["picture"].astype(np.float64) / 255, seconds=float(kept["seconds"]))
        fresh = peer.upscale(low_res, references)
        keep(file, np.rint(round_to_bytes(fresh.picture) * 255).astype(np.uint8), fresh.seconds)
        return fresh

    return upscale


def keep(file: Path, picture: np.ndarray, seconds: float | None) -> None:
    """Write atomically."""
    from io import BytesIO

    content = BytesIO()
    np.savez_compressed(content, picture=picture, seconds=np.float64(seconds or 0))
    write_bytes(file, content.getvalue())


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"srntt: {error}")
