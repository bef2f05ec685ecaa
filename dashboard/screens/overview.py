"""Overview: how large the consumer asset is, how healthy, and what it sells."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd
import streamlit as st

from dashboard.charts import money as charts
from dashboard.data import aipl, fast, money
from dashboard.data.rows import rows_of
from dashboard.format import (
    SYMBOLS,
    count,
    is_missing,
    percent,
    points,
    relative,
    signed,
    signed_percent,
    span,
)
from dashboard.format import money as amount
from dashboard.parts import Swatch, card, draw, table, tile
from dashboard.states import nothing, stop_without_release
from dashboard.view import Brand, View

WEEK = timedelta(days=7)
COURSE = timedelta(days=55)
MONEY_DAYS = timedelta(days=55)
PERIODS_SHOWN = 13


def stock_tiles(view: View, brand: Brand) -> None:
    """The stock and its stages, each against the same weekday of last week."""
    stock = view.ask(aipl.stock, view.preset, brand.brand_id, view.day - COURSE, view.day)
    wide = stock.pivot(index="as_of_date", columns="stage", values="persons")
    now, before = pd.Timestamp(view.day), pd.Timestamp(view.day - WEEK)
    if now not in wide.index:
        nothing(view, "no_stock", day=view.day)
        return
    stages = list(view.stages()["stage"])
    wide = wide.reindex(columns=stages, fill_value=0)
    names = view.stage_names()
    series = {view.text("stock"): wide.sum(axis=1), **{names[stage]: wide[stage] for stage in stages}}
    with st.container(key="tiles_stock"):
        columns = st.columns(len(series), gap="small")
    for place, (label, course) in zip(columns, series.items(), strict=True):
        old = int(course[before]) if before in course.index else None
        change = int(course[now]) - old if old is not None else None
        with place:
            tile(
                label,
                count(course[now]),
                delta=None
                if change is None
                else f"{signed(change)} ({signed_percent(relative(course[now], old))})",
                direction=change,
                against=view.text("against_day", day=f"{before:%m-%d}"),
                note=view.text("stock_note" if label == view.text("stock") else "stage_note"),
                line=course,
            )


def fast_tiles(view: View, brand: Brand) -> None:
    """The stated variant of each letter in the last complete week."""
    weeks = view.ask(fast.fast, view.preset, brand.brand_id, "week", view.day)
    if weeks.empty:
        nothing(view, "no_week", day=view.day)
        return
    last = weeks.iloc[-1]
    before = weeks.iloc[-2] if len(weeks) > 1 else None
    st.markdown(f"##### {view.text('fast_of_week', week=span(last.period_start, last.period_end))}")
    with st.container(key="tiles_fast"):
        columns = st.columns(len(fast.LETTERS), gap="small")
    for place, metrics in zip(columns, fast.LETTERS.values(), strict=True):
        metric = metrics[0]
        value, old = last[metric], None if before is None else before[metric]
        is_rate = metric in fast.RATES
        change = None if old is None or is_missing(old) or is_missing(value) else value - old
        numerator, denominator = fast.METRICS[metric]
        parts = (
            f" {view.text('ratio', numerator=count(last[numerator]), denominator=count(last[denominator]))}"
            if denominator
            else ""
        )
        with place:
            tile(
                view.text(metric),
                percent(value) if is_rate else count(value),
                delta=None
                if change is None
                else points(change)
                if is_rate
                else f"{signed(change)} ({signed_percent(relative(value, old))})",
                direction=change,
                against=view.text("against_week"),
                note=view.text(f"{metric}_note") + parts,
                line=weeks[metric].dropna().tail(PERIODS_SHOWN),
            )


def gmv(view: View, brand: Brand) -> None:
    """What was paid by day, and the last seven days against the seven before."""
    first = max(view.day - MONEY_DAYS, brand.first_day)
    days = view.ask(money.daily, brand.brand_id, brand.currency, first, view.day)
    recent, earlier = days["gross"].tail(7).sum(min_count=1), days["gross"].iloc[-14:-7].sum(min_count=1)
    unknown = int(days["unknown_amount_orders"].sum())
    others = view.ask(money.other_currencies, brand.brand_id, brand.currency, first, view.day)
    with card(view, view.text("gmv_daily"), "gmv", days, view.text("gmv_note")):
        change = relative(recent, earlier) if len(days) >= 14 else None
        told = f"<b>{amount(recent, brand.currency)}</b> {view.text('gmv_last_days')}"
        if change is not None:
            arrow = "▲" if change > 0 else "▼" if change < 0 else "■"
            told += f" · {arrow} {signed_percent(change)} {view.text('against_week_before')}"
        st.html(f'<p class="account">{told}</p>')
        figure = charts.daily(days, SYMBOLS.get(brand.currency, ""), view.text("gross"), view.text("net"))
        draw(figure, "gmv", view.text("gmv_daily"))
        if unknown:
            st.caption(view.text("unknown_amounts", orders=count(unknown)))
        if others:
            st.caption(view.text("other_currencies", currencies=", ".join(others)))


def gap(view: View, brand: Brand) -> None:
    """Targets against what was paid and what is forecast, as of the horizon."""
    known = view.ask(money.gaps, view.preset, brand.brand_id)
    methods = list(dict.fromkeys(known["method"]))
    with card(view, view.text("gap"), "gap", known, view.text("gap_note")):
        if known.empty:
            nothing(view, "no_targets")
            return
        method = st.segmented_control(
            view.text("method"),
            methods,
            default=methods[0],
            required=True,
            key="method",
            bind="query-params",
            format_func=lambda name: view.text(f"method_{name}"),
            label_visibility="collapsed",
        )
        shown = known[known["method"] == method].tail(4)
        names = {name: view.text(f"gap_{name}") for name in ("actual", "forecast", "interval", "target")}
        picture, account = st.columns([1, 2], gap="medium")
        names = {name: view.text(f"gap_{name}") for name in ("actual", "forecast", "interval", "target")}
        with picture:
            draw(charts.gaps(shown, SYMBOLS.get(brand.currency, ""), names), "gap", view.text("gap"))
        rows = [
            (
                span(row.period_start, row.period_end),
                amount(row.target, row.currency),
                amount(row.forecast, row.currency),
                amount(row.gap, row.currency),
                count(row.extra_prospects),
                points(row.buyer_rate_lift),
                view.text(f"status_{row.status}"),
            )
            for row in rows_of(shown)
        ]
        heads = ("period", "gap_target", "gap_total", "gap_gap", "gap_prospects", "gap_lift", "status")
        with account:
            table([view.text(head) for head in heads], rows, numeric=range(1, 6), wide=(6,))


def all_brands(view: View) -> None:
    """Every brand beside the others; persons are not added across brands, since one may be with several."""
    stock = view.ask(aipl.stock_of_brands, view.preset, view.day)
    with card(view, view.text("all_brands"), "brands", stock, view.text("all_brands_note")):
        colours, names = view.stage_colours(), view.stage_names()
        rows = []
        for _, own in stock.groupby("brand_id", sort=False):
            persons = dict(zip(own["stage"], own["persons"], strict=True))
            first = own.iloc[0]
            rows.append(
                [
                    first.brand_name,
                    f"{first.as_of_date:%Y-%m-%d}",
                    *(count(persons.get(stage, 0)) for stage in colours),
                    count(sum(persons.values())),
                ]
            )
        heads = [view.text("brand"), view.text("date"), *(Swatch(names[s], c) for s, c in colours.items())]
        table([*heads, view.text("stock")], rows, numeric=range(2, len(heads) + 1))


view: View = st.session_state["view"]
brand = stop_without_release(view)
stock_tiles(view, brand)
fast_tiles(view, brand)
gmv(view, brand)
gap(view, brand)
all_brands(view)
