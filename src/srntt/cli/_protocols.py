"""``srntt protocols``."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from srntt.cli._exit import Exit
from srntt.cli._options import Json
from srntt.cli._say import say, say_json

if TYPE_CHECKING:
    import srntt.evaluate


def protocols(*names: str, json: Json = False) -> int:
    """Show how each protocol of `srntt evaluate` makes its figures, and where that is from.

    Args:
        names: Only these. Default: all.
    """
    from srntt.evaluate import PROTOCOLS, protocol_named

    chosen = [protocol_named(name) for name in names or PROTOCOLS]
    if json:
        say_json([protocol.definition() for protocol in chosen])
    else:
        say(*(line for protocol in chosen for line in _lines(protocol)))
    return Exit.DONE


def _lines(protocol: "srntt.evaluate.Protocol") -> Iterator[str]:
    parts = protocol.definition()
    yield f"{parts.pop('name')}: {parts.pop('description')}"
    titles = {"target": "target", "canvas": "low-res made from it", "low_res": "low-res made by", "refs": "references"}
    titles |= {"references": "each reference", "crop": "pixels cropped"}
    if all(metric.endswith("_y") for metric in protocol.metrics):
        parts["metrics"] += ", on Y of BT.601 (16 to 235)"
    for name, value in parts.items():
        yield f"    {titles.get(name, name)}: {value}"
    yield ""
