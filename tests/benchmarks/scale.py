"""Dumps of any size in the layout of the sample shop, as Parquet a day; every value is a hash of its row.

Persons follow a power law: person `floor(persons * u ** 2)` for a uniform `u`, so that a few do very much and
most do little. No value depends on threads or on the version of a random generator.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb
import yaml

BRANDS = ("lumen", "aurora", "cedar")
FIRST_DAY = date(2024, 1, 1)
EVENTS_A_PERSON = 40
LATE_SHARE = 0.01
LATE_DAYS = 60
REFUND_SHARE = 0.03
REVIEW_SHARE = 0.05
PRODUCTS = 5_000
CAMPAIGNS = 20
# One event of the last day is as late as this.
LATEST_DAYS = 400
PAGES = ("home", "category", "search", "product", "product", "product", "activity", "cart")
DEVICES = ("app", "app", "mobile_web", "desktop")
CHANNELS = ("search", "social", "direct", "mail")
REGIONS = 31


@dataclass(frozen=True)
class Scale:
    """How much there is: rows in all, spread evenly over the days."""

    events: int
    days: int
    persons: int
    orders: int

    def of_day(self, total: int, day: int) -> range:
        """Row numbers of one day, counted from 0."""
        return range(total * day // self.days, total * (day + 1) // self.days)


def uniform(salt: str) -> str:
    """SQL: a number in [0, 1) for each row `i`."""
    return f"(hash(i::varchar || '{salt}') / 18446744073709551616.0)"


def pick(words: list[str] | tuple[str, ...], salt: str) -> str:
    """SQL: one of some words for each row `i`."""
    told = ", ".join(f"'{word}'" for word in words)
    return f"([{told}])[1 + floor({uniform(salt)} * {len(words)})::integer]"


def write_dumps(folder: Path, scale: Scale, days: range) -> None:
    """Write the dumps of some days, counted from 0; a dump's load date is the day after."""
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        for day in days:
            for table, query in _tables(scale, day).items():
                target = folder / f"{table}-{FIRST_DAY + timedelta(days=day + 1)}.parquet"
                connection.execute(f"copy ({query}) to '{target}' (format parquet)")


def sources_file(project: Path, dumps: Path) -> str:
    """A sources file with the sample shop of the project alone, delivered as Parquet from `dumps`."""
    shop = yaml.safe_load((project / "sources.yml").read_text())["sources"]["sample_shop"]
    shop |= {"dumps": str(dumps), "starts_on": FIRST_DAY}
    shop.pop("ends_on")
    for name, table in shop["tables"].items():
        table |= {"files": f"{name}-{{load_date}}.parquet", "format": "parquet"}
    return yaml.safe_dump({"sources": {"sample_shop": shop}})


def _tables(scale: Scale, day: int) -> dict[str, str]:
    daily = {"events": _events(scale, day), **_orders(scale, day), "memberships": _memberships(scale, day)}
    return daily | (_once() if day == 0 else {})


def _rows(numbers: range) -> str:
    return f"range({numbers.start}, {numbers.stop}) as t(i)"


def _person(scale: Scale, salt: str) -> str:
    return f"floor({scale.persons} * pow({uniform(salt)}, 2))::bigint"


def _session(person: str, day: str) -> str:
    """SQL: one of two visits of a person on a day."""
    return f"'s' || {person} || '-' || ({day}) || '-' || (i % 2)"


def _region(person: str) -> str:
    """SQL: where a person lives; the first regions have far more people than the last."""
    return f"'r' || floor({REGIONS} * pow((hash({person}) / 18446744073709551616.0), 3))::integer"


def _moment(day: int, salt: str) -> str:
    """SQL: a second of the day as text."""
    start, second = FIRST_DAY + timedelta(days=day), f"to_seconds(floor(86400 * {uniform(salt)})::bigint)"
    return f"strftime(timestamp '{start}' + {second}, '%Y-%m-%d %H:%M:%S')"


def _events(scale: Scale, day: int) -> str:
    """1 % of a day's events happened up to 60 days earlier, one far earlier, none before the first day."""
    kinds = [
        *["page_view"] * 8, *["ad_impression"] * 6, *["product_view"] * 8, *["add_to_cart"] * 2,
        "category_search", "ad_click", "home_view", "interaction", "brand_search", "favorite", "share",
    ]  # fmt: skip
    reach, rows = min(day, LATE_DAYS), scale.of_day(scale.events, day)
    latest = min(day, LATEST_DAYS) if day == scale.days - 1 else 0
    return f"""
        with drawn as (
            select
                i, {_person(scale, "p")} as person,
                case
                    when i = {rows.start} then {latest}
                    when {uniform("late")} < {LATE_SHARE} then floor({uniform("by")} * {reach + 1})::integer
                    else 0
                end as late_days
            from {_rows(rows)}
        )
        select
            strftime(
                timestamp '{FIRST_DAY + timedelta(days=day)}'
                    + to_seconds(floor(86400 * {uniform("t")})::bigint) - to_days(late_days),
                '%Y-%m-%d %H:%M:%S'
            ) as event_time,
            'e' || i as event_id,
            {pick(BRANDS, "b")} as brand,
            'v' || person as visitor_id,
            case when person % 4 = 0 and {uniform("m")} < 0.5 then 'm' || person end as member_id,
            {pick(kinds, "k")} as event,
            'p' || floor({PRODUCTS} * {uniform("item")})::integer as product_id,
            'c' || floor({CAMPAIGNS} * {uniform("c")})::integer as campaign_id,
            {pick(CHANNELS, "ch")} as channel,
            {_session("person", f"{day} - late_days")} as session_id,
            'Mozilla/5.0' as user_agent,
            case when i % 7 > 0 then {pick(PAGES, "page")} end as page_class,
            {pick(DEVICES, "device")} as device,
            {_region("person")} as region
        from drawn
        order by event_time
    """


def _orders(scale: Scale, day: int) -> dict[str, str]:
    """Orders of the day, all paid at once, a line or two each, some refunded in full and some reviewed."""
    rows, at = _rows(scale.of_day(scale.orders, day)), _moment(day, "t")
    person, amount = _person(scale, "o"), "(1 + floor(500 * " + uniform("a") + "))::integer"
    keys = f"'v' || {person} as visitor_id, case when {person} % 4 = 0 then 'm' || {person} end as member_id"
    return {
        "orders": f"""
            select
                {at} as updated_at, 'o' || i as order_id, {keys}, 'paid' as status, {at} as created_at,
                {at} as paid_at, null::varchar as cancelled_at, null::varchar as deposit, '0' as freight,
                {amount}::varchar as amount, 'CNY' as currency, {_session(person, str(day))} as session_id,
                {pick(DEVICES, "device")} as device, {pick(CHANNELS, "ch")} as channel,
                'c' || floor({CAMPAIGNS} * {uniform("c")})::integer as campaign_id,
                {_region(person)} as region, '10' as discount,
                case when i % 3 = 0 then '5' else '0' end as coupon
            from {rows}
        """,
        "order_lines": f"""
            select
                'o' || i as order_id, '1' as line_no, {pick(BRANDS, "b")} as brand,
                'p' || floor({PRODUCTS} * {uniform("item")})::integer as product_id, 'thing' as product_name,
                '1' as quantity, {amount}::varchar as unit_price, {amount}::varchar as amount,
                ({amount} + 10)::varchar as list_amount, ({amount} / 2)::varchar as cost_amount,
                'goods' as kind
            from {rows}
        """,
        "refunds": f"""
            select
                'r' || i as refund_id, 'o' || i as order_id, {at} as refunded_at, {amount}::varchar as amount,
                'CNY' as currency, 'returned' as reason
            from {rows} where {uniform("r")} < {REFUND_SHARE}
        """,
        "reviews": f"""
            select
                'w' || i as review_id, {pick(BRANDS, "b")} as brand, 'o' || i as order_id, {keys},
                {at} as reviewed_at, (1 + floor(5 * {uniform("s")}))::integer::varchar as rating, '' as text
            from {rows} where {uniform("w")} < {REVIEW_SHARE}
        """,
    }


def _memberships(scale: Scale, day: int) -> str:
    """A tenth of the persons that are ever members join some brand, evenly over the days."""
    at = _moment(day, "t")
    return f"""
        select
            {at} as updated_at, 'k' || i as membership_id, {pick(BRANDS, "b")} as brand,
            'v' || 4 * i as visitor_id, 'm' || 4 * i as member_id, 'member' as state,
            (1 + floor(3 * {uniform("tier")}))::integer::varchar as tier, {at} as joined_at,
            null::varchar as left_at
        from {_rows(scale.of_day(scale.persons // 40, day))}
    """


def _once() -> dict[str, str]:
    """Products, categories and campaigns, known from the first day on."""
    return {
        "products": f"""
            select
                'p' || i as product_id, {pick(BRANDS, "b")} as brand, 'thing ' || i as name,
                'g' || (i % 50) as category_id, 'group ' || (i % 50) as category_name, '100' as list_price,
                '{FIRST_DAY}' as listed_on, '{FIRST_DAY} 00:00:00' as updated_at
            from range({PRODUCTS}) as t(i)
        """,
        "categories": f"""
            select
                'g' || i as category_id, case when i >= 5 then 'g' || (i % 5) end as parent_id,
                'group ' || i as name, '{FIRST_DAY} 00:00:00' as updated_at
            from range(50) as t(i)
        """,
        "campaigns": f"""
            select
                'c' || i as campaign_id, {pick(BRANDS, "b")} as brand, 'campaign ' || i as name,
                '{FIRST_DAY}' as starts_on, '{FIRST_DAY + timedelta(days=30)}' as ends_on
            from range({CAMPAIGNS}) as t(i)
        """,
    }
