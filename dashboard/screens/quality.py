"""Data quality: what the gates found, over time, and what became of the rows that arrived."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import pandas as pd
import streamlit as st

from dashboard.charts import quality as charts
from dashboard.charts.theme import LOADS
from dashboard.data import quality
from dashboard.data.release import gate_of, rows_of
from dashboard.format import NONE, count
from dashboard.parts import Chip, Tile, card, draw, empty_state, nothing, table, tiles
from dashboard.text import labels, retold
from dashboard.view import View
from expectations.past import Past
from expectations.results import GateResult
from orchestration.alerts.findings import Mute
from orchestration.alerts.handling import can_handle, mutes_in_force, undelivered_alerts
from orchestration.core.errors import AiplError, InputError

T = TypeVar("T")
REFUSED_SHOWN = 20
SNOOZES = ("4h", "1d", "7d")

view: View = st.session_state["view"]


def of_release(gate: GateResult) -> None:
    """The mart gate as it judged the release: by severity, and what was not met."""
    shown = [Tile(view.text("checks"), len(gate.results), view.text("checks_note"))]
    for severity in ("critical", "warning"):
        own = [result for result in gate.results if result.severity == severity]
        unmet = sum(result.verdict != "passed" for result in own)
        label, note = view.text(f"unmet_{severity}"), view.text(f"unmet_{severity}_note")
        shown.append(Tile(label, unmet, note, beside=view.text("of_checks", checks=count(len(own)))))
    young = len(gate.without_baseline)
    tiles("gate", [*shown, Tile(view.text("without_past"), young, view.text("without_past_note"))])
    found = quality.findings_of(gate)
    if not found.empty:
        card(view, "findings", found, findings)


def verdict_chip(verdict: str) -> Chip:
    """The verdict of a check, a table or a run."""
    return Chip(view.text(f"verdict_{verdict}"), verdict)


def findings(found: pd.DataFrame) -> None:
    """What was not met."""
    rows = [
        (verdict_chip(row.verdict), row.table, row.expected, row.observed, row.owner)
        for row in rows_of(found)
    ]
    table(view, ("outcome", "table", "expected", "observed", "owner"), rows, wide=(2, 3))


def by_table(tables: pd.DataFrame) -> None:
    """Every mart with its checks, as the gate judged the release."""
    rows = [
        (row.table, verdict_chip(row.outcome), count(row.checks), count(row.failed), count(row.warned))
        for row in rows_of(tables)
    ]
    heads = ("table", "outcome", "checks", "failed_critical", "warnings")
    table(view, heads, rows, numeric=(2, 3, 4), wide=(0,))


def recorded(name: str, read: Callable[[], T], show: Callable[[T], None]) -> None:
    """The card of what the home keeps, or that it cannot be read; the rest of the page goes on."""
    try:
        found = read()
    except (AiplError, sqlite3.Error, OSError, ValueError) as error:
        told = str(error)
        card(view, name, fill=lambda _: empty_state(view.text("unreadable_title"), told, mark="!"))
    else:
        show(found)


def over_time(pasts: dict[str, Past]) -> None:
    """The last runs of each gate, table by table."""
    if not pasts:
        card(view, "trend", empty="no_reports", folder=view.settings.reports)
        return
    past = pasts.get(str(st.session_state.get("gate"))) or next(iter(pasts.values()))

    def named(option: str) -> str:
        gate, _, subject = option.partition(":")
        return view.text(f"gate_named_{gate}", subject=subject)

    def fill(marks: pd.DataFrame) -> None:
        st.selectbox(
            view.text("gate"),
            list(pasts),
            key="gate",
            width=320,
            label_visibility="collapsed",
            format_func=named,
        )
        bad, last = sum(mark.verdict != "passed" for mark, *_ in past.runs), past.runs[-1][0]
        told = view.text(
            "trend_told", runs=count(len(past.runs)), bad=count(bad), at=f"{last.at:%Y-%m-%d %H:%M}"
        )
        st.html(f'<p class="account">{told} {verdict_chip(last.verdict)}</p>')
        verdicts = {verdict: view.text(f"verdict_{verdict}") for verdict in charts.SIGNS}
        draw(charts.verdicts(marks, verdicts), "trend", view.text("trend_note"))

    card(view, "trend", quality.tables_over_time(past), fill)


def arrived(loads: tuple[pd.DataFrame, bool]) -> None:
    """Rows by load date and what was decided about them."""
    known, is_manifest = loads

    def fill(known: pd.DataFrame) -> None:
        if not is_manifest:
            st.caption(view.text("loads_of_release"))
        sources = list(dict.fromkeys(known["source"]))
        source = sources[0]
        if len(sources) > 1:
            source = st.selectbox(view.text("source"), sources, key="source", width=320)
        states = {state: view.text(f"load_{state}") for state in LOADS}
        names = states | {word: view.text(word) for word in ("rows", "files", "unreadable")}
        draw(charts.loads(known[known["source"] == source], names), "loads", view.text("loads_note"))
        refused = known[known["state"] != "accepted"].tail(REFUSED_SHOWN).fillna({"reason": NONE})
        rows = [
            (row.source, f"{row.load_date:%Y-%m-%d}", Chip(names[row.state], row.state), row.reason)
            for row in rows_of(refused)
        ]
        if rows:
            table(view, ("source", "load_date", "state", "reason"), rows, wide=(3,))
        else:
            told = {"loads": count(len(known)), "rows": count(known["rows"].sum())}
            st.caption(view.text("loads_all_accepted", **told))

    card(view, "loads", known, fill, empty="no_loads")


def rejected(found: pd.DataFrame | None) -> None:
    """Rows that were set aside, by reason; never the rows themselves."""

    def fill(found: pd.DataFrame) -> None:
        shown = found.assign(reason=[retold(view.language, reason) for reason in found["reason"]])
        draw(charts.rejects(shown), "rejects", view.text("rejects_note"))
        told = {"rows": count(found["rows"].sum()), "reasons": count(len(found))}
        st.caption(view.text("rejects_total", **told))

    empty = "no_manifest" if found is None else "no_rejects"
    card(view, "rejects", found, fill, empty=empty, file=view.settings.manifest)


def cleaned(found: pd.DataFrame) -> None:
    """Values that staging changed, by column and kind."""

    def fill(found: pd.DataFrame) -> None:
        rows = [
            (row.source_id, row.table_name, f"{row.entity}.{row.column}", change(row), count(row.rows))
            for row in rows_of(found)
        ]
        heads = ("source", "table", "canonical_column", "change", "rows_changed")
        table(view, heads, rows, numeric=(4,), wide=(0, 1, 2))

    def change(row: Any) -> str:
        kind = view.text(f"change_{row.kind}") if f"change_{row.kind}" in labels() else row.kind
        return f"{kind}: {row.words}" if row.words else kind

    card(view, "cleaned", found, fill, empty="nothing_cleaned")


def alerts(told: tuple[pd.DataFrame | None, list[Mute], int]) -> None:
    """Open incidents, who has taken them on, what is muted, and whether anybody was told of them."""
    incidents, mutes, waiting = told

    def fill(found: pd.DataFrame) -> None:
        rows = [
            (
                row.incident_id,
                Chip(view.text(f"severity_{row.severity}"), row.severity),
                row.title,
                row.effect,
                row.cure,
                f"{row.opened_at:%Y-%m-%d %H:%M}",
                row.owner,
                taken(row),
                row.runbook,
            )
            for row in rows_of(found.fillna({"runbook": NONE}))
        ]
        heads = (
            "number",
            "severity",
            "incident",
            "incident_effect",
            "cure",
            "since_utc",
            "owner",
            "taken",
            "runbook",
        )
        if rows:
            table(view, heads, rows, wide=(2, 3, 4))
        else:
            nothing(view, "no_incidents")
        for mute in mutes:
            until = f"{mute.until:%Y-%m-%d %H:%M}"
            muted = view.text("muted", what=mute.patterns, until=until, by=mute.by, reason=mute.reason)
            st.info(muted, icon=":material/notifications_paused:")
        if waiting:
            st.warning(view.text("undelivered", alerts=count(waiting)), icon=":material/notifications_off:")
        if rows and can_handle(view.settings):
            take_on(found)

    if incidents is None:
        card(view, "alerts", empty="no_outbox", file=view.settings.alerts)
    else:
        card(view, "alerts", incidents, fill)


def taken(row: Any) -> str:
    """Who acknowledged or snoozed an incident."""
    if isinstance(row.acked_by, str):
        return view.text("taken_by", by=row.acked_by)
    if not pd.isna(row.snoozed_until) and row.snoozed_until > pd.Timestamp.now("UTC"):
        return view.text("snoozed_by", by=row.snoozed_by, until=f"{row.snoozed_until:%Y-%m-%d %H:%M}")
    return NONE


def take_on(found: pd.DataFrame) -> None:
    """A form to acknowledge or snooze incidents, by the functions of `aipl alerts`."""
    titles = {row.incident_id: f"{row.incident_id}: {row.title}" for row in rows_of(found)}
    with st.form("take_on", border=False):
        chosen = st.multiselect(
            view.text("incidents"), list(titles), key="incidents", format_func=titles.__getitem__
        )
        option = st.selectbox(
            view.text("take_on"),
            [quality.ACKNOWLEDGE, *SNOOZES],
            key="take_on_option",
            format_func=lambda option: view.text(f"take_on_{option}"),
        )
        by = st.text_input(view.text("your_name"), key="your_name", max_chars=60).strip()
        if not st.form_submit_button(view.text("do_it")):
            return
    if not chosen or not by:
        st.warning(view.text("take_on_incomplete"))
        return
    try:
        quality.handle(view.settings, chosen, option, by)
    except InputError as error:
        st.warning(str(error))
    else:
        st.rerun()


gate = gate_of(view.release) if view.release else None
if gate:
    of_release(gate)
else:
    card(view, "gate", title="gate_of_release", empty="no_release")
left, right = st.columns([5, 4], gap="small")
with left:
    if gate:
        card(view, "gate_tables", quality.tables_of(gate), by_table)
with right:
    recorded("trend", lambda: quality.pasts(view.settings), over_time)
left, right = st.columns(2, gap="small")
with left:
    recorded("loads", lambda: quality.loads(view.settings, view.release), arrived)
with right:
    recorded("rejects", lambda: quality.rejects(view.settings), rejected)
recorded("cleaned", lambda: quality.cleaned(view.settings), cleaned)
recorded(
    "alerts",
    lambda: (
        quality.incidents(view.settings),
        mutes_in_force(view.settings, datetime.now(UTC)),
        undelivered_alerts(view.settings),
    ),
    alerts,
)
