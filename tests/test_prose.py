"""Documents, help texts, messages, docstrings and comments are plain technical English, in lines of 120 columns.

A failure names the file, the line and the preferred wording. To discourage a wording, add a row to `DISCOURAGED`.
"""

import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent
PACKAGE = REPOSITORY / "src" / "srntt"
COLUMNS = 120

# Wording, as a regular expression in which a space is any white space, and what to write instead.
DISCOURAGED = {
    "told apart": "distinguished",
    "told|tells? of": "reported, listed, stated",
    "and that is said|(is|are|be) said|unless said": "stated, reported, with a note",
    "in words": "as text, with a message",
    "unsaid|in silence|without a word": "silently",
    "beside": "next to, in addition to, compared with",
    "mend(s|ed|ing)?": "fix",
    "spoils?|spoilt|spoiled": "degrade",
    "anew": "again",
    "let(s|ting)? in( a)?( little)?": "use; 'has little effect'",
    r"as (it is|they are)(?! (read|\w+(ed|en|t))\b)": "unchanged",
    "at hand": "available, current",
    "whoever": "anyone who",
    "go(es)? on|went on": "continue, resume",
    "passe[sd] over": "skip",
    "(is|are) no (picture|image|file|folder)s?": "is not a",
    "amid|in the midst of": "during",
    "if need be": "if necessary",
    "all the same": "nevertheless",
    r"some(?= \d)": "about",
    "for looks": "for perceptual quality",
    "quicker": "faster",
    "for want of": "for lack of",
    "what (became|becomes|comes) of": "the outcome of",
    "(can|could|is to|are to) be had": "is available",
    "br(ea|o)k(s|en|e)? off": "interrupt",
    "whole or not at all": "atomically",
    "(from|of) strangers": "untrusted",
    "judged": "validated",
    "ceilings?": "limit",
    r"what is (not )?\w+ is": "name the subject: 'the prediction is', not 'what is predicted is'",
}
_PATTERNS = [
    (re.compile(rf"\b(?:{wording})\b".replace(" ", r"\s+"), re.IGNORECASE), better)
    for wording, better in DISCOURAGED.items()
]

DOCUMENTS = sorted(
    str(path.relative_to(REPOSITORY))
    for pattern in ("*.md", "docs/*.md", "examples/*.md", "integrations/*.md", "src/srntt/weights/*/*.md")
    for path in REPOSITORY.glob(pattern)
)
ROOMS = {"srntt": sorted(PACKAGE.glob("*.py"))} | {
    folder.name: sorted(folder.rglob("*.py")) for folder in sorted(PACKAGE.iterdir()) if any(folder.glob("*.py"))
}
SCRIPTS = ["Makefile", ".ci/run", "peers/requirements.txt", "pyproject.toml"]
SCRIPTS += sorted(
    str(path.relative_to(REPOSITORY))
    for pattern in (
        "runs/*.sh",
        "runs/*.py",
        "peers/*.py",
        "examples/*.py",
        "integrations/*.py",
        "benchmarks/*.py",
        "docs/*.py",
    )
    for path in REPOSITORY.glob(pattern)
)


def discouraged(text: str, first_line: int = 1) -> Iterator[tuple[int, str]]:
    """Line and advice for each discouraged wording."""
    for pattern, better in _PATTERNS:
        for found in pattern.finditer(text):
            line = first_line + text.count("\n", 0, found.start())
            yield line, f"'{' '.join(found[0].split())}': write instead: {better}"


def spoken(source: str) -> Iterator[tuple[int, str]]:
    """First line and text of each string and comment of a Python file."""
    kinds = {tokenize.STRING, tokenize.COMMENT, getattr(tokenize, "FSTRING_MIDDLE", tokenize.COMMENT)}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in kinds:
            yield token.start[0], token.string


def without_code(markdown: str) -> str:
    """A document without code spans, with the same lines."""
    return re.sub(r"`[^`\n]+`", "``", markdown)


def long_lines(markdown: str) -> Iterator[int]:
    """Lines of prose above `COLUMNS`; code, tables, formulas, pictures and generated parts may be longer."""
    kept = re.sub(
        r"^```.*?^```|^\$\$.*?^\$\$|<!--.*?<!-- (?:any size: )?end -->",
        lambda found: "\n" * found[0].count("\n"),
        markdown,
        flags=re.DOTALL | re.MULTILINE,
    )
    for number, line in enumerate(kept.splitlines(), 1):
        if len(line) > COLUMNS and not line.startswith(("|", "![", "<", "# ", "## ")):
            yield number


def _advice(name: str, found: Iterator[tuple[int, str]]) -> list[str]:
    return [f"{name}:{line}: {advice}" for line, advice in sorted(found)]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_are_plain(name: str):
    text = (REPOSITORY / name).read_text(encoding="utf-8")
    assert _advice(name, discouraged(without_code(text))) == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_wrap(name: str):
    assert [f"{name}:{line}" for line in long_lines((REPOSITORY / name).read_text(encoding="utf-8"))] == []


def _advice_on_python(file: Path) -> list[str]:
    name = str(file.relative_to(REPOSITORY))
    return [
        advice
        for line, text in spoken(file.read_text(encoding="utf-8"))
        for advice in _advice(name, discouraged(text, line))
    ]


def test_messages_have_no_space_before_the_percent_sign():
    spaced = re.compile(r"[\d}] %(?! ?\w)|[\d}] % of")
    python = [(file, text) for file in PACKAGE.rglob("*.py") for _, text in spoken(file.read_text(encoding="utf-8"))]
    pages = [
        (file, file.read_text(encoding="utf-8")) for kind in ("*.js", "*.html", "*.md") for file in PACKAGE.rglob(kind)
    ]
    assert [(file.name, found[0]) for file, text in (*python, *pages) for found in spaced.finditer(text)] == []
    assert spaced.search("{part:.0f} % of the picture")


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_are_plain(name: str):
    file = REPOSITORY / name
    found = discouraged(file.read_text(encoding="utf-8"))
    assert (_advice_on_python(file) if file.suffix == ".py" else _advice(name, found)) == []


@pytest.mark.parametrize("room", list(ROOMS))
def test_messages_and_docstrings_are_plain(room: str):
    assert [advice for file in ROOMS[room] for advice in _advice_on_python(file)] == []


def test_the_readme_is_short_and_says_what_it_is():
    lines = (REPOSITORY / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 120
    first = " ".join(lines[1:6]).split(". ")[0]
    assert "reference-based image super-resolution" in first


def test_the_check_finds_what_it_looks_for():
    assert [line for line, _ in discouraged("Fine.\nIt is told,\nas\nit is, some 20 times.")] == [2, 3, 4]
    assert list(discouraged("As it is read, a label of some kind is set; unfold, untold.")) == []
    assert [line for line, _ in spoken('x = 1  # one\n\ny = "two"\n')] == [1, 3]
    long = "word " * 30
    assert list(long_lines(f"{long}\n```\n{long}\n```\n| {long} |\n{long}")) == [1, 6]
