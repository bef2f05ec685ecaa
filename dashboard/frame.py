"""The frame of every page: filters that live in the URL, and what release is read, how old, how sound."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any

import streamlit as st

from dashboard.data import release as releases
from dashboard.data.release import rows_of
from dashboard.format import NONE, count
from dashboard.text import LANGUAGES, text
from dashboard.view import Brand, View, connection_of
from orchestration.core.errors import AiplError
from orchestration.core.settings import Settings
from orchestration.publish.quality import stopped_build
from orchestration.publish.releases import Release, created_at, read_current
from orchestration.publish.rollback import rollback_lines

STYLE = Path(__file__).with_name("style.css")


def choose_language() -> str:
    """The language of the URL or the switch; English where neither says one."""
    _take_over("lang", LANGUAGES, "en")
    return str(st.session_state["lang"])


def open_view(settings: Settings, language: str) -> View:
    """Open the current release, once for the whole run of a page, and ask the filters what to look at.

    What stands in the way of reading it is in `problem`.
    """
    try:
        view = View(settings, language, read_current(settings))
        if view.release:
            connection_of(str(view.release.folder))
            view = _filtered(view)
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
    _write_down("lang", st.session_state["lang"])
    return view


def header(view: View, title: str, subtitle: str) -> None:
    """Title of the page and the strip about the release; then what a reader must know of it."""
    st.html(f"<style>{STYLE.read_text()}</style>")
    strip = _strip(view, view.release) if view.release else ""
    st.html(
        f'<header class="page"><h1>{escape(title)}</h1><p>{escape(subtitle)}</p>{strip}</header>',
        width="stretch",
    )
    for name, asked in st.session_state.pop("_not_found", {}).items():
        st.info(view.text("not_in_release", filter=view.text(name), value=asked), icon=":material/info:")
    if view.release:
        _notices(view, view.release)


def _filtered(view: View) -> View:
    known = view.ask(releases.BRANDS)
    if known.empty:
        return view
    brands = {
        row.brand_id: Brand(row.brand_id, row.name, row.currency, row.first_day.date(), row.horizon.date())
        for row in rows_of(known)
    }
    presets = list(dict.fromkeys(view.ask(releases.STAGES)["preset"]))
    _take_over("brand", brands, next(iter(brands)))
    _take_over("preset", presets, "consumer_asset" if "consumer_asset" in presets else presets[0])
    with st.sidebar:
        st.selectbox(
            view.text("brand"), list(brands), key="brand", format_func=lambda brand_id: brands[brand_id].name
        )
        brand = brands[st.session_state["brand"]]
        _take_over_day(brand)
        st.date_input(
            view.text("date"),
            min_value=brand.first_day,
            max_value=brand.horizon,
            key="date",
            format="YYYY-MM-DD",
            help=view.text("date_help", horizon=brand.horizon),
        )
        st.selectbox(view.text("preset"), presets, key="preset", help=view.text("preset_help"))
    preset, day = str(st.session_state["preset"]), st.session_state["date"]
    for name, value in (("brand", brand.brand_id), ("date", day.isoformat()), ("preset", preset)):
        _write_down(name, value)
    return replace(view, brand=brand, preset=preset, day=day)


def _take_over(name: str, options: Collection[str], default: str) -> None:
    """Let the URL lead where it says something new, else what was chosen before, else the default."""
    _follow_link(name, lambda asked: asked if asked in options else None)
    chosen = st.session_state.get(name)
    # Set also if it is the same: a widget that another page did not show would forget.
    st.session_state[name] = chosen if chosen in options else default


def _take_over_day(brand: Brand) -> None:
    """The same for the day; whoever looks at the last complete day goes on with it in a newer release."""

    def day_of(asked: str) -> date | None:
        try:
            day = date.fromisoformat(asked)
        except ValueError:
            return None
        return day if brand.first_day <= day <= brand.horizon else None

    _follow_link("date", day_of)
    state = st.session_state
    day = state.get("date")
    if day is None or day == state.get("_horizon"):
        day = brand.horizon
    state["date"] = min(max(day, brand.first_day), brand.horizon)
    state["_horizon"] = brand.horizon


def _follow_link(name: str, read: Callable[[str], Any]) -> None:
    """Choose what the URL asks for, or remember that `read` finds no such thing in this release.

    A page that is opened by a link and one that the browser goes back to are the same: the URL differs from
    what was last written there.
    """
    state, asked = st.session_state, st.query_params.get(name)
    if asked is None or asked == state.get(f"_url_{name}"):
        return
    if (wanted := read(asked)) is None:
        state.setdefault("_not_found", {})[name] = asked
    else:
        state[name] = wanted


def _write_down(name: str, value: str) -> None:
    if st.query_params.get(name) != value:
        st.query_params[name] = value
    st.session_state[f"_url_{name}"] = value


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
