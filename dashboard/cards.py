"""A page about a period as a short list of cards: each has figures, a kind of chart, and words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.charts import scorecard as charts
from dashboard.data import scorecard
from dashboard.data.unusual import BEFORE, judged
from dashboard.measures import Measure, measure
from dashboard.parts import Tile, card, choose, draw, nothing, tiles
from dashboard.text import labels
from dashboard.view import View

# Charts have so many bars at most; the CSV has all.
BARS = 10
# A period shorter than this is drawn with the days before it.
DAYS_SHOWN = 28

Figures = Callable[[View], pd.DataFrame]
Show = Callable[[View, str, pd.DataFrame], None]


@dataclass(frozen=True)
class Card:
    """A card of a page. Texts `<name>` and `<name>_note` are its words, text `empty` stands for no rows."""

    name: str
    figures: Figures
    show: Show
    empty: str = "no_figures"


def show(view: View, *rows: Sequence[Card]) -> None:
    """The cards of a page, row by row."""
    for row in rows:
        for place, one in zip(st.columns(len(row), gap="small"), row, strict=True):
            with place:
                card(view, one.name, one.figures(view), partial(one.show, view, one.name), empty=one.empty)


def stop_without_period(view: View) -> None:
    """End a page about a period where the brand has none that is complete."""
    if view.period is None:
        nothing(view, "no_period")
        st.stop()


def totals(view: View, name: str, columns: Sequence[str]) -> None:
    """Tiles of the whole brand's measures in the period, each against its base."""
    found = members_of_slice("all")(view)
    told = [column for column in columns if column in found]
    now, before = (
        {column: _number(value) for column, value in rows.iloc[0].items() if column in told}
        if len(rows)
        else {}
        for rows in (scorecard.of_period(found), scorecard.of_base(found))
    )
    against = view.text("against_base", base=view.compared()) if view.base else ""
    shown = [
        Tile(
            one.name,
            now.get(one.column),
            one.note,
            old=before.get(one.column),
            unit=one.unit,
            written=one.written,
            better=one.better,
            against=against,
        )
        for one in (measure(view, column) for column in told)
    ]
    tiles(name, shown)
    if told != list(columns):
        st.caption(view.text("people_do_not_add_up"))


def members_of_slice(slice_name: str) -> Figures:
    """Every member of a slice, in the period and in its base; of free days only what adds up over days."""

    def found(view: View) -> pd.DataFrame:
        if view.period and view.period.period_type == scorecard.RANGE:
            sums = view.ask(scorecard.RANGE_MEMBERS, slice=slice_name)
            return scorecard.with_rates(sums, view.ask(scorecard.MEASURES))
        return view.ask(scorecard.SLICE_MEMBERS, slice=slice_name)

    return found


def days_of_member(slice_name: str = "all", member: str = "") -> Figures:
    """The days of the period and of its base, of one member of a slice; if it is short, also those before.

    With the columns of `data.unusual.judged`.
    """

    def found(view: View) -> pd.DataFrame:
        period, base = view.period, view.base and view.base.period
        if period is None:
            return pd.DataFrame()
        more = pd.Timedelta(days=max(DAYS_SHOWN - 1 - (period.last - period.first).days, 0))
        first = pd.Timestamp(period.first) - more
        base_first = base and base.first - more
        asked = {"first": first - BEFORE, "base_first": base_first, "slice": slice_name, "member": member}
        days = view.ask(scorecard.MEMBER_DAYS, **asked)
        now = judged(scorecard.of_period(days), first)
        return pd.concat([now, scorecard.of_base(days)], ignore_index=True)

    return found


def by_day(*columns: str) -> Show:
    """A line a day of one of these measures, the base beside it."""

    def shown(view: View, name: str, found: pd.DataFrame) -> None:
        one = measure_shown(view, name, columns)
        now, before = scorecard.of_period(found), scorecard.of_base(found)
        if now.empty or now[one.column].isna().all():
            nothing(view, "measure_unknown", measure=one.name)
            return
        campaigns = view.ask(scorecard.CAMPAIGNS, first=now["day"].iloc[0].date())
        unusual = view.text("unusual_day")
        figure = charts.by_day(
            now, before, one.column, one.axis, view.sides(), campaigns=campaigns, unusual=unusual
        )
        if clicked := draw(figure, name, f"{view.text(name)}: {one.name}", is_clickable=True):
            # The sidebar has asked for the period already.
            st.query_params["period"] = f"day:{str(clicked.x)[:10]}"
            st.rerun()

    return shown


def by_member(
    *columns: str, upright: bool = False, named: Callable[[View], dict[str, str]] | None = None
) -> Show:
    """Bars of a slice's members by one of these measures, the largest first; `upright` in their own order."""

    def shown(view: View, name: str, found: pd.DataFrame) -> None:
        if not (told := [column for column in columns if column in found]):
            nothing(view, "people_do_not_add_up")
            return
        one = measure_shown(view, name, told)
        pairs = scorecard.paired(found, one.column)
        pairs = pairs[(pairs["now"].fillna(0) != 0) | (pairs["before"].fillna(0) != 0)]
        if pairs.empty:
            nothing(view, "measure_unknown", measure=one.name)
            return
        if not upright:
            pairs = pairs.sort_values(["now", "member"], ascending=[False, True], na_position="last").head(
                BARS
            )
        known = {scorecard.NONE: view.text("member_none"), scorecard.SMALL: view.text("member_small")}
        known |= named(view) if named else {}
        words = [known.get(member, member) for member in pairs["member"]]
        figure = charts.by_member(words, pairs, one.axis, view.sides(), upright=upright)
        draw(figure, name, f"{view.text(name)}: {one.name}")

    return shown


def measure_shown(view: View, name: str, columns: Sequence[str]) -> Measure:
    """The measure that a card shows; with several, by a switch in the link."""
    known = {column: measure(view, column) for column in columns}
    if len(columns) == 1:
        return known[columns[0]]
    return known[choose(view.text("measure"), columns, name, lambda column: known[column].name)]


def names_of(query: str) -> Callable[[View], dict[str, str]]:
    """Names by id, of a query that has them as its first two columns."""
    return lambda view: {row[0]: row[1] for row in view.ask(query).itertuples(index=False)}


def words_of(prefix: str) -> Callable[[View], dict[str, str]]:
    """Names of members that are words of the warehouse: rows `<prefix>_<member>` of the table of texts."""
    keys = [key for key in labels() if key.startswith(f"{prefix}_")]
    return lambda view: {key.removeprefix(f"{prefix}_"): view.text(key) for key in keys}


def _number(value: Any) -> float | None:
    return None if value is None or pd.isna(value) else float(value)
