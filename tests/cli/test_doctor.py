"""``srntt doctor``: it finds what is broken, and never breaks itself."""

import json
import tomllib
from pathlib import Path

import pytest

from srntt.cli import _doctor
from srntt.models import save_model
from srntt.models.paper import PaperSRNTT


@pytest.fixture(autouse=True)
def embedded(monkeypatch: pytest.MonkeyPatch, model: Path) -> list[dict]:
    """The embedded models, replaced by the tiny one."""
    size = (model / "model.safetensors").stat().st_size
    models = [{"name": "tiny", "path": str(model), "bytes": size, "description": ""}]
    monkeypatch.setattr("srntt.models.list_models", lambda: models)
    return models


def checks_of(run) -> tuple[int, dict[str, dict]]:
    ran = run("doctor", "--json")
    report = json.loads(ran.out)
    assert report["ok"] == (ran.code == 0)
    return ran.code, {check["name"]: check for check in report["checks"]}


def test_a_whole_installation_is_fit(run) -> None:
    code, checks = checks_of(run)
    assert code == 0
    assert {"srntt", "python", "torch", "numpy", "numba", "pillow", "cpu", "memory", "tiny"} <= set(checks)
    assert all(
        checks[name]["status"] == "ok" for name in ("torch", ".png 8 bits", ".png 16 bits", ".webp 8 bits", "tiny")
    )
    assert "intact, upscaled a picture" in checks["tiny"]["detail"]
    assert not any(check["status"] == "broken" for check in checks.values())


def test_people_get_a_line_for_each_thing(run) -> None:
    ran = run("doctor")
    assert ran.code == 0
    assert all(line.split()[0] in ("ok", "absent") for line in ran.out.splitlines())


def test_extras_are_reported_by_the_names_that_pip_knows(run) -> None:
    project = Path(__file__).parents[2] / "pyproject.toml"
    extras = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    report = {name for name, check in checks_of(run)[1].items() if check["group"] == "extras"}
    assert report == {f"srntt[{name}]" for name in _doctor.EXTRAS}
    for extra, packages in _doctor.EXTRAS.items():
        assert all(any(needed.startswith(package) for needed in extras[extra]) for package in packages), extra


def test_an_extra_that_is_not_there_is_absent(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_doctor, "EXTRAS", {"more": ("srntt-more",), "less": ("pillow",)})
    code, checks = checks_of(run)
    assert code == 0
    assert (checks["srntt[more]"]["status"], checks["srntt[more]"]["detail"]) == (
        "absent",
        "srntt-more is not installed",
    )
    assert checks["srntt[less]"]["detail"].startswith("pillow ")


def test_a_model_whose_vgg19_was_not_fetched_is_absent(
    run, embedded: list[dict], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = save_model(PaperSRNTT(), tmp_path / "paper")
    embedded.append({"name": "paper", "path": str(folder), "bytes": 1, "description": ""})
    code, checks = checks_of(run)
    assert code == 0
    assert checks["paper"]["status"] == "absent"
    assert checks["vgg19-caffe"]["status"] == "absent"
    assert "Fetch them with `srntt weights get vgg19" in checks["paper"]["detail"]


def test_a_damaged_model_is_found(run, embedded: list[dict], tmp_path: Path, model: Path) -> None:
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    (damaged / "config.json").write_bytes((model / "config.json").read_bytes())
    (damaged / "model.safetensors").write_bytes((model / "model.safetensors").read_bytes()[:-4])
    embedded.append({"name": "damaged", "path": str(damaged), "bytes": 1, "description": ""})
    ran = run("doctor")
    assert ran.code == 4
    assert ran.err == "srntt: Not working: damaged.\n"
    assert any(line.startswith("BROKEN") and "damaged: ModelError" in line for line in ran.out.splitlines())


def test_no_model_is_not_fit(run, embedded: list[dict]) -> None:
    embedded.clear()
    assert checks_of(run)[0] == 4


def test_a_broken_torch_ends_the_round_without_a_traceback(run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> object:
        if name == "torch":
            raise OSError("libtorch.so: cannot open shared object file")
        return _doctor.srntt

    monkeypatch.setattr(_doctor, "import_module", broken)
    code, checks = checks_of(run)
    assert code == 4
    assert checks["torch"]["detail"] == "OSError: libtorch.so: cannot open shared object file"
    assert "cpu" not in checks


def test_an_optional_format_may_be_broken(run, monkeypatch: pytest.MonkeyPatch) -> None:
    from srntt import image

    save = image.save

    def without_webp(picture, path, **options):
        if Path(path).suffix == ".webp":
            raise OSError("no encoder")
        return save(picture, path, **options)

    monkeypatch.setattr(image, "save", without_webp)
    code, checks = checks_of(run)
    assert code == 0
    assert checks[".webp 8 bits"]["status"] == "broken"


def test_a_cache_that_cannot_be_written_is_reported(run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "compiled"))
    monkeypatch.setattr(_doctor.os, "access", lambda path, mode: Path(path) != tmp_path)
    _, checks = checks_of(run)
    assert checks["compiled code"]["detail"] == f"PermissionError: {tmp_path}/compiled cannot be written to"
