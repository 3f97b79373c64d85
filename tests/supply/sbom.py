"""Checks that a CycloneDX bill of materials lists all runtime dependencies (make sbom): python sbom.py FILE."""

import json
import sys
from pathlib import Path

from packaging.utils import canonicalize_name
from supply.closure import closure


def missing(content: str) -> list[str]:
    """Runtime dependencies that the bill does not list in this version.

    Raises:
        ValueError: no bill of materials in CycloneDX.
    """
    bill = json.loads(content)
    if bill.get("bomFormat") != "CycloneDX":
        raise ValueError("this is no CycloneDX")
    listed = {(canonicalize_name(part["name"]), part.get("version")) for part in bill.get("components", ())}
    return [f"{name} {found.version}" for name, found in closure().items() if (name, found.version) not in listed]


if __name__ == "__main__":
    lacking = missing(Path(sys.argv[1]).read_text())
    print(f"{sys.argv[1]}: {len(closure()) - len(lacking)} of the {len(closure())} packages that srntt needs to run")
    print(*(f"missing: {name}" for name in lacking), sep="\n", end="\n" if lacking else "")
    sys.exit(1 if lacking else 0)
