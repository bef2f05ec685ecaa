"""Data quality: what the gates found, over time, and what became of the rows that arrived."""

from __future__ import annotations

import sqlite3

import streamlit as st

from dashboard.charts import quality as charts
from dashboard.data import quality
from dashboard.data.release import gate_of
from dashboard.data.rows import rows_of
from dashboard.format import count
from dashboard.parts import Chip, card, draw, table, tile
from dashboard.states import nothing, unreadable
from dashboard.view import View
from expectations.past import Past
from orchestration.core.errors import AiplError
from orchestration.publish.quality import undelivered_alerts

UNREADABLE = (AiplError, sqlite3.Error, OSError, ValueError)


def of_release(view: View) -> None:
    """The mart gate as it judged the release: by severity, by table, and what was not met."""
    if view.release is None:
        with card(view, view.text("gate_of_release"), "gate", None):
            nothing(view, "no_release")
        return
    gate = gate_of(view.release)
    severities = quality.severities_of(gate)
    with st.container(key="tiles_gate"):
        places = st.columns(4, gap="small")
    with places[0]:
        tile(view.text("checks"), count(len(gate.results)), note=view.text("checks_note"))
    for place, severity in zip(places[1:3], ("critical", "warning"), strict=True):
        own = severities[severities["severity"] == severity]
        unmet = int(own[["not_met", "error"]].to_numpy().sum())
        with place:
            tile(
                view.text(f"unmet_{severity}"),
                count(unmet),
                note=view.text(f"unmet_{severity}_note"),
                delta=view.text("of_checks", checks=count(own[["met", "not_met", "error"]].to_numpy().sum())),
            )
    with places[3]:
        young = len(gate.without_baseline)
        tile(view.text("without_past"), count(young), note=view.text("without_past_note"))
    findings = quality.findings_of(gate)
    if not findings.empty:
        with card(view, view.text("findings"), "findings", findings, view.text("findings_note")):
            rows = [
                (
                    Chip(view.text(f"verdict_{row.verdict}"), row.verdict),
                    row.table,
                    row.expected,
                    row.observed,
                    row.owner,
                )
                for row in rows_of(findings)
            ]
            table(
                [view.text(head) for head in ("outcome", "table", "expected", "observed", "owner")],
                rows,
                wide=(2, 3),
            )


def by_table(view: View) -> None:
    """Every mart with its checks, as the gate judged the release."""
    if view.release is None:
        return
    tables = quality.tables_of(gate_of(view.release))
    with card(view, view.text("gate_by_table"), "gate_tables", tables, view.text("gate_by_table_note")):
        rows = [
            (
                row.table,
                Chip(view.text(f"verdict_{row.outcome}"), row.outcome),
                count(row.checks),
                count(row.failed),
                count(row.warned),
            )
            for row in rows_of(tables)
        ]
        heads = ("table", "outcome", "checks", "failed_critical", "warnings")
        table([view.text(head) for head in heads], rows, numeric=(2, 3, 4), wide=(0,))


def over_time(view: View) -> None:
    """The last runs of each gate, table by table."""
    try:
        pasts = quality.pasts(view.settings)
    except UNREADABLE as error:
        with card(view, view.text("gate_trend"), "trend", None):
            unreadable(view, error)
        return
    if not pasts:
        with card(view, view.text("gate_trend"), "trend", None):
            nothing(view, "no_reports", folder=view.settings.reports)
        return
    options = [f"{gate}:{subject}" for gate, subject in pasts]
    chosen = st.session_state.get("gate")
    name = chosen if chosen in options else options[0]
    past: Past = dict(zip(options, pasts.values(), strict=True))[name]
    marks = quality.tables_over_time(past)
    with card(view, view.text("gate_trend"), "trend", marks, view.text("gate_trend_note")):
        st.selectbox(
            view.text("gate"),
            options,
            key="gate",
            width=320,
            label_visibility="collapsed",
            format_func=lambda option: view.text(
                f"gate_named_{option.partition(':')[0]}", subject=option.partition(":")[2]
            ),
        )
        verdicts = {verdict: view.text(f"verdict_{verdict}") for verdict in charts.GRAVITY}
        trend = quality.trend_of(past)
        last = trend.iloc[-1]
        bad = int((trend["verdict"] != "passed").sum())
        told = view.text(
            "trend_told", runs=count(len(trend)), bad=count(bad), at=f"{last['at']:%Y-%m-%d %H:%M}"
        )
        st.html(f'<p class="account">{told} {Chip(verdicts[last["verdict"]], last["verdict"])}</p>')
        draw(charts.verdicts(marks, verdicts), "trend", view.text("gate_trend_note"))


def arrived(view: View) -> None:
    """Rows by load date and what was decided about them."""
    try:
        known, is_manifest = quality.loads(view.settings, view.release)
    except UNREADABLE as error:
        with card(view, view.text("loads"), "loads", None):
            unreadable(view, error)
        return
    with card(view, view.text("loads"), "loads", known, view.text("loads_note")):
        if known.empty:
            nothing(view, "no_loads")
            return
        if not is_manifest:
            st.caption(view.text("loads_of_release"))
        sources = list(dict.fromkeys(known["source"]))
        source = sources[0]
        if len(sources) > 1:
            source = str(st.selectbox(view.text("source"), sources, key="source", width=320))
        own = known[known["source"] == source]
        names = {
            state: view.text(f"load_{state}") for state in ("accepted", "arrived", "held_back", "refused")
        }
        names |= {word: view.text(word) for word in ("rows", "files", "unreadable")}
        draw(charts.loads(own, names), "loads", view.text("loads_note"))
        troubled = known[known["state"] != "accepted"]
        rows = [
            (row.source, f"{row.load_date:%Y-%m-%d}", Chip(names[row.state], row.state), row.reason or "–")
            for row in rows_of(troubled.tail(20))
        ]
        if rows:
            table([view.text(head) for head in ("source", "load_date", "state", "reason")], rows, wide=(3,))
        else:
            st.caption(
                view.text("loads_all_accepted", loads=count(len(known)), rows=count(known["rows"].sum()))
            )


def rejected(view: View) -> None:
    """Rows that were set aside, by reason; never the rows themselves."""
    try:
        found = quality.rejects(view.settings)
    except UNREADABLE as error:
        with card(view, view.text("rejects"), "rejects", None):
            unreadable(view, error)
        return
    with card(view, view.text("rejects"), "rejects", found, view.text("rejects_note")):
        if found is None:
            nothing(view, "no_manifest", file=view.settings.manifest)
            return
        if found.empty:
            nothing(view, "no_rejects")
            return
        draw(charts.rejects(found), "rejects", view.text("rejects_note"))
        st.caption(view.text("rejects_total", rows=count(found["rows"].sum()), reasons=count(len(found))))


def alerts(view: View) -> None:
    """Open incidents, and whether anybody was told of them."""
    try:
        found, waiting = quality.incidents(view.settings), undelivered_alerts(view.settings)
    except UNREADABLE as error:
        with card(view, view.text("alerts"), "alerts", None):
            unreadable(view, error)
        return
    with card(view, view.text("alerts"), "alerts", found, view.text("alerts_note")):
        if found is None:
            nothing(view, "no_outbox", file=view.settings.alerts)
            return
        if found.empty:
            nothing(view, "no_incidents")
        else:
            rows = [
                (
                    Chip(view.text(f"severity_{row.severity}"), row.severity),
                    row.title,
                    f"{row.opened_at:%Y-%m-%d %H:%M}",
                    row.owner,
                    row.runbook if isinstance(row.runbook, str) else "–",
                )
                for row in rows_of(found)
            ]
            table(
                [view.text(head) for head in ("severity", "incident", "since_utc", "owner", "runbook")], rows
            )
        if waiting:
            st.warning(view.text("undelivered", alerts=count(waiting)), icon=":material/notifications_off:")


view: View = st.session_state["view"]
of_release(view)
left, right = st.columns([5, 4], gap="small")
with left:
    by_table(view)
with right:
    over_time(view)
left, right = st.columns(2, gap="small")
with left:
    arrived(view)
with right:
    rejected(view)
alerts(view)
