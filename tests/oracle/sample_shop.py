"""Evidence from the sample shop's daily dumps: files `<table>-<load date>.<suffix>`, times of China."""

from __future__ import annotations

import csv
import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from io import StringIO
from pathlib import Path
from typing import TypeVar

from oracle.evidence import Evidence, Membership, PaidOrder, SeenEvent, Touch
from oracle.identity import Identity, Link, Sighting, Visit, bots
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
Keys = tuple[str | None, str | None]
NOBODY: Keys = (None, None)


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

    def clock(self, column: str) -> datetime | None:
        """A local time, None where missing."""
        text = self.fields[column]
        try:
            return datetime.fromisoformat(text) if text else None
        except ValueError:
            raise UnusableError("time that does not parse") from None

    def moment(self, column: str) -> datetime | None:
        """A local time; one of a day after the day that follows the load date is the future."""
        moment = self.clock(column)
        if moment is not None and moment.date() > self.load_date + timedelta(days=1):
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

    def member(self, column: str = "member_id") -> str | None:
        """A member's key."""
        return f"{IDENTITY_SPACE}:m:{self.fields[column]}" if self.fields[column] else None

    @property
    def keys(self) -> Keys:
        """The visitor's and the member's key."""
        visitor = self.fields["visitor_id"]
        return f"{IDENTITY_SPACE}:v:{visitor}" if visitor else None, self.member()

    def version(self, updated_at: datetime = datetime.min) -> Version:
        """What decides which row of an entity counts: the greatest."""
        return (updated_at, self.load_date, self.file, self.number)


@dataclass(frozen=True)
class Event:
    """An action of a visitor, a member or both."""

    event_id: str
    brand: str
    keys: Keys
    kind: str
    at: datetime
    user_agent: str
    channel: str
    campaign: str


@dataclass(frozen=True)
class Order:
    """An order as one row tells it."""

    keys: Keys
    created_at: datetime
    paid_at: datetime | None
    cancelled_at: datetime | None
    amount: Decimal | None
    currency: str


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
    currency: str


@dataclass(frozen=True)
class Review:
    """A review; without a key of its own it is its order's buyer's."""

    brand: str
    order_id: str
    keys: Keys
    at: datetime
    rating: int | None


@dataclass(frozen=True)
class State:
    """A membership as one row tells it."""

    brand: str
    keys: Keys
    kind: str
    tier: int | None
    joined: date
    left: date | None


@dataclass(frozen=True)
class IdentityLink:
    """A declared link as one row tells it: visitor and member, or two members who are one person."""

    keys: Keys
    other_member: str | None
    since: datetime
    until: datetime | None
    withdrawn: bool


@dataclass(frozen=True)
class Told:
    """Evidence by person, its events, all brands named, and rows left out by (table, reason)."""

    evidence: Evidence
    seen: list[SeenEvent]
    brands: set[str]
    dropped: Counter[tuple[str, str]]


def read(folder: Path) -> tuple[Evidence, Counter[tuple[str, str]]]:
    """Evidence of all dumps in the folder, and the rows left out, by (table, reason)."""
    told = read_all(folder)
    return told.evidence, told.dropped


def read_all(folder: Path, *, max_members: int = 5, bot_events_per_day: int = 1000) -> Told:
    """All that the dumps in the folder tell of persons."""
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

    events = list(entities("events", _event).values())
    orders = entities("orders", _order)
    lines = list(entities("order_lines", _line).values())
    refunds = list(entities("refunds", _refund).values())
    seen_keys = [(event.keys, event.at) for event in events]
    seen_keys += [(order.keys, order.created_at) for order in orders.values()]
    identity = _identity(seen_keys, list(entities("identity_links", _identity_link).values()), max_members)

    def person_of(keys: Keys, at: datetime) -> str | None:
        return identity.person(*keys, at)

    evidence, seen = Evidence(), []
    visits = [Visit(event.keys[0], event.at.date(), event.user_agent) for event in events]
    for event, is_bot in zip(events, bots(visits, bot_events_per_day), strict=True):
        person = person_of(event.keys, event.at)
        if person is not None and not is_bot:
            day, ids = event.at.date(), (event.event_id, event.channel or None, event.campaign or None)
            evidence.touches.add(Touch(event.brand, person, event.kind, day))
            seen.append(SeenEvent(event.brand, person, day, event.at, *ids))
    evidence.orders = list(_paid_orders(orders, lines, refunds, person_of))
    reviews = entities("reviews", _review).values()
    for review in reviews:
        order = orders.get(review.order_id)
        person = person_of(review.keys, review.at)
        if review.keys == NOBODY and order:
            person = person_of(order.keys, order.created_at)
        if person:
            evidence.touches.add(Touch(review.brand, person, "review", review.at.date(), review.rating))
    states = entities("memberships", _state).values()
    for s in states:
        if person := person_of(s.keys, datetime.combine(s.joined + timedelta(days=1), time())):
            evidence.memberships.append(Membership(s.brand, person, s.joined, s.left, s.kind, s.tier))
    brands = {one.brand for table in (events, lines, reviews, states) for one in table}
    return Told(evidence, seen, brands, dropped)


def _identity(seen: list[tuple[Keys, datetime]], links: list[IdentityLink], max_members: int) -> Identity:
    """Sign-ins of events, bots' included, and of orders, and what the links that still stand say."""
    standing = [link for link in links if not link.withdrawn]
    return Identity(
        links=[
            Link(visitor, member, link.since, link.until)
            for link in standing
            for visitor, member in [link.keys]
            if visitor and member
        ],
        sightings=[Sighting(visitor, member, at) for (visitor, member), at in seen if visitor and member],
        same=[(link.keys[1], link.other_member) for link in standing if link.keys[1] and link.other_member],
        max_members=max_members,
    )


def horizon(folder: Path) -> date:
    """The day before the last load date: a dump completes the day before it."""
    return max(load_date(path) for path in folder.glob("events-*")) - timedelta(days=1)


def load_date(path: Path) -> date:
    """The load date in the name of a dump."""
    return date.fromisoformat(path.name.partition("-")[2][:10])


def _rows(folder: Path, table: str, dropped: Counter[tuple[str, str]]) -> Iterator[Row]:
    for path in sorted(folder.glob(f"{table}-*")):
        for number, fields in enumerate(documents(path), start=1):
            if fields is None:
                dropped[table, "unreadable"] += 1
            else:
                yield Row(load_date(path), path.name, number, fields)


def documents(path: Path) -> Iterator[dict[str, str] | None]:
    """The records of a dump as text, empty where missing; None where one cannot be read."""
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    return _json_lines(text) if path.suffix == ".jsonl" else _csv_records(text)


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


def _event(row: Row) -> tuple[object, Version, Event]:
    key, at, kind = row.key("event_id"), row.needed_moment("event_time"), row.fields["event"]
    if kind not in EVENT_KINDS:
        raise UnusableError("unknown event kind")
    told = (row.fields.get(name, "") for name in ("user_agent", "channel", "campaign_id"))
    return key, row.version(), Event(key, row.brand, row.keys, kind, at, *told)


def _order(row: Row) -> tuple[object, Version, Order]:
    key, updated_at = row.key("order_id"), row.needed_moment("updated_at")
    times = (row.needed_moment("created_at"), row.moment("paid_at"), row.moment("cancelled_at"))
    money = (row.number_of("amount"), row.fields["currency"])
    return key, row.version(updated_at), Order(row.keys, *times, *money)


def _line(row: Row) -> tuple[object, Version, Line]:
    key = (row.key("order_id"), row.key("line_no"))
    return key, row.version(), Line(key[0], row.brand, row.number_of("amount"))


def _refund(row: Row) -> tuple[object, Version, Refund]:
    amount = row.number_of("amount")
    if amount is None:
        raise UnusableError("no amount")
    at, currency = row.needed_moment("refunded_at"), row.fields["currency"]
    refund = Refund(row.fields["order_id"], at, amount, currency)
    return row.key("refund_id"), row.version(), refund


def _review(row: Row) -> tuple[object, Version, Review]:
    at = row.needed_moment("reviewed_at")
    review = Review(row.brand, row.fields["order_id"], row.keys, at, row.whole("rating"))
    return row.key("review_id"), row.version(), review


def _state(row: Row) -> tuple[object, Version, State]:
    key, updated_at = row.key("membership_id"), row.needed_moment("updated_at")
    if row.fields["state"] not in STATES:
        raise UnusableError("unknown state")
    joined, left = row.needed_moment("joined_at").date(), row.moment("left_at")
    kind, tier = row.fields["state"], row.whole("tier")
    state = State(row.brand, row.keys, kind, tier, joined, left.date() if left else None)
    return key, row.version(updated_at), state


def _identity_link(row: Row) -> tuple[object, Version, IdentityLink]:
    for column, reason in (("link_id", "no link id"), ("member_id", "no member")):
        if not row.fields[column]:
            raise UnusableError(reason)
    if bool(row.fields["visitor_id"]) == bool(row.fields["other_member_id"]):
        both = "both a visitor and" if row.fields["visitor_id"] else "neither a visitor nor"
        raise UnusableError(f"{both} another member")
    recorded_at, since, until = (
        row.needed_moment("recorded_at"),
        row.clock("valid_from"),
        row.clock("valid_to"),
    )
    if since is None:
        raise UnusableError("time that does not parse")
    if max(since, until or since) > recorded_at:
        raise UnusableError("time after it was recorded")
    if until and until < since:
        raise UnusableError("end before the beginning")
    withdrawn = {"true": True, "false": False}.get(row.fields["withdrawn"])
    if withdrawn is None:
        raise UnusableError("withdrawn neither true nor false")
    link = IdentityLink(row.keys, row.member("other_member_id"), since, until, withdrawn)
    return row.fields["link_id"], row.version(recorded_at), link


def _paid_orders(
    orders: dict[object, Order],
    lines: list[Line],
    refunds: list[Refund],
    person_of: Callable[[Keys, datetime], str | None],
) -> Iterator[PaidOrder]:
    """A purchase for each brand of each order that was paid, by somebody, for more than nothing."""
    lines_of: dict[object, list[Line]] = defaultdict(list)
    for line in lines:
        lines_of[line.order_id].append(line)
    refunds_of: dict[object, list[Refund]] = defaultdict(list)
    for refund in refunds:
        refunds_of[refund.order_id].append(refund)
    for order_id, order in orders.items():
        person = person_of(order.keys, order.created_at)
        if order.paid_at is None or person is None:
            continue
        if order.cancelled_at is not None and order.cancelled_at <= order.paid_at:
            continue
        own = lines_of[order_id]
        amount = _total(own) if order.amount is None else order.amount
        if amount is not None and amount <= 0:
            continue
        same_money = [r for r in refunds_of[order_id] if order.currency in ("", r.currency) or not r.currency]
        refunded = _full_refund(amount, same_money)
        for brand in {line.brand for line in own}:
            paid_for_brand = _total([line for line in own if line.brand == brand])
            if paid_for_brand is None or paid_for_brand > 0:
                yield PaidOrder(brand, person, order.paid_at.date(), refunded)


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
