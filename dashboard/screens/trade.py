"""Trade: what was sold, to whom, when and where, and what was given back."""

from __future__ import annotations

import streamlit as st

from dashboard.cards import Slice, names_of, show, stop_without_period, totals, trend, words_of
from dashboard.data import scorecard
from dashboard.parts import stop_without_release
from dashboard.view import View

view: View = st.session_state["view"]
stop_without_release(view)
stop_without_period(view)
MONEY = ("paid_amount", "buyers", "orders", "amount_per_buyer")

classes = Slice("buyer_classes", "buyer_class", ("paid_amount", "buyers"), words_of("class"))
categories = Slice("categories", "category", MONEY, names_of(scorecard.CATEGORIES))
hours = Slice("trade_by_hour", "hour", MONEY, upright=True)
reasons = Slice("refund_reasons", "refund_reason", ("refunded_amount", "refunds"), words_of("reason"))
regions = Slice(
    "trade_by_region",
    "region",
    ("paid_amount", "buyers", "orders"),
    empty="region_months_only",
    has_days=False,
)
channels = Slice("trade_by_channel", "channel", MONEY, words_of("channel"))
with_days = (classes, categories, hours, reasons, channels)

totals(
    view,
    "trade",
    ["paid_amount", "buyers", "orders", "amount_per_buyer", "pay_conversion", "refund_rate_amount"],
)
show(
    view,
    [trend("trade_by_day", *MONEY, "refunded_amount", slices=with_days)],
    [classes.card(), categories.card()],
    [hours.card(), reasons.card()],
    [regions.card(), channels.card()],
)
