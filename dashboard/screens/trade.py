"""Trade: what was sold, to whom, when and where, and what was given back."""

from __future__ import annotations

import streamlit as st

from dashboard.cards import (
    Card,
    by_day,
    by_member,
    days_of_member,
    members_of_slice,
    names_of,
    show,
    stop_without_period,
    totals,
    words_of,
)
from dashboard.data import scorecard
from dashboard.parts import stop_without_release
from dashboard.view import View

view: View = st.session_state["view"]
stop_without_release(view)
stop_without_period(view)
MONEY = ("paid_amount", "buyers", "orders", "amount_per_buyer")

totals(
    view,
    "trade",
    ["paid_amount", "buyers", "orders", "amount_per_buyer", "pay_conversion", "refund_rate_amount"],
)
show(
    view,
    [Card("trade_by_day", days_of_member(), by_day(*MONEY, "refunded_amount"))],
    [
        Card(
            "buyer_classes",
            members_of_slice("buyer_class"),
            by_member("paid_amount", "buyers", named=words_of("class")),
        ),
        Card(
            "categories",
            members_of_slice("category"),
            by_member(*MONEY, named=names_of(scorecard.CATEGORIES)),
        ),
    ],
    [
        Card("trade_by_hour", members_of_slice("hour"), by_member(*MONEY, upright=True)),
        Card(
            "refund_reasons",
            members_of_slice("refund_reason"),
            by_member("refunded_amount", "refunds", named=words_of("reason")),
        ),
    ],
    [
        Card(
            "trade_by_region",
            members_of_slice("region"),
            by_member("paid_amount", "buyers", "orders"),
            "region_months_only",
        ),
        Card("trade_by_channel", members_of_slice("channel"), by_member(*MONEY, named=words_of("channel"))),
    ],
)
