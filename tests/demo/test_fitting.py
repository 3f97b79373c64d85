"""References that exceed the limits: reduced for who runs the server, refused for the public."""

from pathlib import Path

import numpy as np
import pytest

from srntt.demo import OrderLimits
from srntt.demo._fitting import reductions, schedule_of, within_memory, within_pixels, within_seconds
from srntt.errors import InputError, MemoryBudgetError
from srntt.image import Picture, load
from srntt.upscale import Upscaler

LOCAL = OrderLimits.of_machine(max_seconds=10)


def reference(width: int, height: int, name: str = "sharp.png") -> Picture:
    return Picture(np.zeros((height, width, 3), np.uint8), source=name)


def by_pixels(references) -> float:
    """Two seconds for each megapixel."""
    return sum(each.width * each.height for each in references) / 500_000


def sizes(references) -> list[tuple[int, int]]:
    return [(each.width, each.height) for each in references]


def test_what_fits_stays() -> None:
    given = [reference(2000, 1500), reference(1000, 800)]
    assert within_seconds(given, by_pixels, LOCAL) == given
    assert within_pixels(given, LOCAL) == given


def test_large_references_are_reduced_until_the_time_suffices_and_small_ones_stay() -> None:
    fitting = within_seconds([reference(4000, 3000), reference(1000, 800)], by_pixels, LOCAL)
    assert by_pixels(fitting) <= 10
    assert sizes(fitting)[1] == (1000, 800)
    width, height = sizes(fitting)[0]
    assert 1.32 < width / height < 1.35
    assert width * height > 2_900_000, "reduced in steps of two, no further than needed"


def test_what_does_not_fit_even_then_is_refused_with_the_option() -> None:
    with pytest.raises(InputError, match=r"predicted time is 12 seconds; .* --max-seconds 12"):
        within_seconds([reference(4000, 3000)] * 6, by_pixels, LOCAL)


def test_the_public_s_references_are_not_reduced() -> None:
    with pytest.raises(InputError, match="predicted time is 24 seconds"):
        within_seconds([reference(4000, 3000)], by_pixels, OrderLimits(max_seconds=10))
    calls = []

    def work(references) -> None:
        calls.append(references)
        raise MemoryBudgetError("Too much.")

    with pytest.raises(MemoryBudgetError, match=r"^Too much\.$"):
        within_memory([reference(4000, 3000)], work, OrderLimits())
    assert len(calls) == 1


def test_references_are_reduced_until_memory_suffices() -> None:
    def work(references) -> int:
        pixels = sum(each.width * each.height for each in references)
        if pixels > 4_000_000:
            raise MemoryBudgetError("Too much.")
        return pixels

    pixels, used = within_memory([reference(4000, 3000)], work, LOCAL)
    assert 2_900_000 < pixels <= 3_000_000
    assert sizes(used) == [(2000, 1500)]
    with pytest.raises(MemoryBudgetError, match=r"Too much\. The option of srntt serve is --memory\."):
        within_memory([reference(4000, 3000)] * 5, work, LOCAL)


def test_an_explicit_limit_of_pixels_reduces() -> None:
    (used,) = within_pixels([reference(400, 300)], OrderLimits.of_machine(max_reference_pixels=30_000))
    assert sizes([used]) == [(200, 150)]
    assert used.source == "sharp.png"
    (note,) = reductions([(300, 400)], [used])
    assert note.startswith("sharp.png: reduced from 400 x 300 to 200 x 150 pixels")
    assert "--max-reference-pixels" in note
    assert reductions([(150, 200)], [used]) == ()


@pytest.mark.parametrize("size", [(400, 280, 3), (800, 560, 0)])
def test_photographs_of_a_phone_and_a_scan_are_accepted(size: tuple[int, int, int]) -> None:
    """What the limits for the public refuse; the prediction is that of the shipped model before calibration."""
    width, height, count = size
    upscaler = Upscaler.from_pretrained("lite-rec", device="cpu")
    picture = load(np.zeros((height, width, 3), np.uint8))
    photographs = [reference(4000, 3000, f"{number}.jpg") for number in range(count)]
    limits = OrderLimits.of_machine()
    limits.check_count(count)
    limits.check_work(picture, photographs)

    def predicted(references) -> float:
        return schedule_of(upscaler, picture, references, (4 * height, 4 * width)).predicted

    assert within_seconds(within_pixels(photographs, limits), predicted, limits) == photographs
    assert 5 < predicted(photographs) < limits.max_seconds
    with pytest.raises(InputError, match="Too much to compare") if count else pytest.raises(AssertionError):
        OrderLimits().check_work(picture, photographs)
        assert width * height <= OrderLimits().max_pixels


def test_files_above_the_limit_of_pixels_are_read_for_who_runs_the_server(files: Path) -> None:
    limits = OrderLimits.of_machine(max_reference_pixels=100)
    assert limits.read_reference(str(files / "sharp.png"), "sharp.png").width == 64
