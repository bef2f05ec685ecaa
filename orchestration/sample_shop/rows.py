"""What the shop records: one class a table, and how each is written as text.

Money is in fen (1/100 CNY), times are moments (see `world`); an empty string or None is a missing value. The
first text field is a time where the shop logs by time, so that sorted rows look like a log.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from orchestration.sample_shop.world import DAY, Draws

CURRENCY = "CNY"


class Event(NamedTuple):
    """Something a visitor did or saw."""

    at: int
    event_id: str
    brand: str
    visitor: str
    member: str
    kind: str
    product: str = ""
    campaign: str = ""
    channel: str = ""
    session: str = ""
    agent: str = ""
    page: str = ""
    device: str = ""
    region: str = ""


class Order(NamedTuple):
    """The state of an order when it changed."""

    updated_at: int
    order_id: str
    visitor: str
    member: str
    status: str
    created_at: int
    paid_at: int | None
    cancelled_at: int | None
    session: str
    device: str
    channel: str
    campaign: str
    region: str
    deposit: int
    freight: int
    discount: int
    coupon: int
    amount: int


class OrderLine(NamedTuple):
    """One product of an order; `amount` is quantity times unit price, `listed` that of the list price."""

    order_id: str
    line: int
    brand: str
    product: str
    product_name: str
    quantity: int
    unit_price: int
    amount: int
    listed: int
    cost: int
    kind: str


class Refund(NamedTuple):
    """Money given back; without an order it is a gesture of goodwill, with a line it is that line's."""

    refund_id: str
    order_id: str
    line: int | None
    at: int
    amount: int
    reason: str


class Review(NamedTuple):
    """A buyer's opinion; with neither visitor nor member the person is the order's."""

    review_id: str
    brand: str
    product: str
    order_id: str
    visitor: str
    member: str
    at: int
    rating: int
    text: str


class Membership(NamedTuple):
    """The state of a membership, following or subscription when it changed."""

    updated_at: int
    membership_id: str
    brand: str
    visitor: str
    member: str
    state: str
    tier: int | None
    joined_at: int
    left_at: int | None


class Product(NamedTuple):
    """A catalogue entry when it changed; `listed` and `delisted` are days, `price` is the list price."""

    product_id: str
    brand: str
    name: str
    category: str
    category_name: str
    price: int
    listed: int
    delisted: int | None
    updated_at: int


class Category(NamedTuple):
    """A category of the catalogue; `parent` is its department, empty for a department."""

    category_id: str
    parent: str
    name: str
    updated_at: int


class Campaign(NamedTuple):
    """A campaign with what it is planned to reach; days are included, and None where nothing is declared."""

    campaign_id: str
    brand: str
    name: str
    kind: str
    warm_up_from: int | None
    starts: int
    ends: int
    baseline_from: int | None
    baseline_to: int | None
    goal_metric: str
    goal_value: int
    budget: int
    planned_reach: int


class IdentityLink(NamedTuple):
    """What was known of a link when it was recorded.

    A member signed in on a visitor's device; or, with another member and no visitor, two accounts are one
    person's.
    """

    recorded_at: int
    link_id: str
    visitor: str
    member: str
    other_member: str
    valid_from: int
    valid_to: int | None
    withdrawn: bool


class GmvTarget(NamedTuple):
    """The money that a brand is to take in a period when it was set; `first` and `last` are days."""

    updated_at: int
    brand: str
    first: int
    last: int
    gmv: int


Row: TypeAlias = (
    Event
    | Order
    | OrderLine
    | Refund
    | Review
    | Membership
    | Product
    | Category
    | Campaign
    | IdentityLink
    | GmvTarget
)


def source_key(row: Event | Order | Review | Membership) -> str:
    """The key of whoever a row is about: its member, else its visitor; empty for nobody."""
    return row.member or row.visitor


class Delivery(NamedTuple):
    """A row, and the number of the dump that carries it."""

    load: int
    row: Row


def deliver(draws: Draws, row: Row, moment: int, late: int = 0) -> Iterator[Delivery]:
    """Send a row recorded at a moment, `late` days late; about one in 250 is sent a second time."""
    load = moment // DAY + late
    yield Delivery(load, row)
    if draws.chance(0.004):
        yield Delivery(load + (0 if draws.chance(0.5) else draws.between(1, 20)), row)


def lateness(draws: Draws, share: float) -> int:
    """Days of delay: 0 for most, up to four weeks for the given share, short delays being likelier."""
    if not draws.chance(share):
        return 0
    skewed = draws.unit()
    return 1 + int(skewed * skewed * skewed * 28)


def money(fen: int) -> str:
    """An amount as the shop writes it: 1234 → '12.34'."""
    return f"{fen // 100}.{fen % 100:02d}"
