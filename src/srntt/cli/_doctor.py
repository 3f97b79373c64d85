"""``srntt doctor``: check the installation."""

from srntt.cli._checks import Check, all_checks
from srntt.cli._exit import Exit
from srntt.cli._options import Json
from srntt.cli._say import complain, say, say_json

_MARKS = {"ok": "ok     ", "absent": "absent ", "broken": "BROKEN "}


def doctor(*, json: Json = False) -> int:
    """Check versions, formats, extras, devices, memory, models and caches; each model upscales a picture of 16x16."""
    checks = list(all_checks())
    broken = [check for check in checks if check.fatal]
    if json:
        say_json({"ok": not broken, "checks": [check.as_json() for check in checks]})
    else:
        say(*(_line(check) for check in checks))
    if broken:
        complain(f"Not working: {', '.join(check.name for check in broken)}.")
        return Exit.ENVIRONMENT
    return Exit.DONE


def _line(check: Check) -> str:
    return f"{_MARKS[check.status]} {check.group:<8} {check.name}: {check.detail}"
