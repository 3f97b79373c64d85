"""Compares the ratios of a run, never its seconds, with the stored ones: is anything slower, larger or worse?

    python benchmarks/check.py [out/bench.json] [benchmarks/results/performance.json]

A ratio may be worse than the kept one by the tolerance of its kind. Times of one run vary with what else the machine
does, each method alike, so that theirs is wide: it finds what became half as fast, not a tenth. Exit code 1 if any is
worse than that, or if a peak was above its prediction, whatever was kept.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parent.parent

#: The factor by which a ratio may be worse; for a quality (a share between 0 and 1), the permitted decrease.
TOLERANCE = {"time": 1.4, "memory": 1.1, "quality": 0.01}
_PREDICTED = "peak over predicted"


def main(measured: str = "out/bench.json", kept: str = "benchmarks/results/performance.json") -> int:
    """Print a line for each ratio; return 1 if one is out of tolerance, 2 if there is nothing to compare."""
    files = [REPOSITORY / name for name in (measured, kept)]
    if missing := [str(file) for file in files if not file.is_file()]:
        print(f"There is no {', no '.join(missing)}. Make them with `make bench` and benchmarks/suite.py --keep.")
        return 2
    now, before = (json.loads(file.read_text("utf-8")) for file in files)
    for line in _differences_of_machine(now, before):
        print(line)
    verdicts = list(compared(now["ratios"], before["ratios"]))
    for verdict, line in verdicts:
        print(f"{verdict:8} {line}")
    return int(any(verdict == "WORSE" for verdict, _ in verdicts))


def compared(now: Mapping[str, Any], before: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Verdict and line of each ratio: ok, WORSE, new, or missing."""
    for name, ratio in now.items():
        value, old = ratio["value"], before.get(name, {}).get("value")
        figures = f"{name}: {value:.3g}" + ("" if old is None else f" (kept {old:.3g})")
        if _PREDICTED in name and value > 1:
            yield "WORSE", f"{figures}: more than was predicted"
        elif old is None:
            yield "new", figures
        elif _worse(ratio, old):
            yield "WORSE", f"{figures}, {ratio['better']} is better, tolerance {TOLERANCE[ratio['kind']]}"
        else:
            yield "ok", figures
    for name in before.keys() - now.keys():
        yield "missing", f"{name}: not measured this time"


def _worse(ratio: Mapping[str, Any], old: float) -> bool:
    tolerance = TOLERANCE[ratio["kind"]]
    if ratio["kind"] == "quality":
        return ratio["value"] < old - tolerance
    if ratio["better"] == "lower":
        return ratio["value"] > old * tolerance
    return ratio["value"] < old / tolerance


def _differences_of_machine(now: Mapping[str, Any], before: Mapping[str, Any]) -> Iterator[str]:
    if now["threads"] != before["threads"]:
        yield f"note: {now['threads']} threads now, {before['threads']} then: times do not compare well"
    for name in ("torch", "numba", "processor", "cpu_count"):
        here, there = now["environment"].get(name), before["environment"].get(name)
        if here != there:
            yield f"note: {name} is {here} now and was {there}"


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
