"""The page in a real browser: `pip install '.[demo]' --group page` and a Chromium (Debian's, or Playwright's own).

The server runs as people run it, in a process of its own that cannot reach beyond this machine.
"""

import re
import shutil
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from demo.conftest import pixels
from library.album import LOW, save, write_album
from load.server import Server
from PIL import Image
from views.aligned.scenes import low_res_to_scene, scene, seen

from srntt.library import Library

if find_spec("gradio") is None:
    pytest.skip("needs the extra demo: gradio is not installed", allow_module_level=True)
sync_api = pytest.importorskip("playwright.sync_api", reason="needs the group page: playwright is not installed")

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium, of which there is none on the path"),
]
MOTORCYCLE = Path(__file__).parents[2] / "examples" / "motorcycle"
AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
PATIENCE = 120_000  # ms, of a machine that has other things to do


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    started = Server(tmp_path_factory.mktemp("server"), "--max-pixels", "60000", "--queue", "1")
    yield started
    if started.process.poll() is None:
        started.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def visit(browser: Any, server: Server) -> Iterator[Callable[..., Any]]:
    """Opens the page; by the end, nothing may have been asked of another server, and no script may have failed."""
    requested, failed, contexts = [], [], []

    def visit(width: int = 1200, height: int = 1000, **options: Any) -> Any:
        contexts.append(browser.new_context(viewport={"width": width, "height": height}, **options))
        page = contexts[-1].new_page()
        page.set_default_timeout(PATIENCE)
        page.on("request", lambda request: requested.append(request.url))
        page.on("pageerror", lambda error: failed.append(str(error)))
        page.goto(server.address)
        page.wait_for_selector("#begin")
        return page

    yield visit
    for context in contexts:
        context.close()
    assert requested
    assert [url for url in requested if not url.startswith((server.address + "/", "data:", "blob:"))] == []
    assert failed == []


def upload(page: Any, small: Path | list[Path], *references: Path) -> None:
    for place, files in (("#small", small if isinstance(small, list) else [small]), ("#references", list(references))):
        if files:
            page.set_input_files(f"{place} input[type=file]", files)
        for file in files:
            page.wait_for_selector(f"{place} :text('{file.stem}')")


def made(folder: Path) -> tuple[Path, Path]:
    """A small picture and a reference."""
    Image.fromarray(pixels(16, 20)).save(folder / "small.png")
    Image.fromarray(pixels(64, 80)).save(folder / "sharp.png")
    return folder / "small.png", folder / "sharp.png"


def upscale(page: Any) -> str:
    """Begins, waits for the end, and returns what is said then."""
    page.click("#begin")
    page.wait_for_function(
        "() => document.querySelector('#message').innerText.match(/helped|did not help|Done|refused|Cancelled/)"
    )
    page.wait_for_selector("srntt-view .sv-after")
    page.wait_for_function("() => document.querySelector('.sv-after').naturalWidth > 0")
    return page.inner_text("#message")


def _in_view(page: Any) -> dict[str, float]:
    """Where the result is on the screen, scrolled into it."""
    page.eval_on_selector(".sv-stage", "it => it.scrollIntoView({block: 'center', behavior: 'instant'})")
    return page.query_selector(".sv-stage").bounding_box()


def test_references_are_found_in_the_library(browser: Any, server: Server, tmp_path: Path) -> None:
    write_album(tmp_path / "album")
    save(seen(scene(1), low_res_to_scene(), LOW, 8), tmp_path / "small.png")
    Library(tmp_path / "library.sqlite").add([tmp_path / "album"])
    (tmp_path / "own").mkdir()
    own = Server(tmp_path / "own", "--library-file", str(tmp_path / "library.sqlite"), "--model", "lite-rec")
    try:
        for address, is_offered in ((server.address, False), (own.address, True)):
            page = browser.new_page()
            page.set_default_timeout(PATIENCE)
            page.goto(address)
            page.wait_for_selector("#begin")
            assert page.is_visible("#library") == is_offered
        assert "4 photographs" in page.inner_text("#library")
        upload(page, tmp_path / "small.png")
        page.check("#library input")
        said = upscale(page)
        assert "helped" in said
        for name in ("near.png", "turned.png"):
            assert f"from your library: {tmp_path / 'album' / name}: same scene" in said
        assert "enlarged.png shows the picture itself" in said
    finally:
        own.stop()


def test_upload_run_slider_provenance_download(visit: Callable[..., Any], server: Server, tmp_path: Path) -> None:
    page = visit()
    upload(page, MOTORCYCLE / "low-res.png", MOTORCYCLE / "reference.png")
    assert "The reference helped: detail at " in upscale(page)

    sizes = "() => [...document.querySelectorAll('.sv-stage img')].map(i => [i.naturalWidth, i.naturalHeight])"
    assert page.evaluate(sizes) == [[740, 500], [740, 500]]  # full resolution, both
    page.select_option(".sv-size", "1")
    box = page.query_selector(".sv-stage").bounding_box()
    assert (round(box["width"]), round(box["height"])) == (740, 500)

    assert "inset(0px 50% 0px 0px)" in page.evaluate("() => document.querySelector('.sv-before').style.clipPath")
    page.eval_on_selector(".sv-wipe input", "it => { it.value = 250; it.dispatchEvent(new Event('input')) }")
    assert "75%" in page.evaluate("() => document.querySelector('.sv-before').style.clipPath")
    handle = page.query_selector(".sv-handle").bounding_box()
    page.mouse.move(handle["x"] + handle["width"] / 2, handle["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.9 * box["width"], handle["y"] + 40, steps=4)
    page.mouse.up()
    assert "10%" in page.evaluate("() => document.querySelector('.sv-before').style.clipPath")

    with page.expect_download() as download:
        page.click("text=provenance (NPZ)")
    assert download.value.suggested_filename == "low-res_x4-provenance.npz"
    download.value.save_as(tmp_path / "where.npz")
    where = np.load(tmp_path / "where.npz")
    row, column = 60, 111
    box = _in_view(page)
    page.mouse.click(box["x"] + 4 * column + 2, box["y"] + 4 * row + 2)
    shown = page.evaluate("() => ({...document.querySelector('srntt-view').dataset})")
    assert (int(shown["row"]), int(shown["column"])) == (row, column)
    assert abs(int(shown["y"]) - where["y"][row, column]) <= 0.5
    assert abs(int(shown["x"]) - where["x"][row, column]) <= 0.5
    assert page.inner_text(".sv-words").startswith("reference.png, pixel ")

    page.mouse.move(box["x"] + 300, box["y"] + 300)  # a place that was clicked stays
    assert page.evaluate("() => document.querySelector('srntt-view').dataset.row") == str(row)
    page.mouse.click(box["x"] + 4 * column + 2, box["y"] + 4 * row + 2)
    page.mouse.move(box["x"] + 300, box["y"] + 302)  # let go, it follows the pointer
    assert page.evaluate("() => document.querySelector('srntt-view').dataset.row") == "75"
    there = "() => [...document.querySelector('.sv-there').getContext('2d').getImageData(20, 20, 1, 1).data]"
    assert page.evaluate(there)[3] == 255  # the reference is drawn

    with page.expect_download() as download:
        page.click("text=picture (PNG)")
    download.value.save_as(tmp_path / "result.png")
    with Image.open(tmp_path / "result.png") as picture:
        assert (picture.size, picture.info) == ((740, 500), {})

    assert page.is_hidden(".sv-map")
    shown = []
    for kind in ("share", "similarity"):
        page.select_option(".sv-kind", kind)
        assert page.is_visible(".sv-map")
        at = "it => [...it.getContext('2d').getImageData(111, 60, 1, 1).data]"
        shown.append(page.eval_on_selector(".sv-map", at))
    (red, green, blue, opacity), (*gray, whole) = shown
    assert (red, green, blue) != (red, red, red)
    assert opacity / 255 == pytest.approx(where["share"][row, column], abs=0.01)
    assert len(set(gray)) == 1
    assert whole == 255
    words = page.inner_text(".sv-references li")
    assert words.startswith("reference.png")
    assert "same scene" in words
    assert re.search(r"detail at \d+% of the places", words)
    assert page.eval_on_selector(".sv-references img", "it => it.naturalWidth") == 240
    assert len(server.results()) == 1


def test_a_reference_that_does_not_help_is_reported_not_to(visit: Callable[..., Any]) -> None:
    page = visit()
    page.click("#example-1")
    page.wait_for_selector("#references :text('reference-negative')")
    assert "The reference did not help: " in upscale(page)


def test_the_keyboard_walks(visit: Callable[..., Any], tmp_path: Path) -> None:
    page = visit()
    upload(page, *made(tmp_path))
    upscale(page)
    page.focus(".sv-stage")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert page.eval_on_selector("srntt-view", "it => [it.dataset.row, it.dataset.column]") == ["9", "11"]
    place = "it => [it.getAttribute('aria-valuenow'), it.style.left]"
    page.focus(".sv-handle")
    for key, percent in (("ArrowRight", "52"), ("ArrowLeft", "50"), ("PageUp", "60"), ("End", "100"), ("Home", "0")):
        page.keyboard.press(key)
        assert page.eval_on_selector(".sv-handle", place) == [percent, f"{percent}%"]
    assert page.input_value(".sv-wipe input") == "0"
    assert page.eval_on_selector("srntt-view", "it => it.dataset.row") == "9", "only the slider moved"


def test_touch_moves_the_slider_and_chooses_a_place(visit: Callable[..., Any], tmp_path: Path) -> None:
    page = visit(width=390, height=800, has_touch=True, is_mobile=True)
    upload(page, *made(tmp_path))
    upscale(page)
    box = _in_view(page)
    handle = page.query_selector(".sv-handle").bounding_box()
    assert handle["width"] == 44
    middle, height = handle["x"] + 22, box["y"] + box["height"] / 2
    touch = page.context.new_cdp_session(page)
    for kind, x in (("Start", middle), ("Move", middle + 2), ("Move", box["x"] + 0.8 * box["width"]), ("End", None)):
        points = [] if x is None else [{"x": x, "y": height}]
        touch.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})
    assert abs(int(page.get_attribute(".sv-handle", "aria-valuenow")) - 80) <= 1
    for _ in range(5):  # a busy machine may take a tap for a long press
        page.touchscreen.tap(box["x"] + 0.1 * box["width"], box["y"] + 0.1 * box["height"])
        page.wait_for_timeout(1000)
        if page.is_visible(".sv-mark.sv-kept"):
            break
    assert page.eval_on_selector("srntt-view", "it => [it.dataset.row, it.dataset.column]") == ["1", "2"]


def test_several_pictures_in_a_row(visit: Callable[..., Any], server: Server, tmp_path: Path) -> None:
    small, sharp = made(tmp_path)
    Image.fromarray(pixels(12, 24, seed=3)).save(tmp_path / "second.png")
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nand no more")
    page = visit()
    upload(page, [small, tmp_path / "bad.png", tmp_path / "second.png"], sharp)
    page.click("#begin")
    page.wait_for_selector("#message :text('Done: 2 of 3 pictures.')")
    assert "bad.png: is not a whole PNG" in page.inner_text("#message")
    page.wait_for_selector(".sv-series button:nth-child(3)")
    buttons = page.query_selector_all(".sv-series button")
    assert [(each.inner_text(), each.is_enabled()) for each in buttons] == [
        ("small.png", True), ("bad.png", False), ("second.png", True),
    ]  # fmt: skip
    width = "() => document.querySelector('.sv-after').naturalWidth == "
    page.wait_for_function(width + "80")
    buttons[2].click()
    page.wait_for_function(width + "96")
    assert buttons[2].get_attribute("aria-pressed") == "true"
    assert len(page.query_selector_all("srntt-view")) == 1


def test_options(visit: Callable[..., Any], tmp_path: Path) -> None:
    small, sharp = made(tmp_path)
    page = visit()
    upload(page, small, sharp)
    page.click("#options button")
    assert page.is_hidden("#quality")
    page.check("#format input[value=JPEG]")
    page.wait_for_selector("#quality")
    page.click("#scale input")
    page.click("#scale [role=option]:has-text('2 times') >> nth=0")
    page.fill("#strength input[type=number]", "0")
    page.keyboard.press("Tab")
    assert "did not help" in upscale(page)
    with page.expect_download() as download:
        page.click("text=picture (JPEG)")
    assert download.value.suggested_filename == "small_x2.jpg"
    download.value.save_as(tmp_path / "result.jpg")
    with Image.open(tmp_path / "result.jpg") as picture:
        assert (picture.format, picture.size) == ("JPEG", (40, 32))


def test_the_help_of_a_model_follows_the_choice(visit: Callable[..., Any]) -> None:
    page = visit()
    assert "Chooses lite-rec or lite-real" in page.inner_text("#model")
    page.click("#model input")
    page.click("#model [role=option]:has-text('lite-real')")
    page.wait_for_selector("#model :text('cameras, scans, the web')")


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is missing: npm install --no-save axe-core")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_fault_of_accessibility(visit: Callable[..., Any], tmp_path: Path, scheme: str) -> None:
    page = visit(width=1400, color_scheme=scheme)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert serious(page) == []
    small, sharp = made(tmp_path)
    upload(page, [small, sharp], sharp)
    page.click("#options button")
    page.check("#format input[value=JPEG]")
    page.click("#begin")
    page.wait_for_selector("#message :text('Done: 2 pictures.')")
    page.wait_for_function("() => document.querySelector('.sv-after')?.naturalWidth > 0")
    page.focus(".sv-stage")
    page.keyboard.press("ArrowDown")
    for width in (1400, 390):
        page.set_viewport_size({"width": width, "height": 1000})
        assert serious(page) == []
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width


def serious(page: Any) -> list[tuple[str, str, str]]:
    """Rule, element and help of serious and critical faults."""
    page.wait_for_timeout(500)  # colours fade in
    found = page.evaluate("() => axe.run()")["violations"]
    return [
        (fault["id"], node["html"][:200], fault["help"])
        for fault in found
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
    ]


def test_a_bad_file_and_no_file(visit: Callable[..., Any], tmp_path: Path) -> None:
    page = visit()
    page.click("#begin")
    page.wait_for_selector("#message :text('Give a small picture first')")
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nand no more")
    upload(page, tmp_path / "bad.png")
    page.click("#begin")
    page.wait_for_selector("#message :text('bad.png: is not a whole PNG')")
    assert page.is_enabled("#begin")


def test_too_large_a_picture(visit: Callable[..., Any], tmp_path: Path) -> None:
    page = visit()
    Image.fromarray(pixels(250, 250)).save(tmp_path / "large.png")
    upload(page, tmp_path / "large.png")
    page.click("#begin")
    page.wait_for_selector("#message :text('250 x 250 = 62,500 pixels, the limit is 60,000')")


def test_cancel_a_full_queue_and_a_page_that_is_closed(
    visit: Callable[..., Any], server: Server, tmp_path: Path
) -> None:
    Image.fromarray(pixels(240, 240)).save(tmp_path / "small.png")
    Image.fromarray(pixels(1600, 1600, seed=1)).save(tmp_path / "sharp.png")
    pages = [visit() for _ in range(3)]
    for page in pages:
        upload(page, tmp_path / "small.png", tmp_path / "sharp.png")
    pages[0].click("#begin")
    pages[0].wait_for_selector("#message :text('Step ')")
    pages[1].click("#begin")
    pages[1].wait_for_selector("#message :text('one picture before yours')")
    pages[2].click("#begin")
    pages[2].wait_for_selector("#message :text('The server is busy: one picture is being processed and 1 are waiting')")
    pages[1].click("#cancel")
    pages[1].wait_for_selector("#message :text('Cancelled')", timeout=5000)
    pages[0].click("#cancel")
    pages[0].wait_for_selector("#message :text('Cancelled')")
    pages[2].click("#begin")
    pages[2].wait_for_selector("#message :text('Step ')")
    pages[2].close()  # and nobody cancels it: the page has gone
    pages[0].click("#example-2")
    pages[0].wait_for_selector("#small :text('motorcycle')")
    assert upscale(pages[0]).startswith("Done, without references")


def test_a_narrow_window_scrolls_down_only(visit: Callable[..., Any]) -> None:
    page = visit(width=375, height=800)
    page.click("#example-0")
    page.wait_for_selector("#references :text('reference')")
    upscale(page)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 375
    stage = page.query_selector(".sv-stage").bounding_box()
    assert stage["x"] >= 0
    assert stage["x"] + stage["width"] <= 375


def test_results_go_with_their_page_and_everything_with_the_server(visit: Callable[..., Any], server: Server) -> None:
    page = visit()
    page.click("#example-2")
    page.wait_for_selector("#small :text('motorcycle')")
    upscale(page)
    link = page.get_attribute("srntt-view", "src")
    kept = server.results()
    assert page.request.get(f"{server.address}/{link}").status == 200
    page.close()
    deadline = time.monotonic() + 60
    while len(server.results()) >= len(kept) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert len(server.results()) < len(kept)
    assert server.stop() == 143
    assert list(server.temporary.iterdir()) == []
