"""Evidence from the sample shop's daily dumps: files `<table>-<load date>.<suffix>`, times of China."""

from __future__ import annotations

import csv
import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from io import StringIO
from pathlib import Path
from typing import TypeVar

from oracle.evidence import Evidence, Membership, PaidOrder, SeenEvent, Touch
from oracle.identity import Identity, Link, Sighting, Visit, bots
from oracle.money import Document, Repayment, of_brands
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
    "remove_from_cart",
    "benefit_claim",
    "share",
}
IDENTITY_SPACE = "sample_shop"
SPELLINGS = {"RMB": "CNY", "US$": "USD"}
REASONS = {"七天无理由": "unwanted", "不想要了": "unwanted", "质量问题": "quality", "少件/漏发": "missing"}

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
            return Decimal(self.fields[column]) if self.fields.get(column) else None
        except InvalidOperation:
            raise UnusableError(f"{column} that is no number") from None

    @property
    def currency(self) -> str | None:
        """Its code, None where missing."""
        told = self.fields["currency"].strip().upper()
        return SPELLINGS.get(told, told) or None

    def text(self, column: str) -> str | None:
        """Text, None where missing; a dump of long ago lacks the column."""
        return self.fields.get(column) or None

    def day(self, column: str) -> date | None:
        """A day, None where missing or where it is none."""
        try:
            return date.fromisoformat(self.fields.get(column, ""))
        except ValueError:
            return None

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
    channel: str | None
    campaign: str | None
    product: str | None
    session: str | None
    page_class: str | None
    device: str | None
    region: str | None


@dataclass(frozen=True)
class Order:
    """An order as one row tells it."""

    keys: Keys
    created_at: datetime
    paid_at: datetime | None
    cancelled_at: datetime | None
    amount: Decimal | None
    currency: str | None
    device: str | None
    channel: str | None
    campaign: str | None
    region: str | None
    discount: Decimal | None
    coupon: Decimal | None

    @property
    def is_purchase(self) -> bool:
        """Whether it was paid for more than nothing, or for nobody knows what, and not cancelled before."""
        if self.paid_at is None or (self.cancelled_at is not None and self.cancelled_at <= self.paid_at):
            return False
        return self.amount is None or self.amount > 0


@dataclass(frozen=True)
class Line:
    """A line of an order; the amount is None where it is not told."""

    order_id: str
    brand: str
    amount: Decimal | None
    line_id: str
    product: str | None
    quantity: Decimal
    kind: str
    list_amount: Decimal | None
    cost_amount: Decimal | None


@dataclass(frozen=True)
class Refund:
    """Money given back for an order, a line of it, or for none."""

    refund_id: str
    order_id: str
    line_id: str | None
    at: datetime
    amount: Decimal | None
    currency: str | None
    reason: str | None


@dataclass(frozen=True)
class Review:
    """A review; without a key of its own it is its order's buyer's."""

    brand: str
    order_id: str
    keys: Keys
    at: datetime
    rating: int | None
    product: str | None


@dataclass(frozen=True)
class Product:
    """An entry of the catalogue."""

    brand: str
    category: str | None
    listed: date | None
    delisted: date | None


@dataclass(frozen=True)
class Campaign:
    """A campaign of a brand."""

    campaign_id: str
    brand: str
    starts: date
    ends: date
    warm_up: date | None
    baseline_from: date | None
    baseline_to: date | None


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
class SettledOrder:
    """An order, what went back of it (None if unknown), and how often in another currency."""

    document: Document
    refunded: Decimal | None
    fully_refunded_on: date | None
    other_currency_refunds: int


@dataclass(frozen=True)
class Told:
    """Evidence by person, its events, all brands named, and rows left out by (table, reason)."""

    evidence: Evidence
    seen: list[SeenEvent]
    orders: dict[object, SettledOrder]
    repayments: list[Repayment]
    brands: set[str]
    dropped: Counter[tuple[str, str]]
    shop: Shop


@dataclass(frozen=True)
class Shop:
    """The current rows of the dumps, without the events of bots, and who each row belongs to."""

    events: list[Event]
    orders: dict[object, Order]
    lines: list[Line]
    refunds: list[Refund]
    reviews: list[Review]
    products: dict[object, Product]
    parents: dict[object, str | None]
    campaigns: list[Campaign]
    person: Callable[[Keys, datetime], str | None]


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

    evidence, seen, of_people = Evidence(), [], []
    visits = [Visit(event.keys[0], event.at.date(), event.user_agent) for event in events]
    for event, is_bot in zip(events, bots(visits, bot_events_per_day), strict=True):
        person = person_of(event.keys, event.at)
        if not is_bot:
            of_people.append(event)
        if person is not None and not is_bot:
            day, ids = event.at.date(), (event.event_id, event.channel, event.campaign)
            evidence.touches.add(Touch(event.brand, person, event.kind, day))
            seen.append(SeenEvent(event.brand, person, day, event.at, *ids))
    settled = _settled(orders, lines, refunds)
    evidence.orders = list(_paid_orders(orders, settled, person_of))
    documents = {order_id: order.document for order_id, order in settled.items()}
    repayments = _repayments(documents, lines, refunds)
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
    campaigns = list(entities("campaigns", _campaign).values())
    catalogue = entities("products", _product), entities("categories", _category)
    rows = (of_people, orders, lines, refunds, list(reviews), *catalogue, campaigns)
    return Told(evidence, seen, settled, repayments, brands, dropped, Shop(*rows, person_of))


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
    names = ("channel", "campaign_id", "product_id", "session_id", "page_class", "device", "region")
    told = (row.fields.get("user_agent", ""), *map(row.text, names))
    return key, row.version(), Event(key, row.brand, row.keys, kind, at, *told)


def _order(row: Row) -> tuple[object, Version, Order]:
    key, updated_at = row.key("order_id"), row.needed_moment("updated_at")
    times = (row.needed_moment("created_at"), row.moment("paid_at"), row.moment("cancelled_at"))
    money = (row.number_of("amount"), row.currency)
    told = (*map(row.text, ("device", "channel", "campaign_id", "region")),)
    less = (row.number_of("discount"), row.number_of("coupon"))
    return key, row.version(updated_at), Order(row.keys, *times, *money, *told, *less)


def _line(row: Row) -> tuple[object, Version, Line]:
    key = (row.key("order_id"), row.key("line_no"))
    quantity = row.number_of("quantity")
    if quantity is None:
        raise UnusableError("no quantity")
    told = (row.text("product_id"), quantity, row.text("kind") or "goods")
    money = (row.number_of("list_amount"), row.number_of("cost_amount"))
    return key, row.version(), Line(key[0], row.brand, row.number_of("amount"), key[1], *told, *money)


def _refund(row: Row) -> tuple[object, Version, Refund]:
    at, amount = row.needed_moment("refunded_at"), row.number_of("amount")
    # Some write what goes back with a sign.
    refund_id, reason = row.key("refund_id"), row.text("reason")
    told = (None if amount is None else abs(amount), row.currency, REASONS.get(reason or "", reason))
    refund = Refund(refund_id, row.fields["order_id"], row.text("line_no"), at, *told)
    return refund_id, row.version(), refund


def _review(row: Row) -> tuple[object, Version, Review]:
    at = row.needed_moment("reviewed_at")
    told = (row.whole("rating"), row.text("product_id"))
    return row.key("review_id"), row.version(), Review(row.brand, row.fields["order_id"], row.keys, at, *told)


def _product(row: Row) -> tuple[object, Version, Product]:
    key, updated_at = row.key("product_id"), row.needed_moment("updated_at")
    days = (row.day("listed_on"), row.day("delisted_on"))
    return key, row.version(updated_at), Product(row.brand, row.text("category_id"), *days)


def _category(row: Row) -> tuple[object, Version, str | None]:
    key, updated_at = row.key("category_id"), row.needed_moment("updated_at")
    return key, row.version(updated_at), row.text("parent_id")


def _campaign(row: Row) -> tuple[object, Version, Campaign]:
    key, starts, ends = row.key("campaign_id"), row.day("starts_on"), row.day("ends_on")
    if starts is None or ends is None or ends < starts:
        raise UnusableError("days that are none")
    others = (row.day("warm_up_from"), row.day("baseline_from"), row.day("baseline_to"))
    return key, row.version(), Campaign(key, row.brand, starts, ends, *others)


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


def _repayments(
    documents: Mapping[object, Document], lines: list[Line], refunds: list[Refund]
) -> list[Repayment]:
    """The refunds, each with the brand of the line that it names."""
    brand_of = {(line.order_id, line.line_id): line.brand for line in lines}
    repayments = []
    for refund in refunds:
        document = documents.get(refund.order_id)
        brand = brand_of.get((refund.order_id, refund.line_id or ""))
        # Only of what was paid for a line can be given back.
        if document is None or document.paid_on is None or brand not in document.bought:
            brand = None
        repayments.append(Repayment(document, refund.at.date(), refund.amount, refund.currency, brand))
    return repayments


def _settled(
    orders: dict[object, Order], lines: list[Line], refunds: list[Refund]
) -> dict[object, SettledOrder]:
    """Each order with its lines, and with what went back of it."""
    lines_of: dict[object, list[tuple[str, Decimal | None]]] = defaultdict(list)
    for line in lines:
        lines_of[line.order_id].append((line.brand, line.amount))
    refunds_of: dict[object, list[Refund]] = defaultdict(list)
    for refund in refunds:
        refunds_of[refund.order_id].append(refund)
    found = {}
    for order_id, order in orders.items():
        paid_on = order.paid_at.date() if order.paid_at and order.is_purchase else None
        document = Document(paid_on, order.amount, order.currency, lines_of[order_id])
        back = refunds_of[order_id]
        own = [r for r in back if None in (r.currency, order.currency) or r.currency == order.currency]
        amounts = [refund.amount for refund in own if refund.amount is not None]
        refunded = sum(amounts, Decimal(0)) if len(amounts) == len(own) else None
        full = _full_refund(order.amount, own)
        found[order_id] = SettledOrder(document, refunded, full, len(back) - len(own))
    return found


def _paid_orders(
    orders: dict[object, Order],
    settled: dict[object, SettledOrder],
    person_of: Callable[[Keys, datetime], str | None],
) -> Iterator[PaidOrder]:
    """A purchase for each brand of each order that was paid, by somebody, for more than nothing."""
    for order_id, order in orders.items():
        person, paid_on = person_of(order.keys, order.created_at), settled[order_id].document.paid_on
        if paid_on is None or person is None:
            continue
        for brand, amount in of_brands(settled[order_id].document.lines).items():
            if amount is None or amount > 0:
                yield PaidOrder(brand, person, paid_on, settled[order_id].fully_refunded_on)


def _full_refund(amount: Decimal | None, refunds: list[Refund]) -> date | None:
    """Day of the refund with which everything has been given back."""
    if not amount or amount < 0:
        return None
    for refund in sorted(refunds, key=lambda refund: refund.at):
        if sum((other.amount or 0 for other in refunds if other.at <= refund.at), Decimal(0)) >= amount:
            return refund.at.date()
    return None
