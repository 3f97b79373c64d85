"""Checks that a CycloneDX bill of materials lists what srntt needs to run, and what it imports (make sbom).

python sbom.py FILE
"""

import json
import sys
from pathlib import Path

from packaging.utils import canonicalize_name
from supply.closure import closure
from supply.imports import installed_imports


def missing(content: str) -> list[str]:
    """Runtime dependencies, and installed packages that the source imports, which the bill does not list.

    Raises:
        ValueError: no bill of materials in CycloneDX.
    """
    bill = json.loads(content)
    if bill.get("bomFormat") != "CycloneDX":
        raise ValueError("this is no CycloneDX")
    listed = {(canonicalize_name(part["name"]), part.get("version")) for part in bill.get("components", ())}
    return [f"{name} {version}" for name, version in sorted(_needed().items()) if (name, version) not in listed]


def _needed() -> dict[str, str]:
    return {name: found.version for name, found in closure().items()} | installed_imports()


if __name__ == "__main__":
    lacking = missing(Path(sys.argv[1]).read_text())
    needed = len(_needed())
    print(f"{sys.argv[1]}: {needed - len(lacking)} of the {needed} packages that srntt needs to run or imports")
    print(*(f"missing: {name}" for name in lacking), sep="\n", end="\n" if lacking else "")
    sys.exit(1 if lacking else 0)
