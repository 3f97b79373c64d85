"""Whether references helped: the words, and how the rule was chosen."""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

from srntt import Upscaler, load
from srntt.metrics import psnr_y, round_to_bytes
from srntt.upscale import HELPED, USED, Provenance, verdict


def provenance(reference: list[int], share: list[float], sources: tuple[str, ...]) -> Provenance:
    where = np.zeros((1, len(share)), np.float32)
    return Provenance(sources, np.array([reference]), where, where, np.array([share], np.float32))


class Used(NamedTuple):
    """A reference and what it gave."""

    source: str
    share: float


def test_only_places_that_let_enough_in_count() -> None:
    found = provenance([0, 0, 1, 1], [0.9, USED, 0.3, 0.1], ("a", "b", "c"))
    assert found.shares() == [0.25, 0.25, 0.0]
    assert found.used.tolist() == [[True, False, True, False]]


def test_words_when_it_helped() -> None:
    assert verdict([Used("a", 0.4)]) == "The reference helped: detail at 40% of the places came from it."


def test_words_when_one_of_several_did_not() -> None:
    said = verdict([Used("a", 0.4), Used("b", 0.01)])
    assert said.startswith("The references helped: detail at 41% of the places came from them.")
    assert said.endswith("Little or nothing came from b (1%).")


def test_words_when_nothing_helped() -> None:
    assert verdict([Used("a", 0.02)]).startswith("The reference did not help: ")
    assert verdict([Used("a", 0.06), Used("b", 0.06)]).startswith("The references did not help: ")


def test_several_that_help_a_little_each_help_together() -> None:
    assert verdict([Used(name, 0.06) for name in "abc"]).startswith("The references helped")


def measured(folder: Path, upscaler: Upscaler) -> list[tuple[str, float, float]]:
    """Of each target with its first, its last and an unrelated reference: which, gain in dB, part of places."""
    found = []
    for item in json.loads((folder / "index.json").read_text(encoding="utf-8")):
        with Image.open(folder / item["target"]) as opened:
            width, height = opened.width // 4 * 4, opened.height // 4 * 4
            target = opened.convert("RGB").crop((0, 0, width, height))
        truth = load(target).rgb().numpy()
        small = target.resize((width // 4, height // 4), Image.Resampling.BICUBIC)

        def score(result, truth=truth) -> float:
            return psnr_y(round_to_bytes(result.picture.rgb().numpy()), truth, crop=4)

        alone = score(upscaler.upscale(small))
        related = {item["refs"][0], item["refs"][-1]}
        for kind, name in [*(("related", each) for each in sorted(related)), ("unrelated", item["unrelated"])]:
            result = upscaler.upscale(small, upscaler.encode_references([folder / name]))
            (used,) = result.references
            found.append((kind, score(result) - alone, used.share))
    return found


@pytest.mark.slow
def test_the_rule_on_photographs(shared_data: Path) -> None:
    """21 targets. The threshold was chosen on these; what it would do on others is for others to measure."""
    upscaler = Upscaler.from_pretrained("lite-rec", device="cpu")
    found = [each for name in ("refpairs-dev", "refpairs-near-dev") for each in measured(shared_data / name, upscaler)]
    unrelated = [(gain, part) for kind, gain, part in found if kind == "unrelated"]
    gained = [(gain, part) for kind, gain, part in found if gain >= 0.5]
    little = [(gain, part) for kind, gain, part in found if kind == "related" and gain < 0.5]
    assert len(unrelated) == 21
    assert [each for each in unrelated if each[1] >= HELPED] == []
    assert max(gain for gain, _ in unrelated) < 0.1
    assert len(gained) >= 15
    assert [each for each in gained if each[1] < HELPED] == []
    print(f"\n{len(gained)} gained 0.5 dB or more; of {len(little)} that gained less,", end=" ")
    print(f"{sum(part >= HELPED for _, part in little)} are said to have helped")
