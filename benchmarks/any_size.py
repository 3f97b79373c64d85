"""Time and memory at any size: the sweep, its figure, and two large upscales with memory budgets.

    python benchmarks/any_size.py PHOTOGRAPHS [--megapixels 0.25,1,4,...] [--parts sweep,24,96] [--output FILE] [--keep]

PHOTOGRAPHS is a folder of any that have 1536 x 1024 pixels or more; outputs and references of any size are put together
from them. Each case is a process of its own (``srntt bench memory``). The sweep goes from 0.25 to 100 megapixels with
two references, then with 1 to 8; "24" is 24 megapixels from four references of 12 within 2 GB, "96" is 96 megapixels
from two of 6 within 3 GB. Parts that are not measured again stay as FILE has them. ``--keep`` draws
docs/any-size.svg. Exits with 1 where a budget, a prediction (20 percent either way) or the limit on time
(1200 CPU seconds for "96") was not kept.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import documents
from documents import markdown
from draw_sizes import draw
from performance_tables import DOCUMENT

from srntt._files import write_bytes
from srntt.bench import bench_memory
from srntt.evaluate import environment
from srntt.memory import parse_memory

REPOSITORY = Path(__file__).parent.parent
PICTURE = REPOSITORY / "docs" / "any-size.svg"
_SWEEP = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 24.0, 50.0, 100.0)
_LARGE = {
    "24": {"megapixels": (24.0,), "references": (4,), "reference": (3000, 4000), "memory": "2GB"},
    "96": {"megapixels": (96.0,), "references": (2,), "reference": (2000, 3000), "memory": "3GB"},
}
_CPU_SECONDS = {"96": 1200}
_OFF = 1.2


def main() -> None:
    """Measure the requested parts, write and draw the results, and check them."""
    parser = argparse.ArgumentParser(description="Time and memory at any size.")
    parser.add_argument("photographs", type=Path)
    parser.add_argument("--megapixels", default=",".join(map(str, _SWEEP)))
    parser.add_argument("--parts", default="sweep,24,96")
    parser.add_argument("--output", type=Path, default=REPOSITORY / "out" / "any-size.json")
    parser.add_argument("--keep", action="store_true")
    arguments = parser.parse_args()
    report = json.loads(arguments.output.read_text()) if arguments.output.is_file() else {}
    for name in arguments.parts.split(","):
        print(f"{name} ...", file=sys.stderr, flush=True)
        report[name] = _measured(name, arguments.photographs, [float(text) for text in arguments.megapixels.split(",")])
        write_bytes(arguments.output, (json.dumps(report, indent=1) + "\n").encode())
    if arguments.keep:
        write_bytes(PICTURE, draw(report).encode())
        write_bytes(DOCUMENT, filled(DOCUMENT.read_text("utf-8"), report).encode())
    broken = list(_broken(report))
    print(*broken, sep="\n")
    sys.exit(bool(broken))


def _measured(name: str, photographs: Path, megapixels: list[float]) -> dict[str, Any]:
    case = _LARGE.get(name, {"megapixels": megapixels, "references": (2, 1, 4, 8)})
    return bench_memory(**case, photographs=photographs) | {  # pyright: ignore[reportArgumentType]
        "date": datetime.now(UTC).date().isoformat(), "environment": environment(),
    }  # fmt: skip


def filled(document: str, report: dict[str, Any]) -> str:
    """The document with the figure and a table of all cases between its marks."""
    rows = [["output", "references", "peak of the process", "of that predicted", "CPU seconds", "tile", "matcher"]]
    for part in report.values():
        down, across = part["reference"]
        for case in part["cases"]:
            if "refused" in case:
                continue
            height, width = case["output"]
            budget = f" of {part['memory']} allowed" if part["memory"] else ""
            rows.append(
                [f"{width} x {height}", f"{case['references']} of {across} x {down}",
                 f"{case['peak_bytes'] / 1e6:.0f} MB{budget}", f"{case['peak_over_predicted']:.0%}",
                 f"{case['cpu_seconds']:.0f}", str(case["tile"]), case["matcher"]]
            )  # fmt: skip
    picture = "![CPU seconds and peak memory against megapixels of output](any-size.svg)\n\n"
    return documents.filled(document, "any size: figures", picture + markdown(rows), "any size: end")


def _broken(report: dict[str, Any]) -> Iterator[str]:
    """A message for each guarantee that was not met."""
    for name, part in report.items():
        budget = parse_memory(part["memory"])
        for case in part["cases"]:
            head = f"{name}: {case['megapixels']:.2f} MP, {case['references']} references"
            if "refused" in case:
                yield f"{head}: refused: {case['refused']}"
                continue
            if budget and case["peak_bytes"] > budget:
                yield f"{head}: {case['peak_bytes']} bytes, above the budget"
            if not 1 / _OFF <= case["peak_over_predicted"] <= _OFF:
                yield f"{head}: {case['peak_over_predicted']:.0%} of what was predicted"
            if case["cpu_seconds"] > _CPU_SECONDS.get(name, float("inf")):
                yield f"{head}: {case['cpu_seconds']:.0f} CPU seconds"


if __name__ == "__main__":
    main()
