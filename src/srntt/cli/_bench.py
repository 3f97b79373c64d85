"""``srntt bench``: how fast this machine is, as ratios within one run."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from srntt.cli._exit import Exit
from srntt.cli._options import Json
from srntt.cli._say import say, say_json

if TYPE_CHECKING:
    from collections.abc import Iterator

bench = App(name="bench", help="Measure this machine.")


@bench.command
def match(
    *,
    query: tuple[int, int] = (83, 125),
    key: tuple[int, int] = (83, 125),
    channels: tuple[int, ...] = (256, 64),
    threads: tuple[int, ...] = (1, 2),
    patch: Literal[1, 3] = 3,
    repeats: int = 5,
    check: Annotated[bool, Parameter(negative="--no-check")] = True,
    json: Json = False,
) -> int:
    """Exact matching beside unfold + matmul and beside the bare product of the pixels; about two minutes on two cores.

    Args:
        query: Positions of the query, down and across. Default: 83 125.
        key: Positions of the key map, down and across. Default: 83 125.
        channels: Depths to try. Default: 256 and 64.
        threads: Numbers of threads to try. Default: 1 and 2.
        patch: Side of a patch, 3 or 1. Default: 3.
        repeats: Rounds, each of which times every method once; medians count. Default: 5.
        check: Compare each engine's index with the definition in float64. Default: yes; --no-check leaves it out.
    """
    from srntt.match import bench_match

    report = bench_match(
        query_size=query,
        key_size=key,
        channels=channels,
        threads=threads,
        patch=patch,
        repeats=repeats,
        check=check,
    )
    if json:
        say_json(report)
    else:
        say(*_lines(report))
    return Exit.DONE


def _lines(report: dict[str, Any]) -> "Iterator[str]":
    for case in report["cases"]:
        yield f"{case['channels']} channels, {case['threads']} threads"
        for method, seconds in case["seconds"].items():
            wrong = case["wrong_index"].get(method)
            judged = "" if wrong is None else f"   {wrong} positions differ from the definition"
            yield f"  {method:14} {seconds * 1000:8.0f} ms{judged}"
        yield f"  unfold + matmul takes {case['unfold_matmul_over_fused']:.2f} times as long as the fused engine,"
        yield f"  which takes {case['fused_over_pixel_matmul']:.2f} times as long as the product of the pixels alone"
