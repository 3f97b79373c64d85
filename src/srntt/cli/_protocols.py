"""``srntt protocols``."""

import shutil
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

from srntt.cli._exit import Exit
from srntt.cli._options import Json
from srntt.cli._say import say, say_json

if TYPE_CHECKING:
    import srntt.evaluate


def protocols(*names: str, json: Json = False) -> int:
    """List the protocols of `srntt evaluate`, or describe those named, with their source.

    Args:
        names: Protocols to describe. Default: a table of all protocols.
    """
    from srntt.evaluate import PROTOCOLS, protocol_named

    chosen = [protocol_named(name) for name in names or PROTOCOLS]
    if json:
        say_json([protocol.definition() for protocol in chosen])
    elif names:
        say(*(line for protocol in chosen for line in _lines(protocol)))
    else:
        say(*_table(chosen), "", "srntt protocols NAME describes a protocol, srntt evaluate --protocol NAME uses it.")
    return Exit.DONE


def _table(chosen: "list[srntt.evaluate.Protocol]") -> Iterator[str]:
    """Format a table of protocols, with descriptions wrapped to the width of the terminal."""
    rows = [(one.name, str(one.scale), str(one.crop), one.refs, one.description) for one in chosen]
    *columns, last = zip(("protocol", "scale", "crop", "refs", "what it measures"), *rows, strict=True)
    widths = [max(map(len, column)) for column in columns]
    room = max(40, shutil.get_terminal_size((120, 24)).columns - sum(widths) - 2 * len(widths))
    for *cells, text in zip(*columns, last, strict=True):
        first, *others = textwrap.wrap(text, room)
        yield "  ".join([*(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)), first])
        yield from (" " * (sum(widths) + 2 * len(widths)) + line for line in others)


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
