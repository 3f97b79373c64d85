"""The documents name only what exists: files, options, public names."""

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import srntt

REPOSITORY = Path(__file__).parent.parent
DOCUMENTS = [
    REPOSITORY / name
    for name in (
        "README.md",
        "CONTRIBUTING.md",
        "examples/README.md",
        "docs/evaluation.md",
        "docs/onnx.md",
        "docs/serve.md",
        "docs/training.md",
        "docs/batch.md",
        "docs/performance.md",
    )
]
README = DOCUMENTS[0].read_text(encoding="utf-8")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_links_lead_somewhere(document: Path):
    links = re.findall(r"\]\(([^)#]+)\)", document.read_text(encoding="utf-8"))
    files = [link for link in links if "://" not in link]
    assert [link for link in files if not (document.parent / link).exists()] == []


def shell_commands() -> list[tuple[str, set[str]]]:
    """What the README's shell examples call, such as "weights get", and with which options."""
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    lines = [line.split("#")[0].split() for line in "".join(blocks).splitlines() if line.startswith("srntt ")]
    names = [" ".join(words[1:3] if words[1] in ("weights", "corpus", "export") else words[1:2]) for words in lines]
    return [(name, {word for word in words if word.startswith("-")}) for name, words in zip(names, lines, strict=True)]


@pytest.mark.parametrize("command", sorted({name for name, _ in shell_commands()}))
def test_options_of_the_examples_exist(command: str):
    code = (
        f"import sys; from srntt.cli import main; sys.argv = {['srntt', *command.split(), '--help']}; sys.exit(main())"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    named = set().union(*(options for name, options in shell_commands() if name == command))
    assert {option for option in named if not re.search(rf"(?<!\S){option}\b", printed)} == set()


def test_python_examples_use_what_exists():
    code = "\n".join(re.findall(r"```python\n(.*?)```", README, re.DOTALL))
    assert set(re.findall(r"upscaler\.(\w+)", code)) <= set(dir(srntt.Upscaler))
    assert set(re.findall(r"References\.(\w+)", code)) <= set(dir(srntt.References))
    assert set(re.findall(r"result\.(\w+)", code)) <= set(dir(srntt.Result)) | set(
        inspect.signature(srntt.Result).parameters
    )
    compile(code, "README.md", "exec")


def test_deviations_are_marked_where_the_document_says():
    table = (
        (REPOSITORY / "docs" / "deviations.md")
        .read_text(encoding="utf-8")
        .split("## Differs from the released code")[1]
    )
    rows = [line.split("|") for line in table.split("##")[0].splitlines() if line.startswith("| ")][1:]
    places = {row[-2].strip().strip("`") for row in rows}
    assert len(rows) >= 10
    unmarked = {
        place for place in places if "# PAPER:" not in (REPOSITORY / "src" / "srntt" / place).read_text("utf-8")
    }
    assert unmarked == set()
