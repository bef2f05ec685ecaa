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
from dashboard.data.unusual import BEFORE, JUDGED, judged
from dashboard.links import follow, note_unknown, write_down
from dashboard.measures import Measure, measure, ratios
from dashboard.parts import Point, Tile, card, choose, draw, nothing, tiles
from dashboard.text import labels
from dashboard.view import View

# Charts have so many bars at most; the CSV has all.
BARS = 10
# A period shorter than this is drawn with the days before it.
DAYS_SHOWN = 28
# The member whose days a trend shows, as `<slice>:<member>`; that of the whole brand has no name.
MEMBER, WHOLE_BRAND = "member", "all:"

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
                _alone(view, one)


@st.fragment
def _alone(view: View, one: Card) -> None:
    """A card, drawn again without the others after a click in it, unless that asks for a run of the page."""
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
        is_range = view.period is not None and view.period.period_type == scorecard.RANGE
        # One answer for all cards of the page: each question of its own takes nearly as long.
        query = scorecard.sums_of_members if is_range else scorecard.figures_of_members
        members = view.ask(query(ratios(view)))
        return members[members["slice"] == slice_name]

    return found


def days_of_member(columns: Sequence[str], slice_name: str = "all", member: str = "") -> Figures:
    """The days of the period and of its base, of one member of a slice; if it is short, also those before.

    With these measures, and the columns of `data.unusual.judged`.
    """

    def found(view: View) -> pd.DataFrame:
        period, base = view.period, view.base and view.base.period
        if period is None:
            return pd.DataFrame()
        more = pd.Timedelta(days=max(DAYS_SHOWN - 1 - (period.last - period.first).days, 0))
        first = pd.Timestamp(period.first) - more
        base_first = base and base.first - more
        asked = {"first": first - BEFORE, "base_first": base_first, "slice": slice_name, "member": member}
        days = view.ask(scorecard.figures_by_day(ratios(view), [*columns, *JUDGED]), **asked)
        now = judged(scorecard.of_period(days), first)
        return pd.concat([now, scorecard.of_base(days)], ignore_index=True)

    return found


def trend(name: str, *columns: str, slices: Sequence[Slice] = ()) -> Card:
    """The days of the brand, or of the member that a click on a card of `slices` has chosen."""
    known = {one.slice_name: one for one in slices}

    def read(asked: str) -> str | None:
        return asked if asked == WHOLE_BRAND or asked.partition(":")[0] in known else None

    note_unknown(MEMBER, follow(MEMBER, read))
    chosen = read(str(st.session_state.get(MEMBER, ""))) or WHOLE_BRAND
    st.session_state[MEMBER] = chosen
    write_down(MEMBER, chosen, default=WHOLE_BRAND)
    slice_name, _, member = chosen.partition(":")

    def show_whole_brand() -> None:
        st.session_state[MEMBER] = WHOLE_BRAND
        st.rerun()

    def shown(view: View, name: str, found: pd.DataFrame) -> None:
        if chosen != WHOLE_BRAND:
            called = view.text("only_member", member=known[slice_name].called(view, member))
            st.button(called, key="whole_brand", icon=":material/close:", on_click=show_whole_brand)
        by_day(*columns)(view, name, found)

    return Card(name, days_of_member(columns, slice_name, member), shown)


def by_day(*columns: str) -> Show:
    """A line a day of one of these measures, the base beside it; a click opens a day or a campaign."""

    def open_period(clicked: Point) -> None:
        is_campaign = isinstance(clicked.carried, str) and clicked.carried.startswith("campaign:")
        st.query_params["period"] = clicked.carried if is_campaign else f"day:{str(clicked.x)[:10]}"
        st.rerun()

    def shown(view: View, name: str, found: pd.DataFrame) -> None:
        # Of some members some are unknown: a reason for refunds has no visitors.
        told = [column for column in columns if column in found and found[column].notna().any()]
        one = measure_shown(view, name, told or columns)
        now, before = scorecard.of_period(found), scorecard.of_base(found)
        if now.empty or now[one.column].isna().all():
            nothing(view, "measure_unknown", measure=one.name)
            return
        campaigns = view.ask(scorecard.CAMPAIGNS, first=now["day"].iloc[0].date())
        figure = charts.by_day(
            now,
            before,
            one.column,
            one.axis,
            view.sides(),
            campaigns=campaigns,
            unusual=view.text("unusual_day"),
            campaign=view.text("campaign"),
        )
        draw(figure, name, f"{view.text(name)}: {one.name}", open_period)

    return shown


@dataclass(frozen=True)
class Slice:
    """A card of bars of a slice's members, the largest first; `upright` in their own order.

    `named`: what members are called. A click on a bar shows the days of the member, where they are counted.
    """

    name: str
    slice_name: str
    columns: tuple[str, ...]
    named: Callable[[View], dict[str, str]] | None = None
    upright: bool = False
    empty: str = "no_figures"
    has_days: bool = True

    def card(self) -> Card:
        """The card of a page."""
        return Card(self.name, members_of_slice(self.slice_name), self._show, self.empty)

    def called(self, view: View, member: str) -> str:
        """A member as people call it."""
        known = {scorecard.NONE: view.text("member_none"), scorecard.SMALL: view.text("member_small")}
        known |= self.named(view) if self.named else {}
        return known.get(member, member)

    def _show(self, view: View, name: str, found: pd.DataFrame) -> None:
        if not (told := [column for column in self.columns if column in found]):
            nothing(view, "people_do_not_add_up")
            return
        one = measure_shown(view, name, told)
        pairs = scorecard.paired(found, one.column)
        pairs = pairs[(pairs["now"].fillna(0) != 0) | (pairs["before"].fillna(0) != 0)]
        if pairs.empty:
            nothing(view, "measure_unknown", measure=one.name)
            return
        if not self.upright:
            pairs = pairs.sort_values(["now", "member"], ascending=[False, True], na_position="last")
            pairs = pairs.head(BARS)
        words = [self.called(view, member) for member in pairs["member"]]

        def show_days(clicked: Point) -> None:
            st.query_params[MEMBER] = f"{self.slice_name}:{pairs['member'].iloc[clicked.number]}"
            st.rerun()

        figure = charts.by_member(words, pairs, one.axis, view.sides(), upright=self.upright)
        on_click = show_days if self.has_days else None
        draw(figure, name, f"{view.text(name)}: {one.name}", on_click)


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
