"""The documents name only what exists: files, options, public names."""

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import srntt

REPOSITORY = Path(__file__).parent.parent
DOCUMENTS = [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", REPOSITORY / "examples" / "README.md"]
README = DOCUMENTS[0].read_text(encoding="utf-8")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_links_lead_somewhere(document: Path):
    links = re.findall(r"\]\(([^)#]+)\)", document.read_text(encoding="utf-8"))
    files = [link for link in links if "://" not in link]
    assert [link for link in files if not (document.parent / link).exists()] == []


def shell_commands() -> list[list[str]]:
    """The lines of the README's shell examples that call srntt, without their comments."""
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    lines = "".join(blocks).splitlines()
    return [line.split("#")[0].split() for line in lines if line.startswith("srntt ")]


@pytest.mark.parametrize("command", sorted({command[1] for command in shell_commands()}))
def test_options_of_the_examples_exist(command: str):
    code = f"import sys; from srntt.cli import main; sys.argv = ['srntt', {command!r}, '--help']; sys.exit(main())"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    named = {word for words in shell_commands() if words[1] == command for word in words if word.startswith("-")}
    assert {option for option in named if not re.search(rf"(?<!\S){option}\b", printed)} == set()


def test_python_examples_use_what_exists():
    code = "\n".join(re.findall(r"```python\n(.*?)```", README, re.DOTALL))
    assert set(re.findall(r"upscaler\.(\w+)", code)) <= set(dir(srntt.Upscaler))
    assert set(re.findall(r"References\.(\w+)", code)) <= set(dir(srntt.References))
    assert set(re.findall(r"result\.(\w+)", code)) <= set(dir(srntt.Result)) | set(
        inspect.signature(srntt.Result).parameters
    )
    compile(code, "README.md", "exec")
