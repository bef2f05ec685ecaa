"""The pages about a period: what they show is the cell of the scorecard, and the link opens the same view."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from dashboard_app import open_app, tables, tiles, turned, words
from dashboard_shop import GROWTH, MEMBERS, RATES, cell
from dashboard_world import published

from dashboard.data.scorecard import ACTS
from dashboard.format import count, figure, money, percent, points, signed_percent
from dashboard.text import LANGUAGES, text
from orchestration.core.settings import PROJECT_ROOT

PAGES = ("trade", "traffic", "products", "growth")
WEEK, BEFORE = "week:2024-01-22", "week:2024-01-15"


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A published release of the small world, which the pages read."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("home")
        published(folder)
        patch.setenv("AIPL_HOME", str(folder))
        yield


@pytest.mark.parametrize("language", LANGUAGES)
def test_tiles_are_the_cell_of_the_period_and_its_change(language: str) -> None:
    app = open_app("trade", brand="lumen", period=WEEK, lang=language)
    now, before = cell("lumen", WEEK), cell("lumen", BEFORE)
    shown, names = (
        tiles(app),
        {rate: f"{rate} 率" if language == "zh" else rate.capitalize() for rate in RATES},
    )

    assert shown[text(language, "paid_amount")] == money(now["paid_amount"], "CNY", language)
    assert shown[text(language, "buyers")] == count(now["buyers"])
    assert shown[names["pay_conversion"]] == percent(now["pay_conversion"])
    deltas = {metric.label: metric.delta for metric in app.metric}
    change = now["paid_amount"] / before["paid_amount"] - 1
    assert deltas[text(language, "paid_amount")] == signed_percent(change)
    assert deltas[names["pay_conversion"]] == points(now["pay_conversion"] - before["pay_conversion"])
    assert text(language, "region_months_only") in words(app)
    strip = words(app)
    assert "2024-01-22 – 01-28" in strip and "2024-01-15 – 01-21" in strip

    app = turned(app, "traffic")
    assert tiles(app)[names["stay_per_visit"]] == figure(now["stay_per_visit"], "seconds")


def test_a_period_is_chosen_kept_and_linked() -> None:
    app = open_app("trade", brand="lumen")
    assert app.query_params["period"] == "month:2024-01-01"
    assert app.query_params["compare"] == "none"
    assert text("en", "region_months_only") not in words(app)
    app.selectbox(key="kind_of_period").set_value("week").run()
    assert app.query_params["period"] == "week:2024-02-05"
    app.selectbox(key="period").set_value(WEEK).run()
    assert tiles(app)[text("en", "orders")] == count(cell("lumen", WEEK)["orders"])
    app.selectbox(key="compare").set_value("none").run()
    assert not any(metric.delta for metric in app.metric)

    # Of the month there is nothing to compare with, of other periods there is.
    fresh = open_app("trade", brand="lumen", period="month:2024-01-01")
    assert fresh.query_params["compare"] == "none"
    for kind, usual in (("campaign", "baseline"), ("week", "previous"), ("month", "none")):
        fresh.selectbox(key="kind_of_period").set_value(kind).run()
        assert fresh.query_params["compare"] == usual

    app = turned(turned(app, "fast"), "growth")
    assert text("en", "growth_needs_a_base") in words(app)
    app = turned(app, "traffic")
    assert tiles(app)[text("en", "visits")] == count(cell("lumen", WEEK)["visits"])
    linked = {name: app.query_params[name] for name in ("brand", "period", "compare", "lang")}
    assert linked == {"brand": "lumen", "period": WEEK, "compare": "none", "lang": "en"}
    assert tiles(open_app("traffic", **linked)) == tiles(app)

    # The other brand's data end in the middle of that week.
    app.selectbox(key="period").set_value("week:2024-02-05").run()
    app.selectbox(key="brand").set_value("cedar").run()
    assert app.query_params["period"] == "month:2024-01-01"
    assert tiles(app)[text("en", "visits")] == count(cell("cedar", "month:2024-01-01")["visits"])


def test_a_trend_shows_one_part_of_the_brand() -> None:
    app = open_app("trade", brand="lumen", period=WEEK, member="channel:search")
    (back,) = (one for one in app.main.button)
    assert back.label == text("en", "only_member", member=text("en", "channel_search"))
    turned(app, "traffic")
    assert app.query_params["member"] == ["channel:search"] or app.query_params["member"] == "channel:search"
    next(iter(app.main.button)).click().run()
    assert "member" not in app.query_params and not app.main.button
    app = open_app("trade", brand="lumen", period=WEEK, member="moon:full")
    assert "member" not in app.query_params
    assert text("en", "not_in_release", filter=text("en", "member"), value="moon:full") in words(app)


def test_a_brand_is_compared_with_another_of_its_currency() -> None:
    app = open_app("trade", brand="lumen", period=WEEK, compare="brand:maple")
    now, other = cell("lumen", WEEK), cell("maple", WEEK)
    deltas = {metric.label: metric.delta for metric in app.metric}
    change = now["paid_amount"] / other["paid_amount"] - 1
    assert deltas[text("en", "paid_amount")] == signed_percent(change)
    assert f"{text('en', 'compare_brand')}: Maple" in words(app)
    assert app.query_params["compare"] == "brand:maple"
    offered = app.selectbox(key="compare").options
    assert not any("Cedar" in name for name in offered)
    assert text("en", "growth_needs_a_base") in words(turned(app, "growth"))

    app = open_app("trade", brand="lumen", period=WEEK, compare="brand:cedar")
    assert app.query_params["compare"] == "previous"
    asked = {"filter": text("en", "compare"), "value": "brand:cedar"}
    assert text("en", "not_in_release", **asked) in words(app)


def test_free_days_show_what_adds_up_and_say_why_people_do_not() -> None:
    first, days = date(2024, 1, 20), 5
    last = first + timedelta(days=days - 1)
    app = open_app("trade", brand="lumen", period=f"range:{first}:{last}")

    def total(column: str, start: date) -> float:
        return sum(cell("lumen", f"day:{start + timedelta(days=day)}")[column] for day in range(days))

    paid, refunded = total("paid_amount", first), total("refunded_amount", first)
    before = total("paid_amount", first - timedelta(days=days))
    assert tiles(app) == {
        text("en", "paid_amount"): money(paid, "CNY"),
        text("en", "orders"): count(total("orders", first)),
        "Refund_rate_amount": percent(refunded / paid),
    }
    deltas = {metric.label: metric.delta for metric in app.metric}
    assert deltas[text("en", "paid_amount")] == signed_percent(paid / before - 1)
    assert text("en", "people_do_not_add_up") in words(app)
    shown = tiles(turned(app, "traffic"))
    assert shown[text("en", "visits")] == count(total("visits", first))
    seconds = total("dwell_seconds", first) / total("visits", first)
    assert shown["Stay_per_visit"] == figure(seconds, "seconds")

    app.selectbox(key="kind_of_period").set_value("week").run()
    assert app.query_params["period"] == "week:2024-02-05"
    app.selectbox(key="kind_of_period").set_value("range").run()
    assert app.query_params["period"] == "range:2024-01-15:2024-02-11"
    app.date_input(key="days").set_value((first, last)).run()
    assert app.query_params["period"] == f"range:{first}:{last}"
    for days_asked in ("2023-01-01:2024-01-02", "2024-01-09:2024-01-02", "2024-01-09", "x:y"):
        app = open_app("trade", brand="lumen", period=f"range:{days_asked}")
        assert app.query_params["period"] == "month:2024-01-01"


def test_sums_of_the_pages_are_those_that_add_up_over_days() -> None:
    declared = (PROJECT_ROOT / "dbt_project/macros/scorecard/columns.sql").read_text()
    units = dict(re.findall(r"'(\w+)': \('\w+', [^,]+, '(\w+)'\)", declared))
    assert {units[column] for column in ACTS} == {"sum", "documents"}


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(
    "period",
    [
        "day:2024-02-11",
        "campaign:spring",
        "range:2024-01-03:2024-02-03",
        "baseline:spring",
        "month:2031-01-01",
    ],
)
def test_every_period_has_its_page(page: str, period: str) -> None:
    app = open_app(page, brand="lumen", period=period)
    told = words(app)
    assert text("en", "broken_title") not in told
    is_offered = not period.startswith(("baseline", "month:2031"))
    assert app.query_params["period"] == (period if is_offered else "month:2024-01-01")
    assert (period in told) is not is_offered


def test_products_are_those_of_the_list_with_their_names() -> None:
    app = open_app("products", brand="lumen", period=WEEK)
    values = {
        product: cell("lumen", WEEK, "product", product)["paid_amount"] for product in MEMBERS["product"]
    }
    best = sorted(values, key=lambda product: -values[product])
    listed, unusual = tables(app)
    assert [row[:3] for row in listed] == [
        [f"{number}", product.title(), money(values[product], "CNY")]
        for number, product in enumerate(best, 1)
    ]
    assert listed[-1][4] == "100.0%"
    assert [row[1:] for row in unusual] == [["Pot", text("en", "buyers"), "2", "20", "−6.0", "fell", "¥77"]]
    app.selectbox(key="product").set_value("cup").run()
    assert not app.exception


def test_growth_adds_up_and_says_what_else_touched_it() -> None:
    app = open_app("growth", brand="lumen", period="campaign:spring")
    # All the money is that of the scorecard, which these letters are not of.
    assert text("en", "adds_not_up") in words(app)
    net = open_app("growth", brand="lumen", period="campaign:spring", basis="net_as_known")
    assert text("en", "no_growth") in words(net)
    app.session_state["buyers"] = "new"
    app.run()
    told = words(app)
    assert text("en", "adds_not_up") in told
    assert text("en", "contaminated") in told
    (rows,) = tables(app)
    for row, (before, *letters, after) in zip(rows, GROWTH.values(), strict=True):
        assert row[1] == money(before, "CNY") and row[6] == money(after, "CNY")
        assert [cell_ == "–" for cell_ in row[2:6]] == [not letter for letter in letters]
