"""AIPL: stock over time, funnel, flow between two days, and what preceded the deepening."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd
import streamlit as st

from dashboard.charts import aipl as charts
from dashboard.charts.theme import MOVEMENTS
from dashboard.data import aipl
from dashboard.data.release import rows_of
from dashboard.format import NONE, count, percent, span
from dashboard.links import take_over, write_down
from dashboard.parts import Chip, Swatch, card, choose, draw, nothing, stop_without_release, table
from dashboard.view import View

RANGES = {"4w": 28, "13w": 91, "53w": 371}
ROWS_SHOWN = 12
PEOPLE_SHOWN = 500
NOBODY_CHOSEN = "none"

view: View = st.session_state["view"]
brand = stop_without_release(view)
names, colours = view.stage_names(), view.stage_colours()
earliest = brand.first_day - timedelta(days=1)


def stock_over_time(stock: pd.DataFrame) -> None:
    """Stacked stock up to the day."""
    choose(view.text("range"), list(RANGES), "range", lambda name: view.text(f"range_{name}"), default="13w")
    if stock.empty:
        nothing(view, "no_stock")
    else:
        draw(charts.stock_over_time(stock, names, colours), "stock", view.text("stock_over_time"))


def funnel(steps: pd.DataFrame) -> None:
    """Persons at each stage or beyond it."""
    if steps.empty or not steps["persons"].iloc[0]:
        nothing(view, "no_stock")
        return
    *lower, highest = steps["stage"]
    labels = [*(view.text("or_beyond", stage=names[stage]) for stage in lower), names[highest]]
    figure = charts.funnel(steps, labels, [colours[stage] for stage in steps["stage"]])
    if (clicked := draw(figure, "funnel", view.text("funnel_note"), is_clickable=True)) is not None:
        st.session_state["people"] = f"beyond:{steps['stage'].iloc[clicked.number]}"


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
    draw(charts.flow(moved, names, colours, kinds), "flow", view.text("flow"))
    account_of(moved)


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


def people_of(option: str) -> pd.DataFrame:
    """Who is in a stage or beyond it on the day, or moved between stages in the days of the flow."""
    kind, *stages = option.split(":")
    if kind != "move":
        reached = list(colours)[list(colours).index(stages[0]) :]
        return view.ask(aipl.PEOPLE_IN_STAGES, stages=stages if kind == "stage" else reached)
    before, after = (stage if stage in colours else None for stage in stages)
    return view.ask(aipl.PEOPLE_WHO_MOVED, start=first, last=last, from_stage=before, to_stage=after)


def people(found: pd.DataFrame) -> None:
    """The list behind a count; a row that is chosen opens the page of the person."""
    st.selectbox(
        view.text("people_of"),
        [NOBODY_CHOSEN, *counted],
        key="people",
        width=420,
        label_visibility="collapsed",
        format_func=lambda option: (
            f"{called_people(option)}: {count(counted[option])}"
            if option in counted
            else view.text("people_choose")
        ),
    )
    if st.session_state["people"] not in counted:
        return
    if len(found) != counted[st.session_state["people"]]:
        st.warning(view.text("people_differ", found=count(len(found))), icon=":material/warning:")
    table_of_people(found.head(PEOPLE_SHOWN))
    if len(found) > PEOPLE_SHOWN:
        st.caption(view.text("more_in_csv", rows=count(len(found) - PEOPLE_SHOWN)))


def called_people(option: str) -> str:
    """A stage, one and those beyond it, or a move from one to another."""
    kind, *stages = option.split(":")
    if kind == "beyond":
        return view.text("or_beyond", stage=names[stages[0]])
    return " → ".join(names[stage] for stage in stages)


def table_of_people(found: pd.DataFrame) -> None:
    """Hashes with their days."""
    chosen = st.dataframe(
        found[["person_id", "since", "until"]],
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key="people_chosen",
        height=min(38 + 35 * len(found), 380),
        column_config={
            "person_id": st.column_config.TextColumn(view.text("person_hash"), width="large"),
            "since": st.column_config.DateColumn(view.text("in_stage_since"), format="YYYY-MM-DD"),
            "until": st.column_config.DateColumn(view.text("in_stage_until"), format="YYYY-MM-DD"),
        },
    )
    if chosen.selection.rows:
        # Not in the link: links are passed on and logged.
        st.session_state["person"] = found["person_id"].iloc[chosen.selection.rows[0]]
        st.switch_page("screens/person.py")


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
counted = {f"stage:{row.stage}": int(row.persons) for row in rows_of(stock_of_day)}
counted |= {f"beyond:{row.stage}": int(row.persons) for row in rows_of(steps)}
counted |= {
    f"move:{row.from_stage}:{row.to_stage}": int(row.persons)
    for row in rows_of(moved)
    if row.from_stage != row.to_stage
}
if counted:
    take_over("people", [NOBODY_CHOSEN, *counted], NOBODY_CHOSEN)
    chosen = st.session_state["people"]
    write_down("people", chosen, default=NOBODY_CHOSEN)
    # Opening a page reads no table of people.
    card(view, "people", people_of(chosen) if chosen != NOBODY_CHOSEN else None, people)
options = {f"{row.period_type}:{row.period_start:%Y-%m-%d}": row for row in rows_of(periods)}
if options:
    period = options.get(str(st.session_state.get("deepened"))) or next(iter(options.values()))
    found = view.ask(aipl.DEEPENING, period_type=period.period_type, period_start=period.period_start)
    card(view, "deepening", found, deepening)
else:
    card(view, "deepening", empty="no_week")
