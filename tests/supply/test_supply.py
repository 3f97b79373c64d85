"""Installed packages are pinned, permitted and listed; downloads are identified by their hash."""

import json
import re
from types import SimpleNamespace

import pytest
from supply import audit
from supply.audit import UNREACHABLE, judge, refused_licences
from supply.closure import ROOT, closure, installed_version, licences, pinned
from supply.imports import UNDECLARED, declared, distribution_of, imported_modules, installed_imports
from supply.lock import LOCK, locked
from supply.sbom import missing

from srntt.weights import WEIGHTS


def test_all_that_the_checks_install_is_pinned_with_what_it_needs_in_turn():
    pins = pinned()
    unpinned = [f"{name}=={installed_version(found)}" for name, found in _developing().items() if name not in pins]
    assert not unpinned, f"add to constraints.txt: {unpinned}"


def test_what_is_installed_is_what_is_pinned():
    pins = pinned()
    others = {name: installed_version(found) for name, found in _developing().items()}
    assert {name: version for name, version in others.items() if pins.get(name, version) != version} == {}


def test_what_is_needed_to_run_is_found_with_what_it_needs_in_turn():
    assert {
        "torch",
        "numpy",
        "numba",
        "llvmlite",
        "pillow",
        "opencv-python-headless",
        "safetensors",
        "cyclopts",
        "rich",
        "pygments",
    } <= set(closure())
    assert "pytest" not in closure()
    assert "pluggy" in _developing()


def test_the_lock_contains_what_is_needed_to_run_in_the_pinned_versions():
    """Make lock after a change of pyproject.toml or constraints.txt."""
    packages, pins = locked(LOCK.read_text()), pinned()
    assert {name: package.version.partition("+")[0] for name, package in packages.items()} == {
        name: pins[name] for name in closure()
    }
    assert packages["torch"].version.endswith("+cpu")


@pytest.mark.parametrize("text", ["numpy>=2", "numpy==2.0", "numpy==2.0 --hash=sha256:" + "0" * 63, "-e ."])
def test_a_line_of_a_lock_without_version_or_hash_is_an_error(text: str):
    with pytest.raises(ValueError, match="not a version with hashes"):
        locked(text)


def test_what_is_imported_is_declared_and_what_is_declared_is_imported():
    imported = imported_modules()
    assert set(UNDECLARED) <= set(imported)
    assert {distribution_of(module) for module in imported if module not in UNDECLARED} == declared() - _BY_NAME


def test_licences_are_fine():
    assert refused_licences() == []


@pytest.mark.parametrize(
    ("reported", "found"),
    [
        ({"License-Expression": "0BSD AND Apache-2.0 WITH LLVM-exception"}, ["0BSD", "Apache-2.0 WITH LLVM-exception"]),
        ({"License-Expression": "(MIT OR GPL-3.0-only)"}, ["MIT", "GPL-3.0-only"]),
        ({"Classifier": ["License :: OSI Approved :: MIT License", "Topic :: A"]}, ["MIT License"]),
        ({"License": "Apache-2.0"}, ["Apache-2.0"]),
        ({}, []),
    ],
)
def test_a_licence_is_read_wherever_a_package_reports_it(reported: dict, found: list[str]):
    metadata = SimpleNamespace(get=reported.get, get_all=reported.get)
    assert licences(SimpleNamespace(metadata=metadata)) == found  # pyright: ignore


def test_a_licence_that_asks_much_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(audit, "licences", lambda found: ["GPL-3.0-only"])
    assert any(text.startswith("numpy: GPL-3.0-only") for text in refused_licences())


def test_a_licence_for_tools_is_none_for_what_is_shipped_with(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(audit, "licences", lambda found: ["MPL-2.0"])
    refused = {text.partition(":")[0] for text in refused_licences()}
    assert refused == set(closure())


def test_findings_clean_bills_and_a_dead_network_are_distinguished(capsys: pytest.CaptureFixture[str]):
    finding = {"name": "pillow", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.0"]}]}
    assert judge(json.dumps({"dependencies": [finding]}), "") == 1
    assert "pillow 1.0: PYSEC-1, fixed in 2.0" in capsys.readouterr().out
    skipped = {"name": "torch", "skip_reason": "not on the index"}
    assert judge(json.dumps({"dependencies": [finding | {"vulns": []}, skipped]}), "") == 0
    assert "not checked: torch" in capsys.readouterr().out
    for out, err in (("", "ServiceError: Failed to resolve host"), (json.dumps({"dependencies": [skipped]}), "")):
        assert judge(out, err) == UNREACHABLE
        assert "NOT ASKED FOR" in capsys.readouterr().out


def test_a_bill_of_materials_that_lacks_something_is_reported():
    needed = {name: found.version for name, found in closure().items()} | installed_imports()
    parts = [{"name": name, "version": version} for name, version in needed.items()]
    bill = {"bomFormat": "CycloneDX", "components": parts}
    assert missing(json.dumps(bill)) == []
    assert len(missing(json.dumps(bill | {"components": parts[1:]}))) == 1
    with pytest.raises(ValueError, match="no CycloneDX"):
        missing("{}")


def test_whatever_is_downloaded_is_known_by_its_hash():
    """Each file of the weights; nothing else in the source opens an address."""
    sums = [source.sha256 for weights in WEIGHTS.values() for source in weights.sources]
    assert len(sums) == 5
    assert all(re.fullmatch("[0-9a-f]{64}", text) for text in sums)
    opening = r"urlopen|urlretrieve|requests\.get|hf_hub_download|snapshot_download|torch\.hub|get_session"
    openers = {path.name for path in (ROOT / "src").rglob("*.py") if re.search(opening, path.read_text())}
    assert openers == {"_get.py", "_hub_requests.py"}


def test_torch_load_reads_known_files_alone_and_weights_only():
    calls = {
        path.name: re.findall(r"torch\.load\(.*", path.read_text())
        for path in (ROOT / "src").rglob("*.py")
        if "torch.load(" in path.read_text()
    }
    assert set(calls) == {"_converters.py"}
    assert all("weights_only=True" in call for call in calls["_converters.py"])


_BY_NAME = {"imagecodecs", "pillow-heif", "pillow-jxl-plugin", "tensorboard"}  # imported by their names, or by torch


def _developing() -> dict:
    return closure("dev")
