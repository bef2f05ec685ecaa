"""The filters in the sidebar: brand, and a preset and a day or a period and what it is compared with.

What is chosen is in the URL, so that a link opens the same view, and is kept from page to page.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

import streamlit as st

from dashboard.data import release as releases
from dashboard.data import scorecard
from dashboard.data.release import rows_of
from dashboard.links import follow, note_unknown, take_over, write_down
from dashboard.view import Base, Brand, Period, View

# The widgets that narrow the periods to choose from, that choose free days, and that jump to a day.
KIND, DAYS, JUMP = "kind_of_period", "days", "jump"
# Instead of a kind of comparison.
NO_COMPARISON = "none"
# In a link, for the newest period of a kind or the last complete day, whichever it is when it is opened.
LATEST = "latest"
DAY, YEAR = timedelta(days=1), timedelta(days=364)
# Free days at first.
FREE_DAYS = timedelta(days=27)


def filtered(view: View, *, by_period: bool) -> View:
    """The view of the brand that is chosen, and of a period `by_period`, else of a preset and a day."""
    known = view.ask(releases.BRANDS)
    if known.empty:
        return view
    brands = {
        row.brand_id: Brand(row.brand_id, row.name, row.currency, row.first_day.date(), row.horizon.date())
        for row in rows_of(known)
    }
    take_over("brand", brands, next(iter(brands)))
    with st.sidebar:
        st.selectbox(
            view.text("brand"),
            list(brands),
            key="brand",
            format_func=lambda brand_id: brands[brand_id].name,
            persist_state="session",
        )
    brand = brands[st.session_state["brand"]]
    write_down("brand", brand.brand_id)
    view = replace(view, brand=brand, day=brand.horizon)
    return _of_period(view, brand, brands) if by_period else _of_day(view, brand)


def _of_day(view: View, brand: Brand) -> View:
    """The view of the preset and the day that are chosen."""
    state = st.session_state
    presets = list(dict.fromkeys(view.ask(releases.STAGES)["preset"]))
    take_over("preset", presets, "consumer_asset" if "consumer_asset" in presets else presets[0])
    _take_over_day(brand)
    days = _days_to_jump_to(brand, state["date"])
    with st.sidebar:
        st.date_input(
            view.text("date"),
            min_value=brand.first_day,
            max_value=brand.horizon,
            key="date",
            format="YYYY-MM-DD",
            help=view.text("date_help", horizon=brand.horizon),
            persist_state="session",
        )
        st.pills(
            view.text("jump"),
            list(days),
            key=JUMP,
            format_func=lambda name: view.text(f"jump_{name}"),
            on_change=_jump,
            args=(days,),
            label_visibility="collapsed",
        )
        st.selectbox(
            view.text("preset"),
            presets,
            key="preset",
            help=view.text("preset_help"),
            persist_state="session",
        )
    preset, day = str(state["preset"]), state["date"]
    write_down("date", day.isoformat(), latest=LATEST if day == brand.horizon else None)
    write_down("preset", preset)
    return replace(view, preset=preset, day=day)


def _take_over_day(brand: Brand) -> None:
    """The day of the link. A session on the last complete day moves to the new one with a newer release."""

    def day_of(asked: str) -> date | None:
        if asked == LATEST:
            return brand.horizon
        try:
            day = date.fromisoformat(asked)
        except ValueError:
            return None
        return day if brand.first_day <= day <= brand.horizon else None

    note_unknown("date", follow("date", day_of))
    state = st.session_state
    day = state.get("date")
    if day is None or day == state.get("_horizon"):
        day = brand.horizon
    state["date"] = min(max(day, brand.first_day), brand.horizon)
    state["_horizon"] = brand.horizon


def _days_to_jump_to(brand: Brand, day: date) -> dict[str, date]:
    """The last complete day, the last of a complete week and month, and the same weekday a year earlier."""
    after = brand.horizon + DAY
    days = {
        LATEST: brand.horizon,
        "week": after - timedelta(days=after.weekday()) - DAY,
        "month": after.replace(day=1) - DAY,
        "year": day - YEAR,
    }
    return {name: one for name, one in days.items() if one >= brand.first_day}


def _jump(days: Mapping[str, date]) -> None:
    """Go to a day; the button is no choice that stays."""
    st.session_state["date"] = days[st.session_state[JUMP]]
    st.session_state[JUMP] = None


def _of_period(view: View, brand: Brand, brands: Mapping[str, Brand]) -> View:
    """The view of the period that is chosen, and of what it is compared with."""
    known = {
        row.period_id: Period(
            row.period_id,
            row.period_type,
            row.period_start.date(),
            row.period_end.date(),
            row.campaign_id if row.period_type == "campaign" else None,
        )
        for row in rows_of(view.ask(scorecard.OFFERED_PERIODS))
    }
    if not known:
        return view
    period = _chosen_period(view, brand, known)
    view = replace(view, period=period, day=period.last)
    bases = _bases(view, brand, brands, period)
    options = [*bases, NO_COMPARISON]
    # Other brands are compared with when somebody asks for it.
    usual = next((name for name, base in bases.items() if base.brand == brand), NO_COMPARISON)
    state = st.session_state
    if state.get("compare") == state.get("_usual_comparison"):
        # Nobody chose it: another kind of period has another usual one, and some have none.
        state["compare"] = usual
    state["_usual_comparison"] = usual
    take_over("compare", options, usual)
    compare = state["compare"]
    with st.sidebar:
        st.selectbox(
            view.text("compare"),
            options,
            key="compare",
            format_func=lambda one: _named_comparison(view, one, bases),
            help=view.text("compare_help"),
            persist_state="session",
        )
    write_down("compare", compare)
    return replace(view, base=bases.get(compare))


def _chosen_period(view: View, brand: Brand, known: Mapping[str, Period]) -> Period:
    """The period of the link or of the choice; else the newest of the first kind that there is."""
    state = st.session_state
    kinds = [kind for kind in scorecard.KINDS if any(one.period_type == kind for one in known.values())]
    newest = {kind: next(one for one in known.values() if one.period_type == kind) for kind in kinds}
    newest[scorecard.RANGE] = _free(max(brand.first_day, brand.horizon - FREE_DAYS), brand.horizon)

    def period_of(asked: str) -> Period | None:
        kind, _, rest = asked.partition(":")
        if kind == LATEST:
            return newest.get(rest)
        return _free_days(rest, brand) if kind == scorecard.RANGE else known.get(asked)

    def id_of(asked: str) -> str | None:
        found = period_of(asked)
        return found.period_id if found else None

    note_unknown("period", follow("period", id_of))
    period = period_of(state.get("period", "")) or newest[kinds[0]]
    state["period"], state[KIND] = period.period_id, period.period_type
    with st.sidebar:
        st.selectbox(
            view.text("period_type"),
            [*kinds, scorecard.RANGE],
            key=KIND,
            format_func=lambda one: view.text(f"every_{one}"),
            help=view.text("period_type_help"),
            on_change=_turn_to,
            args=({kind: one.period_id for kind, one in newest.items()},),
        )
        if period.period_type == scorecard.RANGE:
            # After one of the two days the other one is waited for.
            is_half = len(begun := state.get(DAYS, ())) == 1
            if not is_half or not brand.first_day <= begun[0] <= brand.horizon:
                state[DAYS] = (period.first, period.last)
            st.date_input(
                view.text("period"),
                key=DAYS,
                min_value=brand.first_day,
                max_value=brand.horizon,
                format="YYYY-MM-DD",
                on_change=_take_free_days,
            )
        else:
            st.selectbox(
                view.text("period"),
                [period_id for period_id, one in known.items() if one.period_type == period.period_type],
                key="period",
                format_func=lambda period_id: view.named(known[period_id]),
                persist_state="session",
            )
    is_newest = period == newest[period.period_type] and period.period_type != scorecard.RANGE
    write_down("period", period.period_id, latest=f"{LATEST}:{period.period_type}" if is_newest else None)
    return period


def _turn_to(newest: Mapping[str, str]) -> None:
    """Another kind of period: its newest one."""
    st.session_state["period"] = newest[st.session_state[KIND]]


def _take_free_days() -> None:
    """The days that were chosen, once both are."""
    if len(days := st.session_state[DAYS]) == 2:
        st.session_state["period"] = _free(*days).period_id


def _free(first: date, last: date) -> Period:
    return Period(f"{scorecard.RANGE}:{first}:{last}", scorecard.RANGE, first, last)


def _free_days(asked: str, brand: Brand) -> Period | None:
    """Days of a link, such as `2024-01-01:2024-01-10`; None where the brand does not have them."""
    try:
        first, last = map(date.fromisoformat, asked.split(":"))
    except ValueError:
        return None
    return _free(first, last) if brand.first_day <= first <= last <= brand.horizon else None


def _bases(view: View, brand: Brand, brands: Mapping[str, Brand], period: Period) -> dict[str, Base]:
    """What the period can be compared with, by the name in a link: periods first, then brands.

    Brands of another currency are left out, since their money cannot be compared.
    """
    if period.period_type == scorecard.RANGE:
        length = period.last - period.first + DAY
        earlier = {"previous": length, "year_ago": YEAR}
        bases = {
            name: Base(name, _free(period.first - back, period.last - back), brand)
            for name, back in earlier.items()
            if period.first - back >= brand.first_day
        }
        others = [
            one for one in brands.values() if one.first_day <= period.first and period.last <= one.horizon
        ]
    else:
        found = {
            row.comparison_kind: Base(
                row.comparison_kind,
                Period(row.base_period_id, period.period_type, row.base_start.date(), row.base_end.date()),
                brand,
                bool(row.is_contaminated),
            )
            for row in rows_of(view.ask(scorecard.BASES))
        }
        bases = {name: found[name] for name in scorecard.COMPARISONS if name in found}
        others = [brands[one] for one in view.ask(scorecard.OTHERS)["brand_id"] if one in brands]
    return bases | {
        f"brand:{one.brand_id}": Base("brand", period, one)
        for one in others
        if one != brand and one.currency == brand.currency
    }


def _named_comparison(view: View, name: str, bases: Mapping[str, Base]) -> str:
    if name == NO_COMPARISON or bases[name].comparison != "brand":
        return view.text(f"compare_{name}")
    return f"{view.text('compare_brand')}: {bases[name].brand.name}"
