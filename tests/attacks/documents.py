"""Documents that srntt reads: index.json, report.json, recipes, manifests, and files left by a batch or a report."""

import json
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from attacks.attack import Attack
from attacks.material import file, harmless, with_model
from image.pictures import encoded, waves

_SMALL = ("--model", "tiny.safetensors")
_LINE = {"srntt": "batch manifest", "version": 1}


def attacks() -> Iterator[Attack]:
    """All of them."""
    yield from _indexes()
    yield from _reports()
    yield from _report_folders()
    yield from _recipes()
    yield from _manifests()


def _evaluate(name: str, about: str, index: Any, says: str, code: int = 2, **more) -> Attack:
    """An index.json next to two harmless images."""

    def make(folder: Path) -> None:
        harmless(folder, "data/a.png", "data/b.png", "secret.png")
        (folder / "data/away").symlink_to("..")
        content = index() if callable(index) else index
        text = content if isinstance(content, bytes) else json.dumps(content).encode()
        (folder / "data/index.json").write_bytes(text)

    command = ("evaluate", "--data", "data", "--report", "out/report", *_SMALL)
    return Attack(f"index-{name}", about, with_model(make), command, code, says, **more)


def _pair(**changes: Any) -> list[dict[str, Any]]:
    return [{"name": "a", "target": "a.png", "refs": ["b.png"]} | changes]


def _indexes() -> Iterator[Attack]:
    climbing = (
        "../secret.png",
        "x/../../secret.png",
        "/etc/hostname",
        "C:\\secret.png",
        "..\\secret.png",
        "//host/x.png",
    )
    for number, path in enumerate(climbing):
        yield _evaluate(f"target-climbs-{number}", f"a target called {path}", _pair(target=path), "outside the folder")
        yield _evaluate(
            f"reference-climbs-{number}", f"a reference called {path}", _pair(refs=[path]), "outside the folder"
        )
    yield _evaluate("nul", "a NUL in a name", _pair(target="a\0.png"), "printable|not exist")
    yield _evaluate("surrogate", "half a character in a name", _pair(target="\ud800.png"), "printable|not exist")
    yield _evaluate("long-name", "a target of 100,000 characters", _pair(target="n" * 100_000), "does not exist")
    yield _evaluate("folder", "a target that is a folder", _pair(target="."), "does not exist")
    yield _evaluate("itself", "a target that is the index", _pair(target="index.json"), "index.json.*not a picture", 1)
    yield _evaluate("not-json", "noise", b"\xff\xfe\0{", "not JSON in UTF-8")
    yield _evaluate("deep", "brackets, 8 million deep", partial(bytes.__mul__, b"[", 8_000_000), "not JSON")
    yield _evaluate("digits", "a number of a million digits", partial(_digits, 1_000_000), "not JSON")
    yield _evaluate("17-mib", "larger than 16 MiB", partial(bytes, 17 << 20), "larger than")
    yield _evaluate("empty-list", "no pairs", [], "data lists no targets", 3)
    for name, value in (
        ("null", None),
        ("text", "a"),
        ("number", 1),
        ("object", {}),
        ("nested", [[]]),
        ("numbers", [1]),
    ):
        yield _evaluate(f"is-{name}", f"{name} in place of a list of objects", value, "index.json")
    for key in ("name", "target", "refs", "similarity", "unrelated"):
        for value in (1e999, {"a": 1}, [["x"]], True, "" if key != "unrelated" else 5):
            kind = type(value).__name__
            yield _evaluate(f"{key}-is-{kind}", f"{key} is {value!r}", _pair(**{key: value}), f"entry 1|{key}|not JSON")
    yield _evaluate("unknown-keys", "10,000 unknown keys", _pair(**{f"k{n}": n for n in range(10_000)}), "unknown keys")
    yield _evaluate("long-key", "an unknown key of 100,000 characters", _pair(**{"k" * 100_000: 1}), "unknown keys")
    yield _evaluate("name-twice", "a name twice", _pair() * 2, "duplicate names")
    yield _evaluate(
        "300000-pairs",
        "300,000 pairs, 16 MB",
        partial(_many_pairs, 300_000),
        "duplicate names",
        seconds=12,
        slow=True,
        mib=900,
    )
    for number, name in enumerate(
        ("../../climbed", "/tmp/climbed", "a/b", "<script>alert(1)</script>", "=cmd|' /C calc'!A0", "a|b")
    ):
        about = f"a pair called {name}: it is text in the report, and never a path, a tag or a formula"
        yield _evaluated(f"name-{number}", about, name)
    fifo = with_model(lambda folder: ((folder / "data").mkdir(), os.mkfifo(folder / "data/index.json")))
    yield Attack("index-fifo", "index.json is a FIFO", fifo, ("evaluate", "--data", "data", *_SMALL), 2, "index.json")
    for name, path in (("too-long", "n" * 300), ("nul", "a\0b"), ("file", "tiny.safetensors")):
        command = ("evaluate", "--data", path, *_SMALL)
        yield Attack(
            f"data-{name}", f"the folder of data is a {name}", with_model(), command, 2, "index.json|tiny|a.x00b|nnn"
        )


def _pictures(folder: Path) -> None:
    for name in ("a", "b"):
        file(f"data/{name}.png", partial(encoded, waves(40, 40, 3), "PNG"))(folder)


def _evaluated(name: str, about: str, pair: str) -> Attack:
    """Succeeds; `check_report` checks how the report treats a malicious name."""

    def make(folder: Path) -> None:
        _pictures(folder)
        (folder / "data/index.json").write_text(json.dumps(_pair(name=pair)))

    files = tuple(f"report/report.{suffix}" for suffix in ("csv", "html", "json", "md", "tex"))
    command = ("attacks.documents:evaluate_and_check",)
    return Attack(
        f"index-{name}",
        about,
        with_model(make),
        command,
        0,
        "harmless",
        files,
        20,
        400,
        name not in ("name-0", "name-3"),
    )


def evaluate_and_check() -> str:
    """Evaluate, then check for effects of a malicious name."""
    import csv

    from srntt.cli import main

    code = main(["evaluate", "--data", "data", "--report", "out/report", *_SMALL])
    report = Path("out/report")
    page, table = (Path(report, f"report.{suffix}").read_text() for suffix in ("html", "csv"))
    cells = [cell for row in csv.reader(table.splitlines()) for cell in row]
    formulas = [cell for cell in cells if cell[:1] in ("=", "@", "\t") or (cell[:1] in "+-" and not _is_number(cell))]
    return (
        f"harmless {code}" if code == 0 and "<script>alert(1)" not in page and not formulas else f"page or {formulas}"
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return not text
    return True


def _reports() -> Iterator[Attack]:
    run = {"protocol": "pairs", "model": "m", "refs": "first", "images": [{"name": "a", "psnr_y": 30.0}]}

    def case(name: str, about: str, content: Any, says: str, **more) -> Attack:
        def make(folder: Path) -> None:
            made = content() if callable(content) else content
            (folder / "r.json").write_bytes(made if isinstance(made, bytes) else json.dumps(made).encode())
            (folder / "s.json").write_text(json.dumps(run))

        command = ("evaluate", "--compare", "r.json", "s.json")
        return Attack(f"report-{name}", about, make, command, 2, says, **more)

    yield case("nan", "a figure that is NaN", run | {"images": [{"name": "a", "psnr_y": float("nan")}]}, "r.json")
    yield case("huge", "a figure of 10^400", run | {"images": [{"name": "a", "psnr_y": 10**400}]}, "r.json")
    yield case("true", "a figure that is true", run | {"images": [{"name": "a", "psnr_y": True}]}, "r.json")
    yield case("escape", "a model whose name clears the terminal", run | {"model": "\x1b[2J"}, "r.json")
    yield case("deep", "brackets, 8 million deep", partial(bytes.__mul__, b"[", 8_000_000), "r.json is not JSON")
    yield case("65-mib", "larger than 64 MiB", partial(bytes, 65 << 20), "larger than", mib=250)
    yield case("names-twice", "a picture twice", run | {"images": run["images"] * 2}, "r.json")
    yield case("no-images", "no pictures", run | {"images": []}, "r.json")
    yield case("hash", "a hash that is none", run | {"images": [{"name": "a", "target_sha256": "z" * 64}]}, "r.json")
    yield case(
        "change", "a change of references that is none", run | {"reference_change": {"what": [], "value": {}}}, "r.json"
    )
    many = partial(_many_runs, run, 100_000)
    yield case("100000-runs", "100,000 evaluations", many, "r.json", seconds=15, slow=True, mib=900)
    for name, make in (
        ("fifo", lambda folder: os.mkfifo(folder / "r.json")),
        ("folder", lambda folder: (folder / "r.json").mkdir()),
    ):
        both = lambda folder, make=make: (make(folder), file("s.json", b"{}")(folder))  # noqa: E731
        yield Attack(
            f"report-{name}",
            f"a report that is a {name}",
            both,
            ("evaluate", "--compare", "r.json", "s.json"),
            2,
            "r.json",
        )


def _report_folders() -> Iterator[Attack]:
    def case(
        name: str, about: str, makers: Callable[[Path], object], code: int, says: str, writes: tuple = ()
    ) -> Attack:
        def make(folder: Path) -> None:
            _pictures(folder)
            (folder / "data/index.json").write_text(json.dumps(_pair()))
            (folder / "out/report").mkdir()
            makers(folder / "out/report")

        command = ("evaluate", "--data", "data", "--report", "out/report", *_SMALL)
        return Attack(f"report-folder-{name}", about, with_model(make), command, code, says, writes, 20, 400)

    files = tuple(f"report/report.{suffix}" for suffix in ("csv", "html", "json", "md", "tex"))
    fifo = lambda folder: os.mkfifo(folder / "scored.jsonl")  # noqa: E731
    yield case(
        "journal-fifo",
        "the journal of an interrupted evaluation is a FIFO",
        fifo,
        2,
        "scored.jsonl",
        ("report/scored.jsonl",),
    )
    inside = lambda folder: (folder / "scored.jsonl").mkdir()  # noqa: E731
    yield case("journal-folder", "it is a folder", inside, 2, "scored.jsonl")
    link = lambda folder: (folder / "scored.jsonl").symlink_to("../../tiny.safetensors")  # noqa: E731
    yield case("journal-link", "it is a link to a file elsewhere", link, 2, "scored.jsonl", ("report/scored.jsonl",))
    noise = file("scored.jsonl", b"\xff\n[[[[\n{}\nnull\n" + b"[" * 100_000 + b"\n")
    yield case("journal-noise", "it is noise: which counts for nothing", noise, 0, "psnr|PSNR", files)


def _recipes() -> Iterator[Attack]:
    def case(
        name: str,
        about: str,
        content: bytes | Callable[[], bytes],
        says: str,
        *more: str,
        code: int = 2,
    ) -> Attack:
        command = ("train", "r.toml", "--photographs", "photographs", "-o", "out/run", *more)
        make = lambda folder: (file("r.toml", content)(folder), harmless(folder, "photographs/a.png"))  # noqa: E731
        return Attack(f"recipe-{name}", about, make, command, code, says)

    yield case("noise", "noise", b"\xff\xfe\0", "r.toml is not TOML")
    yield case("deep", "brackets, 60,000 deep", b"a = " + b"[" * 60_000, "r.toml")
    yield case("deep-keys", "a key of 30,000 parts", b"a." * 30_000 + b"b = 1", "r.toml|no setting")
    yield case("65-kb", "larger than 64 KB", b"#" * 70_000, "larger than")
    yield case("digits", "a number of 60,000 digits", b"[schedule]\nsteps = " + b"9" * 60_000, "r.toml|steps")
    yield case("unknown", "a setting that nobody knows", b"import = 'os'", "no setting import")
    yield case("long-key", "a setting of 60,000 characters", b"k" * 60_000 + b" = 1", "no setting")
    yield case(
        "long-value",
        "a text of 60,000 characters for a number",
        b"[schedule]\nsteps = '" + b"s" * 60_000 + b"'",
        "steps",
    )
    yield case("section-is-a-number", "a section that is a number", b"schedule = 1", "schedule")
    yield case("literal", "a list where one of some words belongs", b"architecture = ['lite']", "architecture")
    yield case("nan", "NaN steps", b"[schedule]\nsteps = nan", "steps")
    yield case(
        "start-climbs",
        "a model to start from that is a FIFO",
        b"start = 'fifo'\n[schedule]\nsteps = 1",
        "No model 'fifo'",
        code=4,
    )
    yield case(
        "set-into-text",
        "--set of something inside a text",
        b"start = 'x'",
        "start",
        "--set",
        "start.x=1",
    )
    yield case(
        "set-deep",
        "--set of brackets, 60,000 deep",
        b"",
        "steps",
        "--set",
        "schedule.steps=" + "[" * 60_000,
    )
    yield case("set-no-value", "--set without a value", b"", "key=value", "--set", "schedule")
    for name, make, path in (
        ("fifo", lambda folder: os.mkfifo(folder / "r.toml"), "r.toml"),
        ("folder", lambda folder: (folder / "r.toml").mkdir(), "r.toml"),
        ("too-long", lambda folder: None, "n" * 300),
        ("device", lambda folder: None, "/dev/zero"),
    ):
        command = ("train", path, "--photographs", "photographs", "-o", "out/run")
        both = lambda folder, make=make: (make(folder), harmless(folder, "photographs/a.png"))  # noqa: E731
        about = f"a recipe that is a {name.replace('-', ' ')}"
        yield Attack(f"recipe-{name}", about, both, command, 2, path[:5])


def _manifests() -> Iterator[Attack]:
    made = {
        "event": "made",
        "key": "0" * 64,
        "input": "a.png",
        "output": "a.png",
        "bytes": 1,
        "sha256": "0" * 64,
        "about": {},
    }

    def case(name: str, about: str, lines: bytes, says: str, code: int = 2, writes: tuple[str, ...] = ()) -> Attack:
        def make(folder: Path) -> None:
            harmless(folder, "in/a.png", "precious.png")
            file("out/.srntt-batch/manifest.jsonl", lines)(folder)

        command = ("batch", "in", "-o", "out", "--resume", *_SMALL)
        return Attack(f"manifest-{name}", about, with_model(make), command, code, says, writes, 12, 300)

    def line(item: Any) -> bytes:
        return json.dumps(item).encode() + b"\n"

    head, says = line(_LINE), "manifest.jsonl, line .*not written by srntt"
    for number, path in enumerate(("../precious.png", "/precious.png", "a/../../precious.png", "a\0.png")):
        about = f"a manifest that claims to have made {path!r}"
        yield case(f"climbs-{number}", about, head + line(made | {"output": path}), says)
    yield case("version", "a manifest of version 99", line(_LINE | {"version": 99}), says)
    yield case("noise", "noise, then a line's end", b"\xff\xfe\0\n", says)
    yield case("deep", "brackets, a million deep", head + b"[" * 1_000_000 + b"\n{}\n", says)
    yield case("event", "an event that nobody knows", head + line({"event": "run", "command": "id"}), says)
    yield case("event-list", "an event that is a list", head + line({"event": [1]}), says)
    yield case("event-long", "an event of a million characters", head + line({"event": "e" * 1_000_000}), says)
    yield case("output-list", "a name that is a list", head + line(made | {"output": []}), says)
    yield case("bytes-true", "a size that is true", head + line(made | {"bytes": True}), says)
    yield case("hash", "a hash that is none", head + line(made | {"sha256": "x"}), says)
    yield case("nan", "NaN", head + b'{"event": "failed", "reason": NaN}\n' + line(made), says)
    yield case("long-line", "a line of 5 MB", head + line({"event": "failed", "reason": "x" * 5_000_000}), says)
    yield case("torn", "a torn last line: taken for unwritten", head + line(made)[:50], "1 ", 0, ("a.png",))
    yield case("lies", "a made picture that is not there: made again", head + line(made), "1 ", 0, ("a.png",))
    for name, make in (
        ("fifo", os.mkfifo),
        ("folder", os.mkdir),
        ("link", lambda path: os.symlink("../../precious.png", path)),
    ):
        for state in ("manifest.jsonl", "descriptors.jsonl", "lock"):

            def place(folder: Path, make: Callable = make, state: str = state) -> None:
                harmless(folder, "in/a.png", "precious.png")
                (folder / "out/.srntt-batch").mkdir()
                make(folder / "out/.srntt-batch" / state)

            command = ("batch", "in", "-o", "out", *_SMALL)
            about = f"srntt's own {state} is a {name}"
            yield Attack(
                f"state-{state.split('.')[0]}-{name}", about, with_model(place), command, 2, state, (), 12, 300
            )


def _digits(count: int) -> bytes:
    return b"[" + b"9" * count + b"]"


def _many_pairs(count: int) -> bytes:
    entries = [f'{{"name":"{number % (count - 1)}","target":"a.png","refs":[]}}' for number in range(count)]
    return f"[{','.join(entries)}]".encode()


def _many_runs(run: dict[str, Any], count: int) -> bytes:
    entries = (json.dumps(run | {"model": f"m{number % (count - 1)}"}) for number in range(count))
    return f"[{','.join(entries)}]".encode()
