"""Every attack fails: exit code, messages, written files, memory and time are as expected.

The same with counts: make attacks.
"""

import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest
from attacks.arena import Arena, faults, open_arena
from attacks.attack import Attack, Outcome
from attacks.page import PageAttack
from attacks.registry import FAMILIES

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts processes' memory as Linux does")

ATTACKS = [attack for attacks in FAMILIES.values() for attack in attacks]
FINE = Attack("fine", "nothing", lambda folder: None, ("doctor",), 1, "a.png: is not a picture")
REFUSED = Outcome(1, "", "srntt: a.png: is not a picture\n", 0.1, 1.0, (), (), ())


def _marked(attack: Attack | PageAttack) -> object:
    marks = [pytest.mark.slow] if attack.slow else []
    if attack.known:
        marks += [pytest.mark.slow, pytest.mark.xfail(reason=attack.known, strict=True)]
    return pytest.param(attack, id=attack.name, marks=marks)


@pytest.fixture(scope="module")
def arena() -> Iterator[Arena]:
    with open_arena() as opened:
        yield opened


@pytest.mark.parametrize("attack", [_marked(attack) for attack in ATTACKS])
def test_attack_fails(arena: Arena, attack: Attack | PageAttack) -> None:
    outcome = arena.run(attack)
    assert not faults(attack, outcome), outcome


def test_names_are_unique() -> None:
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"code": 0}, "exit code 0"),
        ({"err": "Traceback a.png: is not a picture"}, "a traceback"),
        ({"err": "srntt: it failed"}, "does not say"),
        ({"err": REFUSED.err + "srntt:\x1b[2J"}, "control characters"),
        ({"err": REFUSED.err + "x" * 5000}, "characters on stderr"),
        ({"seconds": 99.0}, "99.0 s of"),
        ({"mib": 9999.0}, "9999 MiB of"),
        ({"written": ("x.png",)}, "out/ holds"),
        ({"changed": ("home/x",)}, "changed elsewhere"),
        ({"misdeeds": ("os.system",)}, "misdeeds"),
    ],
)
def test_the_judge_sees_every_fault(change: dict, fault: str) -> None:
    assert not faults(FINE, REFUSED)
    assert any(fault in text for text in faults(FINE, replace(REFUSED, **change)))


@pytest.mark.parametrize(
    ("misdeed", "reported"),
    [
        ("open('escaped', 'w').close()", "open 'escaped'"),
        ("__import__('os').system('true')", "os.system"),
        ("__import__('pickle').loads(b'cos\\ngetpid\\n.')", "pickle.find_class"),
        ("__import__('os').mkdir('../elsewhere')", "os.mkdir '../elsewhere'"),
        ("__import__('subprocess').run(['true'])", "subprocess.Popen"),
    ],
)
def test_the_arena_sees_every_misdeed(arena: Arena, misdeed: str, reported: str) -> None:
    make = lambda folder: (folder / "code").write_text(misdeed)  # noqa: E731
    attack = Attack("misdeed", "does what it must not", make, ("attacks.server:commit_misdeed",), 0, "")
    outcome = arena.run(attack)
    assert any(reported in text for text in outcome.misdeeds), outcome
    if reported.startswith(("open", "os.mkdir")):
        assert outcome.changed
