"""``srntt bench upscale`` and ``srntt bench memory``."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from srntt.cli._compiling import compiling_reported
from srntt.cli._exit import Exit
from srntt.cli._options import Json
from srntt.cli._say import say_either

if TYPE_CHECKING:
    from collections.abc import Iterator

_STAGES = {
    "encode": "references encoded",
    "match": "matching",
    "render": "textures and network",
    "render_alone": "network without references",
    "upscale": "upscale, encoded references",
    "end_to_end": "end to end",
}


def upscale(
    *,
    size: tuple[int, int] = (332, 500),
    reference: tuple[int, int] = (332, 500),
    references: int = 1,
    model: str = "lite-rec",
    device: str = "cpu",
    matcher: Literal["auto", "exact", "fast"] = "auto",
    repeats: int = 5,
    json: Json = False,
) -> int:
    """Time an upscale end to end, including the encoding of the references, and each of its stages.

    Args:
        size: Height and width of the output, in pixels. Default: 332 500.
        reference: Height and width of a reference, in pixels. Default: 332 500.
        references: Number of references. Default: 1.
        model: A name, a model folder or a .safetensors file. Default: lite-rec.
        device: cpu, cuda, cuda:1, mps or auto. Default: cpu.
        matcher: How the references are searched. Default: auto.
        repeats: Number of rounds, each of which runs every stage once; medians are reported. Default: 5.
    """
    with compiling_reported():
        from srntt.bench import bench_upscale

        report = bench_upscale(
            model=model, size=size, reference=reference, references=references, matcher=matcher, device=device,
            repeats=repeats,
        )  # fmt: skip
    say_either(_lines(report), report, as_json=json)
    return Exit.DONE


def memory(
    *,
    megapixels: tuple[float, ...] = (0.25, 1.0, 4.0),
    references: tuple[int, ...] = (1, 2, 4, 8),
    reference: tuple[int, int] = (332, 500),
    model: str = "lite-rec",
    matcher: Literal["auto", "exact", "fast"] = "auto",
    memory: str | None = None,
    photographs: Path | None = None,
    json: Json = False,
) -> int:
    """Measure time and peak memory by size of the output and number of references, and compare them with the
    predictions.

    Each case runs in a separate process on the CPU. For several sizes or numbers, repeat the option.

    Args:
        megapixels: Sizes of outputs, with the first number of references. Default: 0.25, 1 and 4, about two minutes.
        references: Numbers of references, with the first size. Default: 1, 2, 4 and 8.
        reference: Height and width of a reference, in pixels. Default: 332 500.
        model: A name, a model folder or a .safetensors file. Default: lite-rec.
        matcher: How the references are searched. Default: auto.
        memory: Memory budget of a process, such as 800MB. Default: most of the available memory.
        photographs: Folder of photographs from which the pictures are assembled. Default: synthetic noise.
    """
    from srntt.bench import bench_memory
    from srntt.memory import parse_memory

    parse_memory(memory)  # raises for an invalid amount before any process is started
    report = bench_memory(
        model=model, megapixels=megapixels, references=references, reference=reference, matcher=matcher, memory=memory,
        photographs=photographs,
    )  # fmt: skip
    say_either(_memory_lines(report), report, as_json=json)
    return Exit.DONE


def _lines(report: dict[str, Any]) -> "Iterator[str]":
    height, width = report["size"]
    down, across = report["reference"]
    yield f"{width} x {height} from {report['references']} of {across} x {down}, {report['threads']} threads"
    yield f"  {report['reason']}; tile {report['tile']}"
    for name, text in _STAGES.items():
        over = report["over_yardstick"][name]
        yield f"  {text:28} {report['seconds'][name] * 1000:8.0f} ms  {over:6.2f} yardsticks"
    yield f"  first upscale {report['seconds']['first']:.2f} s"
    yield f"  yardstick: ten convolutions, {report['seconds']['yardstick'] * 1000:.0f} ms"


def _memory_lines(report: dict[str, Any]) -> "Iterator[str]":
    for case in report["cases"]:
        height, width = case["output"]
        head = f"{width:5} x {height:<5} {case['references']} references"
        if "refused" in case:
            yield f"{head}  refused: {case['refused']}"
            continue
        peak, predicted = (case[name] / 1e6 for name in ("peak_bytes", "predicted_bytes"))
        share = f"{case['peak_over_predicted']:.0%} of the {predicted:.0f} MB predicted"
        yield f"{head} {case['seconds']:7.2f} s, peak {peak:6.0f} MB, {share}, {case['matcher']} matching"
    growth = report["growth"]
    if growth["seconds"] is not None:
        yield f"exponents over output pixels: time {growth['seconds']:.2f}, memory {growth['bytes']:.2f}"
