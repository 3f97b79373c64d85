"""The documents name only what exists: files, options, public names."""

import ast
import importlib.util
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import srntt
from srntt.weights import WEIGHTS

REPOSITORY = Path(__file__).parent.parent
_SLOW = pytest.mark.slow
DOCS = REPOSITORY / "docs"
PAGES = sorted(path for path in DOCS.glob("*.md") if path.name != "log.md")  # a log names what was, too
DOCUMENTS = [*(REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "examples/README.md")), *PAGES]
README = DOCUMENTS[0].read_text(encoding="utf-8")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_links_lead_somewhere(document: Path):
    links = re.findall(r"\]\(([^)#]+)\)", document.read_text(encoding="utf-8"))
    files = [link for link in links if "://" not in link]
    assert [link for link in files if not (document.parent / link).exists()] == []


def _anchors(document: Path) -> set[str]:
    """As GitHub and MyST make them of headings."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_anchors_are_headings(document: Path):
    links = re.findall(r"\]\(((?:[^)#:]+\.md)?)#([^)]+)\)", document.read_text(encoding="utf-8"))
    missing = [
        (file, name) for file, name in links if name not in _anchors(document.parent / file if file else document)
    ]
    assert missing == []


def shell_commands() -> list[tuple[str, set[str]]]:
    """What the shell examples call, such as "weights get", and with which options."""
    text = "".join(document.read_text(encoding="utf-8") for document in DOCUMENTS)
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    whole = "".join(blocks).replace("\\\n", " ")
    lines = [line.split("#")[0].split() for line in whole.splitlines() if line.startswith("srntt ")]
    grouped = ("weights", "corpus", "export", "bench", "library")
    names = [" ".join(words[1:3] if words[1] in grouped else words[1:2]) for words in lines]
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


def test_the_front_page_lists_every_page():
    listed = re.findall(r"^[a-z][\w-]*$", (DOCS / "index.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(path.stem for path in DOCS.glob("*.md") if path.stem != "index")


def test_what_is_shown_of_the_code_is_there():
    shown = [
        (page, file, name)
        for page in PAGES
        for file, name in re.findall(r"```{literalinclude} (\S+)\n:pyobject: (\S+)", page.read_text(encoding="utf-8"))
    ]
    assert len(shown) >= 10
    for page, file, name in shown:
        tree: ast.AST = ast.parse((page.parent / file).read_text(encoding="utf-8"))
        for part in name.split("."):
            named = [node for node in ast.iter_child_nodes(tree) if getattr(node, "name", None) == part]
            assert named, f"{page.name} shows {name} of {file}, which is not there"
            tree = named[0]


@pytest.mark.parametrize(
    "name",
    ["python", "models", "security", pytest.param("start", marks=_SLOW), pytest.param("references", marks=_SLOW)],
)
def test_python_of_a_page_runs(name: str, tmp_path: Path):
    code = "\n".join(re.findall(r"```python\n(.*?)```", (DOCS / f"{name}.md").read_text(encoding="utf-8"), re.DOTALL))
    (tmp_path / "examples").symlink_to(REPOSITORY / "examples")
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@_SLOW
def test_the_first_commands_run(tmp_path: Path):
    """Those of the five minutes that need nothing but the shipped pictures."""
    blocks = "".join(re.findall(r"```sh\n(.*?)```", (DOCS / "start.md").read_text(encoding="utf-8"), re.DOTALL))
    lines = [line.split()[1:] for line in blocks.splitlines() if line.startswith("srntt upscale examples/")]
    assert len(lines) == 1
    (tmp_path / "examples").symlink_to(REPOSITORY / "examples")
    done = subprocess.run([sys.executable, "-m", "srntt", *lines[0]], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "large.png") as picture:
        assert picture.size == (740, 500)


@_SLOW
def test_the_gains_of_the_references_page_are_what_they_are():
    spec = importlib.util.spec_from_file_location("make_pictures", DOCS / "make_pictures.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = made  # dataclasses look their module up
    spec.loader.exec_module(made)
    text = (DOCS / "references.md").read_text(encoding="utf-8")
    names = ["unchanged", "blurred (Gaussian, 2 pixels)"]
    alone, found = made.gains(srntt.Upscaler.from_pretrained("lite-rec", device="cpu"), names)
    assert float(re.findall(r"Without a reference: ([\d.]+) dB", text)[0]) == pytest.approx(alone, abs=0.02)
    for name in names:
        written = re.findall(rf"\| {re.escape(name)} \| ([+-][\d.]+) \|", text)
        assert float(written[0]) == pytest.approx(found[name][0], abs=0.03)


@_SLOW
def test_the_site_builds_without_a_warning(tmp_path: Path):
    for package in ("sphinx", "furo", "myst_parser"):
        pytest.importorskip(package, reason="needs the extra docs")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", str(DOCS), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    front = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "<math" in (tmp_path / "how-it-works.html").read_text(encoding="utf-8")
    assert not re.findall(
        r'(?:src|href)="https?://[^"]*\.(?:js|css|woff2?)"', front
    )  # nothing is loaded from elsewhere


def test_the_table_of_weights_is_that_of_the_code():
    page = (DOCS / "models.md").read_text(encoding="utf-8")
    for name, weights in WEIGHTS.items():
        assert f"| `{name}` | {weights.what} | {weights.purpose} | {weights.licence} | `{weights.command}` |" in page


def test_pictures_are_small_and_used():
    pictures = sorted((DOCS / "pictures").iterdir())
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert [path.name for path in pictures if f"pictures/{path.name}" not in text] == []
    assert sum(path.stat().st_size for path in pictures) < 1_500_000


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


def _imports(room: str) -> set[str]:
    """Other folders of the package that one imports from."""
    package = REPOSITORY / "src/srntt"
    nodes = [
        node
        for file in (package / room).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module
    ]
    modules = [f"{node.module}.{alias.name}" for node in nodes for alias in node.names]
    used = {module.split(".")[1] for module in modules if module.startswith("srntt.")}
    return {name for name in used if (package / name).is_dir()} - {room}


def test_the_way_of_the_data_is_that_of_the_imports():
    """Each room of the table exists, stands below those that it depends on, and imports from these and no others."""
    text = (DOCS / "how-it-works.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| .* \|([^|]*)\|$", text, re.MULTILINE)
    stands_on = {room: set(re.findall(r"`(\w+)`", below)) for room, below in rows}
    assert len(stands_on) == 11
    for number, (room, below) in enumerate(stands_on.items()):
        assert (REPOSITORY / "src/srntt" / room).is_dir()
        assert below <= set(list(stands_on)[:number])
        assert below == _imports(room), room
    picture = re.findall(r"```text\n(.*?)```", text, re.DOTALL)[0]
    assert {"encode", "describe", "match", "sample", "fuse"} <= set(re.findall(r"\w+", picture))
    assert set(stands_on) - {"weights", "metrics", "data"} <= set(re.findall(r"\w+", picture))


def test_each_table_is_where_the_page_for_contributors_says():
    """A row that names a table of the package names the folder or file that defines it, too."""
    text = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
    found = {}
    for row in re.findall(r"^\| an? .*$", text, re.MULTILINE):
        paths = [REPOSITORY / path for path in re.findall(r"`(src/srntt/[\w/]+(?:\.py)?)`", row)]
        paths += [REPOSITORY / "src/srntt" / path for path in re.findall(r"`(\w+/_\w+\.py)`", row)]
        assert all(path.exists() for path in paths), row
        files = [file for path in paths for file in (path.rglob("*.py") if path.is_dir() else [path])]
        for table in re.findall(r"`([A-Z]{4,})`", row):
            found[table] = any(re.search(rf"^{table}\b.*= ", file.read_text(encoding="utf-8"), re.M) for file in files)
    assert found == dict.fromkeys(("ARCHITECTURES", "MATCHERS", "VIEWS", "METRICS", "PROTOCOLS", "FORMATS"), True)
