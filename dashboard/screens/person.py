"""Person: why somebody is in a stage, by the hash that the release calls them, and until when."""

from __future__ import annotations

from html import escape

import pandas as pd
import streamlit as st

from dashboard.charts import aipl as charts
from dashboard.charts.theme import NOBODY
from dashboard.data import person
from dashboard.data.release import brands
from dashboard.data.rows import rows_of
from dashboard.format import NONE, count, is_missing
from dashboard.parts import Chip, card, draw, table
from dashboard.states import empty_state, nothing, stop_without_release
from dashboard.view import Brand, View


def asked(view: View) -> str | None:
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


def stage_now(
    view: View, brand: Brand, history: pd.DataFrame, names: dict[str, str], colours: dict[str, str]
) -> None:
    """Stage with the chosen brand on the day, since when and until when."""
    day = pd.Timestamp(view.day)
    own = history[
        (history["brand_id"] == brand.brand_id)
        & (history["valid_from"] <= day)
        & ((history["valid_to"] > day) | history["valid_to"].isna())
    ]
    nobody = view.stage_order()[0]
    if own.empty:
        stage, told = nobody, view.text("no_stage", brand=brand.name, day=view.day)
    else:
        row = own.iloc[0]
        stage = row.stage
        until = view.text("open_end") if is_missing(row.valid_to) else f"{row.valid_to:%Y-%m-%d}"
        told = view.text(
            "stage_since", brand=brand.name, day=view.day, since=f"{row.valid_from:%Y-%m-%d}", until=until
        )
    st.html(
        f'<div class="stage-card" style="border-color:{colours.get(stage, NOBODY)}">'
        f"<b>{escape(names[stage])}</b><span>{escape(told)}</span></div>"
    )


def evidence(view: View, found: pd.DataFrame, names: dict[str, str], called: dict[str, str]) -> None:
    """Every rule with evidence that counts on the day; those that decide first."""
    with card(view, view.text("evidence", day=view.day), "evidence", found, view.text("evidence_note")):
        if found.empty:
            nothing(view, "no_evidence", day=view.day)
            return
        rows = [
            (
                called.get(row.brand_id, row.brand_id),
                names.get(row.stage, row.stage),
                row.rule_id,
                Chip(view.text("decides"), "decides")
                if row.decides
                else Chip(view.text("is_on" if row.is_on else "not_on"), ""),
                names.get(row.rule_stage, row.rule_stage),
                f"{count(row.evidence_days)} / {count(row.min_count)}",
                f"{row.first_evidence:%Y-%m-%d}",
                f"{row.last_evidence:%Y-%m-%d}",
                view.text("open_end")
                if row.is_open
                else NONE
                if pd.isna(row.expires_on)
                else f"{row.expires_on:%Y-%m-%d}",
            )
            for row in rows_of(found)
        ]
        heads = ("brand", "stage", "rule", "effect", "gives", "days_of", "first_seen", "last_seen", "expires")
        table([view.text(head) for head in heads], rows, numeric=(5,))


def timeline(view: View, history: pd.DataFrame, names: dict[str, str], called: dict[str, str]) -> None:
    """Stages since the first evidence, and the decay to come."""
    with card(view, view.text("person_history"), "history", history, view.text("person_history_note")):
        if history.empty:
            nothing(view, "no_history")
            return
        figure = charts.history(
            stretches(history),
            called,
            names,
            view.stage_colours(),
            day=view.day,
            ahead=view.text("if_nothing_happens"),
        )
        draw(figure, "history", view.text("person_history"))
        st.caption(view.text("person_history_note"))


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


view: View = st.session_state["view"]
brand = stop_without_release(view)
wanted = asked(view)
if wanted is None:
    st.stop()
who = view.ask(person.person, wanted)
if who.empty:
    empty_state(view.text("person_unknown_title"), view.text("person_unknown", hash=wanted), mark="?")
    st.stop()
known = who.iloc[0]
names, colours = view.stage_names(), view.all_colours()
called = {row.brand_id: row.brand_name or row.brand_id for row in rows_of(view.ask(brands))}
history = view.ask(person.history, view.preset, wanted)
with st.container(border=True):
    stage_now(view, brand, history, names, colours)
    st.caption(
        view.text(
            "person_facts",
            kind=view.text(f"kind_{known.key_kind}"),
            keys=count(known.key_count),
            first=f"{known.first_seen_on:%Y-%m-%d}",
            last=f"{known.last_seen_on:%Y-%m-%d}",
        )
    )
found = view.ask(person.evidence, view.preset, wanted, view.day)
# The chosen brand first, the others in their order.
found = found.sort_values("brand_id", key=lambda ids: ids != brand.brand_id, kind="stable", ignore_index=True)
evidence(view, found, names, called)
timeline(view, history, names, called)
st.caption(view.text("person_privacy"))
