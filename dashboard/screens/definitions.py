"""Definitions: each metric with its formula, its grain and a query to copy, as docs/metrics has them."""

from __future__ import annotations

from contextlib import nullcontext

import duckdb
import pandas as pd
import streamlit as st

from dashboard.data import definitions
from dashboard.format import count
from dashboard.parts import card, choose, empty_state
from dashboard.view import View

ROWS_SHOWN = 50

view: View = st.session_state["view"]


def query(sql: str, name: str) -> None:
    """The query, with a copy button; on wish its answer from the release that is looked at."""
    st.code(sql, language="sql", wrap_lines=True)
    if view.release is None or not st.toggle(view.text("run_query"), key=f"run_{name}"):
        return
    try:
        found = view.ask(sql)
    except duckdb.Error as error:
        empty_state(view.text("query_failed_title"), str(error).splitlines()[0], mark="!")
        return
    card(view, f"answer_{name}", found, answer, title="answer", empty="no_rows")


def answer(found: pd.DataFrame) -> None:
    """The first rows of an answer."""
    st.dataframe(found.head(ROWS_SHOWN), hide_index=True)
    if len(found) > ROWS_SHOWN:
        st.caption(view.text("more_in_csv", rows=count(len(found) - ROWS_SHOWN)))


subject = choose(view.text("subject"), definitions.SUBJECTS, "subject", str.upper)
st.caption(view.text("definitions_note"))
if view.settings.docs_url:
    st.markdown(f"[{view.text('documentation')}]({view.settings.docs_url})")
for number, part in enumerate(definitions.parts(definitions.document(subject, view.language))):
    # The introduction stands for itself.
    with st.expander(part.title, expanded=number == 1) if number else nullcontext():
        for place, (kind, piece) in enumerate(part.pieces):
            if kind == "text":
                st.markdown(piece)
            else:
                query(piece, f"{subject}_{number}_{place}")
