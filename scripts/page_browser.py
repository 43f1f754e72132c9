"""Opens pages in Chromium and says what is wrong with them: run by ``look_at_pages.py`` in an environment that has Playwright and axe.

python scripts/page_browser.py [--untimed] PAGE.html ...
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

VIEWS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1200, "height": 900}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1200, "height": 900}},
    "narrow": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}, "has_touch": True},
}
GRAVE = {"serious", "critical"}
LATEST_PAINT = 1000  # milliseconds


def main() -> int:
    """Looks at every page that the command line names."""
    untimed, pages = "--untimed" in sys.argv, [each for each in sys.argv[1:] if each != "--untimed"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        faults = [
            fault for page in pages for view in VIEWS for fault in looked_at(browser, Path(page), view, untimed=untimed)
        ]
    print("\n".join(faults) or "no fault")
    return int(bool(faults))


def looked_at(browser: Browser, file: Path, view: str, *, untimed: bool = False) -> list[str]:
    """The faults of one page in one view; screenshots of its top and of its answers lie beside it."""
    context = browser.new_context(**VIEWS[view])
    page = context.new_page()
    said, asked = list[str](), list[str]()
    page.on("console", lambda message: said.append(f"console: {message.text[:200]}"))
    page.on("pageerror", lambda error: said.append(f"error: {str(error)[:200]}"))
    page.on("dialog", lambda dialog: (said.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.resolve().as_uri())
    page.wait_for_timeout(200)
    paints = page.evaluate("performance.getEntriesByType('paint').map(entry => entry.startTime)")
    page.screenshot(path=file.with_name(f"{file.stem}-{view}.png"))
    faults = [*said, *_shows_details(page, touch=view == "narrow")]
    page.screenshot(path=file.with_name(f"{file.stem}-{view}-answers.png"))
    faults += [f"asks for {url[:200]}" for url in asked[1:]]
    faults += [f"paints after {paint:.0f} ms" for paint in paints if paint > LATEST_PAINT and not untimed]
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        faults.append("is wider than its window")
    found = Axe().run(page).response["violations"]
    faults += [f"axe: {each['id']}, {each['nodes'][0]['html'][:100]}" for each in found if each["impact"] in GRAVE]
    if view == "light":
        page.pdf(path=file.with_suffix(".pdf"))
    context.close()
    print(f"{file.name} {view}: {len(faults)} faults, first paint {min(paints, default=float('nan')):.0f} ms")
    return [f"{file.name} {view}: {fault}" for fault in faults]


def _shows_details(page: Page, *, touch: bool) -> list[str]:
    """By pointer or touch, and by the keyboard; Escape takes them away."""
    tokens = page.locator(".answer .t")
    if not tokens.count():
        return []
    detail, faults = page.locator("#detail"), list[str]()
    tokens.first.scroll_into_view_if_needed()
    tokens.first.tap() if touch else tokens.first.hover()
    if not detail.is_visible():
        faults.append("shows no details")
    first = detail.inner_text()
    tokens.first.focus()
    page.keyboard.press("ArrowRight")
    if tokens.count() > 1 and detail.inner_text() == first:
        faults.append("the arrow keys lead nowhere")
    page.keyboard.press("Escape")
    if detail.is_visible():
        faults.append("details do not go away")
    page.keyboard.press("ArrowLeft")
    return faults


if __name__ == "__main__":
    sys.exit(main())
