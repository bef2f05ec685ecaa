"""What brute force says of the traffic and trade of the worlds, and what a warehouse says of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import astuple, replace
from decimal import Decimal
from math import floor
from typing import Any

from oracle.conversion import Deed, conversion
from oracle.grow import Side, leaves
from oracle.money import ZERO
from oracle.paths import flow
from oracle.report_periods import Campaign, Period, comparisons, report_periods
from oracle.scorecard import COLUMNS, NONE, Brand, scorecard
from oracle.visits import Visit
from warehouse import Warehouse

LETTERS = ("gain", "retain", "boost", "other_change")
NO_BUCKET = "brand_id not like '%unbranded'"
PERIOD = "period_id, period_type, period_start, period_end, days"
# All brands of the worlds have the same calendar.
CALENDAR = {
    "periods": f"select 'all', {PERIOD}, null, false, count(*) from marts.dim_period"
    f" where campaign_id is null and {NO_BUCKET} group by all",
    "comparisons": "select 'all', comparison_kind, period_id, base_period_id, count(*)"
    f" from marts.dim_comparison where campaign_id is null and {NO_BUCKET} group by all",
}
# A row of the bucket is of all worlds, and of no use to any.
MARTS = {
    "periods": f"dim_period: {PERIOD}, campaign_id, is_contaminated",
    "comparisons": "dim_comparison: comparison_kind, period_id, base_period_id",
    "visits": "fct_visits: visit_date, started_hour, views, dwell_seconds, dwell_views, entry_class,"
    " exit_class, entry_product_id, channel, campaign_id, device, is_one_view, is_new_visitor, cart_adds,"
    " has_paid",
    "path flow": "fct_path_flow: period_id, from_class, to_class, moves, visits, visitors",
    "conversion": "fct_conversion: rule_id, opened_on, opened, converted, persons_opened, persons_converted,"
    " days_sum",
    "scorecard": "fct_scorecard: ",
    # A thousandth of a unit is enough; no fraction that is likely lies at this border.
    "growth": "fct_grow: comparison_kind, period_id, money_basis, category_id, buyer_class, buyers_0,"
    " orders_0, amount_0, buyers_1, orders_1, amount_1,"
    + ", ".join(f" cast(floor({name} * 1000 + 0.37) as bigint)" for name in LETTERS)
    + ", is_entered, is_left",
}
# Only columns that say something are spelled; of the others a mark tells 0 from unknown.
SPELLED = ", ".join(f"case when {name} <> 0 then '{name}=' || {name} end" for name in COLUMNS)
MARKED = ", ".join(
    f"case when {name} is null then '.' when {name} = 0 then '0' else '1' end" for name in COLUMNS
)
ON_SALE = "products_on_sale="
# Nothing happened in most periods: they are counted, not listed.
SCORECARD = f"""
    select
        brand_id,
        case
            when told = '' or regexp_full_match(told, '{ON_SALE}[0-9]+') then period_type else period_id
        end as period,
        slice, member, submember, told, known, count(*)
    from (
        select brand_id, period_id, period_type, slice, member, submember,
            concat_ws(' ', {SPELLED}) as told, concat({MARKED}) as known
        from marts.fct_scorecard where {NO_BUCKET}
    )
    group by all
"""
ANYTHING = ("buyers_0", "amount_0", "buyers_1", "amount_1", "other_change")
CLASSES = {"all": ("new", "returning"), "new": ("new",), "returning": ("returning",)}

Row = tuple[Any, ...]
Member = tuple[str, str]


def found(warehouse: Warehouse) -> dict[tuple[str, str], Counter[Row]]:
    """What the marts say."""
    rows: dict[tuple[str, str], Counter[Row]] = {}
    for what, mart_and_columns in MARTS.items():
        mart, _, columns = mart_and_columns.partition(": ")
        query = f"select brand_id, {columns}, 1 from marts.{mart} where {NO_BUCKET}"
        if what == "growth":
            query += f" and ({' or '.join(f'{name} <> 0' for name in ANYTHING)})"
        if what in CALENDAR:
            query += f" and campaign_id is not null union all {CALENDAR[what]}"
        for brand, *values, times in warehouse.query(SCORECARD if what == "scorecard" else query):
            rows.setdefault((what, brand), Counter())[tuple(values)] += times
    return rows


def of_brand(brand: Brand, campaigns: list[Campaign], visits: list[Visit]) -> Iterator[tuple[str, Row]]:
    """All that is expected of one brand."""
    periods = report_periods(brand.first_day, brand.horizon, campaigns)
    yield from of_periods([period for period in periods if period.campaign_id is not None])
    for visit in visits:
        if brand.first_day <= visit.day <= brand.horizon:
            yield "visits", _visit(brand, visit)
    for key, moved in flow(brand.acts, periods).items():
        yield "path flow", (*key, *moved)
    for key, converted in conversion(deeds(brand), brand.first_day, brand.horizon).items():
        yield "conversion", (*key, *astuple(converted))
    rows = list(scorecard(brand, periods))
    for period, name, member, submember, row in rows:
        told = " ".join(f"{column}={_text(row[column])}" for column in COLUMNS if row.get(column))
        known = "".join("1" if row.get(column) else "0" if column in row else "." for column in COLUMNS)
        nothing = not told or (told.startswith(ON_SALE) and " " not in told)
        when = period.period_type if nothing else period.period_id
        yield "scorecard", (when, name, member, submember, told, known)
    for row_of_growth in _growth(periods, rows):
        yield "growth", row_of_growth


def of_periods(periods: list[Period]) -> Iterator[tuple[str, Row]]:
    """What is expected of these periods."""
    for period in periods:
        days = (period.start, period.end, period.days)
        told = (period.campaign_id, period.is_contaminated)
        yield "periods", (period.period_id, period.period_type, *days, *told)
    for kind, period, base in comparisons(periods):
        yield "comparisons", (kind, period.period_id, base.period_id)


def _growth(periods: list[Period], rows: list[tuple[Period, str, str, str, dict[str, Any]]]) -> Iterator[Row]:
    """What growth is made of, by category and class, from the scorecard."""
    cells: dict[str, dict[Member, dict[str, Any]]] = defaultdict(dict)
    totals = {period.period_id: row for period, name, _, _, row in rows if name == "all"}
    for period, name, member, submember, row in rows:
        if name == "category_buyer_class":
            cells[period.period_id][member, submember] = row
    for kind, period, base in comparisons(periods):
        grown = {"previous": ("month", "quarter", "year"), "baseline": ("campaign",)}
        if period.period_type not in {**grown, "year_ago": grown["previous"]}.get(kind, ()):
            continue
        if any(totals[one.period_id].get("paid_amount") is None for one in (base, period)):
            continue
        for basis in ("gross", "net_as_known"):
            for name, classes in CLASSES.items():
                sides = [_sides(cells[one.period_id], basis, classes) for one in (base, period)]
                if basis == "net_as_known" and name == "all":
                    for side, one in zip(sides, (base, period), strict=True):
                        its = totals[one.period_id]
                        documents = its.get("adjustment_amount", ZERO) - its.get(
                            "unlinked_refund_amount", ZERO
                        )
                        side["(documents)"] = Side(other=documents)
                for category, leaf in leaves(*sides).items():
                    old, new = leaf.before, leaf.after
                    told = (*_three(old), *_three(new))
                    letters = (leaf.gain, leaf.retain, leaf.boost, leaf.other_change)
                    if any(told) or leaf.other_change:
                        floors = (floor(letter * 1000 + 0.37) for letter in letters)
                        entry = (leaf.is_entered, leaf.is_left)
                        yield kind, period.period_id, basis, category, name, *told, *floors, *entry


def _three(side: Side) -> tuple[int, int, Decimal]:
    return side.buyers, side.orders, side.amount


def _sides(
    cells: Mapping[Member, Mapping[str, Any]], basis: str, classes: Collection[str]
) -> dict[str, Side]:
    """Each category's buyers of these classes; money without a buyer where all of them are asked for."""
    sides: dict[str, Side] = defaultdict(Side)
    for (category, own), row in cells.items():
        amount = row.get("paid_amount", ZERO)
        if basis == "net_as_known":
            amount -= row.get("refunded_as_known", ZERO)
        was, buyers = sides[category], row["priced_buyers"]
        if own in classes and buyers:
            told = (was.buyers + buyers, was.orders + row["priced_orders"], was.amount + amount)
            sides[category] = Side(*told, was.other)
        elif own in classes or len(classes) > 1:
            sides[category] = replace(was, other=was.other + amount)
    return sides


def _text(value: int | Decimal) -> str:
    return f"{value:.4f}" if isinstance(value, Decimal) else str(value)


def _visit(brand: Brand, visit: Visit) -> Row:
    # Of nobody known, nothing is known.
    is_new = has_paid = None
    if visit.person is not None:
        is_new = brand.first_views[visit.person].event.day == visit.day
        has_paid = visit.day in brand.paid_days.get(visit.person, set())
    return (
        *(visit.day, f"{visit.started_at:%H}", visit.views, visit.dwell_seconds, visit.dwell_views),
        *(visit.entry_class, visit.exit_class, visit.entry_product, visit.channel, visit.campaign),
        *(visit.device, visit.is_one_view, is_new, visit.cart_adds, has_paid),
    )


def deeds(brand: Brand) -> Iterator[Deed]:
    """What opens and closes opportunities of conversion."""
    for act in brand.acts:
        kind = "view" if act.event.is_view else act.event.kind
        yield Deed(kind, act.event.at, act.event.person, act.event.product)
    for sale in brand.sales:
        assert sale.order.paid_at is not None
        product = None if sale.product == NONE else sale.product
        yield Deed("paid_order", sale.order.paid_at, sale.order.person, product, sale.order.order_id)
    for one in brand.placed:
        told = (one.order.created_at, one.order.person, None, one.order.order_id)
        yield Deed("order", *told)
        if one.amount == 0:
            yield Deed("free_order", *told)
