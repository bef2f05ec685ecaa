"""The scorecard: counts and sums of a brand by period, slice and member, each by its definition."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from oracle import region
from oracle.money import ZERO
from oracle.report_periods import Period
from oracle.sales import Back, Catalogue, Placed, Sale
from oracle.visits import NONE, Act

YEAR = timedelta(days=365)
NEW_PRODUCT = timedelta(days=90)
DAY = timedelta(days=1)

VIEWS, SALES, PLACED, REVIEWS = "views", "sales", "placed", "reviews"
# Of their own day, and of that of what they undo.
REFUNDS, PAID_REFUNDS, PRODUCTS = "refunds", "paid refunds", "products"
BOTH = (REFUNDS, PAID_REFUNDS)
SLICES: dict[str, Collection[str]] = {
    "all": (VIEWS, SALES, PLACED, *BOTH, REVIEWS, PRODUCTS),
    **dict.fromkeys(("hour", "channel", "campaign", "device"), (VIEWS, SALES, PLACED, *BOTH)),
    "region": (VIEWS, SALES, REVIEWS),
    **dict.fromkeys(("department", "category", "product"), (VIEWS, SALES, *BOTH, REVIEWS, PRODUCTS)),
    "buyer_class": (VIEWS, SALES, PLACED, *BOTH),
    "category_buyer_class": (SALES, PAID_REFUNDS),
    "page_class": (VIEWS,),
    "refund_reason": (REFUNDS,),
}
SHORT = ("day", "week", "month")
CALENDAR = (*SHORT, "four_weeks", "quarter", "year")
PERIOD_TYPES: dict[str, Collection[str]] = {
    **dict.fromkeys(SLICES, SHORT),
    "all": (*CALENDAR, "campaign", "baseline", "after"),
    "region": ("month",),
    "product": (*SHORT, "four_weeks", "campaign", "baseline"),
    "category": (*CALENDAR, "campaign", "baseline"),
    "category_buyer_class": (*SHORT, "quarter", "year", "campaign", "baseline"),
}
# What is told of a region, by what its cells are judged by.
REGION_TOLD = {
    VIEWS: "visitors visitor_days views views_without_visit visits dwell_seconds dwell_views",
    SALES: "buyers orders unattributed_orders unknown_amount_orders units paid_amount attributed_amount"
    " discount_amount list_amount cost_amount",
    REVIEWS: "reviewers reviews rating_sum",
}
_COLUMNS = """
visitors new_visitors visitor_days one_view_visitor_days views views_without_visit visits
one_view_visits dwell_seconds dwell_views favorite_persons cart_persons cart_persons_kept favorites
cart_adds interactions shares ad_impressions ad_clicks created_orders created_buyers created_amount
orders unattributed_orders unknown_amount_orders other_currency_orders priced_orders priced_buyers
buyers new_buyers first_ever_buyers repeat_buyers payers_without_visit units products_sold
products_viewed products_on_sale paid_amount attributed_amount goods_paid_amount new_buyer_amount
new_product_amount list_amount discount_amount benefit_discount benefit_orders cost_amount refunds
refunded_amount refunded_orders refunded_as_known attributed_refunded_as_known
orders_refunded_as_known unlinked_refund_amount adjustment_amount reviews reviewers good_reviewers
bad_reviewers rating_sum
"""
COLUMNS = tuple(_COLUMNS.split())

Row = dict[str, Any]
Member = tuple[str, str]


@dataclass(frozen=True)
class Rated:
    """A review: None is not known."""

    day: date
    person: str | None
    rating: int
    product: str | None = None
    region: str | None = None


@dataclass(frozen=True)
class Capabilities:
    """What the sources of a brand tell at all."""

    events: bool = True
    reviews: bool = True
    refunds: bool = True
    refund_links: bool = True
    prices: bool = True
    costs: bool = True
    list_amounts: bool = True
    discounts: bool = True
    benefits: bool = True
    listing: bool = True


@dataclass
class Brand:
    """All that is known of a brand."""

    currency: str
    first_day: date
    horizon: date
    acts: list[Act] = field(default_factory=list)
    sales: list[Sale] = field(default_factory=list)
    placed: list[Placed] = field(default_factory=list)
    backs: list[Back] = field(default_factory=list)
    reviews: list[Rated] = field(default_factory=list)
    products: Collection[str] = ()
    catalogue: Catalogue = field(default_factory=Catalogue)
    tells: Capabilities = field(default_factory=Capabilities)

    @cached_property
    def first_views(self) -> dict[str, Act]:
        """Each person's first view of the brand."""
        first: dict[str, Act] = {}
        for act in sorted(self.acts, key=lambda act: (act.event.at, act.event.event_id)):
            if act.event.is_view and act.event.person is not None:
                first.setdefault(act.event.person, act)
        return first

    @cached_property
    def paid_days(self) -> dict[str, set[date]]:
        """Days on which each person bought the brand."""
        days: dict[str, set[date]] = defaultdict(set)
        for sale in self.sales:
            if sale.order.person is not None:
                days[sale.order.person].add(sale.day)
        return days

    def buyer_class(self, person: str | None, period: Period) -> str:
        """What a person is among the buyers of a period."""
        paid = self.paid_days.get(person or "", set())
        if not any(period.start <= day <= period.end for day in paid):
            return NONE
        return "returning" if any(period.start - YEAR <= day < period.start for day in paid) else "new"


@dataclass
class Facts:
    """Some of a brand's facts."""

    acts: list[Act] = field(default_factory=list)
    sales: list[Sale] = field(default_factory=list)
    placed: list[Placed] = field(default_factory=list)
    given_back: list[Back] = field(default_factory=list)
    back_of_paid: list[Back] = field(default_factory=list)
    reviews: list[Rated] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Whether there is any."""
        return any(vars(self).values())

    @classmethod
    def of(cls, brand: Brand, period: Period) -> Facts:
        """Those of a period: refunds by their own day, and, until the horizon, by that of their purchase."""

        def within(day: date) -> bool:
            return period.start <= day <= period.end

        return cls(
            [act for act in brand.acts if within(act.event.day)],
            [sale for sale in brand.sales if within(sale.day)],
            [one for one in brand.placed if within(one.order.created_at.date())],
            [back for back in brand.backs if within(back.refund.day)],
            [
                back
                for back in brand.backs
                if back.refund.day <= brand.horizon
                and back.order
                and back.order.paid_at
                and within(back.order.paid_at.date())
            ],
            [review for review in brand.reviews if within(review.day)],
        )


def scorecard(brand: Brand, periods: Iterable[Period]) -> Iterator[tuple[Period, str, str, str, Row]]:
    """All rows: period, slice, member, submember and columns; a column that is not told is not in the row."""
    nothing = columns(brand, Period("", date.min, date.min), Facts(), "all", told=SLICES["all"])
    for period in periods:
        facts = Facts.of(brand, period)
        if not facts:
            on_sale = {"products_on_sale": _on_sale(brand, period, "all", "")} if brand.tells.listing else {}
            yield period, "all", "", "", nothing | on_sale
            continue
        for name, told in SLICES.items():
            if period.period_type not in PERIOD_TYPES[name]:
                continue
            if name == "region":
                for member, row in regions(brand, period, facts).items():
                    yield period, name, member, "", row
            else:
                members = by_member(brand, period, facts, name, told)
                if name == "category_buyer_class":
                    # They have no traffic of their own: who paid is looked for among the category's visitors.
                    of_category = by_member(brand, period, facts, "category", (VIEWS,))
                    for (member, _), own in members.items():
                        own.acts = of_category.get((member, ""), Facts()).acts
                for (member, submember), own in members.items():
                    row = columns(brand, period, own, name, told=told, member=member)
                    # Some acts are in no column, and what is on sale without them is no deed.
                    if name == "all" or any(row[column] for column in row.keys() - {"products_on_sale"}):
                        yield period, name, member, submember, row


def by_member(
    brand: Brand, period: Period, facts: Facts, name: str, told: Collection[str]
) -> dict[Member, Facts]:
    """The facts of each member of a slice."""
    found: dict[Member, Facts] = defaultdict(Facts)
    for fact, lists in (
        (VIEWS, ("acts",)),
        (SALES, ("sales",)),
        (PLACED, ("placed",)),
        (REFUNDS, ("given_back",)),
        (PAID_REFUNDS, ("back_of_paid",)),
        (REVIEWS, ("reviews",)),
    ):
        for own in lists if fact in told else ():
            for one in getattr(facts, own):
                member = _member(brand, period, name, one)
                getattr(found[member], own).append(one)
    return dict(found)


def _member(brand: Brand, period: Period, name: str, fact: Any) -> Member:
    """Whose a fact is in a slice."""
    catalogue = brand.catalogue
    if name == "all":
        return "", ""
    if name == "category_buyer_class":
        return (
            _member(brand, period, "category", fact)[0],
            _member(brand, period, "buyer_class", fact)[0],
        )
    if name in ("product", "category", "department"):
        product = fact.event.product if isinstance(fact, Act) else fact.product
        of = {"category": catalogue.category, "department": catalogue.department}.get(name)
        known = product if product not in (None, NONE, "(documents)") else None
        return (of(known) if of else known or NONE), ""
    if isinstance(fact, Act):
        event = fact.event
        told: dict[str, str | None] = {
            "hour": f"{event.at:%H}",
            "region": event.region,
            "channel": fact.channel,
            "campaign": fact.campaign,
            "device": event.device,
            "page_class": fact.page_class,
        }
        person = event.person
    elif isinstance(fact, Rated):
        told, person = {"region": fact.region}, fact.person
    else:
        order = fact.order
        at = order and (order.created_at if isinstance(fact, Placed) else order.paid_at)
        told = {
            "hour": f"{at:%H}" if at else None,
            "region": order and order.region,
            "channel": fact.channel,
            "campaign": order and order.campaign,
            "device": order and order.device,
            "refund_reason": fact.refund.reason if isinstance(fact, Back) else None,
        }
        person = order.person if order else None
    if name == "buyer_class":
        return brand.buyer_class(person, period), ""
    return told[name] or NONE, ""


def columns(
    brand: Brand, period: Period, facts: Facts, name: str, *, told: Collection[str], member: str = ""
) -> Row:
    """The columns of one row."""
    row: Row = {}
    tells = brand.tells
    if VIEWS in told and tells.events:
        row |= _traffic(brand, period, facts.acts)
    if PLACED in told:
        row |= _placed(brand, facts.placed)
    if SALES in told:
        row |= _trade(brand, period, facts)
        if tells.events:
            seen = {act.event.person for act in facts.acts if act.event.is_view}
            row["payers_without_visit"] = len(_persons(facts.sales) - seen)
    if PRODUCTS in told:
        row |= _products(brand, period, facts, name, member)
    if REFUNDS in told and tells.refunds:
        row |= _refunds(brand, facts)
    if PAID_REFUNDS in told and tells.refund_links:
        row |= _paid_refunds(brand, facts)
    if REVIEWS in told and tells.reviews:
        row |= _reviews(facts.reviews)
    return {column: value for column, value in row.items() if value is not None}


def _traffic(brand: Brand, period: Period, acts: list[Act]) -> Row:
    views = [act for act in acts if act.event.is_view]
    per_day: dict[tuple[str, date], int] = defaultdict(int)
    for act in views:
        if act.event.person is not None:
            per_day[act.event.person, act.event.day] += 1
    visitors = {person for person, _ in per_day}
    entries = [act for act in views if act.position == 1]
    dwells = [act.dwell_seconds for act in views if act.dwell_seconds is not None]

    def count(kind: str) -> int:
        return sum(act.event.kind == kind for act in acts)

    def persons(wanted: Callable[[Act], bool]) -> int:
        return len({act.event.person for act in acts if wanted(act) and act.event.person is not None})

    return {
        "visitors": len(visitors),
        "new_visitors": sum(brand.first_views[person].event.day >= period.start for person in visitors),
        "visitor_days": len(per_day),
        "one_view_visitor_days": sum(number == 1 for number in per_day.values()),
        "views": len(views),
        "views_without_visit": sum(act.visit is None for act in views),
        "visits": len(entries),
        "one_view_visits": sum(act.visit_views == 1 for act in entries),
        "dwell_seconds": sum(dwells),
        "dwell_views": len(dwells),
        "favorite_persons": persons(lambda act: act.event.kind == "favorite"),
        "cart_persons": persons(lambda act: act.event.kind == "add_to_cart"),
        "cart_persons_kept": persons(lambda act: act.is_kept),
        "favorites": count("favorite"),
        "cart_adds": count("add_to_cart"),
        "interactions": count("interaction"),
        "shares": count("share"),
        "ad_impressions": count("ad_impression"),
        "ad_clicks": count("ad_click"),
    }


def _persons(sales: Iterable[Sale]) -> set[str]:
    return {sale.order.person for sale in sales if sale.order.person is not None}


def _is_other(currency: str | None, brand: Brand) -> bool:
    """Whether money is of another currency than the brand's."""
    return currency is not None and currency != brand.currency


def _placed(brand: Brand, placed: list[Placed]) -> Row:
    own = [one.amount if one.order.currency else None for one in placed if not _is_foreign(one, brand)]
    is_unknown = len(own) == len(placed) and bool(own) and own == [None] * len(own)
    return {
        "created_orders": len({one.order.order_id for one in placed}),
        "created_buyers": len({one.order.person for one in placed if one.order.person is not None}),
        "created_amount": sum((amount or ZERO for amount in own), ZERO)
        if brand.tells.prices and not is_unknown
        else None,
    }


def _is_foreign(fact: Placed | Sale, brand: Brand) -> bool:
    return _is_other(fact.order.currency, brand)


def _trade(brand: Brand, period: Period, facts: Facts) -> Row:
    sales, start = facts.sales, period.start
    orders = {sale.order.order_id: sale.order for sale in sales}
    own = [sale for sale in sales if not _is_foreign(sale, brand)]
    unknown = {s.order.order_id for s in own if s.amount is None or s.order.currency is None}
    priced = {s.order.order_id: s.order for s in own if s.order.order_id not in unknown}
    buyers = _persons(sales)
    paid_before = {who: {day for day in brand.paid_days[who] if day < start} for who in buyers}
    new = {who for who in buyers if not any(day >= start - YEAR for day in paid_before[who])}
    days: dict[str, set[date]] = defaultdict(set)
    for sale in sales:
        if sale.order.person is not None:
            days[sale.order.person].add(sale.day)

    def paid(
        wanted: Callable[[Sale], bool], among: Callable[[Sale], bool] = lambda _: True
    ) -> Decimal | None:
        """Money of the wanted lines; unknown if that of all orders is that they are among."""
        asked = [sale for sale in own if among(sale)]
        if not brand.tells.prices or (asked and all(sale.order.order_id in unknown for sale in asked)):
            return None
        return sum((sale.amount or ZERO for sale in asked if wanted(sale) and sale.order.currency), ZERO)

    def known(amount: Callable[[Sale], Decimal | None]) -> Decimal | None:
        amounts = [told for sale in own if sale.order.currency and (told := amount(sale)) is not None]
        return None if sales and not amounts else sum(amounts, ZERO)

    def listed_lately(sale: Sale) -> bool:
        listed = brand.catalogue.listed.get(sale.product)
        return listed is not None and sale.day - NEW_PRODUCT <= listed <= sale.day

    tells = brand.tells
    return {
        "orders": len(orders),
        "unattributed_orders": sum(order.person is None for order in orders.values()),
        "unknown_amount_orders": len(unknown),
        "other_currency_orders": sum(_is_other(order.currency, brand) for order in orders.values()),
        "priced_orders": len(priced),
        "priced_buyers": len({order.person for order in priced.values() if order.person is not None}),
        "buyers": len(buyers),
        "new_buyers": len(new),
        "first_ever_buyers": sum(not paid_before[who] for who in buyers),
        "repeat_buyers": sum(len(own_days) >= 2 for own_days in days.values()),
        "units": sum((sale.line.quantity for sale in sales if sale.line), ZERO),
        "paid_amount": paid(lambda _: True),
        "attributed_amount": paid(lambda _: True, among=lambda sale: sale.order.person is not None),
        "goods_paid_amount": paid(lambda sale: sale.kind == "goods"),
        "new_buyer_amount": paid(lambda _: True, among=lambda sale: sale.order.person in new),
        "new_product_amount": paid(listed_lately) if tells.listing else None,
        "list_amount": known(lambda s: s.line.list_amount if s.line else None)
        if tells.list_amounts
        else None,
        "discount_amount": known(lambda sale: sale.discount) if tells.discounts else None,
        "cost_amount": known(lambda s: s.line.cost_amount if s.line else None) if tells.costs else None,
        "benefit_orders": sum((order.coupon or 0) > 0 for order in orders.values())
        if tells.benefits
        else None,
    }


def _products(brand: Brand, period: Period, facts: Facts, name: str, member: str) -> Row:
    sold = {sale.product for sale in facts.sales if sale.kind == "goods"}
    viewed = {act.event.product for act in facts.acts if act.event.is_view}
    return {
        "products_sold": len(sold - {NONE}),
        "products_viewed": len(viewed - {None}) if brand.tells.events else None,
        "products_on_sale": _on_sale(brand, period, name, member) if brand.tells.listing else None,
    }


def _on_sale(brand: Brand, period: Period, name: str, member: str) -> int:
    of = {
        "all": lambda _: True,
        "product": lambda product: product == member,
        "category": lambda product: brand.catalogue.category(product) == member,
        "department": lambda product: brand.catalogue.department(product) == member,
    }[name]
    return sum(
        of(product) and brand.catalogue.on_sale(product, period.start, period.end)
        for product in brand.products
    )


def _back(brand: Brand, backs: Iterable[Back]) -> Decimal | None:
    """Money of refunds, unknown if that of all is."""
    backs = list(backs)
    known = [
        back.amount
        for back in backs
        if back.currency and back.amount is not None and not _is_other(back.currency, brand)
    ]
    is_unknown = backs and not known and not any(_is_other(back.currency, brand) for back in backs)
    return None if is_unknown else sum(known, ZERO)


def _orders(backs: Iterable[Back]) -> int:
    return len({back.order.order_id for back in backs if back.order})


def _refunds(brand: Brand, facts: Facts) -> Row:
    def linked(back: Back) -> bool:
        order = back.order
        return order is not None and order.paid_at is not None and order.paid_at.date() <= brand.horizon

    return {
        "refunds": len({back.refund.refund_id for back in facts.given_back}),
        "refunded_amount": _back(brand, facts.given_back),
        # An order counts on each day on which something of it goes back.
        "refunded_orders": len({(b.order.order_id, b.refund.day) for b in facts.given_back if b.order}),
        "unlinked_refund_amount": _back(brand, (back for back in facts.given_back if not linked(back))),
        "adjustment_amount": ZERO,
    }


def _paid_refunds(brand: Brand, facts: Facts) -> Row:
    own = facts.back_of_paid
    known = [back for back in own if back.order and back.order.person is not None]
    return {
        "refunded_as_known": _back(brand, own),
        "attributed_refunded_as_known": _back(brand, known),
        "orders_refunded_as_known": _orders(own),
    }


def _reviews(reviews: list[Rated]) -> Row:
    def persons(wanted: Callable[[int], bool]) -> int:
        return len({one.person for one in reviews if one.person is not None and wanted(one.rating)})

    return {
        "reviews": len(reviews),
        "reviewers": persons(lambda _: True),
        "good_reviewers": persons(lambda rating: rating >= 4),
        "bad_reviewers": persons(lambda rating: rating <= 2),
        "rating_sum": sum(one.rating for one in reviews),
    }


def regions(brand: Brand, period: Period, facts: Facts) -> dict[str, Row]:
    """The rows of the regions of a month, those of few persons together."""
    views = replace(facts, acts=[act for act in facts.acts if act.event.is_view])
    members = {
        member: own
        for (member, _), own in by_member(brand, period, views, "region", SLICES["region"]).items()
    }
    few = {fact: region.hidden(judged_by(fact, members)) for fact in REGION_TOLD}
    rows: dict[str, Row] = {}
    for name in [*members, region.SMALL]:
        row: Row = {}
        for fact, told in REGION_TOLD.items():
            if name in few[fact]:
                continue
            own = Facts()
            for member in few[fact] if name == region.SMALL else [name]:
                _add(own, members[member])
            counted = columns(brand, period, own, "region", told=(fact,))
            row |= {column: counted[column] for column in told.split() if column in counted}
        if any(row.values()):
            rows[name] = row
    return rows


def judged_by(fact: str, members: Mapping[str, Facts]) -> dict[str, set[str]]:
    """The persons that the cells of each member with such facts are judged by."""
    return {
        member: _judged_by(fact, own)
        for member, own in members.items()
        if {VIEWS: own.acts, SALES: own.sales, REVIEWS: own.reviews}[fact]
    }


def _judged_by(fact: str, facts: Facts) -> set[str]:
    if fact == SALES:
        return _persons(facts.sales)
    who = (
        [act.event.person for act in facts.acts]
        if fact == VIEWS
        else [review.person for review in facts.reviews]
    )
    return {person for person in who if person is not None}


def _add(into: Facts, facts: Facts) -> None:
    for name, own in vars(facts).items():
        getattr(into, name).extend(own)
