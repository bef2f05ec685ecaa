"""FAST: each letter over weeks or months, its variants named and explained where they are shown."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard.charts import fast as charts
from dashboard.data import fast
from dashboard.data.rows import rows_of
from dashboard.format import count, percent, signed_percent, span
from dashboard.parts import card, draw, table
from dashboard.states import nothing, stop_without_release
from dashboard.view import Brand, View


def period_switch(view: View) -> str:
    """Weeks or months."""
    chosen = st.segmented_control(
        view.text("period"),
        ["week", "month"],
        default="week",
        key="period",
        required=True,
        bind="query-params",
        format_func=lambda kind: view.text(f"{kind}s"),
        label_visibility="collapsed",
    )
    return str(chosen)


def letter(view: View, name: str, periods: pd.DataFrame) -> None:
    """One letter: the last period's figures, the course, and each variant in a sentence."""
    metrics = fast.LETTERS[name]
    columns = ["period_start", "period_end", *metrics]
    columns += [part for metric in metrics for part in fast.METRICS[metric] if part]
    frame = periods[list(dict.fromkeys(columns))]
    with card(view, view.text(f"letter_{name}"), f"fast_{name}", frame, view.text(f"letter_{name}_note")):
        last = periods.iloc[-1]
        figures = " · ".join(
            f"{view.text(metric)} <b>{(percent if metric in fast.RATES else count)(last[metric])}</b>"
            for metric in metrics
        )
        st.html(f'<p class="account">{span(last.period_start, last.period_end)}: {figures}</p>')
        names = {metric: view.text(metric) for metric in metrics}
        draw(charts.letter(periods, metrics, names), f"fast_{name}", view.text(f"letter_{name}_note"))
        for metric in metrics:
            st.caption(f"**{view.text(metric)}** — {view.text(f'{metric}_note')}")


def compared(view: View, brand: Brand, kind: str) -> None:
    """Every metric against the period before and the one of last year."""
    known = view.ask(fast.changes, view.preset, brand.brand_id, kind, view.day)
    with card(view, view.text("changes"), "changes", known, view.text("changes_note")):
        if known.empty:
            nothing(view, f"no_{kind}", day=view.day)
            return
        by_metric = {row.metric: row for row in rows_of(known)}
        rows = []
        for metric in (metric for metrics in fast.LETTERS.values() for metric in metrics):
            row = by_metric.get(metric)
            if row is None:
                continue
            write = percent if metric in fast.RATES else count
            ratio = f"{count(row.numerator)} / {count(row.denominator)}" if metric in fast.RATES else "–"
            rows.append(
                (
                    view.text(metric),
                    write(row.value),
                    ratio,
                    write(row.previous_value),
                    signed_percent(row.change_on_previous),
                    write(row.last_year_value),
                    signed_percent(row.change_on_last_year),
                )
            )
        first = known.iloc[0]
        heads = (
            "metric",
            "value",
            "numerator_denominator",
            "previous",
            "on_previous",
            "last_year",
            "on_last_year",
        )
        table(
            [view.text(head) for head in heads],
            rows,
            numeric=range(1, 7),
            caption=span(first.period_start, first.period_end),
        )


def by_tier(view: View, brand: Brand, kind: str) -> None:
    """Members of each tier, and how many of them are active."""
    known = view.ask(fast.tiers, view.preset, brand.brand_id, kind, view.day)
    with card(view, view.text("tiers"), "tiers", known, view.text("tiers_note")):
        if known.empty:
            nothing(view, "no_members")
            return
        figure = charts.tiers(known, view.text("active"), view.text("quiet"), view.text("tier"))
        draw(figure, "tiers", view.text("tiers_note"))


view: View = st.session_state["view"]
brand = stop_without_release(view)
kind = period_switch(view)
periods = view.ask(fast.fast, view.preset, brand.brand_id, kind, view.day)
if periods.empty:
    nothing(view, f"no_{kind}", day=view.day)
    st.stop()
for pair in ("FA", "ST"):
    for place, name in zip(st.columns(2, gap="small"), pair, strict=True):
        with place:
            letter(view, name, periods)
left, right = st.columns([5, 2], gap="small")
with left:
    compared(view, brand, kind)
with right:
    by_tier(view, brand, kind)
