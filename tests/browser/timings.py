"""`make timings`: how long pages and clicks of the dashboard take, on the release of a home.

By the browser's own clock, from the moment that it opens the link or that the mouse button goes down until
the frame after the last change of the page has been drawn; so the time that the clicking program takes does
not count. In seconds.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from browser.served import browsing, served, settled
from browser.window import Window
from dashboard.text import text

ROUNDS = 6
PAGES = ("overview", "aipl", "fast", "trade", "traffic", "products", "growth")
# Of every document: when it was asked for something, and when it last looked different.
CLOCK = """(() => {
    window.asked = window.drawn = 0;
    addEventListener("pointerdown", event => { window.asked = event.timeStamp; }, { capture: true });
    const drawn = () => { window.drawn = performance.now(); };
    const changed = () => requestAnimationFrame(() => setTimeout(drawn));
    new MutationObserver(changed).observe(document, { childList: true, subtree: true, characterData: true });
})()"""
# Streamlit runs the page a moment after the click, and elements come and go after that.
QUIET = """still => document.querySelector('[data-testid="stApp"]').dataset.testScriptState === "notRunning"
    && window.drawn > window.asked && performance.now() - window.drawn > still"""
POINTS = ".stPlotlyChart g.points path"


def taken(page: Any) -> float:
    """Seconds from what the page was asked for last until it was drawn."""
    settled(page)
    page.wait_for_function(QUIET, arg=800)
    return float(page.evaluate("window.drawn - window.asked")) / 1000


def opened(address: str, browser: Any) -> Window:
    """A window that has no code of the dashboard yet."""
    page = browser.new_context(viewport={"width": 1440, "height": 1000}).new_page()
    page.add_init_script(CLOCK)
    return Window(page, address, Path())


def visit(window: Window, page: str) -> float:
    """A page by its link."""
    window.go(page, lang="en")
    return taken(window.page)


def turn_to(window: Window, page: str) -> float:
    """A page by the menu, from another one."""
    for title in ("fast" if page != "fast" else "aipl", page):
        window.menu(text("en", f"{title}_page"))
        seconds = taken(window.page)
    return seconds


def another_measure(window: Window, turn: int) -> None:
    window.page.locator(".st-key-card_trade_by_day [role=radiogroup] button").nth(1 + turn % 3).click()


def a_channel(window: Window, turn: int) -> None:
    window.click_point(window.page.locator(f".st-key-card_traffic_by_channel {POINTS}").nth(turn % 4))


def a_day_of_trade(window: Window, turn: int) -> None:
    window.click_point(window.page.locator(f".st-key-card_trade_by_day {POINTS}").nth(-2 - 3 * turn))


def a_product(window: Window, turn: int) -> None:
    window.click_row("ranking", 1 + turn)


def people_behind_a_stage(window: Window, turn: int) -> None:
    window.click_point(window.page.locator(f".st-key-card_funnel {POINTS}").nth(turn % 4))


def a_day_of_stock(window: Window, turn: int) -> None:
    trace = window.page.locator(".st-key-card_stock .stPlotlyChart g.trace").first
    window.click_point(trace.locator(".points path").nth(9 + 4 * turn))


def another_brand(window: Window, turn: int) -> None:
    window.page.get_by_role("combobox", name="Brand").click()
    offered = window.page.locator("[role=option]:not([aria-selected=true])")
    offered.nth(turn % offered.count()).click()


CLICKS: dict[str, tuple[str, Callable[[Window, int], None]]] = {
    "another measure of a card": ("trade", another_measure),
    "the days of a channel": ("traffic", a_channel),
    "another day of the trade": ("trade", a_day_of_trade),
    "a product": ("products", a_product),
    "the people behind a stage": ("aipl", people_behind_a_stage),
    "another day of the stock": ("aipl", a_day_of_stock),
    **{f"another brand: {page}": (page, another_brand) for page in PAGES},
}


def clicked(window: Window, page: str, click: Callable[[Window, int], None], turn: int) -> float:
    """A click on the page as its link opens it."""
    visit(window, page)
    click(window, turn)
    return taken(window.page)


def told(times: list[float]) -> str:
    return f"median {median(times):.2f}, longest {max(times):.2f}: {' '.join(f'{one:.2f}' for one in times)}"


def main(home: Path) -> None:
    """Measure all, beside nothing else."""
    for page in PAGES:
        with served(home) as address, browsing() as browser:
            window = opened(address, browser)
            print(f"{page}: very first {visit(window, page):.2f}")
            print(f"{page}: link {told([visit(window, page) for _ in range(ROUNDS)])}")
            print(f"{page}: menu {told([turn_to(window, page) for _ in range(ROUNDS)])}", flush=True)
    with served(home) as address, browsing() as browser:
        window = opened(address, browser)
        for name, (page, click) in CLICKS.items():
            times = [clicked(window, page, click, turn) for turn in range(ROUNDS)]
            print(f"{name}: {told(times)}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
