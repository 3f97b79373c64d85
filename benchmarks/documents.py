"""Writes tables in Markdown into documents, between marks."""


def markdown(lines: list[list[str]]) -> str:
    """A table; the first line is its head."""
    rule = ["---"] * len(lines[0])
    return "".join(f"| {' | '.join(cells)} |\n".replace("|  |", "| |") for cells in (lines[0], rule, *lines[1:]))


def between(document: str, mark: str, end: str = "end") -> str:
    """The text between two marks."""
    return _parts(document, mark, end)[1]


def filled(document: str, mark: str, content: str, end: str = "end") -> str:
    """The document with new content between two marks."""
    head, _, tail = _parts(document, mark, end)
    return head + content + tail


def _parts(document: str, mark: str, end: str) -> tuple[str, str, str]:
    """Raises ValueError if a mark is missing."""
    begin = document.index(start := f"<!-- {mark} -->\n") + len(start)
    stop = document.index(f"<!-- {end} -->", begin)
    return document[:begin], document[begin:stop], document[stop:]
