"""The dumps' tables: file name, columns and the text of a row."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from io import StringIO
from typing import Any

from orchestration.sample_shop import rows
from orchestration.sample_shop.rows import CURRENCY, money
from orchestration.sample_shop.world import World

Fields = tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """One table of the dumps; `fields(world, row)` gives the row's text, one field a column."""

    name: str
    suffix: str
    columns: Fields
    fields: Callable[[World, Any], Fields]

    def file(self, load_date: date) -> str:
        """The dump's file name."""
        return f"{self.name}-{load_date.isoformat()}.{self.suffix}"

    def encode(self, records: Sequence[Fields], broken: Sequence[tuple[int, str]]) -> bytes:
        """The dump's text in UTF-8, with each broken line standing before the record of its position."""
        text = StringIO()
        if self.suffix != "jsonl":
            text.write(",".join(self.columns) + "\n")
        done = 0
        for position, line in broken:
            self._write(text, records[done:position])
            text.write(line + "\n")
            done = position
        self._write(text, records[done:])
        return text.getvalue().encode()

    def line(self, record: Fields) -> str:
        """One record as it stands in the dump."""
        text = StringIO()
        self._write(text, [record])
        return text.getvalue().rstrip("\n")

    def _write(self, text: StringIO, records: Sequence[Fields]) -> None:
        if self.suffix != "jsonl":
            csv.writer(text, lineterminator="\n").writerows(records)
            return
        for record in records:
            document = {column: value or None for column, value in zip(self.columns, record, strict=True)}
            text.write(json.dumps(document, ensure_ascii=False) + "\n")


def _moment(world: World, moment: int | None) -> str:
    return "" if moment is None else world.text(moment)


def _iso(world: World, moment: int | None) -> str:
    return "" if moment is None else world.text(moment, separator="T")


def _event(world: World, row: rows.Event) -> Fields:
    return (world.text(row.at, "milliseconds"), *row[1:])


def _order(world: World, row: rows.Order) -> Fields:
    times = (_iso(world, moment) for moment in (row.created_at, row.paid_at, row.cancelled_at))
    amounts = (money(row.deposit), money(row.freight), money(row.amount))
    head = (_iso(world, row.updated_at), row.order_id, row.visitor, row.member, row.status)
    return (*head, *times, *amounts, CURRENCY)


def _order_line(_world: World, row: rows.OrderLine) -> Fields:
    head = (row.order_id, str(row.line), row.brand, row.product, row.product_name)
    return (*head, str(row.quantity), money(row.unit_price), money(row.amount))


def _refund(world: World, row: rows.Refund) -> Fields:
    return (row.refund_id, row.order_id, world.text(row.at), money(row.amount), CURRENCY, row.reason)


def _review(world: World, row: rows.Review) -> Fields:
    return (*row[:5], world.text(row.at), str(row.rating), row.text)


def _membership(world: World, row: rows.Membership) -> Fields:
    tier = "" if row.tier is None else str(row.tier)
    times = (_moment(world, row.joined_at), _moment(world, row.left_at))
    return (world.text(row.updated_at), *row[1:6], tier, *times)


def _product(world: World, row: rows.Product) -> Fields:
    listed = world.date_of(row.listed).isoformat()
    return (*row[:5], money(row.price), listed, world.text(row.updated_at))


def _campaign(world: World, row: rows.Campaign) -> Fields:
    return (*row[:3], world.date_of(row.starts).isoformat(), world.date_of(row.ends).isoformat())


def _identity_link(world: World, row: rows.IdentityLink) -> Fields:
    times = (_moment(world, row.valid_from), _moment(world, row.valid_to))
    return (world.text(row.recorded_at), *row[1:5], *times, "true" if row.withdrawn else "false")


def _gmv_target(world: World, row: rows.GmvTarget) -> Fields:
    period = (world.date_of(day).isoformat() for day in (row.first, row.last))
    return (world.text(row.updated_at), row.brand, *period, money(row.gmv), CURRENCY)


def _columns(text: str) -> Fields:
    return tuple(text.split())


TABLES: dict[type, Table] = {
    rows.Event: Table(
        "events",
        "csv.gz",
        _columns(
            "event_time event_id brand visitor_id member_id event product_id campaign_id channel session_id"
            " user_agent"
        ),
        _event,
    ),
    rows.Order: Table(
        "orders",
        "jsonl",
        _columns(
            "updated_at order_id visitor_id member_id status created_at paid_at cancelled_at"
            " deposit freight amount currency"
        ),
        _order,
    ),
    rows.OrderLine: Table(
        "order_lines",
        "csv",
        _columns("order_id line_no brand product_id product_name quantity unit_price amount"),
        _order_line,
    ),
    rows.Refund: Table(
        "refunds",
        "csv",
        _columns("refund_id order_id refunded_at amount currency reason"),
        _refund,
    ),
    rows.Review: Table(
        "reviews",
        "csv",
        _columns("review_id brand order_id visitor_id member_id reviewed_at rating text"),
        _review,
    ),
    rows.Membership: Table(
        "memberships",
        "csv",
        _columns("updated_at membership_id brand visitor_id member_id state tier joined_at left_at"),
        _membership,
    ),
    rows.Product: Table(
        "products",
        "csv",
        _columns("product_id brand name category_id category_name list_price listed_on updated_at"),
        _product,
    ),
    rows.Campaign: Table(
        "campaigns",
        "csv",
        _columns("campaign_id brand name starts_on ends_on"),
        _campaign,
    ),
    rows.IdentityLink: Table(
        "identity_links",
        "csv",
        _columns("recorded_at link_id visitor_id member_id other_member_id valid_from valid_to withdrawn"),
        _identity_link,
    ),
    rows.GmvTarget: Table(
        "gmv_targets",
        "csv",
        _columns("updated_at brand period_start period_end gmv currency"),
        _gmv_target,
    ),
}
