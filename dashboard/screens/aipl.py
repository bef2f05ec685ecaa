"""AIPL: stock over time, funnel, flow between two days, and what preceded the deepening."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd
import streamlit as st

from dashboard.charts import aipl as charts
from dashboard.charts.theme import MOVEMENTS
from dashboard.data import aipl, scorecard
from dashboard.data.release import rows_of
from dashboard.format import NONE, count, percent, span
from dashboard.parts import (
    Chip,
    Point,
    Swatch,
    card,
    choose,
    choose_row,
    draw,
    nothing,
    stop_without_release,
    table,
)
from dashboard.people import Group, open_list, people_card, words_of_touches
from dashboard.view import View

RANGES = {"4w": 28, "13w": 91, "53w": 371}
ROWS_SHOWN = 12

view: View = st.session_state["view"]
brand = stop_without_release(view)
names, colours = view.stage_names(), view.stage_colours()
earliest = brand.first_day - timedelta(days=1)


def stock_over_time(stock: pd.DataFrame) -> None:
    """Stacked stock up to the day; a click on another day turns the page to it."""
    choose(view.text("range"), list(RANGES), "range", lambda name: view.text(f"range_{name}"), default="13w")
    if stock.empty:
        nothing(view, "no_stock")
    else:
        campaigns = view.ask(scorecard.CAMPAIGNS, first=stock["as_of_date"].min().date(), last=view.day)
        figure = charts.stock_over_time(stock, names, colours, view.axis("count"), campaigns)
        draw(figure, "stock", view.text("stock_over_time"), open_day)


def open_day(clicked: Point) -> None:
    """Turn the page to a day of the stock."""
    st.query_params["date"] = str(clicked.x)[:10]


def funnel(steps: pd.DataFrame) -> None:
    """Persons at each stage or beyond it."""
    if steps.empty or not steps["persons"].iloc[0]:
        nothing(view, "no_stock")
        return
    *lower, highest = steps["stage"]
    labels = [*(view.text("or_beyond", stage=names[stage]) for stage in lower), names[highest]]
    figure = charts.funnel(steps, labels, [colours[stage] for stage in steps["stage"]])
    stages = steps["stage"]
    draw(
        figure,
        "funnel",
        view.text("funnel_note"),
        lambda clicked: open_list(view, f"beyond:{stages.iloc[clicked.number]}"),
    )


def flow(moved: pd.DataFrame) -> None:
    """Who moved where between two days, as a picture and as an account that adds up."""
    for place, key in zip(st.columns([1, 1, 3], gap="small"), ("from", "to"), strict=False):
        place.date_input(
            view.text(f"flow_{key}"),
            min_value=earliest,
            max_value=brand.horizon,
            key=key,
            format="YYYY-MM-DD",
        )
    if first >= last:
        nothing(view, "flow_backwards")
        return
    if moved.empty:
        nothing(view, "no_flow", first=first, last=last)
        return
    kinds = {kind: view.text(f"movement_{kind}") for kind in MOVEMENTS}
    legend = " ".join(
        f'<span class="key">{Swatch(words, MOVEMENTS[kind])}</span>' for kind, words in kinds.items()
    )
    st.html(f'<p class="account">{legend}</p>')
    picture, listed = st.columns([3, 2], gap="medium")
    with picture:
        draw(charts.flow(moved, names, colours, kinds), "flow", view.text("flow"))
    with listed:
        moves_of(moved, kinds)
    account_of(moved)


def moves_of(moved: pd.DataFrame, kinds: dict[str, str]) -> None:
    """Who changed the stage, most people first, a row of which lists them."""
    changed = moved[moved["from_stage"] != moved["to_stage"]].sort_values("persons", ascending=False)
    rows = [
        (f"{names[row.from_stage]} → {names[row.to_stage]}: {kinds[row.movement]}", count(row.persons))
        for row in rows_of(changed)
    ]
    moves = [f"move:{row.from_stage}:{row.to_stage}" for row in rows_of(changed)]
    heads = ("move", "persons")
    choose_row(view, "moves", heads, rows, lambda row: open_list(view, moves[row]), numeric=(1,))


def account_of(moved: pd.DataFrame) -> None:
    """The movement table; it is held against the stock that another mart tells of both days."""
    account = aipl.movements(moved, list(colours))
    whole = account.iloc[-1]
    before, after = (view.ask(aipl.STOCK, first=day, day=day)["persons"].sum() for day in (first, last))
    holds = aipl.is_conserved(account) and (whole.before, whole.after) == (before, after)
    verdict = Chip(view.text("conserved" if holds else "not_conserved"), "passed" if holds else "failed")
    st.html(
        f'<p class="account"><b>{count(whole.before)}</b> {view.text("before")} + <b>{count(whole.new)}</b> '
        f"{view.text('movement_new')} − <b>{count(whole.lost)}</b> {view.text('movement_lost')} = "
        f"<b>{count(whole.after)}</b> {view.text('after')} &nbsp; {verdict}</p>"
    )
    came, went = ("new", "deepened_in", "shallowed_in"), ("deepened_out", "shallowed_out", "lost")
    rows = [
        [
            Swatch(names[row.stage], colours[row.stage]) if row.stage else view.text("all_stages"),
            count(row.before),
            *(f"+{count(value)}" if value else NONE for value in (getattr(row, kind) for kind in came)),
            *(f"−{count(value)}" if value else NONE for value in (getattr(row, kind) for kind in went)),
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
        "after",
    )
    caption = view.text("account_caption", first=first, last=last)
    table(view, heads, rows, numeric=range(1, 9), total=True, caption=caption)


def stock_groups() -> dict[str, Group]:
    """Who is in each stage, or in it or beyond it, on the day."""
    groups = {}
    for row in rows_of(stock_of_day):
        asked = {"stages": [row.stage]}
        groups[f"stage:{row.stage}"] = Group(names[row.stage], int(row.persons), aipl.PEOPLE_IN_STAGES, asked)
    for number, row in enumerate(rows_of(steps)):
        asked = {"stages": list(colours)[number:]}
        called = view.text("or_beyond", stage=names[row.stage])
        groups[f"beyond:{row.stage}"] = Group(called, int(row.persons), aipl.PEOPLE_IN_STAGES, asked)
    return groups


def flow_groups() -> dict[str, Group]:
    """Who moved from one stage to another in the days of the flow."""
    groups = {}
    for row in rows_of(moved):
        if row.from_stage == row.to_stage:
            continue
        before, after = (stage if stage in colours else None for stage in (row.from_stage, row.to_stage))
        asked = {"start": first, "last": last, "from_stage": before, "to_stage": after}
        called = f"{names[row.from_stage]} → {names[row.to_stage]}"
        own = Group(called, int(row.persons), aipl.PEOPLE_WHO_MOVED, asked)
        groups[f"move:{row.from_stage}:{row.to_stage}"] = own
    return groups


def deepening_groups() -> dict[str, Group]:
    """Who moved up in the chosen week or month, by the channel of the first touch."""
    groups, days = {}, {"period_type": period.period_type, "period_start": period.period_start}
    for channel, persons in aipl.by_channel(found)[::-1].items():
        asked = {**days, "channel": channel}
        called = view.text("moved_up_by", channel=touches["channel"].get(str(channel), str(channel)))
        groups[f"channel:{channel}"] = Group(called, int(persons), aipl.PEOPLE_WHO_DEEPENED, asked)
    return groups


def flow_days() -> tuple[date, date]:
    """The two days of the URL or of the choice; else the last complete week, which a mart knows."""
    state = st.session_state
    basis = (brand.brand_id, view.day)
    if state.get("_flow_basis", basis) != basis:
        for name in ("from", "to"):
            state[name] = None
            st.query_params.pop(name, None)
    state["_flow_basis"] = basis
    weeks = periods[periods["period_type"] == "week"]
    if weeks.empty:
        default = [max(view.day - timedelta(days=7), earliest), view.day]
    else:
        week = weeks.iloc[0]
        default = [week.period_start.date() - timedelta(days=1), week.period_end.date()]
    for name, usual in zip(("from", "to"), default, strict=True):
        if state.get(name) is None:
            try:
                asked = date.fromisoformat(st.query_params.get(name, ""))
            except ValueError:
                asked = usual
            state[name] = min(max(asked, earliest), brand.horizon)
        st.query_params[name] = state[name].isoformat()
    return state["from"], state["to"]


def deepening(found: pd.DataFrame) -> None:
    """The first touch of those who deepened, by channel and campaign."""

    def called(option: str) -> str:
        period = options[option]
        return f"{view.text(period.period_type)} {span(period.period_start, period.period_end)}"

    st.selectbox(
        view.text("period"),
        list(options),
        key="deepened",
        width=320,
        label_visibility="collapsed",
        format_func=called,
    )
    if found.empty:
        nothing(view, "no_deepening")
        return
    left, right = st.columns(2, gap="medium")
    sums = aipl.by_channel(found)
    with left:
        figure = charts.channels(sums, touches["channel"])
        draw(
            figure,
            "deepening",
            view.text("deepening"),
            lambda clicked: open_list(view, f"channel:{sums.index[clicked.number]}"),
        )
    with right:
        whole = int(found["persons"].sum())
        rows = [
            (
                touches["channel"].get(row.channel, row.channel),
                touches["campaign_id"].get(row.campaign_id, row.campaign_id),
                count(row.persons),
                percent(row.persons / whole),
            )
            for row in rows_of(found.head(ROWS_SHOWN))
        ]
        table(view, ("channel", "campaign", "persons", "share"), rows, numeric=(2, 3))
        if len(found) > ROWS_SHOWN:
            st.caption(view.text("more_in_csv", rows=count(len(found) - ROWS_SHOWN)))


left, right = st.columns([3, 2], gap="small")
with left:
    shown = timedelta(days=RANGES[st.session_state.get("range") or "13w"])
    stock = view.ask(aipl.STOCK, first=max(view.day - shown, earliest))
    card(view, "stock", stock, stock_over_time, title="stock_over_time")
with right:
    stock_of_day = view.ask(aipl.STOCK, first=view.day)
    steps = aipl.funnel(stock_of_day)
    card(view, "funnel", steps, funnel)
periods = view.ask(aipl.PERIODS)
first, last = flow_days()
moved = aipl.flow(view.ask, first, last) if first < last else pd.DataFrame()
card(view, "flow", moved, flow)
groups = stock_groups() | flow_groups()
touches = words_of_touches(view)
options = {f"{row.period_type}:{row.period_start:%Y-%m-%d}": row for row in rows_of(periods)}
if options:
    period = options.get(str(st.session_state.get("deepened"))) or next(iter(options.values()))
    found = view.ask(aipl.DEEPENING, period_type=period.period_type, period_start=period.period_start)
    groups |= deepening_groups()
    card(view, "deepening", found, deepening)
else:
    card(view, "deepening", empty="no_week")
people_card(view, groups)
