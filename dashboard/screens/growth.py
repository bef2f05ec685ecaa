"""Growth: what the change of the money is made of, in all and by category (GROW)."""

from __future__ import annotations

from html import escape

import pandas as pd
import streamlit as st

from dashboard.cards import MEMBER, Card, names_of, show, stop_without_period
from dashboard.charts import scorecard as charts
from dashboard.data import scorecard
from dashboard.data.release import rows_of
from dashboard.format import NONE, relative, signed_percent
from dashboard.measures import measure
from dashboard.parts import Chip, choose, choose_row, draw, nothing, stop_without_release
from dashboard.view import View

view: View = st.session_state["view"]
stop_without_release(view)
stop_without_period(view)
BASES = ("gross", "net_as_known")
CLASSES = ("all", "new", "returning")
# Sums of the parts of a cent.
CENT = 0.01
money = measure(view, "paid_amount")
names = names_of(scorecard.CATEGORIES)(view)


def letters(view: View, name: str, found: pd.DataFrame) -> None:
    """From the money of the base to that of the period, letter by letter, and whether they add up."""
    steps = {letter: float(found[letter].sum()) for letter in scorecard.LETTERS}
    old, new = (float(found[column].sum()) for column in ("amount_0", "amount_1"))
    if buyers == "all":
        # Money whose buyer nobody knows is in no category's amounts.
        new, old = view.ask(scorecard.WHOLE)[basis]
    holds = abs(old + sum(steps.values()) - new) < CENT
    verdict = Chip(view.text("adds_up" if holds else "adds_not_up"), "passed" if holds else "failed")
    told = " ".join(
        f"{'+' if value >= 0 else '−'} {money.written(abs(value))} {escape(view.text(letter))}"
        for letter, value in steps.items()
    )
    share = signed_percent(relative(new, old))
    st.html(
        f'<p class="account"><b>{money.written(old)}</b> {told} = <b>{money.written(new)}</b> ({share})'
        f" &nbsp; {verdict}</p>"
    )
    now, before = view.sides()
    named = {view.text(letter).replace(" ", "<br>", 1): value for letter, value in steps.items()}
    draw(charts.change(named, (before, old), (now, new), money.axis), name, view.text(f"{name}_note"))


def by_category(view: View, name: str, found: pd.DataFrame) -> None:
    """The letters of each category; new and left ones are marked, and a row opens its days."""
    rows = [
        (
            names.get(row.category_id, row.category_id),
            money.written(row.amount_0),
            *(written_step(getattr(row, letter)) for letter in scorecard.LETTERS),
            money.written(row.amount_1),
            signed_percent(relative(row.amount_1, row.amount_0)),
            view.text("is_entered") if row.is_entered else view.text("is_left") if row.is_left else "",
        )
        for row in rows_of(found)
    ]
    heads = ("category", "amount_0", *scorecard.LETTERS, "amount_1", "change_share", "mark")

    def open_days(row: int) -> None:
        asked = {MEMBER: f"category:{found['category_id'].iloc[row]}"}
        st.switch_page("screens/trade.py", query_params=asked)

    choose_row(view, name, heads, rows, open_days, numeric=range(1, 8))


def written_step(value: float) -> str:
    """A letter of one category with its sign."""
    return NONE if not round(value) else f"{'+' if value > 0 else ''}{money.written(value)}"


if view.base is None or view.base.brand != view.brand:
    nothing(view, "growth_needs_a_base")
    st.stop()
left, right = st.columns(2)
with left:
    basis = choose(view.text("money_basis"), BASES, "basis", lambda one: view.text(f"basis_{one}"))
with right:
    buyers = choose(view.text("buyers"), CLASSES, "buyers", lambda one: view.text(f"class_{one}"))
found = view.ask(scorecard.GROWTH, basis=basis, buyer_class=buyers)
if view.base.comparison == "baseline" and view.base.is_contaminated:
    st.info(view.text("contaminated"), icon=":material/info:")
show(
    view,
    [Card("letters", lambda _: found, letters, "no_growth")],
    [Card("growth_by_category", lambda _: found, by_category, "no_growth")],
)
