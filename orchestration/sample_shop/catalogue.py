"""What the shop sells."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from orchestration.sample_shop.rows import Category, Delivery, Product, deliver
from orchestration.sample_shop.world import BRANDS, DAY, HOUR, Draws, World

_DEPARTMENTS = {
    "lumen": ("lighting", "灯具"),
    "aurora": ("skin-care", "护肤"),
    "cedar": ("furniture", "家居"),
}
_CATEGORIES = {
    "lumen": (("desk-lamps", "台灯"), ("ceiling-lamps", "吸顶灯"), ("night-lights", "小夜灯")),
    "aurora": (("creams", "面霜"), ("serums", "精华"), ("masks", "面膜"), ("sun-care", "防晒")),
    "cedar": (("chairs", "椅子"), ("shelves", "置物架"), ("boxes", "收纳盒")),
}
# Of one product each: the first is given up on the day on which the second is taken up.
_GIVEN_UP = ("rattan", "藤编")
_TAKEN_UP = ("outdoor", "户外")
_CHANGE_OVER = 45
# The first Monday from this day on begins a week without the best seller.
_SHORTAGE_FROM = 36
_STYLES = ("晨光", "云朵", "Nordic", "小满", "山茶", "Classic", "拾光", "Mini")
_PER_BRAND = 30

GIFT_WRAP = Product("P-wrap", "", "礼品包装", "services", "服务", 550, -200, None, -200 * DAY)


class Shortage(NamedTuple):
    """A product that nobody can buy from the first to the last day, and the one that is bought instead."""

    product: Product
    instead: Product
    first: int
    last: int


def usual_price(product: Product) -> int:
    """What it costs on an ordinary day: a tenth more is its list price."""
    return product.price * 10 // 11


def cost(world: World, product: Product) -> int:
    """What it costs the shop: 40 to 70 percent of the list price."""
    return product.price * Draws(world.seed, "cost", product.product_id).between(40, 70) // 100


@lru_cache(maxsize=8)
def products(world: World) -> dict[str, tuple[Product, ...]]:
    """Each brand's products as first listed, the oldest first; a fifth are listed in the first 80 days.

    Those that take the place of another are not among them: `successor` and `shortage` tell of these.
    """
    found = {
        brand: sorted(
            (_product(world, brand, number) for number in range(_PER_BRAND)), key=lambda p: p.listed
        )
        for brand in BRANDS
    }
    category, name = _GIVEN_UP
    former = found["cedar"][1]
    found["cedar"][1] = former._replace(
        name=former.name.replace(former.category_name, name),
        category=f"cedar-{category}",
        category_name=name,
        delisted=_CHANGE_OVER - 1,
    )
    return {brand: tuple(own) for brand, own in found.items()}


def given_up(world: World) -> Product:
    """The product that is delisted, as first listed; the last of its category."""
    return products(world)["cedar"][1]


@lru_cache(maxsize=8)
def successor(world: World) -> Product:
    """The product that takes the place of the delisted one, at its price."""
    category, name = _TAKEN_UP
    return given_up(world)._replace(
        product_id=f"P-cedar-{_PER_BRAND:03d}",
        name=f"{_STYLES[0]}{name} {_PER_BRAND:02d}",
        category=f"cedar-{category}",
        category_name=name,
        listed=_CHANGE_OVER,
        delisted=None,
        updated_at=_CHANGE_OVER * DAY + 9 * HOUR,
    )


@lru_cache(maxsize=8)
def shortage(world: World) -> Shortage:
    """The week without the best seller, from a Monday on; the Sunday before, its last pieces are gone."""
    product = products(world)["aurora"][0]
    monday = _SHORTAGE_FROM + -world.date_of(_SHORTAGE_FROM).weekday() % 7
    instead = product._replace(
        product_id=f"P-aurora-{_PER_BRAND:03d}",
        name=f"{product.name} B",
        listed=monday - 1,
        updated_at=(monday - 1) * DAY + 8 * HOUR,
    )
    return Shortage(product, instead, monday - 1, monday + 6)


@lru_cache(maxsize=4096)
def on_sale(world: World, brand: str, day: int) -> tuple[Product, ...]:
    """The brand's products listed by the end of that day, or of the first one, and not given up before."""
    listed = [product for product in products(world)[brand] if product.listed <= max(day, 0)]
    return tuple(
        product if product.delisted is None or day <= product.delisted else successor(world)
        for product in listed
    )


def in_stock(world: World, product: Product, day: int) -> Product:
    """The product that is bought by who wants this one on that day."""
    return product if back_on(world, product.product_id, day) == day else shortage(world).instead


def back_on(world: World, product_id: str, day: int) -> int:
    """That day, or the first one after it on which the shop has the product again."""
    short = shortage(world)
    is_short = product_id == short.product.product_id and short.first <= day <= short.last
    return short.last + 1 if is_short else day


def catalogue(world: World) -> Iterator[Delivery]:
    """Every entry, in the dump of the day that it was listed or changed; what is older, in the first dump."""
    own = (product for brand in BRANDS for product in products(world)[brand])
    for product in (GIFT_WRAP, *own, successor(world), shortage(world).instead):
        draws = Draws(world.seed, "catalogue", product.product_id)
        listed = product._replace(delisted=None)
        yield from deliver(draws, listed, max(product.updated_at, 0))
        if product.delisted is not None:
            moment = product.delisted * DAY + 18 * HOUR
            yield from deliver(draws, product._replace(updated_at=moment), moment)
        elif draws.chance(0.15):
            moment = max(product.listed, 0) * DAY + draws.between(1, 60) * DAY + 10 * HOUR
            renamed = listed._replace(name=product.name + "（升级版）", updated_at=moment)
            yield from deliver(draws, renamed, moment)


def categories(world: World) -> Iterator[Delivery]:
    """The tree of two levels: each category below the department of its brand, services beside them."""
    begin = -400 * DAY
    told = [Category(GIFT_WRAP.category, "", GIFT_WRAP.category_name, begin)]
    for brand, (department, name) in _DEPARTMENTS.items():
        told.append(Category(department, "", name, begin))
        own = [*_CATEGORIES[brand], *([_GIVEN_UP] if brand == "cedar" else [])]
        told += [Category(f"{brand}-{category}", department, title, begin) for category, title in own]
    category, name = _TAKEN_UP
    told.append(Category(f"cedar-{category}", _DEPARTMENTS["cedar"][0], name, _CHANGE_OVER * DAY + 8 * HOUR))
    for row in told:
        yield from deliver(Draws(world.seed, "category", row.category_id), row, max(row.updated_at, 0))


def _product(world: World, brand: str, number: int) -> Product:
    draws = Draws(world.seed, "product", brand, number)
    category, category_name = draws.pick(_CATEGORIES[brand])
    is_new = number >= 1 and draws.chance(0.2)
    listed = draws.between(0, 80) if is_new else draws.between(-300, -1)
    return Product(
        product_id=f"P-{brand}-{number:03d}",
        brand=brand,
        name=f"{draws.pick(_STYLES)}{category_name} {number:02d}",
        category=f"{brand}-{category}",
        category_name=category_name,
        # A tenth above what it usually costs: a whole number of yuan and 90 fen.
        price=(draws.between(29, 599) * 100 + 90) * 11 // 10,
        listed=listed,
        delisted=None,
        updated_at=listed * DAY + 9 * HOUR,
    )
