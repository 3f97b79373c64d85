"""The site: Sphinx, MyST for the pages, the Furo theme. `make docs` builds it; it loads nothing from a network.

The pages are those of the repository, where links may lead to other files. Files outside docs/ are not pages of the
site: the README becomes its front page, and links to other files become names.
"""

import re
import sys
from pathlib import Path

from docutils.nodes import Element, SkipNode
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx

import srntt

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))  # nothing is imported from there; its files are shown

project, author, version = "srntt", "the srntt authors", srntt.__version__
copyright = "the srntt authors, Apache-2.0"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
exclude_patterns = ["_build"]
html_theme, html_title = "furo", f"srntt {version}"
html_theme_options = {"top_of_page_buttons": []}
html_show_sourcelink = False
html_math_renderer = "mathml"

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

# Public is what a folder lists in __all__ (CONTRIBUTING.md); the tests run the examples of its docstrings.
autodoc_default_options = {"members": True, "imported-members": True, "member-order": "bysource"}
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
suppress_warnings = ["ref.python"]  # "bytes" of an annotation is the type, though attributes are called so, too


def read_page(app: Sphinx, name: str, source: list[str]) -> None:
    """The text of the README above the list of pages on the front page, with links adapted to the site."""
    text = source[0]
    if name == "index":
        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        readme = re.sub(r"\]\((?!docs/|https?:|#)", "](../", readme).replace("](docs/", "](")
        text = readme + re.sub(r"\A# .*\n", "", text)
    text = text.replace("](../README.md", "](index.md")
    source[0] = re.sub(r"(?<!!)\[([^\]]*)\]\(\.\./[^)]*\)", r"\1", text)


def fix_docstring(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Docstrings also write code in single backticks, and may describe two items at once: ``y, x: ...``."""
    lines[:] = [re.sub(r"(?<![`:\w])`([^`\n]+)`(?![`_])", r"``\1``", line) for line in lines]
    apart = [re.sub(r"^(\s+)(\w+), (\w+): ", r"\1\2: see ``\3``.\n\1\3: ", line) for line in lines]
    lines[:] = "\n".join(apart).split("\n")


def escape_axes(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """The axes of a shape, such as ``*k h w``, are not emphasis."""
    lines[:] = [line.replace("*", r"\*") if line.startswith(":vartype") else line for line in lines]


def skip(app: Sphinx, what: str, name: str, thing: object, skipped: bool, options: object) -> bool | None:
    """Omit the fields of a NamedTuple, whose text is only their index."""
    return True if (getattr(thing, "__doc__", "") or "").startswith("Alias for field number") else None


def inline_math(translator: object, node: Element) -> None:
    translator.body.append(tex2mathml(node.astext()))  # pyright: ignore[reportAttributeAccessIssue]
    raise SkipNode


def display_math(translator: object, node: Element) -> None:
    formula = tex2mathml(node.astext(), as_block=True)
    translator.body.append(f'<div class="math" style="overflow-x: auto">{formula}</div>')  # pyright: ignore[reportAttributeAccessIssue]
    raise SkipNode


def setup(app: Sphinx) -> None:
    app.connect("source-read", read_page)
    app.connect("autodoc-process-docstring", fix_docstring, priority=400)
    app.connect("autodoc-process-docstring", escape_axes, priority=600)  # after napoleon, which adds the types
    app.connect("autodoc-skip-member", skip)
    app.add_html_math_renderer("mathml", (inline_math, None), (display_math, None))
