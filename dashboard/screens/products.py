"""Products: which sell and which are looked at, which are unusual, and the course of one."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st

from dashboard.cards import Card, by_day, days_of_member, names_of, show, stop_without_period
from dashboard.charts.products import effect
from dashboard.data import scorecard
from dashboard.data.release import rows_of
from dashboard.format import count, is_known, percent, signed, span
from dashboard.measures import measure, ratios
from dashboard.parts import choose, choose_of_many, choose_row, draw, nothing, stop_without_release
from dashboard.view import View

view: View = st.session_state["view"]
stop_without_release(view)
stop_without_period(view)
SHOWN = 20
# More of them hide each other; the CSV has all.
BUBBLES = 300
names = names_of(scorecard.PRODUCTS)(view)


def ranking(view: View, name: str, found: pd.DataFrame) -> None:
    """The best products of one list; a row opens the product below."""
    one, has_hits = measure(view, ranked_by), bool(found["is_hit"].notna().any())
    rows = [
        (
            f"{row.rank_no}",
            names.get(row.product_id, row.product_id),
            one.written(row.value),
            percent(row.share),
            percent(row.cumulative_share),
            *([view.text("hit") if row.is_hit else ""] if has_hits else []),
        )
        for row in rows_of(found.head(SHOWN))
    ]
    heads = ["rank", "product", "figure", "share", "cumulative_share"]
    st.caption(one.name)
    heads += ["hit_head"] * has_hits
    choose_row(view, name, heads, rows, opening(found["product_id"]), numeric=(0, 2, 3, 4), opens=1)
    if len(found) > SHOWN:
        st.caption(view.text("more_in_csv", rows=count(len(found) - SHOWN)))


def looked_at(view: View, name: str, found: pd.DataFrame) -> None:
    """Visitors of each product against the share of them who buy it."""
    visitors, conversion = measure(view, "visitors"), measure(view, "pay_conversion")
    now = scorecard.of_period(found)
    now = now[(now["member"] != scorecard.NONE) & (now["visitors"].fillna(0) > 0)]
    now = now.sort_values(["visitors", "member"], ascending=[False, True]).head(BUBBLES)
    if now.empty:
        nothing(view, "measure_unknown", measure=visitors.name)
        return
    shown = now.assign(name=[names.get(member, member) for member in now["member"]])
    figure = effect(shown, visitors, conversion, measure(view, "paid_amount"))
    opened = opening(shown["member"])
    draw(figure, name, view.text(f"{name}_note"), lambda clicked: opened(clicked.number))


def unusual(view: View, name: str, found: pd.DataFrame) -> None:
    """Products that are far from their usual figures, the dearest first; a row opens the product below."""
    rows = [
        (
            span(row.period_start.date(), row.period_end.date())
            if every == "week"
            else f"{row.period_start:%Y-%m-%d}",
            names.get(row.product_id, row.product_id),
            (one := measure(view, row.measure)).name,
            one.written(row.value),
            one.written(row.median),
            signed(row.deviation, ".1f"),
            view.text(f"verdict_of_product_{row.verdict}"),
            measure(view, "paid_amount").written(row.money_lost)
            if is_known(row.money_lost) and row.money_lost
            else "",
        )
        for row in rows_of(found.head(SHOWN))
    ]
    heads = ("period", "product", "measure", "value", "usual", "deviation", "finding", "money_lost")
    choose_row(view, name, heads, rows, opening(found["product_id"]), numeric=(3, 4, 5, 7), opens=1)
    if len(found) > SHOWN:
        st.caption(view.text("more_in_csv", rows=count(len(found) - SHOWN)))


def opening(products: pd.Series[str]) -> Callable[[int], None]:
    """Shows one of these products below, by its number."""

    def opened(number: int) -> None:
        st.session_state["product"] = products.iloc[number]
        st.rerun()

    return opened


def called(product: str) -> str:
    """The name of a product with its id, or the id of one without a name."""
    return f"{names[product]} ({product})" if product in names else product


every = "day" if view.period and view.period.period_type == "day" else "week"
ranked_by = choose(
    view.text("ranking"), scorecard.RANKINGS, "ranking", lambda one: view.text(f"ranking_{one}")
)
ranked = view.ask(scorecard.RANKING, ranking=ranked_by)
show(
    view,
    [
        Card("ranking", lambda _: ranked, ranking, "no_ranking"),
        Card(
            "looked_at",
            lambda view: view.ask(scorecard.figures_of_products(ratios(view))),
            looked_at,
            "no_products",
        ),
    ],
    [Card("unusual", lambda view: view.ask(scorecard.ABNORMAL, every=every), unusual, "nothing_unusual")],
)
if offered := list(dict.fromkeys([*ranked["product_id"], *names])):
    st.markdown(f"#### {view.text('one_product')}")
    product = choose_of_many(view.text("product"), offered, "product", called)
    measures = ("visitors", "buyers", "units", "paid_amount", "pay_conversion", "refunded_amount")
    show(view, [Card("product_by_day", days_of_member(measures, "product", product), by_day(*measures))])
