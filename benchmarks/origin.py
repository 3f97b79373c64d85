"""The origin of figures."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from srntt.evaluate import environment

REPOSITORY = Path(__file__).parent.parent


def origin(*paths: str) -> dict[str, Any]:
    """The commit of the figures, whether files at these paths differed from it, the date, and the versions."""
    return {
        "commit": _git("rev-parse", "HEAD") or None,
        "modified": bool(_git("status", "--porcelain", "--", *paths)),
        "date": datetime.now(UTC).date().isoformat(),
        "environment": environment(),
    }


def _git(*arguments: str) -> str:
    """The output of git; empty outside a checkout."""
    try:
        done = subprocess.run(["git", *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()
