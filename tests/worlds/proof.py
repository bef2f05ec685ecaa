"""What brute force says of the worlds, what a warehouse says, and where the two differ."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields
from datetime import date, timedelta
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import duckdb
from forks import PROCESSES
from oracle import sample_shop, sample_trade
from oracle.evidence import Evidence, SeenEvent
from oracle.money import book, gmv
from oracle.periods import Fast, complete_periods, fast_table
from oracle.report_periods import Campaign, report_periods
from oracle.rules import PRESETS, Preset
from oracle.scorecard import Brand
from oracle.stages import (
    FOREVER,
    Met,
    daily_stock,
    deepening,
    flow,
    movement,
    stage_changes,
    stage_history,
    walk,
)
from oracle.visits import Visit
from warehouse import Warehouse

from worlds import trade_proof
from worlds.tables import FIRST
from worlds.world import ACTIVITY_DAYS, BOT_EVENTS, MAX_MEMBERS, MIN_TIER

DAY = timedelta(days=1)
BUCKET = "sample_shop_unbranded"
WORLD = re.compile(r"\bw(\d+)b?\b")
VARIABLES = {
    "aipl_presets": list(PRESETS),
    "max_members_per_visitor": MAX_MEMBERS,
    "bot_events_per_day": BOT_EVENTS,
    "fast_min_tier": MIN_TIER,
    "fast_activity_days": ACTIVITY_DAYS,
}
COUNTS = tuple(field.name for field in fields(Fast))
RATIOS = ("advancing_rate", "advancing_rate_eligible", "thriving_rate", "thriving_rate_superior")
FIGURES = (*COUNTS, *RATIOS)
NOBODY = Fast(**dict.fromkeys(COUNTS, 0))

# Rows by (what they tell, brand); the brand is not repeated in the row.
Rows = dict[tuple[str, str], Counter[tuple[Any, ...]]]

MARTS = {
    "days": "touch_kind, person_id, touch_date, max_rating, refunded_on from marts.fct_person_days",
    "states": "state_kind, person_id, tier, valid_from, valid_to from marts.fct_person_states",
    "history": "preset, person_id, stage, previous_rank, valid_from, valid_to"
    " from marts.fct_aipl_stage_history",
    "stock": "preset, as_of_date, stage, persons from marts.fct_aipl_daily where persons > 0",
    "flow": "preset, period_type, period_start, period_end, from_stage, to_stage, movement, persons"
    " from marts.fct_aipl_flow",
    "changes": "preset, period_type, period_start, period_end, from_stage, to_stage, changes"
    " from marts.fct_aipl_stage_changes",
    "deepening": "preset, period_type, period_start, period_end, channel, campaign_id, persons"
    " from marts.fct_aipl_deepening where attribution_rule = 'first_touch'",
    # Money that names no brand makes a brand of all worlds, which nobody may belong to.
    "fast": f"preset, period_type, period_start, period_end, {', '.join(FIGURES)} from marts.fct_fast"
    f" where brand_id <> '{BUCKET}'",
    "money": "currency, money_date, paid_orders, unknown_amount_orders, gross_paid_amount, refunded_amount,"
    " unknown_amount_refunds, refunded_as_known, unknown_amount_refunds_as_known, net_by_refund_day,"
    " net_as_known from marts.fct_money_daily",
    "gmv": "gmv_date, gmv, other_currency_orders from intermediate.int_gmv_days"
    " where gmv is distinct from 0 or other_currency_orders > 0",
    "orders": "order_id, paid_date, amount, currency, refunded_amount, fully_refunded_on,"
    " other_currency_refunds from (select *, 'all' as brand_id from marts.fct_orders where is_purchase)",
}


def found(warehouse: Warehouse) -> Rows:
    """What the marts say."""
    rows: Rows = defaultdict(Counter)
    for what, query in MARTS.items():
        for brand, *values in warehouse.query(f"select brand_id, {query}"):
            rows[what, brand][tuple(values)] += 1
    return rows | trade_proof.found(warehouse)


def expected(dumps: Path, processes: int = 2) -> Rows:
    """What brute force says of the dumps, brand by brand."""
    told = sample_shop.read_all(dumps, max_members=MAX_MEMBERS, bot_events_per_day=BOT_EVENTS)
    by_brand: dict[str, tuple[Evidence, list[SeenEvent]]] = {
        brand: (Evidence(), []) for brand in sorted(told.brands)
    }
    for touch in told.evidence.touches:
        by_brand[touch.brand][0].touches.add(touch)
    for order in told.evidence.orders:
        by_brand[order.brand][0].orders.append(order)
    for state in told.evidence.memberships:
        by_brand[state.brand][0].memberships.append(state)
    for event in told.seen:
        by_brand[event.brand][1].append(event)
    rows: Rows = {}
    horizon = sample_shop.horizon(dumps)
    traded, campaigns, visits = sample_trade.brands(told.shop, told.brands, FIRST, horizon)
    trade = {
        brand: (own, campaigns.get(brand, []), [visit for visit in visits if visit.brand == brand])
        for brand, own in traded.items()
        if brand != BUCKET
    }
    with ProcessPoolExecutor(processes, PROCESSES) as pool:
        answers = pool.map(partial(_of_brand, horizon), by_brand.items(), chunksize=8)
        answers_of_trade = pool.map(_trade_of_brand, trade.values(), chunksize=8)
        for brand, answer in chain(
            zip(by_brand, answers, strict=True), zip(trade, answers_of_trade, strict=True)
        ):
            for what, counted in answer.items():
                rows[what, brand] = counted
    for what, row in trade_proof.of_periods(report_periods(FIRST, horizon)):
        rows.setdefault((what, "all"), Counter())[row] += len(trade)
    for what, brand, row in _money(told, horizon):
        rows.setdefault((what, brand), Counter())[row] += 1
    return rows


def _money(told: sample_shop.Told, horizon: date) -> Iterator[tuple[str, str, tuple[Any, ...]]]:
    """Money of brands by day, and of orders."""
    documents = [order.document for order in told.orders.values()]
    for (brand, currency, day), its in book(documents, told.repayments, BUCKET, horizon).items():
        yield "money", brand, (currency, day, *its.figures)
    currencies = defaultdict(lambda: "CNY")
    for (brand, day), (amount, others) in gmv(documents, currencies, FIRST, horizon).items():
        if amount != 0 or others:
            yield "gmv", brand, (day, amount, others)
    for order_id, order in told.orders.items():
        if (paid := order.document).paid_on:
            back = (order.refunded, order.fully_refunded_on, order.other_currency_refunds)
            yield "orders", "all", (order_id, paid.paid_on, paid.amount, paid.currency, *back)


def _of_brand(
    horizon: date, item: tuple[str, tuple[Evidence, list[SeenEvent]]]
) -> dict[str, Counter[tuple[Any, ...]]]:
    """All that is expected of one brand, by what it tells."""
    brand, (evidence, seen) = item
    rows = {"days": Counter(_person_days(evidence)), "states": Counter(_person_states(evidence))}
    told = [(what, row) for name in PRESETS for what, row in _of_preset(name, brand, evidence, seen, horizon)]
    for what, row in told:
        rows.setdefault(what, Counter())[row] += 1
    return rows


def _trade_of_brand(item: tuple[Brand, list[Campaign], list[Visit]]) -> dict[str, Counter[tuple[Any, ...]]]:
    """All that is expected of one brand's traffic and trade, by what it tells."""
    rows: dict[str, Counter[tuple[Any, ...]]] = defaultdict(Counter)
    for what, row in trade_proof.of_brand(*item):
        rows[what][row] += 1
    return dict(rows)


def _person_days(evidence: Evidence) -> Iterator[tuple[Any, ...]]:
    days = {(touch.kind, touch.person, touch.day) for touch in evidence.touches}
    for kind, person, day in days:
        same = [t for t in evidence.touches if (t.kind, t.person, t.day) == (kind, person, day)]
        ratings = [touch.rating for touch in same if touch.rating is not None]
        yield kind, person, day, max(ratings, default=None), FOREVER
    for person, day in {(order.person, order.paid_day) for order in evidence.orders}:
        same_day = [o for o in evidence.orders if (o.person, o.paid_day) == (person, day)]
        yield "paid_order", person, day, None, max(order.refunded_day or FOREVER for order in same_day)


def _person_states(evidence: Evidence) -> Iterator[tuple[Any, ...]]:
    for state in evidence.memberships:
        if state.left is None or state.joined < state.left:
            yield state.kind, state.person, state.tier or 0, state.joined, state.left or FOREVER


def _of_preset(
    name: str, brand: str, evidence: Evidence, seen: list[SeenEvent], horizon: date
) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """All that is expected of one brand by one preset."""
    preset: Preset = PRESETS[name]
    walks = walk(evidence, preset)
    history = stage_history(walks)
    ended = {(person, until): preset.rank(stage) for _, person, stage, _, until in history}
    for _, person, stage, since, until in history:
        yield "history", (name, person, stage, ended.get((person, since), 0), since, until)
    for (_, day, stage), persons in daily_stock(walks, FIRST - DAY, horizon).items():
        yield "stock", (name, day, stage, persons)
    for period in complete_periods(FIRST, horizon):
        _, first, last = period
        for (_, before, after), persons in flow(walks, first - DAY, last).items():
            kind = movement(preset.rank(before), preset.rank(after))
            yield "flow", (name, *period, before, after, kind, persons)
        for (_, before, after), changes in stage_changes(walks, first, last).items():
            yield "changes", (name, *period, before, after, changes)
        for (_, met), persons in deepening(walks, seen, preset, first, last).items():
            yield "deepening", (name, *period, *_words(met), persons)
    tuned = {"min_tier": MIN_TIER, "thriving_days": ACTIVITY_DAYS}
    known = fast_table(evidence, walks, preset, {brand: horizon}, FIRST, **tuned)
    for period in complete_periods(FIRST, horizon) if brand != BUCKET else ():
        # Rows may name a brand and yet nobody who had to do with it.
        figures = known.get((brand, *period), NOBODY)
        yield "fast", (name, *period, *(getattr(figures, figure) for figure in FIGURES))


def _words(met: Met) -> tuple[str, str]:
    """Channel and campaign as the marts spell them."""
    if not met.seen:
        return "none seen", "none seen"
    return met.channel or "not told", met.campaign or "not told"


@dataclass(frozen=True)
class Difference:
    """What one side tells and the other does not."""

    what: str
    missing: tuple[tuple[Any, ...], ...]
    extra: tuple[tuple[Any, ...], ...]

    @property
    def worlds(self) -> set[int]:
        """The worlds that the rows are of."""
        return {int(seed) for row in (*self.missing, *self.extra) for seed in WORLD.findall(f"{row}")}

    def __str__(self) -> str:
        """A few of the rows."""
        lines = [f"{self.what}: {len(self.missing)} rows missing, {len(self.extra)} too many"]
        lines += [f"  - expected {' | '.join(map(str, row))}" for row in self.missing[:5]]
        lines += [f"  + found    {' | '.join(map(str, row))}" for row in self.extra[:5]]
        return "\n".join(lines)


def against(wanted: Rows, got: Rows) -> list[Difference]:
    """Where a warehouse differs from brute force, the facts that the others are made from first."""
    result = []
    order = [*MARTS, *trade_proof.MARTS]
    for what, brand in sorted(wanted.keys() | got.keys(), key=lambda key: (order.index(key[0]), key[1])):
        want, have = wanted.get((what, brand), Counter()), got.get((what, brand), Counter())
        missing = tuple((brand, *row) for row in (want - have).elements())
        extra = tuple((brand, *row) for row in (have - want).elements())
        if missing or extra:
            result.append(Difference(what, missing, extra))
    return result


def between(wanted: Warehouse, got: Warehouse) -> list[Difference]:
    """Where two warehouses differ, over all marts and the rejects, row for row."""
    tables = ["intermediate.int_rejects", *(f"marts.{name}" for name in wanted.mart_names())]
    return [one for table in tables if (one := _between(wanted, got, table))]


def _between(wanted: Warehouse, got: Warehouse, table: str) -> Difference | None:
    """Where two warehouses differ in one relation."""
    if _digest(wanted, table) == _digest(got, table):
        return None
    with duckdb.connect() as connection:
        for side, warehouse in (("wanted", wanted), ("got", got)):
            # A view names its own file, so that the two cannot be attached to each other.
            with duckdb.connect(str(warehouse.settings.warehouse), read_only=True) as reader:
                columns = sorted(f'"{name}"' for name, *_ in reader.execute(f"describe {table}").fetchall())
                rows = reader.execute(f"select {', '.join(columns)} from {table}").to_arrow_table()
            connection.register(side, rows)
        missing, extra = (
            tuple(connection.execute(f"from {one} except all from {other}").fetchall())
            for one, other in (("wanted", "got"), ("got", "wanted"))
        )
    return Difference(table, missing, extra) if missing or extra else None


def _digest(warehouse: Warehouse, table: str) -> list[tuple[Any, ...]]:
    """Columns by name, rows, and the sum of their 64-bit hashes, in which the order of rows is no matter."""
    columns = warehouse.query(f"select column_name, column_type from (describe {table}) order by 1")
    names = ", ".join(f'"{name}"' for name, _ in columns)
    hashes = f"select count(*), sum(cast(hash({names}) as hugeint)) from {table}"
    return [*columns, *warehouse.query(hashes)]
