"""Traffic: how many came, when and from where, and how they went through the shop."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard.cards import (
    Card,
    by_day,
    by_member,
    days_of_member,
    members_of_slice,
    show,
    stop_without_period,
    totals,
    words_of,
)
from dashboard.charts import scorecard as charts
from dashboard.data import scorecard
from dashboard.measures import measure
from dashboard.parts import choose_of_many, draw, nothing, stop_without_release
from dashboard.view import View

view: View = st.session_state["view"]
stop_without_release(view)
stop_without_period(view)
VISITORS = ("visitors", "visits", "views", "bounce_visit")
ENTRY, EXIT = "(entry)", "(exit)"


def paths(view: View, name: str, moved: pd.DataFrame) -> None:
    """Where people came from to a class of pages, and where they went from it."""
    classes = list(dict.fromkeys([*moved["to_class"], *moved["from_class"]]))
    words = words_of("page")(view)
    pages = [one for one in classes if one not in (ENTRY, EXIT)]
    page = choose_of_many(view.text("page_class"), pages, "page_class", lambda one: words.get(one, one))
    one = measure(view, "moves")
    for place, own, other in zip(
        st.columns(2, gap="medium"), ("to_class", "from_class"), ("from_class", "to_class"), strict=True
    ):
        with place:
            found = moved[moved[own] == page].head(10).rename(columns={other: "member", "moves": "now"})
            st.markdown(f"**{view.text(f'path_{other}', page=words.get(page, page))}**")
            if found.empty:
                nothing(view, "no_figures")
                continue
            figures = found[["member", "now"]].assign(before=None)
            members = [words.get(member, member) for member in found["member"]]
            figure = charts.by_member(members, figures, one.axis, (one.name, ""), upright=False)
            draw(figure, f"{name}_{other}", view.text(f"path_{other}", page=words.get(page, page)))


totals(
    view,
    "traffic",
    ["visitors", "new_visitors", "visits", "views_per_visitor", "bounce_visit", "stay_per_visit"],
)
show(
    view,
    [Card("traffic_by_day", days_of_member(), by_day(*VISITORS, "new_visitors"))],
    [
        Card("traffic_by_hour", members_of_slice("hour"), by_member(*VISITORS, upright=True)),
        Card(
            "traffic_by_channel",
            members_of_slice("channel"),
            by_member(*VISITORS, "pay_conversion", named=words_of("channel")),
        ),
    ],
    [Card("paths", lambda view: view.ask(scorecard.PATHS), paths, "no_paths")],
    [
        Card(
            "traffic_by_region",
            members_of_slice("region"),
            by_member("visitors", "visits", "views"),
            "region_months_only",
        ),
        Card("traffic_by_device", members_of_slice("device"), by_member(*VISITORS, named=words_of("device"))),
    ],
    [
        Card(
            "traffic_by_page",
            members_of_slice("page_class"),
            by_member("visitors", "views", "bounce_visit", "stay_per_view", named=words_of("page")),
        ),
        Card("traffic_by_campaign", members_of_slice("campaign"), by_member(*VISITORS, "pay_conversion")),
    ],
)
