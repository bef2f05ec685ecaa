"""The dumps' tables: file name, columns and the text of a row."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from io import StringIO
from typing import Any

from orchestration.sample_shop import rows
from orchestration.sample_shop.rows import CURRENCY, money
from orchestration.sample_shop.world import World

Fields = tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """One table of the dumps.

    `layout` names its columns in the order of the row's fields, each with how it is written (`_WRITTEN`) if
    it is no text.
    """

    name: str
    suffix: str
    layout: str

    @cached_property
    def columns(self) -> Fields:
        """Names of the columns."""
        return tuple(column.partition(":")[0] for column in self.layout.split())

    @cached_property
    def _writers(self) -> list[tuple[int, Callable[[World, Any], str]]]:
        kinds = [column.partition(":")[2] for column in self.layout.split()]
        return [(position, _WRITTEN[kind]) for position, kind in enumerate(kinds) if kind]

    def fields(self, world: World, row: rows.Row) -> Fields:
        """The row's text, one field a column."""
        values: list[Any] = list(row)
        if "currency" in self.columns:
            values.insert(self.columns.index("currency"), CURRENCY)
        for position, write in self._writers:
            values[position] = "" if values[position] is None else write(world, values[position])
        return tuple(values)

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


_WRITTEN: dict[str, Callable[[World, Any], str]] = {
    "number": lambda _, value: str(value),
    "money": lambda _, value: money(value),
    "flag": lambda _, value: "true" if value else "false",
    "day": lambda world, value: world.date_of(value).isoformat(),
    "time": lambda world, value: world.text(value),
    "T": lambda world, value: world.text(value, separator="T"),
    "milliseconds": lambda world, value: world.text(value, "milliseconds"),
}

TABLES: dict[type, Table] = {
    rows.Event: Table(
        "events",
        "csv.gz",
        "event_time:milliseconds event_id brand visitor_id member_id event product_id campaign_id channel"
        " session_id user_agent page_class device region",
    ),
    rows.Order: Table(
        "orders",
        "jsonl",
        "updated_at:T order_id visitor_id member_id status created_at:T paid_at:T cancelled_at:T session_id"
        " device channel campaign_id region deposit:money freight:money discount:money coupon:money"
        " amount:money currency",
    ),
    rows.OrderLine: Table(
        "order_lines",
        "csv",
        "order_id line_no:number brand product_id product_name quantity:number unit_price:money amount:money"
        " list_amount:money cost_amount:money kind",
    ),
    rows.Refund: Table(
        "refunds", "csv", "refund_id order_id line_no:number refunded_at:time amount:money currency reason"
    ),
    rows.Review: Table(
        "reviews",
        "csv",
        "review_id brand product_id order_id visitor_id member_id reviewed_at:time rating:number text",
    ),
    rows.Membership: Table(
        "memberships",
        "csv",
        "updated_at:time membership_id brand visitor_id member_id state tier:number joined_at:time"
        " left_at:time",
    ),
    rows.Product: Table(
        "products",
        "csv",
        "product_id brand name category_id category_name list_price:money listed_on:day delisted_on:day"
        " updated_at:time",
    ),
    rows.Category: Table("categories", "csv", "category_id parent_id name updated_at:time"),
    rows.Campaign: Table(
        "campaigns",
        "csv",
        "campaign_id brand name kind warm_up_from:day starts_on:day ends_on:day baseline_from:day"
        " baseline_to:day goal_metric goal_value:money budget:money planned_reach:number",
    ),
    rows.IdentityLink: Table(
        "identity_links",
        "csv",
        "recorded_at:time link_id visitor_id member_id other_member_id valid_from:time valid_to:time"
        " withdrawn:flag",
    ),
    rows.GmvTarget: Table(
        "gmv_targets", "csv", "updated_at:time brand period_start:day period_end:day gmv:money currency"
    ),
}
