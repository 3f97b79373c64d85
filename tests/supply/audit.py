"""Licences of all installed packages, and known vulnerabilities of pinned versions (make audit).

python audit.py [PROGRAM OF PIP-AUDIT]    exit code 0: nothing found; 1: something; 3: the vulnerabilities could not be
asked for, because their index is not in reach (the licences are fine).
"""

import json
import subprocess
import sys
from collections.abc import Sequence

from supply.closure import ROOT, closure, licences

#: As written by projects. None of these imposes conditions on programs that use the package, or on their users.
_PERMISSIVE = frozenset(
    """0BSD; 3-Clause BSD License; Apache Software License; Apache-2.0; Apache-2.0 WITH LLVM-exception; BSD License;
    BSD-2-Clause; BSD-3-Clause; BSL-1.0; CC0-1.0; HPND; ISC; MIT; MIT License; MIT-CMU; PSF-2.0;
    Python Software Foundation License; Zlib""".replace("\n", " ")
    .replace("    ", "")
    .split("; ")
)
#: Require that changes to their own files remain open: acceptable without changes. Tools only, unless named here.
_FILE_WISE = frozenset(("MPL-2.0", "Mozilla Public License 2.0 (MPL 2.0)"))
UNREACHABLE = 3


def main(arguments: Sequence[str]) -> int:
    """Return the exit code."""
    wrong = refused_licences()
    print(*wrong or [f"licences: {len(closure('dev'))} packages, all fine"], sep="\n")
    if wrong:
        return 1
    return _vulnerabilities(arguments[0]) if arguments else 0


def refused_licences() -> list[str]:
    """Packages whose licence is not on the list, with their licence text."""
    needed, all_of_them = closure(), closure("dev")
    allowed = {name: _PERMISSIVE if name in needed else _PERMISSIVE | _FILE_WISE for name in all_of_them}
    reported = {name: licences(found) for name, found in all_of_them.items()}
    return [
        f"{name}: {', '.join(reported[name]) or 'says nothing of its licence'}: not among those allowed"
        for name, fine in allowed.items()
        if not reported[name] or not fine.issuperset(reported[name])
    ]


def _vulnerabilities(program: str) -> int:
    command = [program, "-r", str(ROOT / "constraints.txt"), "--no-deps", "--disable-pip", "--progress-spinner", "off"]
    done = subprocess.run([*command, "-f", "json", "--timeout", "20"], capture_output=True, text=True)
    return judge(done.stdout, done.stderr)


def judge(out: str, err: str) -> int:
    """The findings of pip-audit, as text.

    It fails in the same way for a finding and for a dead network, and an index that knows names and files but no
    vulnerabilities makes it pass over every package and report that none was found.
    """
    try:
        packages = json.loads(out)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return _unreachable((err.strip().splitlines() or ["no word of why"])[-1])
    left_out = [package for package in packages if "skip_reason" in package]
    if len(left_out) == len(packages):
        return _unreachable(packages[0]["skip_reason"] if packages else "nothing was looked at")
    found = [(package, one) for package in packages for one in package.get("vulns", ())]
    for package, one in found:
        fixed = ", ".join(one["fix_versions"]) or "no version yet"
        print(f"{package['name']} {package['version']}: {one['id']}, fixed in {fixed}")
    print(f"vulnerabilities: {len(found)} in {len(packages) - len(left_out)} packages")
    print(*(f"not checked: {package['name']} ({package['skip_reason']})\n" for package in left_out), sep="", end="")
    return 1 if found else 0


def _unreachable(reason: str) -> int:
    print(f"VULNERABILITIES NOT ASKED FOR: the index of vulnerabilities is not in reach here ({reason[:300]})")
    return UNREACHABLE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
