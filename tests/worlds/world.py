"""The life of a world: a handful of persons and their facts, with the borders of every window likely."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from worlds.tables import FIRST, LAST_DAY, LOADS, Row, row

# What the warehouse is told so that small worlds reach its limits.
MAX_MEMBERS = 2
BOT_EVENTS = 6
# Of FAST; the sample shop is held against brute force with the shipped ones.
MIN_TIER = 2
ACTIVITY_DAYS = 15

GAPS = (0, 0, 1, 1, 2, 5, 14, 15, 16, 30, 100, 364, 365, 366, 540, 904, 905, 906, 912, 913, 914)
CLOCK = ("00:00:00", "07:59:59", "08:00:00", "12:00:00", "12:00:00", "18:30:15", "23:59:59")
KINDS = (
    *("ad_impression", "page_view", "category_search", "ad_click", "home_view", "interaction"),
    *("product_view", "product_view", "brand_search", "favorite", "add_to_cart", "benefit_claim", "share"),
)
# Most money is of the shop's currency, in any of its spellings; of some, nobody says what it is.
CURRENCIES = (*["CNY"] * 12, "rmb", "cny ", "USD", "US$", "")
STATES = ("member", "member", "follower", "subscriber")
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


@dataclass
class Life:
    """A world in the making: dice, names and the rows so far."""

    name: str
    dice: random.Random
    # Dice of their own, so that the edges of money change nothing else of a world.
    purse: random.Random
    rows: list[Row] = field(default_factory=list)
    count: int = 0

    def __post_init__(self) -> None:
        """Name who and what there is."""
        dice = self.dice
        self.brands = [self.name] if dice.random() < 0.6 else [self.name, self.name, f"{self.name}b"]
        self.visitors = [f"{self.name}-v{n}" for n in range(dice.randint(1, 3))]
        self.members = [f"{self.name}-m{n}" for n in range(dice.randint(0, 4))]
        self.knows_buyers = self.purse.random() < 0.9
        # A world of long ago, one that begins with the data, or one in the middle of them.
        start = dice.choice([dice.randint(-930, -1), dice.randint(-20, 20), dice.randint(0, 400)])
        self.days = [FIRST + timedelta(days=start)]
        for _ in range(dice.randint(2, 10)):
            day = self.days[-1] + timedelta(days=dice.choice(GAPS))
            self.days.append(day if day <= LAST_DAY else LAST_DAY - timedelta(days=dice.randint(0, 40)))

    def new_id(self, kind: str) -> str:
        """An id that this world has not used."""
        self.count += 1
        return f"{self.name}-{kind}{self.count}"

    def moment(self) -> datetime:
        """A time on one of the world's days."""
        return datetime.combine(self.dice.choice(self.days), time.fromisoformat(self.dice.choice(CLOCK)))

    def after(self, moment: datetime) -> datetime:
        """A time a gap later, still within the data; or the same moment."""
        day = min(moment.date() + timedelta(days=self.dice.choice(GAPS)), LAST_DAY)
        later = datetime.combine(day, time.fromisoformat(self.dice.choice(CLOCK)))
        return max(moment, later)

    def who(self) -> dict[str, str]:
        """Keys of a row: a visitor, a member, both, or seldom nobody."""
        visitor = self.dice.choice(self.visitors)
        member = self.dice.choice(self.members) if self.members else ""
        return self.dice.choice(
            [
                *[{"visitor_id": visitor}] * 4,
                *[{"visitor_id": visitor, "member_id": member}] * 3,
                *[{"member_id": member} if member else {"visitor_id": visitor}] * 2,
                {},
            ]
        )

    def tell(self, table: str, known: date, **fields: str) -> None:
        """Deliver a row that was known on a day: with the next dump, or late, and seldom twice."""
        possible = [load for load in LOADS if load > known] or [LOADS[-1]]
        load = possible[0] if self.dice.random() < 0.6 else self.dice.choice(possible)
        told = row(table, load, **fields)
        self.rows.append(told)
        if self.dice.random() < 0.08:
            self.rows.append(told.at_load(self.dice.choice([load, self.dice.choice(possible)])))


def text(moment: datetime | None, separator: str = " ") -> str:
    """A local time as the shop writes it."""
    return moment.isoformat(separator, "seconds") if moment else ""


def event(life: Life, moment: datetime | None = None, **given: str) -> None:
    """Something that somebody did; seldom told again later with another content."""
    dice = life.dice
    for _ in range(1 if dice.random() < 0.95 else 2):
        at = moment or life.moment()
        fields = {
            **{"event_id": life.new_id("e"), "brand": dice.choice(life.brands), "event": dice.choice(KINDS)},
            **{"event_time": text(at) + ".000", "channel": dice.choice(["app", "ads", "search", ""])},
            **{
                "campaign_id": dice.choice(["", "", "c1", "c2"]),
                "product_id": dice.choice(["", f"{life.name}-p"]),
            },
            **{"user_agent": dice.choice(["Mozilla/5.0"] * 12 + ["", "GoogleBot/2.1", "curl/8"])},
            **life.who(),
            **given,
        }
        life.tell("events", at.date(), **fields)
        if dice.random() < 0.05:
            again = {**fields, "event": dice.choice(KINDS), **life.who()}
            life.tell("events", at.date(), **again)


def burst(life: Life) -> None:
    """As many events of one visitor on a day as are allowed, or one more."""
    visitor, day = life.dice.choice(life.visitors), life.dice.choice(life.days)
    for _ in range(BOT_EVENTS + life.dice.randint(0, 1)):
        at = datetime.combine(day, time.fromisoformat(life.dice.choice(CLOCK)))
        given = {"visitor_id": visitor, "user_agent": "Mozilla/5.0"}
        event(life, at, **given, member_id=life.dice.choice(["", *life.members]))


def order(life: Life) -> None:
    """An order in one of its lives, told state by state, with lines, refunds and reviews."""
    dice, purse, order_id, created = life.dice, life.purse, life.new_id("o"), life.moment()
    who = {key: id for key, id in life.who().items() if life.knows_buyers}
    lines = [
        (dice.choice(life.brands), dice.choice([0, 1000, 1000, 2550])) for _ in range(dice.randint(1, 3))
    ]
    freight = dice.choice([0, 0, 500])
    if purse.random() < 0.1:
        lines.append((purse.choice(["", *life.brands]), -500))
    amount = max(sum(fen for _, fen in lines) + freight, 0)
    # Some orders tell no amount, and some no amounts of their lines.
    total, prices = purse.choice([(amount, True)] * 14 + [(None, True), (None, False), (amount, False)])
    currency = purse.choice(CURRENCIES)
    fixed = {"order_id": order_id, "deposit": "0.00", "freight": money(freight), "currency": currency}

    def state(at: datetime, status: str, paid: datetime | None = None, off: datetime | None = None) -> None:
        times = {"created_at": text(created, "T"), "paid_at": text(paid, "T"), "cancelled_at": text(off, "T")}
        told = {"updated_at": text(at, "T"), "status": status, "amount": money(total)}
        life.tell("orders", at.date(), **fixed, **told, **times, **who)

    paid = (
        created
        if dice.random() < 0.3
        else min(life.after(created), created + timedelta(days=dice.choice(GAPS)))
    )
    fate = dice.choice(["paid"] * 7 + ["created", "cancelled", "presale", "late cancel", "only the end"])
    if fate != "only the end":
        state(created, "created")
    if fate == "presale":
        state(created + SECOND, "deposit_paid")
    if fate == "cancelled":
        state(paid + SECOND, "cancelled", None, paid + SECOND)
    elif fate != "created":
        state(max(paid, created + 2 * SECOND), "paid", paid)
    if fate == "late cancel":
        off = min(life.after(paid + SECOND), datetime.combine(LAST_DAY, time(23, 59, 59)))
        state(max(off, created + 3 * SECOND), "cancelled", paid, off)

    for number, (brand, fen) in enumerate(lines, start=1):
        price = {"quantity": "1"} | ({"unit_price": money(fen), "amount": money(fen)} if prices else {})
        product = {"product_id": f"{life.name}-p", "product_name": "thing"}
        if dice.random() < 0.97:
            ids = {"order_id": order_id, "line_no": str(number), "brand": brand}
            life.tell("order_lines", created.date(), **ids, **product, **price)
    if fate in ("created", "cancelled"):
        return
    if dice.random() < 0.4:
        parts = dice.choice(
            [[amount], [amount], [amount - 1], [amount // 2, amount - amount // 2], [amount // 2]]
        )
        for part in parts:
            # Some shops give back before they are paid, or say so.
            at, before = life.after(paid), paid - timedelta(days=purse.choice(GAPS))
            refund(life, order_id, before if purse.random() < 0.15 else at, part, currency)
    if dice.random() < 0.3:
        review(life, order_id, life.after(paid))


def money(fen: int | None) -> str:
    """An amount as the shop writes it."""
    return "" if fen is None else f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def refund(
    life: Life, order_id: str = "", at: datetime | None = None, fen: int = 1000, currency: str = "CNY"
) -> None:
    """Money back for an order, seldom in another currency, or for none."""
    at, purse = at or life.moment(), life.purse
    ids = {"refund_id": life.new_id("r"), "order_id": order_id, "reason": "returned"}
    ids["currency"] = life.dice.choice([currency] * 15 + ["USD"])
    if purse.random() < 0.2:
        ids["currency"] = purse.choice(CURRENCIES)
    told = purse.choice([max(fen, 0)] * 8 + [-max(fen, 0)] * 2 + [None])
    life.tell("refunds", at.date(), **ids, refunded_at=text(at), amount=money(told))


def review(life: Life, order_id: str = "", at: datetime | None = None) -> None:
    """A review with keys of its own, or its order's."""
    at = at or life.moment()
    who = {} if order_id and life.dice.random() < 0.6 else life.who()
    ids = {"review_id": life.new_id("c"), "order_id": order_id, "brand": life.dice.choice(life.brands)}
    rating = str(life.dice.randint(1, 5))
    life.tell("reviews", at.date(), **ids, **who, reviewed_at=text(at), rating=rating, text="so, so")


def membership(life: Life) -> None:
    """A state joined, perhaps left, perhaps joined again as a new membership."""
    dice, joined, who, brand = life.dice, life.moment(), life.who(), life.dice.choice(life.brands)
    kind = dice.choice(STATES)
    for _ in range(dice.choice([1, 1, 2])):
        tier = str(dice.randint(1, 3)) if kind == "member" and dice.random() < 0.8 else ""
        fixed = {
            "membership_id": life.new_id("s"),
            "brand": brand,
            "state": kind,
            "joined_at": text(joined),
            **who,
        }
        life.tell("memberships", joined.date(), **fixed, updated_at=text(joined), tier=tier)
        left = life.after(joined)
        if dice.random() < 0.5:
            return
        life.tell(
            "memberships", left.date(), **fixed, updated_at=text(left + SECOND), tier=tier, left_at=text(left)
        )
        joined = life.after(left)


def link(life: Life) -> None:
    """A declared sign-in: open, ended, corrected to another member, or withdrawn."""
    if not life.members:
        return
    dice, since = life.dice, life.moment()
    ids = {"link_id": life.new_id("l"), "visitor_id": dice.choice(life.visitors), "valid_from": text(since)}
    member, until, recorded = dice.choice(life.members), life.after(since), since
    fate = dice.choice(
        ["open", "ended", "ended at once", "signed out", "signed out", "withdrawn", "corrected"]
    )
    if fate in ("ended", "ended at once"):
        recorded = until
    end = text(until) if fate == "ended" else text(since) if fate == "ended at once" else ""
    tell = {"recorded_at": text(recorded), "member_id": member, "withdrawn": "false", "valid_to": end}
    life.tell("identity_links", recorded.date(), **ids, **tell)
    if fate in ("signed out", "withdrawn", "corrected"):
        at = max(until, recorded + SECOND)
        tell["recorded_at"] = text(at)
        if fate == "signed out":
            tell["valid_to"] = text(until)
        elif fate == "withdrawn":
            tell["withdrawn"] = "true"
        else:
            tell["member_id"] = dice.choice(life.members)
        life.tell("identity_links", at.date(), **ids, **tell)


def same_member(life: Life) -> None:
    """Two accounts of one person, perhaps taken back, perhaps said again."""
    if len(life.members) < 2:
        return
    one, other = life.dice.sample(life.members, 2)
    at, ids = life.moment(), {"link_id": life.new_id("l"), "member_id": one, "other_member_id": other}
    for withdrawn in ("false", "true", "false")[: life.dice.choice([1, 1, 2, 3])]:
        told = {"recorded_at": text(at), "valid_from": text(at), "withdrawn": withdrawn}
        life.tell("identity_links", at.date(), **ids, **told)
        at = max(life.after(at), at + SECOND)


def crowd(life: Life) -> None:
    """More members than one visitor may have sign in on it."""
    visitor = life.visitors[0]
    for number in range(MAX_MEMBERS + 1):
        given = {"visitor_id": visitor, "member_id": f"{life.name}-m{number}"}
        event(life, **given)


def product(life: Life) -> None:
    """The world's product, listed and renamed."""
    at = life.moment()
    fixed = {
        "product_id": f"{life.name}-p",
        "category_id": "c",
        "category_name": "all",
        "list_price": "10.00",
    }
    told = {"name": life.dice.choice(["thing", "other"]), "listed_on": str(at.date()), "updated_at": text(at)}
    life.tell("products", at.date(), **fixed, brand=life.brands[0], **told)


def some(*weighted: tuple[Callable[[Life], None], int]) -> list[Callable[[Life], None]]:
    """Each fact as often as its weight says."""
    return [fact for fact, weight in weighted for _ in range(weight)]


FACTS = some(
    *((event, 14), (order, 7), (membership, 3), (link, 4), (same_member, 2)),
    *((review, 2), (refund, 1), (burst, 1), (crowd, 1), (product, 1)),
)


def rows_of_world(seed: int) -> list[Row]:
    """The final content of world `w<seed>`: every row that the shop ends up telling."""
    life = Life(f"w{seed}", random.Random(f"world {seed}"), random.Random(f"money {seed}"))
    event(life, brand=life.name)
    for _ in range(life.dice.randint(4, 30)):
        life.dice.choice(FACTS)(life)
    return life.rows
