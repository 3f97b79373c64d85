"""Creates docs/serve-wide.webp, serve-narrow.webp and serve-share.webp: the page in a headless Chromium.

    srntt serve &
    python docs/make_serve_pictures.py [ADDRESS]     default: http://127.0.0.1:7860

Needs `pip install '.[demo]' --group page` and a Chromium on the path.
"""

import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright  # pyright: ignore[reportMissingImports]

HERE = Path(__file__).parent
WINDOWS = {"wide": (1400, 900, "light"), "narrow": (390, 900, "light"), "share": (1400, 900, "dark")}
PLACE = (0.77, 0.27)  # in the result: the indicator next to the headlamp


def photograph(page, name: str) -> None:
    page.click("#example-0")
    page.wait_for_selector("#references :text('reference')")
    page.click("#begin")
    page.wait_for_selector("#message :text('helped')", timeout=120_000)
    page.wait_for_function("() => document.querySelector('.sv-after')?.naturalWidth > 0")
    page.eval_on_selector(".sv-stage", "it => it.scrollIntoView({block: 'center', behavior: 'instant'})")
    box = page.query_selector(".sv-stage").bounding_box()
    page.mouse.click(box["x"] + PLACE[0] * box["width"], box["y"] + PLACE[1] * box["height"])
    if name == "share":
        page.select_option(".sv-kind", "share")
    page.wait_for_timeout(500)
    shot = Image.open(io.BytesIO(page.screenshot(full_page=True)))
    shot.convert("RGB").save(HERE / f"serve-{name}.webp", quality=80, method=6)


def main(address: str = "http://127.0.0.1:7860") -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, (width, height, scheme) in WINDOWS.items():
            page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
            page.goto(address)
            page.wait_for_selector("#begin")
            photograph(page, name)
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
