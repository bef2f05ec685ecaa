"""Definitions: each metric with its formula, its grain and a query to copy, as docs/metrics has them."""

from __future__ import annotations

import duckdb
import streamlit as st

from dashboard.data import definitions
from dashboard.data.release import ask
from dashboard.format import count
from dashboard.parts import card
from dashboard.states import empty_state, nothing
from dashboard.view import View

ROWS_SHOWN = 50


def query(view: View, sql: str, name: str) -> None:
    """The query, with a copy button; on wish its answer from the release that is looked at."""
    st.code(sql, language="sql", wrap_lines=True)
    if view.opened is None:
        return
    if not st.toggle(view.text("run_query"), key=f"run_{name}"):
        return
    try:
        answer = ask(view.opened.connection, sql)
    except duckdb.Error as error:
        empty_state(view.text("query_failed_title"), str(error).splitlines()[0], mark="!")
        return
    with card(view, view.text("answer"), f"answer_{name}", answer):
        if answer.empty:
            nothing(view, "no_rows")
            return
        st.dataframe(answer.head(ROWS_SHOWN), hide_index=True)
        if len(answer) > ROWS_SHOWN:
            st.caption(view.text("more_in_csv", rows=count(len(answer) - ROWS_SHOWN)))


view: View = st.session_state["view"]
subject = str(
    st.segmented_control(
        view.text("subject"),
        definitions.SUBJECTS,
        default="aipl",
        key="subject",
        required=True,
        bind="query-params",
        format_func=str.upper,
        label_visibility="collapsed",
    )
)
st.caption(view.text("definitions_note"))
found = definitions.parts(definitions.document(subject, view.language))
introduction, *rest = found
for kind, piece in introduction.pieces:
    if kind == "text":
        st.markdown(piece)
    else:
        query(view, piece, f"{subject}_0")
for number, part in enumerate(rest, 1):
    with st.expander(part.title, expanded=number == 1):
        for place, (kind, piece) in enumerate(part.pieces):
            if kind == "text":
                st.markdown(piece)
            else:
                query(view, piece, f"{subject}_{number}_{place}")
