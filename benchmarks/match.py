"""Dense matching beside unfold + matmul and beside the bare product of the pixels.

    python benchmarks/match.py                  about 2 minutes on two cores
    python benchmarks/match.py --channels 64 --threads 2 --repeats 9 --no-check

Prints a table, then the same as JSON. Ratios are of medians over rounds that time every method once, in turn.
"""

import argparse
import json

from srntt.match.bench import bench_match


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--query", type=int, nargs=2, default=(83, 125), metavar=("H", "W"))
    parser.add_argument("--key", type=int, nargs=2, default=(83, 125), metavar=("H", "W"))
    parser.add_argument("--channels", type=int, nargs="+", default=(256, 64))
    parser.add_argument("--threads", type=int, nargs="+", default=(1, 2))
    parser.add_argument("--engines", nargs="+", default=("fused", "torch"), choices=("fused", "torch"))
    parser.add_argument("--patch", type=int, default=3, choices=(1, 3))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--no-check", action="store_true", help="do not compare the index with float64")
    given = parser.parse_args()
    report = bench_match(
        query_size=tuple(given.query),
        key_size=tuple(given.key),
        channels=given.channels,
        threads=given.threads,
        patch=given.patch,
        repeats=given.repeats,
        engines=given.engines,
        check=not given.no_check,
    )
    for case in report["cases"]:
        times = "  ".join(f"{name} {seconds * 1000:.0f} ms" for name, seconds in case["seconds"].items())
        print(f"{case['channels']} channels, {case['threads']} threads: {times}  wrong index: {case['wrong_index']}")
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
