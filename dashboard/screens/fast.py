"""FAST: each letter over weeks or months, its variants named and explained where they are shown."""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.charts import fast as charts
from dashboard.data import fast, scorecard
from dashboard.data.release import rows_of
from dashboard.format import NONE, count, is_known, percent, span
from dashboard.parts import card, choose, draw, nothing, stop_without_release, table, written_change
from dashboard.people import Group, people_card
from dashboard.view import View

view: View = st.session_state["view"]
stop_without_release(view)


def letter(name: str, periods: pd.DataFrame) -> None:
    """One letter: the last period's figures, the course, and each variant in a sentence."""
    names = {metric: view.text(metric) for metric in fast.LETTERS[name]}
    last = periods.iloc[-1]
    figures = " · ".join(f"{words} <b>{written(metric, last[metric])}</b>" for metric, words in names.items())
    st.html(f'<p class="account">{span(last.period_start, last.period_end)}: {figures}</p>')
    campaigns = view.ask(
        scorecard.CAMPAIGNS, first=periods["period_start"].min().date(), last=last.period_end.date()
    )
    axis = view.axis("share" if fast.RATES & names.keys() else "count")
    figure = charts.letter(periods, names, axis, campaigns)
    draw(figure, f"fast_{name}", view.text(f"fast_{name}_note"))
    for metric, words in names.items():
        st.caption(f"**{words}** — {view.text(f'{metric}_note')}")


def written(metric: str, value: float | None) -> str:
    """A rate in per cent, any other metric as a count."""
    return percent(value) if metric in fast.RATES else count(value)


def compared(known: pd.DataFrame) -> None:
    """Every metric against the period before and the one of last year."""
    by_metric = {row.metric: row for row in rows_of(known)}
    rows = [
        (
            view.text(metric),
            written(metric, row.value),
            f"{count(row.numerator)} / {count(row.denominator)}" if metric in fast.RATES else NONE,
            written(metric, row.previous_value),
            changed(metric, row.value, row.previous_value),
            written(metric, row.last_year_value),
            changed(metric, row.value, row.last_year_value),
        )
        for metric in fast.METRICS
        if (row := by_metric.get(metric))
    ]
    heads = (
        "metric",
        "value",
        "numerator_denominator",
        "previous",
        "on_previous",
        "last_year",
        "on_last_year",
    )
    first = known.iloc[0]
    table(view, heads, rows, numeric=range(1, 7), caption=span(first.period_start, first.period_end))


def changed(metric: str, value: float | None, old: float | None) -> str:
    """As on every page: relative, or of a rate in percentage points."""
    if not is_known(value) or not is_known(old):
        return NONE
    return written_change(value, old, "share" if metric in fast.RATES else "count")


def groups(last: Any) -> dict[str, Group]:
    """Who is behind the counts of the last period."""
    days = {"first": last.period_start.date(), "last": last.period_end.date()}
    asked = {**days, "period_type": kind, "period_start": days["first"], "channel": None}
    return {
        column: Group(
            f"{view.text(f'people_{column}')}, {span(*days.values())}",
            int(getattr(last, column)),
            query,
            asked,
        )
        for column, query in fast.PEOPLE.items()
    }


def by_tier(known: pd.DataFrame) -> None:
    """Members of each tier, and how many of them are active."""
    figure = charts.tiers(known, view.text("active"), view.text("quiet"), view.text("tier"))
    draw(figure, "tiers", view.text("tiers_note"))


kind = choose(view.text("period"), ["week", "month"], "by", lambda kind: view.text(f"{kind}s"))
periods = view.ask(fast.FAST, period_type=kind)
if periods.empty:
    nothing(view, f"no_{kind}")
    st.stop()
for pair in ("FA", "ST"):
    for place, name in zip(st.columns(2, gap="small"), pair, strict=True):
        with place:
            card(view, f"fast_{name}", fast.letter(periods, name), partial(letter, name))
left, right = st.columns([5, 2], gap="small")
with left:
    card(view, "changes", view.ask(fast.CHANGES, period_type=kind), compared, empty=f"no_{kind}")
with right:
    card(view, "tiers", view.ask(fast.TIERS, period_type=kind), by_tier, empty="no_members")
*_, last_period = rows_of(periods)
people_card(view, groups(last_period))
