"""``srntt bench``: benchmarks of this machine."""

from itertools import chain
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from srntt.cli import _bench_upscale
from srntt.cli._exit import Exit
from srntt.cli._options import Json
from srntt.cli._say import say_either
from srntt.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

bench = App(name="bench", help="Run benchmarks on this machine.")
bench.command(_bench_upscale.upscale)
bench.command(_bench_upscale.memory)


@bench.command
def match(
    *,
    query: tuple[int, int] | None = None,
    key: tuple[int, int] | None = None,
    references: int | None = None,
    large: Annotated[bool, Parameter(negative="")] = False,
    fast: Annotated[bool, Parameter(negative="")] = False,
    sizes: tuple[int, ...] | None = None,
    channels: tuple[int, ...] | None = None,
    threads: tuple[int, ...] | None = None,
    patch: Literal[1, 3] | None = None,
    repeats: int | None = None,
    check: Annotated[bool | None, Parameter(negative="--no-check")] = None,
    device: str = "cpu",
    json: Json = False,
) -> int:
    """Compare exact matching with unfold + matmul and with the product of the pixels alone (two minutes on two cores),
    or fast matching with exact matching.

    For several sizes, channels or threads, repeat the option.

    Args:
        query: Height and width of the query, in positions. Default: 83 125; 128 128 on a GPU.
        key: Height and width of a key map, in positions. Default: 83 125; 256 256 on a GPU.
        references: Number of key maps. Default: 1; 2 on a GPU.
        large: Also match 128 x 128 positions against two key maps of 256 x 256, in one round; takes minutes, and 6 GB
            of memory.
        fast: Compare fast with exact matching of square maps: time, growth and recall.
        sizes: Sides of the maps for --fast. Default: 128, 256 and 512, about two minutes on two cores.
        channels: Numbers of channels to measure. Default: 256 and 64; 64 with --fast.
        threads: Numbers of threads to measure. Default: 1 and 2.
        patch: Side of a patch, 3 or 1. Default: 3; 1 with --fast.
        repeats: Number of rounds, each of which times every method once; medians are reported. Default: 5.
        check: Compare the indices of each engine with the definition in float64. Default: yes; --no-check disables it.
        device: cuda to measure the Triton engine in every precision. Default: cpu.
    """
    from srntt.bench import bench_device, bench_fast, bench_match

    maps = _given(query_size=query, key_size=key, references=references)
    if device != "cpu":
        _refuse_with(f"--device {device}", fast=fast or None, large=large or None, sizes=sizes, threads=threads,
                       check=check)  # fmt: skip
        report = bench_device(device=device, **maps, **_given(channels=channels, patch=patch, repeats=repeats))
        return _show(report, _device_lines(report), json)
    if fast:
        _refuse_with("--fast", query=query, key=key, references=references, large=large or None, repeats=repeats,
                       check=check)  # fmt: skip
        reports = [
            bench_fast(channels=depth, threads=number, **_given(sizes=sizes, patch=patch))
            for depth in channels or (64,)
            for number in threads or (1, 2)
        ]
        return _show({"fast": reports}, chain.from_iterable(map(_fast_lines, reports)), json)
    _refuse_with("exact matching", sizes=sizes)
    common = _given(channels=channels, threads=threads, patch=patch, check=check)
    report = bench_match(**maps, **common, **_given(repeats=repeats))
    if large:
        more = bench_match(query_size=(128, 128), key_size=(256, 256), references=2, repeats=1, **common)
        report["cases"] += more["cases"]
    return _show(report, _lines(report), json)


def _given(**options: Any) -> dict[str, Any]:
    """Return the options that were given; the benchmark has its own defaults for the others."""
    return {name: value for name, value in options.items() if value is not None}


def _refuse_with(measured: str, **options: Any) -> None:
    """Raise InputError for an option without effect."""
    if unused := [f"--{name}" for name in _given(**options)]:
        raise InputError(f"{', '.join(unused)}: has no effect with {measured}. Omit it.")


def _show(report: dict[str, Any], lines: "Iterable[str]", json: bool) -> int:
    say_either(lines, report, as_json=json)
    return Exit.DONE


def _fast_lines(report: dict[str, Any]) -> "Iterator[str]":
    for case in report["cases"]:
        height, width = case["query"]
        yield f"{height} x {width} positions, {case['channels']} channels, {report['threads']} threads"
        exact, fast = case["exact_seconds"], case["fast_seconds"]
        yield f"  exact {exact:.3g} s, fast {fast:.3g} s: {exact / fast:.1f} times faster"
        yield f"  same index {case['recall']:.2%}, within one position {case['recall_near']:.2%}"
        yield f"  similarity {case['similarity']:.4f}, of which fast matching loses {case['similarity_lost']:.5f}"
        yield f"  auto chooses {case['chosen']} matching"
    if report["growth"]["fast"] is not None:
        yield f"exponents of time: {report['growth']['fast']:.2f} (exact: {report['growth']['exact']:.2f})"


def _lines(report: dict[str, Any]) -> "Iterator[str]":
    for case in report["cases"]:
        query, key = (f"{height} x {width}" for height, width in (case["query"], case["key"]))
        sizes = f"{query} against {case['references']} x {key} positions"
        yield f"{case['channels']} channels, {case['threads']} threads, {sizes}"
        for method, seconds in case["seconds"].items():
            wrong = case["wrong_index"].get(method)
            verdict = "" if wrong is None else f"   {wrong} positions differ from the definition"
            yield f"  {method:14} {seconds * 1000:8.0f} ms{verdict}"
        yield f"  unfold + matmul takes {case['unfold_matmul_over_fused']:.2f} times as long as the fused engine,"
        yield f"  which takes {case['fused_over_pixel_matmul']:.2f} times as long as the product of the pixels alone"


def _device_lines(report: dict[str, Any]) -> "Iterator[str]":
    yield f"{report['device']}, torch {report['torch']}, triton {report['triton']}, patches of {report['patch']}"
    for case in report["cases"]:
        query, key = (f"{height} x {width}" for height, width in (case["query"], case["key"]))
        sizes = f"{query} against {case['references']} x {key} positions"
        yield f"{case['channels']} channels, {case['precision']}, {sizes}"
        for method, seconds in case["seconds"].items():
            megabytes = case["peak_bytes"][method] / 1e6
            wrong = f"{case['wrong_index'][method]} of {case['compared']} positions differ from the definition"
            yield f"  {method:14} {seconds * 1000:8.2f} ms {megabytes:8.0f} MB   {wrong}"
        yield f"  unfold + matmul takes {case['unfold_matmul_over_triton']:.2f} times as long as the Triton engine,"
        peak = report["matmul_tflops"][case["precision"]]
        yield f"  which multiplies at {case['peak_share']:.0%} of this device's {peak:.0f} TFLOP/s"
