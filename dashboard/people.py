"""The list of people behind a count, one row of which opens the page of the person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.cards import words_of
from dashboard.format import count
from dashboard.links import take_over, write_down
from dashboard.parts import card, on_next_click
from dashboard.view import View

SHOWN = 500
NOBODY_CHOSEN = "none"
CHOICE = "people"


@dataclass(frozen=True)
class Group:
    """People that a page counts: what they are called, how many they are, and what to ask for who they are.

    `query`: one row per person, in an order; `asked`: its parameters, as of `View.ask`.
    """

    name: str
    persons: int
    query: str
    asked: Mapping[str, object]


def people_card(view: View, groups: Mapping[str, Group]) -> None:
    """The card of lists, the last one of a page. Only the group that is chosen is asked for."""
    if not groups:
        return
    take_over(CHOICE, [NOBODY_CHOSEN, *groups], NOBODY_CHOSEN)
    chosen = groups.get(st.session_state[CHOICE])
    write_down(CHOICE, st.session_state[CHOICE], default=NOBODY_CHOSEN)
    first = whole = None
    if chosen:
        # A stage may have hundreds of thousands: all of them are in the CSV.
        first = view.ask(f"{chosen.query} limit {SHOWN}", **chosen.asked)
        whole = view.later(chosen.query, **chosen.asked)
    card(view, "people", first, partial(_people, view, groups, chosen), whole=whole)


def open_list(view: View, group: str) -> None:
    """Choose a group in a card before the list."""
    st.session_state[CHOICE] = group
    st.toast(view.text("people_listed_below"), icon=":material/group:")


def words_of_touches(view: View) -> dict[str, dict[str, str]]:
    """What channels and campaigns of first touches are called, by column; others have their own name."""
    unseen = {"none seen": view.text("none_seen"), "not told": view.text("not_told")}
    return {"channel": words_of("channel")(view) | unseen, "campaign_id": unseen}


def _people(view: View, groups: Mapping[str, Group], chosen: Group | None, found: pd.DataFrame) -> None:
    def named(option: str) -> str:
        if option not in groups:
            return view.text("people_choose")
        return f"{groups[option].name}: {count(groups[option].persons)}"

    st.selectbox(
        view.text("people_of"),
        [NOBODY_CHOSEN, *groups],
        key=CHOICE,
        width=420,
        label_visibility="collapsed",
        format_func=named,
    )
    if chosen is None:
        return
    persons = int(
        view.ask(f"select count(*) as persons from ({chosen.query})", **chosen.asked)["persons"].iloc[0]
    )
    if persons != chosen.persons:
        st.warning(view.text("people_differ", found=count(persons)), icon=":material/warning:")
    _table(view, found)
    if persons > SHOWN:
        st.caption(view.text("more_in_csv", rows=count(persons - SHOWN)))


def _table(view: View, found: pd.DataFrame) -> None:
    """Hashes with what is known of them."""
    day = partial(st.column_config.DateColumn, format="YYYY-MM-DD")
    columns: dict[str, Any] = {
        "person_id": st.column_config.TextColumn(view.text("person_hash"), width="large"),
        "since": day(view.text("in_stage_since")),
        "until": day(view.text("in_stage_until")),
        "deepened_on": day(view.text("moved_up_on")),
        "channel": view.text("channel"),
        "campaign_id": view.text("campaign"),
        "tier": view.text("tier"),
        "is_thriving": view.text("active"),
    }

    def open_person(row: int) -> None:
        # Not in the link: links are passed on and logged.
        st.session_state["person"] = found["person_id"].iloc[row]
        st.switch_page("screens/person.py")

    key, clicked = on_next_click("rows_people", "rows", open_person)
    st.dataframe(
        found[[column for column in columns if column in found]].replace(words_of_touches(view)),
        hide_index=True,
        on_select=clicked,
        selection_mode="single-row",
        key=key,
        height=min(38 + 35 * len(found), 380),
        column_config={column: told for column, told in columns.items() if column in found},
    )
