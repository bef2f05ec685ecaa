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
ON_A_PRODUCT = ("product_view", "product_view", "favorite", "add_to_cart", "add_to_cart", "remove_from_cart")
PAGES = ("", "", "", "home", "product", "activity", "cart")
DEVICES = ("app", "mobile_web", "desktop", "")
REGIONS = ("north", "south", "east", "")
REASONS = ("七天无理由", "质量问题", "")
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
    # Dice of their own, so that the edges of money, and of what is around an event, change nothing else.
    purse: random.Random
    scene: random.Random
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

        self.products = [f"{self.name}-p", f"{self.name}-p", f"{self.name}-q", f"{self.name}-r"]
        self.categories = [f"{self.name}-a", f"{self.name}-b", f"{self.name}-c"]
        self.campaigns = ["c1", "c2", f"{self.name}-k1", f"{self.name}-k2"]

    def around(self) -> dict[str, str]:
        """Where and on what somebody does something."""
        scene = self.scene
        return {"device": scene.choice(DEVICES), "region": scene.choice(REGIONS)}

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
            "campaign_id": dice.choice(["", "", "c1", "c2"]),
            "product_id": dice.choice(["", life.scene.choice(life.products)]),
            "page_class": life.scene.choice(PAGES),
            "session_id": life.scene.choice(["", "", "", f"{life.name}-s1", f"{life.name}-s2"]),
            **life.around(),
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


def browse(life: Life) -> None:
    """A few steps of one visitor, some of them just within the pause that ends a visit, or over midnight."""
    scene = life.scene
    at = datetime.combine(scene.choice(life.days), time.fromisoformat(scene.choice(("10:00:00", "23:45:00"))))
    given = {"visitor_id": scene.choice(life.visitors), "member_id": "", "user_agent": "Mozilla/5.0"}
    session = scene.choice(["", "", f"{life.name}-s3"])
    for _ in range(scene.randint(2, 4)):
        kind, product = scene.choice(ON_A_PRODUCT), scene.choice([*life.products, ""])
        told = {
            "event": kind,
            "product_id": product,
            "session_id": session,
            "brand": scene.choice(life.brands),
        }
        if at.date() <= LAST_DAY:
            event(life, at, **told, **given)
        at += timedelta(seconds=scene.choice((0, 7, 600, 1800, 1801, 2400)))


def fair(life: Life) -> None:
    """A day on which many come and some buy, so that regions have few persons and many."""
    scene, day = life.scene, life.scene.choice(life.days)
    for number in range(scene.randint(6, 16)):
        visitor, region = f"{life.name}-f{number}", scene.choice(("north", "north", "north", "south", "east"))
        at = datetime.combine(day, time(9 + number % 3, number))
        given = {"visitor_id": visitor, "member_id": "", "region": region, "user_agent": "Mozilla/5.0"}
        event(life, at, event="product_view", brand=life.name, **given)
        if scene.random() < 0.7:
            bought(life, at + SECOND, visitor, region)


def bought(life: Life, at: datetime, visitor: str, region: str) -> None:
    """A plain order, paid at once."""
    ids = {"order_id": life.new_id("o"), "visitor_id": visitor, "region": region, "currency": "CNY"}
    times = {"created_at": text(at, "T"), "paid_at": text(at, "T"), "updated_at": text(at, "T")}
    life.tell("orders", at.date(), **ids, **times, status="paid", amount="10.00")
    line = {"order_id": ids["order_id"], "line_no": "1", "brand": life.name, "quantity": "1"}
    product = {"product_id": life.scene.choice(life.products), "amount": "10.00", "list_amount": "12.00"}
    life.tell("order_lines", at.date(), **line, **product)


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
    scene = life.scene
    discount, coupon = scene.choice([(None, None), (0, 0), (300, 0), (300, 100)])
    fixed |= {"discount": money(discount), "coupon": money(coupon), **life.around()}
    fixed["channel"] = scene.choice(["", "", "app", "search"])
    fixed["campaign_id"] = scene.choice(["", "", *life.campaigns])

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
        price = {"quantity": scene.choice("112")}
        price |= {"unit_price": money(fen), "amount": money(fen)} if prices else {}
        price["list_amount"] = money(scene.choice([None, max(fen, 0) + 333, max(fen, 0)]))
        price["cost_amount"] = money(scene.choice([None, max(fen, 0) // 2]))
        product = {"product_id": scene.choice([*life.products, ""]), "product_name": "thing"}
        product["kind"] = scene.choice(["", "", "", "goods", "fee"])
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
    ids = {"refund_id": life.new_id("r"), "order_id": order_id, "reason": life.scene.choice(REASONS)}
    ids["line_no"] = life.scene.choice(["", "", "", "1", "9"])
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
    ids["product_id"] = life.scene.choice([*life.products, ""])
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
    """A product of the world, listed, moved to another category, listed on another day, or delisted."""
    at, scene = life.moment(), life.scene
    told = {
        **{"product_id": scene.choice(life.products), "name": life.dice.choice(["thing", "other"])},
        **{
            "category_id": scene.choice([*life.categories, ""]),
            "category_name": "all",
            "list_price": "10.00",
        },
        "listed_on": scene.choice(["", str(at.date()), str(at.date() - timedelta(days=scene.choice(GAPS)))]),
        "delisted_on": scene.choice(["", "", str(at.date() + timedelta(days=scene.choice(GAPS)))]),
    }
    life.tell("products", at.date(), **told, brand=life.brands[0], updated_at=text(at))


def category(life: Life) -> None:
    """A category below another one, seldom below itself or one that nobody tells of."""
    at, scene = life.moment(), life.scene
    child, parent = scene.choice(life.categories), scene.choice([*life.categories, f"{life.name}-z", "", ""])
    life.tell("categories", at.date(), category_id=child, parent_id=parent, name="some", updated_at=text(at))


def campaign(life: Life) -> None:
    """A campaign of days within the data, with or without a warm-up and a declared baseline."""
    scene, first = life.scene, life.moment().date()
    last = first + timedelta(days=scene.choice([0, 2, 6, 7, 13]))
    told = {"campaign_id": scene.choice(life.campaigns[2:]), "brand": life.name, "name": "sale"}
    told |= {"starts_on": str(first), "ends_on": str(last), "kind": scene.choice(["sale", "club", ""])}
    if scene.random() < 0.3:
        told["warm_up_from"] = str(first - timedelta(days=3))
    if scene.random() < 0.3:
        before = first - timedelta(days=scene.choice([10, 30]))
        told |= {"baseline_from": str(before), "baseline_to": str(before + (last - first))}
    life.tell("campaigns", first, **told)


def some(*weighted: tuple[Callable[[Life], None], int]) -> list[Callable[[Life], None]]:
    """Each fact as often as its weight says."""
    return [fact for fact, weight in weighted for _ in range(weight)]


FACTS = some(
    *((event, 14), (order, 7), (membership, 3), (link, 4), (same_member, 2)),
    *((review, 2), (refund, 1), (burst, 1), (crowd, 1), (product, 1)),
)
# What traffic and trade need beside it.
SCENES = some((browse, 4), (product, 4), (category, 3), (campaign, 2))


def rows_of_world(seed: int) -> list[Row]:
    """The final content of world `w<seed>`: every row that the shop ends up telling."""
    life = Life(f"w{seed}", *(random.Random(f"{dice} {seed}") for dice in ("world", "money", "scene")))
    event(life, brand=life.name)
    for _ in range(life.dice.randint(4, 30)):
        life.dice.choice(FACTS)(life)
    for _ in range(life.scene.randint(2, 8)):
        life.scene.choice(SCENES)(life)
    if life.scene.random() < 0.1:
        fair(life)
    return life.rows
