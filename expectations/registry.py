"""Which mart has which suite and who owns it; severities are on the rules."""

from __future__ import annotations

from expectations.suites import marts
from expectations.suites.rule import Suite

_CONSUMER = "consumer-analytics"
_TRADE = "trade-analytics"
_PLATFORM = "data-platform"

_BRAND = ("preset", "brand_id")

_SUITES = (
    Suite("dim_brand", _PLATFORM, ("brand_id",), marts.BRAND),
    Suite("dim_date", _PLATFORM, ("date_day",), marts.DATE),
    Suite("dim_person", _PLATFORM, ("person_id",), marts.PERSON),
    Suite("dim_product", _PLATFORM, ("source_id", "product_id"), marts.PRODUCT),
    Suite("fct_aipl_stage_history", _CONSUMER, (*_BRAND, "person_id", "valid_from"), marts.STAGE_HISTORY),
    Suite("fct_aipl_daily", _CONSUMER, (*_BRAND, "as_of_date", "stage"), marts.AIPL_DAILY),
    Suite(
        "fct_aipl_flow",
        _CONSUMER,
        (*_BRAND, "period_type", "period_start", "from_stage", "to_stage"),
        marts.AIPL_FLOW,
    ),
    Suite("fct_fast", _CONSUMER, (*_BRAND, "period_type", "period_start"), marts.FAST),
    Suite("fct_orders", _TRADE, ("source_id", "order_id"), marts.ORDERS),
    Suite("fct_money_daily", _TRADE, ("brand_id", "currency", "money_date"), marts.MONEY),
    Suite("fct_gmv_backtest", _TRADE, (*_BRAND, "method", "horizon_days"), marts.BACKTEST),
    Suite("fct_order_lines", _TRADE, ("source_id", "order_id", "line_id"), marts.ORDER_LINES),
)

MARTS: dict[str, Suite] = {suite.table: suite for suite in _SUITES}
