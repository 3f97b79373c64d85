"""Runs every fuzzer for its share of the time; prints executions and findings (make fuzz).

    FUZZ_SECONDS=600 FUZZ_CORPUS=out/fuzz python -m fuzz [NAME ...]

Coverage-guided (atheris: libFuzzer, with srntt's and Pillow's Python instrumented; C code is run, not instrumented).
The corpus is stored and grows from run to run. Exit code 1 on findings, which are stored next to the corpus.
"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

FUZZERS = ("decode", "png16", "model_file", "official_npz")
_MOST_MIB, _MOST_SECONDS = 2500, 30  # of one execution: torch alone takes several hundred MiB


class Fuzzed(NamedTuple):
    """The results of a fuzzer."""

    name: str
    executions: int
    seconds: float
    corpus: int
    coverage: int
    found: tuple[str, ...]


def main(names: list[str]) -> int:
    """Run them; return the exit code."""
    chosen = [name for name in FUZZERS if not names or name in names]
    seconds = float(os.environ.get("FUZZ_SECONDS", "600")) / len(chosen)
    root = Path(os.environ.get("FUZZ_CORPUS", "out/fuzz")).absolute()
    done = [_run(name, seconds, root) for name in chosen]
    print("| fuzzer | executions | seconds | inputs kept | edges covered | found |\n|---|---|---|---|---|---|")
    for item in done:
        print(
            f"| {item.name} | {item.executions:,} | {item.seconds:.0f} | {item.corpus:,} | {item.coverage:,} "
            f"| {len(item.found)} |"
        )
    print(f"\n{sum(item.executions for item in done):,} executions fuzzed")
    for item in done:
        print(*(f"{item.name}: {path}" for path in item.found), sep="\n", end="\n" if item.found else "")
    return 1 if any(item.found for item in done) else 0


def _run(name: str, seconds: float, root: Path) -> Fuzzed:
    corpus, found = root / name, root / f"{name}-found"
    for folder in (corpus, found):
        folder.mkdir(parents=True, exist_ok=True)
    before = set(found.iterdir())
    options = [f"-max_total_time={seconds:.0f}", f"-rss_limit_mb={_MOST_MIB}", f"-timeout={_MOST_SECONDS}"]
    options += ["-print_final_stats=1", "-max_len=20000", f"-artifact_prefix={found}/"]
    began = time.monotonic()
    log = root / f"{name}.log"
    with log.open("w") as stream:
        subprocess.run(
            [sys.executable, "-m", f"fuzz.{name}", *options, str(corpus)], stderr=stream, stdout=stream, check=False
        )
    text = log.read_text(errors="replace")
    if "INFO: seed corpus" not in text and "#2\tINITED" not in text:
        raise SystemExit(f"{name} did not start: see {log}")
    executions = re.findall(r"number_of_executed_units: (\d+)", text) or re.findall(r"^#(\d+)", text, re.MULTILINE)
    coverage = re.findall(r"cov: (\d+)", text)
    return Fuzzed(
        name,
        int(executions[-1]) if executions else 0,
        time.monotonic() - began,
        sum(1 for _ in corpus.iterdir()),
        int(coverage[-1]) if coverage else 0,
        tuple(str(path) for path in sorted(set(found.iterdir()) - before)),
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
