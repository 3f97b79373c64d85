"""The dependencies of srntt, including indirect ones, as installed here."""

import re
import tomllib
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent.parent


def closure(*groups: str) -> dict[str, Distribution]:
    """Every distribution required by srntt and dependency groups here, by its normalised name.

    The requirements of srntt are read from pyproject.toml: those of an editable installation may be older.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    declared = [
        *project["project"]["dependencies"],
        *(text for name in groups for text in project["dependency-groups"][name]),
    ]
    waiting = [(requirement, frozenset({""})) for requirement in map(Requirement, declared)]
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        requirement, given = waiting.pop()
        name, wanted = canonicalize_name(requirement.name), frozenset(requirement.extras) | {""}
        if requirement.marker and not any(requirement.marker.evaluate({"extra": extra}) for extra in given):
            continue
        if (name, wanted) not in seen:
            seen.add((name, wanted))
            found[name] = distribution(name)
            waiting += [(Requirement(text), wanted) for text in found[name].requires or ()]
    return dict(sorted(found.items()))


def pinned() -> dict[str, str]:
    """Versions of constraints.txt, by normalised name."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in pins}


def installed_version(found: Distribution) -> str:
    """Without the local part, which distinguishes builds of one version: torch 2.13.0+cpu is 2.13.0."""
    return found.version.partition("+")[0]


def licences(found: Distribution) -> list[str]:
    """The licence stated by a distribution, as short names: SPDX expressions are split."""
    package = found.metadata
    if expression := package.get("License-Expression"):
        return [part for part in re.split(r"\s+(?:AND|OR)\s+|[()]", expression) if part.strip()]
    named = [
        item.rpartition("::")[2].strip() for item in package.get_all("Classifier") or () if item.startswith("License")
    ]
    if named := [name for name in named if name != "OSI Approved"]:
        return named
    return [part for part in re.split(r"\s+(?:AND|OR)\s+", (package.get("License") or "").strip()) if part][:3]
