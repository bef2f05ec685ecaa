"""The dashboard in Chromium: every page opens quietly, filters act, and the numbers are the database's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd
import pytest
from dashboard_shop import MEMBERS, cell
from dashboard_world import BRANDS, DAY, FIRST, SOMEBODY, World, marts_of
from plotly.offline import get_plotlyjs
from released import released

from browser.served import browser_program, settled
from browser.window import Window, window_on
from dashboard.charts.axes import axis_of
from dashboard.data.saved_views import FILE
from dashboard.format import money
from dashboard.text import text
from orchestration.core.settings import PROJECT_ROOT

pytestmark = pytest.mark.skipif(browser_program() is None, reason="no Chromium on this machine")
# The first that a server is asked for is another than the one that it opens by itself.
PAGES = (
    *("aipl", "overview", "fast", "person"),
    *("trade", "traffic", "products", "growth"),
    *("quality", "definitions"),
)
# They look at a period, the others at a day.
BY_PERIOD = PAGES[4:8]
# Words of tiles and buttons that do not fit in, and words of charts that leave them or lie upon each other.
CUT = """() => {
    const cut = [...document.querySelectorAll('[data-testid="stMetric"] *, button *')]
        .filter(part => part.innerText && part.getBoundingClientRect().right > 0)
        .filter(part => getComputedStyle(part).overflowX === "hidden")
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
# Charts of which Plotly has been told twice, and those that it has drawn a second time.
TOLD_TWICE = """() => {
    window.told = [];
    window.drawnAgain = [];
    const known = new WeakSet();
    new MutationObserver(() => {
        for (const chart of document.querySelectorAll(".js-plotly-plot")) {
            if (known.has(chart) || !chart.on) continue;
            known.add(chart);
            const label = chart.closest("[role=figure]").ariaLabel;
            chart.on("plotly_react", () => window.told.push(label));
            chart.on("plotly_beforeplot", () => window.drawnAgain.push(label));
        }
    }).observe(document, { childList: true, subtree: true, attributes: true });
}"""
# That pages about a period open with.
MONTH = "month:2024-01-01"
OF_LUMEN = "preset == 'gross' and brand_id == 'lumen' and period_type == 'week'"
WIDTH = "document.documentElement.scrollWidth"


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Window]:
    with window_on(tmp_path_factory.mktemp("home")) as opened:
        yield opened


@pytest.fixture(scope="module")
def drawing(window: Window) -> Iterator[Any]:
    """A page with nothing but Plotly, and room for one chart."""
    page = window.page.context.browser.new_page()
    page.set_content("<div id=chart></div>")
    page.add_script_tag(content=get_plotlyjs())
    yield page
    page.close()


def test_the_server_starts_without_a_warning(window: Window) -> None:
    told = (window.home / "logs" / "dashboard.log").read_text()
    assert window.address in told
    assert "WARNING" not in told and "restart" not in told


@pytest.mark.parametrize("name", PAGES)
def test_a_link_opens_its_page_without_a_complaint_the_network_or_a_serious_barrier(
    window: Window, name: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe

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
    assert [
        (one["id"], [node["html"] for node in one["nodes"]])
        for one in Axe().run(window.page).response["violations"]
        if one["impact"] in ("serious", "critical")
    ] == []


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


def more_than_before(window: Window) -> None:
    window.menu("Trade")
    window.page.get_by_test_id("stMetricValue").get_by_text(
        money(cell("lumen", MONTH)["paid_amount"], "CNY")
    ).wait_for()


def the_day_that_made_the_difference(window: Window) -> None:
    window.menu("Trade")
    window.click_point(window.page.locator(".st-key-card_trade_by_day .stPlotlyChart g.points path").last)
    # The last one that is drawn is an unusual day, or the last day.
    window.page.wait_for_url(re.compile("period=day%3A2024-01"))
    settled(window.page)
    (day,) = re.findall(r"day%3A([\d-]+)", window.page.url)
    assert f"{day} " in window.page.locator("dl.strip").inner_text()
    buyers = cell("lumen", f"day:{day}")["buyers"]
    window.page.get_by_test_id("stMetricValue").get_by_text(f"{buyers:,.0f}", exact=True).wait_for()
    window.page.wait_for_selector(".st-key-card_buyer_classes .stPlotlyChart")


def hours_of_visitors(window: Window) -> None:
    window.menu("Traffic")
    window.page.locator(".st-key-card_traffic_by_hour .xtick", has_text="21").wait_for()


def channels_that_bring_buyers(window: Window) -> None:
    window.menu("Traffic")
    card = window.page.locator(".st-key-card_traffic_by_channel")
    window.click(card.get_by_text("Pay_conversion", exact=True))
    window.page.wait_for_url(re.compile("traffic_by_channel=pay_conversion"))
    card.locator(".ytick", has_text="search").first.wait_for()


def paths_from_a_page(window: Window) -> None:
    window.menu("Traffic")
    window.page.locator(".st-key-card_paths").get_by_text("Where they went from").first.wait_for()


def looked_at_and_not_bought(window: Window) -> None:
    cells = {product: cell("lumen", MONTH, "product", product) for product in MEMBERS["product"]}
    visited = sorted(cells, key=lambda product: -cells[product]["visitors"])
    # The best one is shown already.
    best = max(cells, key=lambda product: cells[product]["paid_amount"])
    other = next(product for product in visited if product != best)
    window.menu("Products")
    bubbles = window.page.locator(".st-key-card_looked_at .stPlotlyChart g.points path")
    window.click_point(bubbles.nth(visited.index(other)))
    window.page.wait_for_url(re.compile(f"product={other}"))


def products_that_fell(window: Window) -> None:
    window.menu("Products")
    window.page.locator(".st-key-card_unusual").get_by_text("fell").first.wait_for(state="attached")


def what_growth_is_made_of(window: Window) -> None:
    window.menu("Growth")
    window.choose("Period type", "Campaign")
    window.page.locator(".st-key-card_letters").get_by_text("Gain").first.wait_for()


def what_the_campaign_brought(window: Window) -> None:
    what_growth_is_made_of(window)
    assert "Baseline" in window.page.locator("dl.strip").inner_text()
    window.page.locator(".st-key-card_growth_by_category").get_by_text("Lamps").first.wait_for(
        state="attached"
    )


def why_somebody_is_interested(window: Window) -> None:
    window.menu("AIPL")
    window.click_point(window.page.locator(".st-key-card_funnel .stPlotlyChart g.points path").nth(1))
    window.page.wait_for_url(re.compile("people=beyond%3AI"))
    settled(window.page)
    window.click_first_person()
    window.page.wait_for_url(re.compile("/person"))
    settled(window.page)
    hashed = window.page.get_by_role("textbox", name="Person hash").input_value()
    on_the_day = World().stage_on("consumer_asset", "lumen", BRANDS["lumen"][2])
    assert hashed in {released(window.home, person) for person in on_the_day}
    assert hashed not in window.page.url


QUESTIONS = {
    "Did we sell more last month than the month before?": more_than_before,
    "Which day made the difference, and who bought on it?": the_day_that_made_the_difference,
    "When are people in the shop?": hours_of_visitors,
    "Which channels bring people who buy?": channels_that_bring_buyers,
    "Where do people go from a product?": paths_from_a_page,
    "Which products are looked at and not bought?": looked_at_and_not_bought,
    "Which products fell?": products_that_fell,
    "What is our growth made of?": what_growth_is_made_of,
    "What did the campaign bring?": what_the_campaign_brought,
    "Who is interested now, and why is this one?": why_somebody_is_interested,
}


def test_the_questions_are_those_of_the_documents() -> None:
    page = (PROJECT_ROOT / "docs" / "dashboard.md").read_text()
    assert re.findall(r"^\| ([^|]*\?) \|", page, re.MULTILINE) == list(QUESTIONS)


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_is_answered_in_three_clicks(window: Window, question: str) -> None:
    window.go("overview", brand="lumen", lang="en")
    window.errors.clear()
    window.clicks = 0
    QUESTIONS[question](window)
    assert window.clicks <= 3
    assert window.errors == []


def test_a_chart_is_drawn_once(window: Window) -> None:
    window.go("growth", brand="lumen", lang="en")
    window.page.evaluate(TOLD_TWICE)
    window.menu("Trade")
    charts = window.page.locator(".js-plotly-plot").count()
    assert charts > 5
    window.page.wait_for_function(f"new Set(window.told).size === {charts}")
    assert window.page.evaluate("window.drawnAgain") == []


def test_a_bar_shows_the_days_of_its_part(window: Window) -> None:
    window.go("trade", brand="lumen", period="week:2024-01-22", lang="en")
    window.errors.clear()
    window.click_point(window.page.locator(".st-key-card_trade_by_channel .stPlotlyChart g.points path").last)
    window.page.wait_for_url(re.compile("member=channel%3A"))
    settled(window.page)
    window.click(window.page.get_by_role("button", name="show the whole brand"))
    window.page.wait_for_function("!document.location.search.includes('member=')")
    assert window.errors == []


def test_a_day_of_the_stock_and_a_move_are_opened(window: Window) -> None:
    window.go("aipl", brand="lumen", preset="gross", lang="en")
    window.errors.clear()
    stock = window.page.locator(".st-key-card_stock .stPlotlyChart g.trace").first.locator(".points path")
    window.click_point(stock.nth(9))
    window.page.wait_for_url(re.compile(f"date={FIRST + 8 * DAY}"))
    settled(window.page)
    window.click_row("flow", 0)
    window.page.wait_for_url(re.compile("people=move%3A"))
    settled(window.page)
    window.page.locator(".st-key-card_people [data-testid=stDataFrame]").wait_for()
    assert window.errors == []


def test_a_row_of_the_brands_opens_its_brand(window: Window) -> None:
    window.go("overview", brand="lumen", lang="en")
    window.errors.clear()
    window.click_row("brands", 0)
    window.page.wait_for_url(re.compile("brand=cedar"))
    # And does so again, from the keyboard too.
    window.choose("Brand", BRANDS["lumen"][0])
    window.page.wait_for_url(re.compile("brand=lumen"))
    settled(window.page)
    window.page.get_by_role("button", name=BRANDS["cedar"][0], exact=True).press("Enter")
    window.page.wait_for_url(re.compile("brand=cedar"))
    stock = sum(World().stock("consumer_asset", "cedar", BRANDS["cedar"][2]).values())
    window.page.get_by_test_id("stMetricValue").first.get_by_text(f"{stock:,}").wait_for()
    assert window.errors == []


def test_a_category_of_the_growth_opens_its_days(window: Window) -> None:
    window.go("growth", brand="lumen", lang="en")
    window.errors.clear()
    window.choose("Period type", "Campaign")
    window.click_row("growth_by_category", 0)
    window.page.wait_for_selector('header.page h1:text-is("Trade")')
    window.page.wait_for_url(re.compile("member=category%3A"))
    settled(window.page)
    assert window.errors == []


def test_a_saved_view_opens_with_its_choices(window: Window) -> None:
    (window.home / FILE).write_text("Buyers: trade?brand=lumen&period=latest:week&trade_by_day=buyers\n")
    window.go("overview", brand="cedar", lang="en")
    window.unfold("Saved views")
    assert window.page.evaluate(CUT) == []
    window.click(window.page.locator("section[data-testid=stSidebar]").get_by_text("Buyers", exact=True))
    window.page.wait_for_selector('header.page h1:text-is("Trade")')
    window.page.wait_for_url(re.compile("period=week%3A2024-02-05"))
    settled(window.page)
    assert "trade_by_day=buyers" in window.page.url and "brand=lumen" in window.page.url
    buyers = cell("lumen", "week:2024-02-05")["buyers"]
    window.page.get_by_test_id("stMetricValue").get_by_text(f"{buyers:,.0f}", exact=True).wait_for()
    assert window.errors == []


@pytest.mark.parametrize(
    ("highest", "written"),
    [
        (0, ["$0", "$0.5", "$1"]),
        (4_000, ["$0", "$1,000", "$2,000", "$3,000", "$4,000"]),
        (45_678, ["$0", "$10k", "$20k", "$30k", "$40k"]),
        (3.2e9, ["$0", "$1B", "$2B", "$3B"]),
    ],
)
def test_money_beside_a_chart_is_written_as_people_do(
    drawing: Any, highest: float, written: list[str]
) -> None:
    layout = {"yaxis": axis_of("money", "USD").scale(highest), "width": 500, "height": 300}
    chart = {"data": [{"type": "bar", "x": [1, 2], "y": [0, highest]}], "layout": layout}
    drawing.evaluate("chart => Plotly.newPlot('chart', chart.data, chart.layout)", chart)
    assert drawing.locator(".ytick text").all_text_contents() == written
