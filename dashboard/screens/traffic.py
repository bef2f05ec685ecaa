"""Traffic: how many came, when and from where, and how they went through the shop."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard.cards import Card, Slice, show, stop_without_period, totals, trend, words_of
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
    offered = [one for one in classes if one not in (ENTRY, EXIT)]
    page = choose_of_many(view.text("page_class"), offered, "page_class", lambda one: words.get(one, one))
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
hours = Slice("traffic_by_hour", "hour", VISITORS, upright=True)
channels = Slice("traffic_by_channel", "channel", (*VISITORS, "pay_conversion"), words_of("channel"))
regions = Slice(
    "traffic_by_region",
    "region",
    ("visitors", "visits", "views"),
    empty="region_months_only",
    has_days=False,
)
devices = Slice("traffic_by_device", "device", VISITORS, words_of("device"))
pages = Slice(
    "traffic_by_page",
    "page_class",
    ("visitors", "views", "bounce_visit", "stay_per_view"),
    words_of("page"),
)
campaigns = Slice("traffic_by_campaign", "campaign", (*VISITORS, "pay_conversion"))
show(
    view,
    [
        trend(
            "traffic_by_day",
            *VISITORS,
            "new_visitors",
            slices=(hours, channels, devices, pages, campaigns),
        )
    ],
    [hours.card(), channels.card()],
    [Card("paths", lambda view: view.ask(scorecard.PATHS), paths, "no_paths")],
    [regions.card(), devices.card()],
    [pages.card(), campaigns.card()],
)
