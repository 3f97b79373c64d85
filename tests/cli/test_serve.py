"""``srntt serve``: what is refused before anything is served, and in which words."""

import socket
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from srntt.demo import OrderLimits, Settings, _serve
from srntt.library import Library
from srntt.models import list_models


@pytest.fixture
def with_gradio(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if it were installed; nothing gets as far as using it."""
    monkeypatch.setattr(_serve, "find_spec", lambda name: object())


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """A library of one photograph."""
    (tmp_path / "album").mkdir()
    Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save(tmp_path / "album" / "black.png")
    Library(tmp_path / "library.sqlite").add([tmp_path / "album"])
    return tmp_path / "library.sqlite"


def test_help_names_the_extra_and_the_defaults(run) -> None:
    ran = run("serve", "--help")
    assert ran.code == 0
    for words in ("srntt[demo]", "127.0.0.1", "7860", "--max-pixels", "--queue"):
        assert words in ran.out


def test_the_models_that_are_offered_ship_and_the_help_names_them(run) -> None:
    shipped = {each["name"] for each in list_models()}
    assert set(Settings().models.values()) <= {"auto", *shipped}
    report = " ".join(run("serve", "--help").out.replace("│", " ").split())
    assert "Default: {}, {}, {} and {}.".format(*Settings().models) in report


def test_without_gradio_it_states_what_to_install(run, monkeypatch: pytest.MonkeyPatch, free_port: int) -> None:
    monkeypatch.setattr(_serve, "find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, "gradio", None)
    ran = run("serve", "--port", free_port)
    assert ran.code == 4
    wanted = "srntt: srntt serve needs Gradio: in the source folder of srntt, run pip install '.[demo]'."
    assert ran.err.splitlines()[-1] == wanted


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        (("--port", "0"), "--port 0: must be 1..65535"),
        (("--port", "70000"), "--port 70000: must be 1..65535"),
        (("--queue", "0"), "--queue 0: must be 1..30"),
        (("--queue", "31"), "--queue 31: must be 1..30"),
        (("--max-pixels", "0"), "--max-pixels 0: must be at least 1"),
        (("--max-work", "-1"), "--max-work -1: must be at least 1"),
        (("--model", "a/one", "--model", "b/one"), "Two models have the same name"),
    ],
)
@pytest.mark.usefixtures("with_gradio")
def test_refusals(run, tokens: tuple[str, ...], message: str) -> None:
    ran = run("serve", *tokens)
    assert ran.code == 2
    assert message in ran.err


@pytest.mark.parametrize("tokens", [("--public",), ("--host", "0.0.0.0")])
@pytest.mark.usefixtures("with_gradio")
def test_a_library_is_not_shown_to_others(run, album: Path, tokens: tuple[str, ...]) -> None:
    ran = run("serve", "--library-file", album, *tokens)
    assert ran.code == 2
    assert "--library shows your photographs to everyone who can open the page" in ran.err


@pytest.mark.usefixtures("with_gradio")
def test_an_address_that_is_not_this_machine_s(run, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(_serve.socket, "getaddrinfo", unknown)
    ran = run("serve", "--host", "a.example")
    assert ran.code == 2
    assert "Cannot listen on a.example, port 7860: Name or service not known. Choose another --port, or an" in ran.err


@pytest.mark.usefixtures("with_gradio")
def test_a_port_that_is_taken(run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        ran = run("serve", "--port", port)
    assert ran.code == 2
    assert f"Cannot listen on 127.0.0.1, port {port}: Address already in use. Choose another --port" in ran.err


@pytest.mark.usefixtures("with_gradio")
def test_a_model_that_is_not_there_leaves_nothing(run, free_port: int, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    ran = run("serve", "--port", free_port, "--model", "no-such")
    assert ran.code == 4
    assert "No model 'no-such'" in ran.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("host", "warned"), [("127.0.0.1", False), ("localhost", False), ("0.0.0.0", True)])
@pytest.mark.usefixtures("with_gradio")
def test_an_open_address_is_warned_of(run, monkeypatch, free_port: int, host: str, warned: bool) -> None:
    served = []
    monkeypatch.setattr(_serve, "_check_free", lambda host, port: None)  # tests look no other address up
    monkeypatch.setattr("srntt.demo.serve", lambda settings, announce: served.append(settings))
    ran = run("serve", "--host", host, "--port", free_port, "--max-pixels", "100", "--queue", "3")
    assert ran.code == 0
    assert ("without password or encryption" in ran.err) is warned
    (settings,) = served
    assert (settings.host, settings.port, settings.waiting, settings.limits.max_pixels) == (host, free_port, 3, 100)


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        ((), OrderLimits.of_machine()),
        (("--public",), OrderLimits()),
        (("--host", "0.0.0.0"), OrderLimits()),
        (("--max-pixels", "7", "--max-seconds", "60"), OrderLimits.of_machine(max_pixels=7, max_seconds=60)),
        (("--public", "--max-pictures", "9", "--max-work", "8"), OrderLimits(max_pictures=9, max_work=8)),
    ],
)
@pytest.mark.usefixtures("with_gradio")
def test_limits_are_the_machine_s_unless_the_page_is_public(
    run, monkeypatch, free_port: int, tokens: tuple[str, ...], expected: OrderLimits
) -> None:
    served = []
    monkeypatch.setattr(_serve, "_check_free", lambda host, port: None)
    monkeypatch.setattr("srntt.demo.serve", lambda settings, announce: served.append(settings))
    assert run("serve", "--port", free_port, *tokens).code == 0
    assert served[0].limits == expected
