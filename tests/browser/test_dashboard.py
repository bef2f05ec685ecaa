"""The dashboard in Chromium: every page opens quietly, filters act, and the numbers are the database's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd
import pytest
from dashboard_shop import MEMBERS, cell
from dashboard_world import BRANDS, SOMEBODY, World, marts_of, published
from released import released

from browser.served import browser_program, browsing, served, settled
from dashboard.text import text

pytestmark = pytest.mark.skipif(browser_program() is None, reason="no Chromium on this machine")
# The first that a server is asked for is another than the one that it opens by itself.
PAGES = (
    *("aipl", "overview", "fast", "person"),
    *("trade", "traffic", "products", "growth"),
    *("quality", "definitions"),
)
# They look at a period, the others at a day.
BY_PERIOD = PAGES[4:8]
# Words of tiles that do not fit in, and words of charts that leave them or lie upon each other.
CUT = """() => {
    const cut = [...document.querySelectorAll('[data-testid="stMetric"] *')]
        .filter(part => part.innerText && getComputedStyle(part).overflowX === "hidden")
        .filter(part => part.scrollWidth > part.clientWidth + 1)
        .map(part => part.innerText);
    for (const chart of document.querySelectorAll(".stPlotlyChart svg.main-svg")) {
        const room = chart.getBoundingClientRect();
        const words = [...chart.querySelectorAll("text")]
            .map(text => ({ told: text.textContent, box: text.getBoundingClientRect() }))
            .filter(({ told, box }) => told.trim() && box.width);
        for (const [number, { told, box }] of words.entries()) {
            if (box.left < room.left - 1 || box.right > room.right + 1) cut.push(told);
            for (const other of words.slice(number + 1)) {
                const wide = Math.min(box.right, other.box.right) - Math.max(box.left, other.box.left);
                const high = Math.min(box.bottom, other.box.bottom) - Math.max(box.top, other.box.top);
                if (wide > 2 && high > 4) cut.push(`${told} upon ${other.told}`);
            }
        }
    }
    return cut;
}"""
OF_LUMEN = "preset == 'gross' and brand_id == 'lumen' and period_type == 'week'"
WIDTH = "document.documentElement.scrollWidth"


@dataclass
class Window:
    """One open page, and what it asked for and complained about since it was last told to forget."""

    page: Any
    address: str
    home: Path
    errors: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    def go(self, name: str, **query: str) -> None:
        """Open a page by its link."""
        path = "" if name == "overview" else name
        self.page.goto(f"{self.address}/{path}?" + "&".join(f"{key}={value}" for key, value in query.items()))
        settled(self.page)

    def choose(self, label: str, option: str) -> None:
        """Take an option of a select box in the sidebar, as a person does."""
        self.page.get_by_role("combobox", name=label).click()
        self.page.get_by_role("option", name=option, exact=True).click()


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Window]:
    home = tmp_path_factory.mktemp("home")
    published(home)
    with served(home) as address, browsing() as browser:
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        # Twice Playwright's own: tests run beside each other, on machines that do more than this.
        page.set_default_timeout(60_000)
        found = Window(page, address, home)
        page.on("console", lambda told: found.errors.append(told.text) if _is_complaint(told) else None)
        page.on("pageerror", lambda error: found.errors.append(str(error)))
        page.on(
            "request",
            lambda asked: found.strangers.append(asked.url) if _is_strange(asked.url, address) else None,
        )
        yield found


def _is_complaint(told: Any) -> bool:
    """Streamlit looks for its own address below that of a page first, and is told that it is not there."""
    return told.type == "error" and not re.search(r"/_stcore/(health|host-config)$", told.location["url"])


def _is_strange(url: str, address: str) -> bool:
    return not url.startswith((address, address.replace("http", "ws"), "data:", "blob:"))


@pytest.mark.parametrize("name", PAGES)
def test_a_link_opens_its_page_without_a_complaint_and_without_the_network(window: Window, name: str) -> None:
    window.errors.clear()
    window.strangers.clear()
    asked = {"period": "week:2024-01-22"} if name in BY_PERIOD else {"date": "2024-01-28"}
    window.go(name, brand="lumen", lang="en", **asked)

    assert window.page.locator("header.page h1").inner_text() == text("en", f"{name}_page")
    assert all(f"{key}={quote(value, safe='')}" in window.page.url for key, value in asked.items())
    assert window.page.locator('[data-testid="stException"]').count() == 0
    assert window.page.get_by_text("could not be queried").count() == 0
    assert window.page.locator("dl.strip").inner_text().count("\n") >= 4
    assert window.errors == []
    assert window.strangers == []


@pytest.mark.parametrize("name", ["overview", "aipl", "quality", *BY_PERIOD])
def test_words_are_whole_in_narrow_windows(window: Window, name: str) -> None:
    from playwright.sync_api import TimeoutError as Late

    wide = window.page.viewport_size
    try:
        for width in (1280, 390):
            window.page.set_viewport_size({"width": width, "height": 900})
            window.go(name, brand="lumen", lang="en")
            # A chart is drawn, and drawn again once its width is known: soon, or late on a busy machine.
            window.page.wait_for_timeout(300)
            with suppress(Late):
                window.page.wait_for_function(f"!({CUT})().length && {WIDTH} <= {width}", timeout=10_000)
            assert window.page.evaluate(CUT) == []
            assert window.page.evaluate(WIDTH) <= width
    finally:
        window.page.set_viewport_size(wide)


def test_filters_and_the_language_change_the_link_and_the_page(window: Window) -> None:
    window.go("overview", brand="lumen", lang="en")
    window.choose("Brand", BRANDS["cedar"][0])
    window.page.wait_for_url(re.compile("brand=cedar"))
    window.choose("Rule preset", "gross")
    window.page.wait_for_url(re.compile("preset=gross"))
    window.page.get_by_text("中文", exact=True).first.click()
    window.page.wait_for_url(re.compile("lang=zh"))
    window.page.wait_for_selector("h1:has-text('总览')")
    horizon = BRANDS["cedar"][2]
    assert re.search(f"数据完整至\\s+{horizon}", window.page.locator("dl.strip").inner_text())
    stock = sum(World().stock("gross", "cedar", horizon).values())
    window.page.locator('[data-testid="stMetricValue"]').first.get_by_text(f"{stock:,}").wait_for()


def test_a_chart_is_downloaded_as_the_rows_of_its_mart(window: Window) -> None:
    window.go("fast", brand="lumen", preset="gross")
    with window.page.expect_download() as waiting:
        window.page.locator(".st-key-card_fast_A button:visible", has_text="CSV").click()

    assert re.fullmatch(r"fast_A-lumen-gross-2024-02-11-.*\.csv", waiting.value.suggested_filename)
    assert Path(waiting.value.path()).read_bytes().startswith(b"\xef\xbb\xbf")
    head = Path(waiting.value.path()).read_text("utf-8-sig").splitlines()[0]
    assert head.startswith("# A") and "| Lumen | 2024-02-11 | gross | amounts in CNY" in head
    told = pd.read_csv(waiting.value.path(), parse_dates=["period_end"], skiprows=1)
    weeks = marts_of(World())["fct_fast"].query(OF_LUMEN)
    assert len(weeks) > 3
    for column in ("period_end", "deepened", "start_stock"):
        assert told[column].tolist() == weeks[column].astype(told[column].dtype).tolist(), column


def test_a_person_is_explained_and_never_in_the_address(window: Window) -> None:
    hashed = released(window.home, SOMEBODY)
    window.go("person", brand="lumen")
    box = window.page.get_by_role("textbox", name="Person hash")
    box.fill(hashed)
    box.press("Enter")
    window.page.wait_for_selector(".st-key-card_evidence table")
    assert "i_product_view" in window.page.locator(".st-key-card_evidence").inner_text()
    assert hashed not in window.page.url


def test_a_bar_opens_the_list_behind_it_and_a_row_the_person(window: Window) -> None:
    window.go("aipl", brand="lumen", preset="gross", lang="en")
    bar = window.page.locator(".st-key-card_funnel .stPlotlyChart g.points path").nth(1).bounding_box()
    window.page.mouse.click(bar["x"] + bar["width"] / 2, bar["y"] + bar["height"] / 2)
    window.page.wait_for_url(re.compile("people=beyond%3AI"))
    settled(window.page)
    grid = window.page.locator(".st-key-card_people [data-testid=stDataFrame]")
    grid.scroll_into_view_if_needed()
    room = grid.bounding_box()
    # The box of the first row, which is drawn on a canvas.
    window.page.mouse.move(room["x"] + 19, room["y"] + 50, steps=4)
    window.page.wait_for_timeout(300)
    window.page.mouse.click(room["x"] + 19, room["y"] + 50, delay=80)
    window.page.wait_for_url(re.compile("/person"))
    settled(window.page)
    hashed = window.page.get_by_role("textbox", name="Person hash").input_value()
    known = {
        released(window.home, person) for person in World().stage_on("gross", "lumen", BRANDS["lumen"][2])
    }
    assert hashed in known and hashed not in window.page.url


def test_a_bubble_opens_its_product(window: Window) -> None:
    week = "week:2024-01-22"
    cells = {product: cell("lumen", week, "product", product) for product in MEMBERS["product"]}
    visited = sorted(cells, key=lambda product: -cells[product]["visitors"])
    # The best one is shown already.
    other = next(
        product for product in visited if product != max(cells, key=lambda one: cells[one]["paid_amount"])
    )
    window.go("products", brand="lumen", period=week, lang="en")
    bubbles = window.page.locator(".st-key-card_looked_at .stPlotlyChart g.points path")
    bubble = bubbles.nth(visited.index(other)).bounding_box()
    window.page.mouse.click(bubble["x"] + bubble["width"] / 2, bubble["y"] + bubble["height"] / 2)
    window.page.wait_for_url(re.compile(f"product={other}"))
    assert window.errors == []


def test_a_day_of_a_trend_is_opened(window: Window) -> None:
    window.go("trade", brand="lumen", period="week:2024-01-22", lang="en")
    day = window.page.locator(".st-key-card_trade_by_day .stPlotlyChart g.points path").last.bounding_box()
    window.page.mouse.click(day["x"] + day["width"] / 2, day["y"] + day["height"] / 2)
    window.page.wait_for_url(re.compile("period=day%3A2024-01-28"))
    window.page.wait_for_selector("dl.strip :text('2024-01-28 Sun')")
    assert window.errors == []
