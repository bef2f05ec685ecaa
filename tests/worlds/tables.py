"""The dumps as text: tables, columns, and rows that know which file carries them."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

COLUMNS: dict[str, tuple[str, ...]] = {
    table: tuple(names.split())
    for table, names in {
        "events": "event_time event_id brand visitor_id member_id event product_id campaign_id channel"
        " session_id user_agent page_class device region",
        "orders": "updated_at order_id visitor_id member_id status created_at paid_at cancelled_at session_id"
        " device channel campaign_id region deposit freight discount coupon amount currency",
        "order_lines": "order_id line_no brand product_id product_name quantity unit_price amount list_amount"
        " cost_amount kind",
        "refunds": "refund_id order_id line_no refunded_at amount currency reason",
        "reviews": "review_id brand product_id order_id visitor_id member_id reviewed_at rating text",
        "memberships": "updated_at membership_id brand visitor_id member_id state tier joined_at left_at",
        "identity_links": "recorded_at link_id visitor_id member_id other_member_id valid_from valid_to"
        " withdrawn",
        "products": "product_id brand name category_id category_name list_price listed_on delisted_on"
        " updated_at",
        "categories": "category_id parent_id name updated_at",
        "campaigns": "campaign_id brand name kind warm_up_from starts_on ends_on baseline_from baseline_to"
        " goal_metric goal_value budget planned_reach",
    }.items()
}
SUFFIXES = {"events": "csv.gz", "orders": "jsonl"}

# The first day that the sample shop declares to be complete for, and the dumps that tell of it and after it.
FIRST = date(2024, 9, 1)
LOADS = tuple(FIRST + timedelta(days=n) for n in (1, 2, 15, 16, 17, *range(40, 440, 25), 449, 450))
LAST_DAY = LOADS[-1] - timedelta(days=1)


def closed_days() -> list[date]:
    """The load dates that no dump is owed for."""
    days = [LOADS[0] + timedelta(days=n) for n in range((LOADS[-1] - LOADS[0]).days)]
    return sorted(set(days) - set(LOADS))


@dataclass(frozen=True)
class Row:
    """One record of a dump: its table, the load date of the file that carries it, and its text by column."""

    table: str
    load: date
    fields: tuple[tuple[str, str], ...]

    @property
    def file(self) -> str:
        """Name of the dump."""
        return f"{self.table}-{self.load}.{SUFFIXES.get(self.table, 'csv')}"

    def __getitem__(self, column: str) -> str:
        return dict(self.fields)[column]

    def but(self, **changed: str) -> Row:
        """The same record with other values."""
        return Row(self.table, self.load, tuple({**dict(self.fields), **changed}.items()))

    def at_load(self, load: date) -> Row:
        """The same record in another dump."""
        return Row(self.table, load, self.fields)


def row(table: str, load: date, **fields: str) -> Row:
    """A record; a column that is not named is empty."""
    assert fields.keys() <= set(COLUMNS[table]), fields
    return Row(table, load, tuple((column, fields.get(column, "")) for column in COLUMNS[table]))


def encode(table: str, rows: Iterable[Row]) -> bytes:
    """A dump of these rows, in this order."""
    text = io.StringIO()
    if table == "orders":
        for one in rows:
            text.write(json.dumps({column: value or None for column, value in one.fields}) + "\n")
    else:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS[table])
        writer.writerows([value for _, value in one.fields] for one in rows)
    content = text.getvalue().encode()
    return gzip.compress(content, mtime=0) if table == "events" else content
