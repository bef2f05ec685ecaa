"""The frame of every page: filters that live in the URL, and what release is read, how old, how sound."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html import escape
from pathlib import Path

import streamlit as st

from dashboard.data import release as releases
from dashboard.data import scorecard
from dashboard.data.release import rows_of
from dashboard.format import NONE, count
from dashboard.links import follow, take_over, write_down
from dashboard.text import LANGUAGES, text
from dashboard.view import Base, Brand, Period, View, connection_of
from orchestration.core.errors import AiplError
from orchestration.core.settings import Settings
from orchestration.publish.quality import stopped_build
from orchestration.publish.releases import Release, created_at, read_current
from orchestration.publish.rollback import rollback_lines

STYLE = Path(__file__).with_name("style.css")
# Names of the filters, in the URL and as widgets.
FILTERS = ("brand", "preset", "date", "period", "compare")
# The widget that narrows the periods to choose from.
KIND = "kind_of_period"
# Instead of a kind of comparison.
NO_COMPARISON = "none"


def choose_language() -> str:
    """The language of the URL or the switch, else that of the browser; English where nothing says one."""
    wanted = (st.context.locale or "").partition("-")[0].lower()
    _take_over("lang", LANGUAGES, wanted if wanted in LANGUAGES else "en")
    return str(st.session_state["lang"])


def open_view(settings: Settings, language: str, *, by_period: bool) -> View:
    """Open the current release, once for the whole run of a page, and ask the filters what to look at.

    That is a period and its base `by_period`, else a preset and a day. What stands in the way of reading the
    release is in `problem`.
    """
    for name in (*FILTERS, KIND):
        # A widget that a page does not show would forget what was chosen.
        if name in st.session_state:
            st.session_state[name] = st.session_state[name]
    try:
        view = View(settings, language, read_current(settings))
        if view.release:
            connection_of(str(view.release.folder))
            view = _filtered(view, by_period=by_period)
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


def _filtered(view: View, *, by_period: bool) -> View:
    known = view.ask(releases.BRANDS)
    if known.empty:
        return view
    brands = {
        row.brand_id: Brand(row.brand_id, row.name, row.currency, row.first_day.date(), row.horizon.date())
        for row in rows_of(known)
    }
    _take_over("brand", brands, next(iter(brands)))
    with st.sidebar:
        st.selectbox(
            view.text("brand"), list(brands), key="brand", format_func=lambda brand_id: brands[brand_id].name
        )
    brand = brands[st.session_state["brand"]]
    write_down("brand", brand.brand_id)
    view = replace(view, brand=brand, day=brand.horizon)
    return _of_period(view) if by_period else _of_day(view, brand)


def _of_day(view: View, brand: Brand) -> View:
    """The view of the preset and the day that are chosen."""
    presets = list(dict.fromkeys(view.ask(releases.STAGES)["preset"]))
    _take_over("preset", presets, "consumer_asset" if "consumer_asset" in presets else presets[0])
    _take_over_day(brand)
    with st.sidebar:
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
    write_down("date", day.isoformat())
    write_down("preset", preset)
    return replace(view, preset=preset, day=day)


def _of_period(view: View) -> View:
    """The view of the period that is chosen, and of what it is compared with."""
    periods = {
        row.period_id: Period(
            row.period_id,
            row.period_type,
            row.period_start.date(),
            row.period_end.date(),
            row.campaign_id if row.period_type == "campaign" else None,
        )
        for row in rows_of(view.ask(scorecard.OFFERED_PERIODS))
    }
    if not periods:
        return view
    kinds = [kind for kind in scorecard.KINDS if any(one.period_type == kind for one in periods.values())]
    _take_over("period", periods, _newest(periods, kinds[0]))
    state = st.session_state
    kind = periods[state["period"]].period_type
    if state.get(KIND, kind) != kind and state.get(KIND) != state.get("_kind"):
        kind = state[KIND]
        state["period"] = _newest(periods, kind)
    state[KIND] = state["_kind"] = kind
    with st.sidebar:
        st.selectbox(
            view.text("period_type"), kinds, key=KIND, format_func=lambda one: view.text(f"every_{one}")
        )
        st.selectbox(
            view.text("period"),
            [period_id for period_id, one in periods.items() if one.period_type == kind],
            key="period",
            format_func=lambda period_id: view.named(periods[period_id]),
        )
    period = periods[state["period"]]
    view = replace(view, period=period, day=period.last)
    bases = {
        row.comparison_kind: Base(
            row.comparison_kind,
            Period(row.base_period_id, period.period_type, row.base_start.date(), row.base_end.date()),
            bool(row.is_contaminated),
        )
        for row in rows_of(view.ask(scorecard.BASES))
    }
    offered = [one for one in scorecard.COMPARISONS if one in bases]
    _take_over("compare", [*offered, NO_COMPARISON], [*offered, NO_COMPARISON][0])
    with st.sidebar:
        st.selectbox(
            view.text("compare"),
            [*offered, NO_COMPARISON],
            key="compare",
            format_func=lambda one: view.text(f"compare_{one}"),
            help=view.text("compare_help"),
        )
    write_down("period", period.period_id)
    write_down("compare", state["compare"])
    return replace(view, base=bases.get(state["compare"]))


def _newest(periods: Mapping[str, Period], kind: str) -> str:
    return next(period_id for period_id, one in periods.items() if one.period_type == kind)


def _take_over(name: str, options: Collection[str], default: str) -> None:
    """A filter from the link; what a link asks for in vain is told below the header."""
    _note_stranger(name, take_over(name, options, default))


def _note_stranger(name: str, asked: str | None) -> None:
    if asked is not None:
        st.session_state.setdefault("_not_found", {})[name] = asked


def _take_over_day(brand: Brand) -> None:
    """The same for the day; whoever looks at the last complete day goes on with it in a newer release."""

    def day_of(asked: str) -> date | None:
        try:
            day = date.fromisoformat(asked)
        except ValueError:
            return None
        return day if brand.first_day <= day <= brand.horizon else None

    _note_stranger("date", follow("date", day_of))
    state = st.session_state
    day = state.get("date")
    if day is None or day == state.get("_horizon"):
        day = brand.horizon
    state["date"] = min(max(day, brand.first_day), brand.horizon)
    state["_horizon"] = brand.horizon


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
            compared = f"{view.text(f'compare_{base.comparison}')}: {view.named(base.period)}"
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
