"""Overview: how large the consumer asset is, how healthy, and what it sells."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd
import streamlit as st

from dashboard.charts import money as charts
from dashboard.data import aipl, fast, money, scorecard
from dashboard.data.release import rows_of
from dashboard.format import count, percent, points, relative, signed_percent, span
from dashboard.parts import (
    Point,
    Swatch,
    Tile,
    card,
    choose,
    choose_row,
    draw,
    nothing,
    stop_without_release,
    table,
    tiles,
)
from dashboard.view import View

WEEK = timedelta(days=7)
COURSE = timedelta(days=55)
PERIODS_SHOWN = 13

view: View = st.session_state["view"]
brand = stop_without_release(view)


def stock_tiles() -> None:
    """The stock and its stages, each against the same weekday of last week."""
    stock = view.ask(aipl.STOCK, first=view.day - COURSE)
    wide = stock.pivot(index="as_of_date", columns="stage", values="persons")
    now, before = pd.Timestamp(view.day), pd.Timestamp(view.day - WEEK)
    if now not in wide.index:
        nothing(view, "no_stock")
        return
    wide = wide.reindex(columns=list(view.stage_colours()), fill_value=0)
    against = view.text("against_day", day=f"{before:%m-%d}")

    def tile(label: str, course: pd.Series[int], note: str, better: str = "more") -> Tile:
        return Tile(
            label,
            course[now],
            f"{view.text(note)} {view.definition('aipl')}",
            old=course.get(before),
            against=against,
            course=course,
            better=better,
        )

    names = view.stage_names()
    *below, highest = wide.columns
    # Fewer in a stage may mean that more moved on.
    stages = [tile(names[stage], wide[stage], "stage_note", "neither") for stage in below]
    stages.append(tile(names[highest], wide[highest], "stage_note"))
    tiles("stock", [tile(view.text("stock"), wide.sum(axis=1), "stock_note"), *stages])


def fast_tiles() -> None:
    """The stated variant of each letter in the last complete week."""
    weeks = view.ask(fast.FAST, period_type="week")
    if weeks.empty:
        nothing(view, "no_week")
        return
    last = weeks.iloc[-1]
    st.markdown(f"##### {view.text('fast_of_week', week=span(last.period_start, last.period_end))}")
    shown = []
    for metric, *_ in fast.LETTERS.values():
        numerator, denominator = fast.METRICS[metric]
        note = view.text(f"{metric}_note")
        if denominator:
            parts = {"numerator": count(last[numerator]), "denominator": count(last[denominator])}
            note += f" {view.text('ratio', **parts)}"
        shown.append(
            Tile(
                view.text(metric),
                last[metric],
                f"{note} {view.definition('fast')}",
                old=weeks[metric].iloc[-2] if len(weeks) > 1 else None,
                unit="share" if metric in fast.RATES else "count",
                against=view.text("against_week"),
                course=weeks[metric].dropna().tail(PERIODS_SHOWN),
            )
        )
    tiles("fast", shown)


def gmv(days: pd.DataFrame) -> None:
    """What was paid by day, and the last seven days against the seven before."""
    recent, earlier = days["gross"].tail(7).sum(min_count=1), days["gross"].iloc[-14:-7].sum(min_count=1)
    told = f"<b>{view.money(recent, brand.currency)}</b> {view.text('gmv_last_days')}"
    change = relative(recent, earlier) if len(days) >= 14 else None
    if change is not None:
        arrow = "▲" if change > 0 else "▼" if change < 0 else "■"
        told += f" · {arrow} {signed_percent(change)} {view.text('against_week_before')}"
    st.html(f'<p class="account">{told}</p>')
    campaigns = view.ask(scorecard.CAMPAIGNS, first=first_day, last=view.day)
    figure = charts.daily(days, view.axis("money"), (view.text("gross"), view.text("net")), campaigns)
    draw(figure, "gmv", view.text("gmv"), open_trade)
    unknown = int(days["unknown_amount_orders"].sum())
    if unknown:
        st.caption(view.text("unknown_amounts", orders=count(unknown)))
    untold = int(days["unknown_amount_refunds"].sum())
    if untold:
        st.caption(view.text("unknown_refunds", refunds=count(untold)))
    others = view.ask(money.OTHER_CURRENCIES, currency=brand.currency, first=first_day)["currency"]
    if len(others):
        st.caption(view.text("other_currencies", currencies=", ".join(others)))


def open_trade(clicked: Point) -> None:
    """Turn to the trade of a day."""
    asked = {"brand": brand.brand_id, "period": f"day:{str(clicked.x)[:10]}"}
    st.switch_page("screens/trade.py", query_params=asked)


def gap(known: pd.DataFrame) -> None:
    """Targets against what was paid and what was forecast at the end of the day."""
    methods = list(dict.fromkeys(known["method"]))
    tests = money.tested(view.ask(money.BACKTESTS), int(known["days_remaining"].max()))
    better = money.better_method(tests, methods)
    method = choose(view.text("method"), methods, "method", lambda name: view.text(f"method_{name}"), better)
    shown = known[known["method"] == method].tail(4)
    picture, account = st.columns([1, 2], gap="medium")
    names = {name: view.text(f"gap_{name}") for name in ("actual", "forecast", "interval", "target")}
    with picture:
        draw(charts.gaps(shown, view.axis("money"), names), "gap", view.text("gap"))
    rows = [
        (
            span(row.period_start, row.period_end),
            view.money(row.target, row.currency),
            view.money(row.forecast, row.currency),
            view.money(row.gap, row.currency),
            count(row.extra_prospects),
            points(row.buyer_rate_lift),
            view.text(f"status_{row.status}"),
        )
        for row in rows_of(shown)
    ]
    heads = ("period", "gap_target", "gap_total", "gap_gap", "gap_prospects", "gap_lift", "status")
    with account:
        table(view, heads, rows, numeric=range(1, 6), wide=(6,))
        how_sure(known, tests, methods)
        others = [
            f"{count(row.other_currency_orders)} ({span(row.period_start, row.period_end)})"
            for row in rows_of(shown)
            if row.other_currency_orders
        ]
        if others:
            st.caption(view.text("other_currency_orders", orders=", ".join(others)))


def how_sure(known: pd.DataFrame, tests: pd.DataFrame, methods: list[str]) -> None:
    """How well each method foretold the past, whether they disagree, and as of which day they are."""
    for row in rows_of(tests):
        asked = {"days": row.horizon_days, "tests": row.backtests, "error": percent(row.mape)}
        told = [view.text("backtest", method=view.text(f"method_{row.method}"), **asked)]
        if row.interval_backtests:
            held = {"held": row.intervals_held, "tests": row.interval_backtests}
            told.append(view.text("backtest_band", **held))
        st.caption(" ".join(told))
    if set(methods) - set(tests.loc[tests["backtests"] >= money.FEWEST_BACKTESTS, "method"]):
        st.caption(view.text("few_backtests", fewest=money.FEWEST_BACKTESTS))
    is_open = known["days_remaining"].gt(0) & known["gap"].notna()
    verdicts = known[is_open].assign(is_short=known["gap"].gt(0)).groupby("period_start")["is_short"]
    if verdicts.nunique().gt(1).any():
        st.caption(view.text("methods_disagree"))
    if is_past:
        st.caption(view.text("gap_of_past"))


def all_brands(stock: pd.DataFrame) -> None:
    """Every brand beside the others, a row of which opens it.

    Persons are not added across brands, since one may be with several.
    """
    colours, names = view.stage_colours(), view.stage_names()
    rows = []
    for _, own in stock.groupby("brand_id", sort=False):
        persons = dict(zip(own["stage"], own["persons"], strict=True))
        first = own.iloc[0]
        counts = [persons.get(stage, 0) for stage in colours]
        rows.append(
            [first.brand_name, f"{first.as_of_date:%Y-%m-%d}", *map(count, counts), count(sum(counts))]
        )
    stages = [Swatch(names[stage], colour) for stage, colour in colours.items()]
    heads: list[str | Swatch] = ["brand", "date", *stages, "stock"]
    brands = stock["brand_id"].unique()

    def open_brand(row: int) -> None:
        st.query_params["brand"] = brands[row]

    choose_row(view, "brands", heads, rows, open_brand, numeric=range(2, len(heads)))


stock_tiles()
fast_tiles()
first_day = max(view.day - COURSE, brand.first_day)
card(view, "gmv", view.ask(money.DAILY, currency=brand.currency, first=first_day), gmv)
is_past = view.day < brand.horizon
card(view, "gap", view.ask(money.GAPS_ON_DAY if is_past else money.GAPS), gap, empty="no_targets")
card(view, "brands", view.ask(aipl.STOCK_OF_BRANDS), all_brands)
