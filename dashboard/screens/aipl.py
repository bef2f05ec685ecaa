"""AIPL: stock over time, funnel, flow between two days, and what preceded the deepening."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd
import streamlit as st

from dashboard.charts import aipl as charts
from dashboard.charts.theme import MOVEMENTS, NOBODY
from dashboard.data import aipl
from dashboard.data.rows import rows_of
from dashboard.format import count, span
from dashboard.parts import Chip, Swatch, card, draw, table
from dashboard.states import nothing, stop_without_release
from dashboard.view import Brand, View

RANGES = {"4w": 28, "13w": 91, "53w": 371}


def stock_over_time(view: View, brand: Brand) -> None:
    """Stacked stock up to the day."""
    chosen = st.session_state.get("range") or "13w"
    first = max(view.day - timedelta(days=RANGES[chosen]), brand.first_day - timedelta(days=1))
    stock = view.ask(aipl.stock, view.preset, brand.brand_id, first, view.day)
    with card(view, view.text("stock_over_time"), "stock", stock, view.text("stock_note")):
        st.segmented_control(
            view.text("range"),
            list(RANGES),
            default="13w",
            key="range",
            required=True,
            bind="query-params",
            format_func=lambda name: view.text(f"range_{name}"),
            label_visibility="collapsed",
        )
        if stock.empty:
            nothing(view, "no_stock", day=view.day)
            return
        figure = charts.stock_over_time(stock, view.stage_names(), view.stage_colours())
        draw(figure, "stock", view.text("stock_over_time"))


def funnel(view: View, brand: Brand) -> None:
    """Persons at each stage or beyond it."""
    steps = aipl.funnel(view.ask(aipl.stock, view.preset, brand.brand_id, view.day, view.day))
    with card(view, view.text("funnel", day=view.day), "funnel", steps, view.text("funnel_note")):
        if steps.empty or not steps["persons"].iloc[0]:
            nothing(view, "no_stock", day=view.day)
            return
        names, colours = view.stage_names(), view.stage_colours()
        last = steps["stage"].iloc[-1]
        labels = [names[s] if s == last else view.text("or_beyond", stage=names[s]) for s in steps["stage"]]
        draw(
            charts.funnel(steps, labels, [colours[s] for s in steps["stage"]]),
            "funnel",
            view.text("funnel_note"),
        )


def flow(view: View, brand: Brand) -> None:
    """Who moved where between two days, as a picture and as an account that adds up."""
    first, last = flow_days(view, brand)
    moved = view.ask(aipl.flow, view.preset, brand.brand_id, first, last)
    with card(view, view.text("flow"), "flow", moved, view.text("flow_note")):
        start, end = st.columns([1, 1, 3], gap="small")[:2]
        earliest = brand.first_day - timedelta(days=1)
        with start:
            st.date_input(
                view.text("flow_from"),
                min_value=earliest,
                max_value=brand.horizon,
                key="from",
                format="YYYY-MM-DD",
            )
        with end:
            st.date_input(
                view.text("flow_to"),
                min_value=earliest,
                max_value=brand.horizon,
                key="to",
                format="YYYY-MM-DD",
            )
        if first >= last:
            nothing(view, "flow_backwards")
            return
        if moved.empty:
            nothing(view, "no_flow", first=first, last=last)
            return
        names, colours = view.stage_names(), view.all_colours()
        kinds = {kind: view.text(f"movement_{kind}") for kind in MOVEMENTS}
        legend = " ".join(
            f'<span class="key">{Swatch(words, MOVEMENTS[kind])}</span>' for kind, words in kinds.items()
        )
        st.html(f'<p class="account">{legend}</p>')
        draw(charts.flow(moved, view.stage_order(), names, colours, kinds), "flow", view.text("flow"))
        account_of(view, brand, moved, first, last)


def account_of(view: View, brand: Brand, moved: pd.DataFrame, first: date, last: date) -> None:
    """The movement table; it is held against the stock that another mart tells of both days."""
    names, colours = view.stage_names(), view.all_colours()
    account = aipl.movements(moved, list(view.stages()["stage"]))
    whole = account.iloc[-1]
    stock = {
        day: int(view.ask(aipl.stock, view.preset, brand.brand_id, day, day)["persons"].sum())
        for day in (first, last)
    }
    holds = aipl.is_conserved(account) and (whole.before, whole.after) == (stock[first], stock[last])
    verdict = Chip(view.text("conserved" if holds else "not_conserved"), "passed" if holds else "failed")
    st.html(
        f'<p class="account"><b>{count(whole.before)}</b> {view.text("before")} + <b>{count(whole.new)}</b> '
        f"{view.text('movement_new')} − <b>{count(whole.lost)}</b> {view.text('movement_lost')} = "
        f"<b>{count(whole.after)}</b> {view.text('after')} &nbsp; {verdict}</p>"
    )
    rows = [
        [
            Swatch(names.get(row.stage, view.text("all_stages")), colours.get(row.stage, NOBODY))
            if row.stage
            else view.text("all_stages"),
            count(row.before),
            *(f"+{count(value)}" if value else "–" for value in (row.new, row.deepened_in, row.shallowed_in)),
            *(
                f"−{count(value)}" if value else "–"
                for value in (row.deepened_out, row.shallowed_out, row.lost)
            ),
            count(row.after),
        ]
        for row in rows_of(account)
    ]
    heads = (
        "stage",
        "before",
        "new_in",
        "deepened_in",
        "shallowed_in",
        "deepened_out",
        "shallowed_out",
        "lost_out",
    )
    table(
        [*(view.text(head) for head in heads), view.text("after")],
        rows,
        numeric=range(1, 9),
        total=True,
        caption=view.text("account_caption", first=first, last=last),
    )


def flow_days(view: View, brand: Brand) -> tuple[date, date]:
    """The two days of the URL or of the choice; else the last complete week, which a mart knows."""
    state, earliest = st.session_state, brand.first_day - timedelta(days=1)
    basis = (brand.brand_id, view.day)
    if state.get("_flow_basis") != basis and "_flow_basis" in state:
        state["from"] = state["to"] = None
        for name in ("from", "to"):
            st.query_params.pop(name, None)
    state["_flow_basis"] = basis
    weeks = view.ask(aipl.periods, view.preset, brand.brand_id, view.day)
    weeks = weeks[weeks["period_type"] == "week"]
    if weeks.empty:
        default = (max(view.day - timedelta(days=7), earliest), view.day)
    else:
        default = (
            weeks["period_start"].iloc[0].date() - timedelta(days=1),
            weeks["period_end"].iloc[0].date(),
        )
    days = []
    for name, usual in zip(("from", "to"), default, strict=True):
        if state.get(name) is None:
            try:
                asked = date.fromisoformat(st.query_params.get(name, ""))
            except ValueError:
                asked = usual
            state[name] = min(max(asked, earliest), brand.horizon)
        st.query_params[name] = state[name].isoformat()
        days.append(state[name])
    return days[0], days[1]


def deepening(view: View, brand: Brand) -> None:
    """The first touch of those who deepened, by channel and campaign."""
    known = view.ask(aipl.periods, view.preset, brand.brand_id, view.day)
    if known.empty:
        with card(view, view.text("deepening"), "deepening", None):
            nothing(view, "no_week", day=view.day)
        return
    options = [f"{row.period_type}:{row.period_start:%Y-%m-%d}" for row in rows_of(known)]
    ends = dict(zip(options, known["period_end"], strict=True))
    chosen = st.session_state.get("deepened")
    period = chosen if chosen in ends else options[0]
    kind, _, start = period.partition(":")
    found = view.ask(aipl.deepening, view.preset, brand.brand_id, kind, date.fromisoformat(start))
    with card(view, view.text("deepening"), "deepening", found, view.text("deepening_note")):
        st.selectbox(
            view.text("period"),
            options,
            key="deepened",
            width=320,
            label_visibility="collapsed",
            format_func=lambda o: (
                f"{view.text(o.partition(':')[0])} {span(date.fromisoformat(o.partition(':')[2]), ends[o])}"
            ),
        )
        if found.empty:
            nothing(view, "no_deepening")
            return
        unnamed = {"none seen": view.text("none_seen"), "not told": view.text("not_told")}
        left, right = st.columns(2, gap="medium")
        with left:
            draw(charts.channels(found, unnamed), "deepening", view.text("deepening"))
        with right:
            whole = int(found["persons"].sum())
            rows = [
                (
                    unnamed.get(row.channel, row.channel),
                    unnamed.get(row.campaign_id, row.campaign_id),
                    count(row.persons),
                    f"{row.persons / whole:.1%}",
                )
                for row in rows_of(found.head(12))
            ]
            heads = [view.text(head) for head in ("channel", "campaign", "persons", "share")]
            table(heads, rows, numeric=(2, 3))
            if len(found) > 12:
                st.caption(view.text("more_in_csv", rows=count(len(found) - 12)))


view: View = st.session_state["view"]
brand = stop_without_release(view)
left, right = st.columns([3, 2], gap="small")
with left:
    stock_over_time(view, brand)
with right:
    funnel(view, brand)
flow(view, brand)
deepening(view, brand)
