"""The frame of every page: its filters and saved views, and what release is read, how old, how sound."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path

import streamlit as st

from dashboard.data import release as releases
from dashboard.filters import filtered
from dashboard.format import NONE, count
from dashboard.links import take_over, unknown_choices, write_down
from dashboard.text import LANGUAGES, labels, text
from dashboard.view import View, connection_of
from orchestration.core.errors import AiplError
from orchestration.core.settings import Settings
from orchestration.publish.quality import stopped_build
from orchestration.publish.releases import Release, created_at, read_current
from orchestration.publish.rollback import rollback_lines

STYLE = Path(__file__).with_name("style.css")


def choose_language() -> str:
    """The language of the URL or the switch, else that of the browser; English where nothing says one."""
    wanted = (st.context.locale or "").partition("-")[0].lower()
    take_over("lang", LANGUAGES, wanted if wanted in LANGUAGES else "en")
    return str(st.session_state["lang"])


def open_view(settings: Settings, language: str, *, by_period: bool) -> View:
    """Open the current release, once for the whole run of a page, and ask the filters what to look at.

    That is a period and its base `by_period`, else a preset and a day. What stands in the way of reading the
    release is in `problem`.
    """
    try:
        view = View(settings, language, read_current(settings))
        if view.release:
            connection_of(str(view.release.folder))
            view = filtered(view, by_period=by_period)
    except AiplError as error:
        view = View(settings, language, problem=str(error))
    with st.sidebar:
        st.segmented_control(
            text(language, "language"),
            list(LANGUAGES),
            format_func=LANGUAGES.__getitem__,
            key="lang",
            required=True,
        )
    write_down("lang", st.session_state["lang"])
    return view


def tell_unknown_choices(view: View) -> None:
    """What the link asks for and this release does not have."""
    for name, asked in unknown_choices().items():
        filtered_by = view.text(name) if name in labels() else name
        st.info(view.text("not_in_release", filter=filtered_by, value=asked), icon=":material/info:")


def header(view: View, title: str, subtitle: str) -> None:
    """Title of the page and the strip about the release; then what a reader must know of it."""
    st.html(f"<style>{STYLE.read_text()}</style>")
    strip = _strip(view, view.release) if view.release else ""
    st.html(
        f'<header class="page"><h1>{escape(title)}</h1><p>{escape(subtitle)}</p>{strip}</header>',
        width="stretch",
    )
    if view.release:
        _notices(view, view.release)


def _strip(view: View, release: Release) -> str:
    gate = releases.gate_of(release)
    warned, checked = len(gate.warnings), len(gate.results)
    kind = "failed" if gate.outcome != "passed" else "warning" if warned else "passed"
    said = view.text(f"gate_{kind}", checks=count(checked), warned=count(warned))
    published = created_at(release.release_id)
    facts = [
        (view.text("release"), f"<code>{escape(release.release_id)}</code>"),
        (view.text("horizon"), view.brand.horizon.isoformat() if view.brand else NONE),
        (view.text("gate"), f'<span class="chip {kind}">{escape(said)}</span>'),
        (
            view.text("age"),
            f'<time datetime="{published.isoformat()}" title="{published:%Y-%m-%d %H:%M} UTC">'
            f"{escape(_ago(view, datetime.now(UTC) - published))}</time>",
        ),
    ]
    if view.period:
        compared = view.text("compare_none")
        if base := view.base:
            compared = f"{view.text(f'compare_{base.comparison}')}: {view.compared()}"
        facts[:0] = [
            (view.text("period"), escape(view.named(view.period))),
            (view.text("compare"), escape(compared)),
        ]
    told = "".join(f"<div><dt>{escape(name)}</dt><dd>{fact}</dd></div>" for name, fact in facts)
    return f'<dl class="strip">{told}</dl>'


def _ago(view: View, gone: timedelta) -> str:
    # Never below zero: clocks differ.
    minutes = max(int(gone.total_seconds()) // 60, 0)
    if minutes < 60:
        return view.text("minutes_ago", minutes=minutes)
    if minutes < 48 * 60:
        return view.text("hours_ago", hours=minutes // 60)
    return view.text("days_ago", days=minutes // (24 * 60))


def _notices(view: View, release: Release) -> None:
    """What makes the release older than it looks: each is said on every page, never in colour alone."""
    try:
        stopped = stopped_build(view.settings, release.manifest["build_id"])
        rolled_back = rollback_lines(view.settings)
    except (AiplError, ValueError) as error:
        st.warning(view.text("state_unreadable", error=error), icon=":material/warning:")
    else:
        if stopped:
            st.warning(
                view.text(
                    "stopped_build", at=stopped.finished_at[:16].replace("T", " "), findings=stopped.findings
                ),
                icon=":material/gpp_bad:",
            )
        if rolled_back:
            st.warning(view.text("rolled_back", told=rolled_back[0]), icon=":material/history:")
    for source, why in release.manifest.get("stale_sources", {}).items():
        st.warning(view.text("stale_source", source=source, why=why), icon=":material/schedule:")
