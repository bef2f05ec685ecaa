"""The dashboard in Chromium: every page opens quietly, filters act, and the numbers are the database's."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dashboard_world import BRANDS, HORIZON, SOMEBODY, published
from released import released

from browser.served import browser_program, browsing, served, settled

pytestmark = pytest.mark.skipif(browser_program() is None, reason="no Chromium on this machine")
PAGES = ("overview", "aipl", "fast", "person", "quality", "definitions")
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

    def tiles(self) -> list[str]:
        """Values of all tiles, as they are read."""
        return [text.strip() for text in self.page.locator('[data-testid="stMetricValue"]').all_inner_texts()]

    def table(self, name: str) -> list[list[str]]:
        """Cells of the table in a card."""
        rows = self.page.locator(f".st-key-card_{name} table.figures tbody tr").all()
        return [[cell.strip() for cell in row.locator("td").all_inner_texts()] for row in rows]

    def told(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """What the database says."""
        database = self.home / "published" / "current" / "marts.duckdb"
        with duckdb.connect(str(database), read_only=True) as connection:
            return connection.execute(sql, list(parameters)).fetchall()


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


def test_a_link_to_any_page_opens_it_first(window: Window) -> None:
    window.go("aipl", brand="lumen", date="2024-01-28")

    assert window.page.locator("header.page h1").inner_text() == "AIPL"
    assert "2024-01-28" in window.page.locator(".st-key-card_funnel h5").inner_text()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_without_a_complaint_and_without_the_network(window: Window, name: str) -> None:
    window.errors.clear()
    window.strangers.clear()
    window.go(name, brand="lumen", lang="en")

    assert window.page.locator('[data-testid="stException"]').count() == 0
    assert window.page.get_by_text("could not be queried").count() == 0
    assert window.page.locator("dl.strip").inner_text().count("\n") >= 4
    assert window.errors == []
    assert window.strangers == []


@pytest.mark.parametrize("name", ["overview", "aipl", "quality"])
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


def test_a_filter_changes_the_numbers_to_those_of_the_database(window: Window) -> None:
    window.go("overview", brand="lumen")
    seen = []
    for brand, preset in (("lumen", "consumer_asset"), ("cedar", "consumer_asset"), ("cedar", "gross")):
        if brand != "lumen":
            window.choose("Brand", BRANDS[brand][0])
            window.page.wait_for_url(re.compile(f"brand={brand}"))
        if preset == "gross":
            window.choose("Rule preset", preset)
            window.page.wait_for_url(re.compile(f"preset={preset}"))
        settled(window.page)
        rows = window.told(
            "select persons from fct_aipl_daily where preset = ? and brand_id = ? and as_of_date = ?"
            " and stage_rank > 0 order by stage_rank",
            preset,
            brand,
            BRANDS[brand][2],
        )
        persons = [number for (number,) in rows]
        expected = [f"{number:,}" for number in (sum(persons), *persons)]
        window.page.wait_for_function(
            "wanted => [...document.querySelectorAll('[data-testid=\"stMetricValue\"]')].slice(0, 5)"
            ".map(tile => tile.innerText.trim()).join() === wanted",
            arg=",".join(expected),
        )
        seen.append(window.tiles()[:5])
    assert len({tuple(tiles) for tiles in seen}) == 3


def test_fast_and_the_table_of_brands_are_those_of_the_database(window: Window) -> None:
    window.go("overview", brand="lumen", preset="gross")
    union, advancing, members, thriving = window.told(
        "select fertility_union, advancing_rate, superiority_members, thriving_rate from fct_fast"
        " where preset = 'gross' and brand_id = 'lumen' and period_type = 'week'"
        " order by period_end desc limit 1"
    )[0]

    assert window.tiles()[5:9] == [f"{union:,}", f"{advancing:.1%}", f"{members:,}", f"{thriving:.1%}"]
    for name, day, *persons, stock in window.table("brands"):
        rows = window.told(
            "select persons from fct_aipl_daily inner join dim_brand using (brand_id)"
            " where preset = 'gross' and brand_name = ? and as_of_date = ? and stage_rank > 0"
            " order by stage_rank",
            name,
            day,
        )
        assert persons == [f"{number:,}" for (number,) in rows]
        assert stock == f"{sum(number for (number,) in rows):,}"


def test_the_movement_table_is_that_of_any_two_days(window: Window) -> None:
    window.go("aipl", **{"brand": "lumen", "preset": "gross", "from": "2024-01-10", "to": "2024-02-05"})
    moves = window.told(
        "select from_stage, to_stage, movement, persons from aipl_flow_between('2024-01-10', '2024-02-05')"
        " where preset = 'gross' and brand_id = 'lumen'"
    )
    before = sum(persons for *_, kind, persons in moves if kind != "new")
    after = sum(persons for *_, kind, persons in moves if kind != "lost")

    *stages, whole = window.table("flow")
    assert [whole[1], whole[-1]] == [f"{before:,}", f"{after:,}"]
    for row in stages:
        stage = row[0].split()[0]
        came = sum(persons for _, to, _, persons in moves if to == stage)
        went = sum(persons for begun, _, _, persons in moves if begun == stage)
        assert [row[1], row[-1]] == [f"{went:,}", f"{came:,}"]
    assert "Reconciles with" in window.page.locator(".st-key-card_flow").inner_text()


def test_a_chart_is_downloaded_as_the_rows_of_the_database(window: Window) -> None:
    window.go("fast", brand="lumen", preset="gross")
    with window.page.expect_download() as waiting:
        window.page.locator(".st-key-card_fast_A button:visible", has_text="CSV").click()
    text = Path(waiting.value.path()).read_text(encoding="utf-8-sig")

    assert re.fullmatch(r"fast_A-lumen-gross-2024-02-11-.*\.csv", waiting.value.suggested_filename)
    rows = window.told(
        "select period_end, deepened, start_stock from fct_fast where preset = 'gross' and brand_id = 'lumen'"
        " and period_type = 'week' order by period_start"
    )
    told = [
        (row["period_end"], int(row["deepened"]), int(row["start_stock"]))
        for row in csv.DictReader(io.StringIO(text))
    ]
    assert told == [(str(day), deepened, stock) for day, deepened, stock in rows]


def test_a_person_is_explained_and_never_in_the_link(window: Window) -> None:
    hashed = released(window.home, SOMEBODY)
    window.go("person", brand="lumen")
    box = window.page.get_by_role("textbox", name="Person hash")
    box.fill(hashed)
    box.press("Enter")
    window.page.wait_for_selector(".st-key-card_evidence table")

    assert "i_product_view" in window.page.locator(".st-key-card_evidence").inner_text()
    assert hashed not in window.page.url


def test_the_other_language_is_a_switch_and_part_of_the_link(window: Window) -> None:
    window.go("overview", brand="lumen", lang="en")
    window.page.get_by_role("radio", name="中文").or_(
        window.page.get_by_text("中文", exact=True)
    ).first.click()
    window.page.wait_for_url(re.compile("lang=zh"))
    window.page.wait_for_selector("h1:has-text('总览')")

    assert "数据完整至" in window.page.locator("dl.strip").inner_text()
    assert str(HORIZON) in window.page.locator("dl.strip").inner_text()
