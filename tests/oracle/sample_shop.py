"""Evidence from the sample shop's daily dumps: files `<table>-<load date>.<suffix>`, times of China."""

from __future__ import annotations

import csv
import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from io import StringIO
from pathlib import Path
from typing import TypeVar

from oracle.evidence import Evidence, Membership, PaidOrder, Touch
from oracle.rules import STATES

EVENT_KINDS = {
    "ad_impression",
    "page_view",
    "category_search",
    "ad_click",
    "home_view",
    "interaction",
    "product_view",
    "brand_search",
    "favorite",
    "add_to_cart",
    "benefit_claim",
    "share",
}
IDENTITY_SPACE = "sample_shop"

T = TypeVar("T")
Version = tuple[datetime, date, str, int]


class UnusableError(ValueError):
    """A row that must not count; the text is the reason."""


@dataclass(frozen=True)
class Row:
    """One record of a dump: where it stands, and its fields as text, empty where missing."""

    load_date: date
    file: str
    number: int
    fields: dict[str, str]

    def key(self, column: str) -> str:
        """A field that must be there."""
        if not self.fields[column]:
            raise UnusableError(f"no {column}")
        return self.fields[column]

    def moment(self, column: str) -> datetime | None:
        """A local time; one of a day after the day that follows the load date is the future."""
        text = self.fields[column]
        if not text:
            return None
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise UnusableError("time that does not parse") from None
        if moment.date() > self.load_date + timedelta(days=1):
            raise UnusableError("time in the future")
        return moment

    def needed_moment(self, column: str) -> datetime:
        """A local time that must be there."""
        moment = self.moment(column)
        if moment is None:
            raise UnusableError(f"no {column}")
        return moment

    def number_of(self, column: str) -> Decimal | None:
        """A number, None where missing."""
        try:
            return Decimal(self.fields[column]) if self.fields[column] else None
        except InvalidOperation:
            raise UnusableError(f"{column} that is no number") from None

    def whole(self, column: str) -> int | None:
        """A whole number, None where missing."""
        number = self.number_of(column)
        return None if number is None else int(number)

    @property
    def brand(self) -> str:
        """The brand, or the bucket of what has none."""
        return self.fields["brand"] or "sample_shop_unbranded"

    @property
    def person(self) -> str | None:
        """The member, else the visitor, else nobody."""
        if self.fields["member_id"]:
            return f"{IDENTITY_SPACE}:m:{self.fields['member_id']}"
        if self.fields["visitor_id"]:
            return f"{IDENTITY_SPACE}:v:{self.fields['visitor_id']}"
        return None

    def version(self, updated_at: datetime = datetime.min) -> Version:
        """What decides which row of an entity counts: the greatest."""
        return (updated_at, self.load_date, self.file, self.number)


@dataclass(frozen=True)
class Order:
    """An order as one row tells it."""

    person: str | None
    paid_at: datetime | None
    cancelled_at: datetime | None
    amount: Decimal | None


@dataclass(frozen=True)
class Line:
    """A line of an order; the amount is None where it is not told."""

    order_id: str
    brand: str
    amount: Decimal | None


@dataclass(frozen=True)
class Refund:
    """Money given back for an order, or for none."""

    order_id: str
    at: datetime
    amount: Decimal


@dataclass(frozen=True)
class Review:
    """A review; without a person of its own it is its order's buyer's."""

    brand: str
    order_id: str
    person: str | None
    day: date
    rating: int | None


@dataclass(frozen=True)
class State:
    """A membership as one row tells it."""

    brand: str
    person: str | None
    kind: str
    tier: int | None
    joined: date
    left: date | None


def read(folder: Path) -> tuple[Evidence, Counter[tuple[str, str]]]:
    """Evidence of all dumps in the folder, and the rows left out, by (table, reason)."""
    dropped: Counter[tuple[str, str]] = Counter()

    def entities(table: str, parse: Callable[[Row], tuple[object, Version, T]]) -> dict[object, T]:
        found: dict[object, tuple[Version, T]] = {}
        for row in _rows(folder, table, dropped):
            try:
                key, version, entity = parse(row)
            except UnusableError as reason:
                dropped[table, str(reason)] += 1
                continue
            if key not in found or found[key][0] < version:
                found[key] = (version, entity)
        return {key: entity for key, (_, entity) in found.items()}

    events = entities("events", _event)
    orders = entities("orders", _order)
    lines = entities("order_lines", _line)
    refunds = entities("refunds", _refund)
    reviews = entities("reviews", _review)
    states = entities("memberships", _state)

    evidence = Evidence(touches={event for event in events.values() if event is not None})
    evidence.orders = list(_paid_orders(orders, list(lines.values()), list(refunds.values())))
    for review in reviews.values():
        order = orders.get(review.order_id)
        person = review.person or (order.person if order else None)
        if person is not None:
            evidence.touches.add(Touch(review.brand, person, "review", review.day, review.rating))
    for s in states.values():
        if s.person is not None:
            evidence.memberships.append(Membership(s.brand, s.person, s.joined, s.left, s.kind, s.tier))
    return evidence, dropped


def horizon(folder: Path) -> date:
    """The day before the last load date: a dump completes the day before it."""
    return max(_load_date(path) for path in folder.glob("events-*")) - timedelta(days=1)


def _load_date(path: Path) -> date:
    return date.fromisoformat(path.name.partition("-")[2][:10])


def _rows(folder: Path, table: str, dropped: Counter[tuple[str, str]]) -> Iterator[Row]:
    for path in sorted(folder.glob(f"{table}-*")):
        content = path.read_bytes()
        text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
        documents = _json_lines(text) if path.suffix == ".jsonl" else _csv_records(text)
        for number, fields in enumerate(documents, start=1):
            if fields is None:
                dropped[table, "unreadable"] += 1
            else:
                yield Row(_load_date(path), path.name, number, fields)


def _csv_records(text: str) -> Iterator[dict[str, str] | None]:
    header, *records = csv.reader(StringIO(text, newline=""))
    for record in records:
        yield dict(zip(header, record, strict=True)) if len(record) == len(header) else None


def _json_lines(text: str) -> Iterator[dict[str, str] | None]:
    for line in text.split("\n"):
        if not line:
            continue
        try:
            document = json.loads(line)
        except json.JSONDecodeError:
            yield None
        else:
            yield {name: "" if value is None else str(value) for name, value in document.items()}


def _event(row: Row) -> tuple[object, Version, Touch | None]:
    key, at, kind = row.key("event_id"), row.needed_moment("event_time"), row.fields["event"]
    if kind not in EVENT_KINDS:
        raise UnusableError("unknown event kind")
    return key, row.version(), Touch(row.brand, row.person, kind, at.date()) if row.person else None


def _order(row: Row) -> tuple[object, Version, Order]:
    key, updated_at = row.key("order_id"), row.needed_moment("updated_at")
    row.needed_moment("created_at")
    order = Order(row.person, row.moment("paid_at"), row.moment("cancelled_at"), row.number_of("amount"))
    return key, row.version(updated_at), order


def _line(row: Row) -> tuple[object, Version, Line]:
    key = (row.key("order_id"), row.key("line_no"))
    return key, row.version(), Line(key[0], row.brand, row.number_of("amount"))


def _refund(row: Row) -> tuple[object, Version, Refund]:
    amount = row.number_of("amount")
    if amount is None:
        raise UnusableError("no amount")
    refund = Refund(row.fields["order_id"], row.needed_moment("refunded_at"), amount)
    return row.key("refund_id"), row.version(), refund


def _review(row: Row) -> tuple[object, Version, Review]:
    day = row.needed_moment("reviewed_at").date()
    review = Review(row.brand, row.fields["order_id"], row.person, day, row.whole("rating"))
    return row.key("review_id"), row.version(), review


def _state(row: Row) -> tuple[object, Version, State]:
    key, updated_at = row.key("membership_id"), row.needed_moment("updated_at")
    if row.fields["state"] not in STATES:
        raise UnusableError("unknown state")
    joined, left = row.needed_moment("joined_at").date(), row.moment("left_at")
    kind, tier = row.fields["state"], row.whole("tier")
    state = State(row.brand, row.person, kind, tier, joined, left.date() if left else None)
    return key, row.version(updated_at), state


def _paid_orders(
    orders: dict[object, Order], lines: list[Line], refunds: list[Refund]
) -> Iterator[PaidOrder]:
    """A purchase for each brand of each order that was paid, by somebody, for more than nothing."""
    lines_of: dict[object, list[Line]] = defaultdict(list)
    for line in lines:
        lines_of[line.order_id].append(line)
    refunds_of: dict[object, list[Refund]] = defaultdict(list)
    for refund in refunds:
        refunds_of[refund.order_id].append(refund)
    for order_id, order in orders.items():
        if order.paid_at is None or order.person is None:
            continue
        if order.cancelled_at is not None and order.cancelled_at <= order.paid_at:
            continue
        own = lines_of[order_id]
        amount = _total(own) if order.amount is None else order.amount
        if amount is not None and amount <= 0:
            continue
        refunded = _full_refund(amount, refunds_of[order_id])
        for brand in {line.brand for line in own}:
            paid_for_brand = _total([line for line in own if line.brand == brand])
            if paid_for_brand is None or paid_for_brand > 0:
                yield PaidOrder(brand, order.person, order.paid_at.date(), refunded)


def _total(lines: list[Line]) -> Decimal | None:
    """Sum of lines; one unknown amount makes it unknown."""
    amounts = [line.amount for line in lines if line.amount is not None]
    return sum(amounts, Decimal(0)) if lines and len(amounts) == len(lines) else None


def _full_refund(amount: Decimal | None, refunds: list[Refund]) -> date | None:
    """Day of the refund with which everything has been given back."""
    for refund in sorted(refunds, key=lambda refund: refund.at):
        back = sum((other.amount for other in refunds if other.at <= refund.at), Decimal(0))
        if amount is not None and back >= amount:
            return refund.at.date()
    return None
