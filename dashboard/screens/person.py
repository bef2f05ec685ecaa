"""Person: why somebody is in a stage, by the hash that the release calls them, and until when."""

from __future__ import annotations

from html import escape

import pandas as pd
import streamlit as st

from dashboard.charts import aipl as charts
from dashboard.charts.theme import NOBODY
from dashboard.data import person
from dashboard.data.release import BRANDS, rows_of
from dashboard.format import NONE, count
from dashboard.parts import Chip, card, draw, empty_state, stop_without_release, table
from dashboard.view import View

view: View = st.session_state["view"]
brand = stop_without_release(view)
names, colours = view.stage_names(), view.stage_colours()


def asked() -> str | None:
    """The hash to look up, None without one. It is kept out of the URL: links are passed on and logged."""
    text = st.text_input(
        view.text("person_hash"),
        key="person",
        max_chars=80,
        placeholder="0123456789abcdef0123456789abcdef",
        help=view.text("person_hash_help"),
        autocomplete="off",
        width=480,
    )
    wanted = (text or "").strip().lower()
    if not wanted:
        empty_state(view.text("person_empty_title"), view.text("person_empty"), "aipl person-key m101540")
        return None
    if not person.is_hash(wanted):
        empty_state(
            view.text("person_no_hash_title"), view.text("person_no_hash"), "aipl person-key …", mark="!"
        )
        return None
    return wanted


def stage_now(history: pd.DataFrame) -> None:
    """Stage with the chosen brand on the day, since when and until when."""
    day = pd.Timestamp(view.day)
    has_begun = (history["brand_id"] == brand.brand_id) & (history["valid_from"] <= day)
    own = history[has_begun & ~(history["valid_to"] <= day)]
    if own.empty:
        stage, told = next(iter(names)), view.text("no_stage", brand=brand.name)
    else:
        row = own.iloc[0]
        stage, since = row.stage, f"{row.valid_from:%Y-%m-%d}"
        told = view.text("stage_since", brand=brand.name, since=since, until=end_of(row.valid_to))
    st.html(
        f'<div class="stage-card" style="border-color:{colours.get(stage, NOBODY)}">'
        f"<b>{escape(names[stage])}</b><span>{escape(told)}</span></div>"
    )


def end_of(day: pd.Timestamp) -> str:
    """A day, or that there is none."""
    return view.text("open_end") if pd.isna(day) else f"{day:%Y-%m-%d}"


def evidence(found: pd.DataFrame) -> None:
    """Every rule with evidence that counts on the day; those that decide first."""
    rows = [
        (
            brand_names.get(row.brand_id, row.brand_id),
            names.get(row.stage, row.stage),
            row.rule_id,
            Chip(view.text("decides"), "decides")
            if row.decides
            else Chip(view.text("is_on" if row.is_on else "not_on"), ""),
            names.get(row.rule_stage, row.rule_stage),
            f"{count(row.evidence_days)} / {count(row.min_count)}",
            f"{row.first_evidence:%Y-%m-%d}",
            f"{row.last_evidence:%Y-%m-%d}",
            end_of(row.expires_on) if row.is_open or not pd.isna(row.expires_on) else NONE,
        )
        for row in rows_of(found)
    ]
    heads = ("brand", "stage", "rule", "effect", "gives", "days_of", "first_seen", "last_seen", "expires")
    table(view, heads, rows, numeric=(5,))


def timeline(history: pd.DataFrame) -> None:
    """Stages since the first evidence, and the decay to come."""
    figure = charts.history(
        stretches(history),
        brand_names,
        names,
        colours,
        day=view.day,
        ahead=view.text("if_nothing_happens"),
    )
    draw(figure, "history", view.text("history"))
    st.caption(view.text("history_note"))


def stretches(history: pd.DataFrame) -> pd.DataFrame:
    """The history cut at each brand's horizon: `is_ahead` is decay to come; an open end is drawn 90 days."""
    after = history["horizon"] + pd.Timedelta(days=1)
    ends = history["valid_to"].fillna(after + pd.Timedelta(days=90))
    known = history.assign(valid_to=ends.where(ends < after, after), is_ahead=False)
    ahead = history.assign(
        valid_from=history["valid_from"].where(history["valid_from"] > after, after),
        valid_to=ends,
        is_ahead=True,
    )
    cut = pd.concat([known, ahead], ignore_index=True)
    return cut[cut["valid_from"] < cut["valid_to"]]


wanted = asked()
if wanted is None:
    st.stop()
who = view.ask(person.PERSON, person_id=wanted)
if who.empty:
    empty_state(view.text("person_unknown_title"), view.text("person_unknown", hash=wanted), mark="?")
    st.stop()
known = who.iloc[0]
brand_names = {row.brand_id: row.name for row in rows_of(view.ask(BRANDS))}
history = view.ask(person.HISTORY, person_id=wanted)
with st.container(border=True):
    stage_now(history)
    st.caption(
        view.text(
            "person_facts",
            kind=view.text(f"kind_{known.key_kind}"),
            keys=count(known.key_count),
            first=f"{known.first_seen_on:%Y-%m-%d}",
            last=f"{known.last_seen_on:%Y-%m-%d}",
        )
    )
found = view.ask(person.EVIDENCE, person_id=wanted)
# The chosen brand first, the others in their order.
found = found.sort_values("brand_id", key=lambda ids: ids != brand.brand_id, kind="stable", ignore_index=True)
card(view, "evidence", found, evidence, empty="no_evidence")
card(view, "history", history, timeline, empty="no_history")
st.caption(view.text("person_privacy"))
