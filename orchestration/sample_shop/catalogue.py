"""What the shop sells."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from orchestration.sample_shop.rows import Delivery, Product, deliver
from orchestration.sample_shop.world import BRANDS, DAY, HOUR, Draws, World

_CATEGORIES = {
    "lumen": (("desk-lamps", "台灯"), ("ceiling-lamps", "吸顶灯"), ("night-lights", "小夜灯")),
    "aurora": (("creams", "面霜"), ("serums", "精华"), ("masks", "面膜"), ("sun-care", "防晒")),
    "cedar": (("chairs", "椅子"), ("shelves", "置物架"), ("boxes", "收纳盒")),
}
_STYLES = ("晨光", "云朵", "Nordic", "小满", "山茶", "Classic", "拾光", "Mini")
_PER_BRAND = 30

GIFT_WRAP = Product("P-wrap", "", "礼品包装", "services", "服务", 500, -200, -200 * DAY)


@lru_cache(maxsize=8)
def products(world: World) -> dict[str, tuple[Product, ...]]:
    """Each brand's products as first listed, the oldest first; a fifth are listed in the first 80 days."""
    return {
        brand: tuple(
            sorted((_product(world, brand, number) for number in range(_PER_BRAND)), key=lambda p: p.listed)
        )
        for brand in BRANDS
    }


@lru_cache(maxsize=4096)
def on_sale(world: World, brand: str, day: int) -> tuple[Product, ...]:
    """The brand's products listed by the end of that day, or of the first one."""
    return tuple(product for product in products(world)[brand] if product.listed <= max(day, 0))


def catalogue(world: World) -> Iterator[Delivery]:
    """Every entry, in the dump of the day that it was listed or changed; what is older, in the first dump."""
    for product in (GIFT_WRAP, *(product for brand in BRANDS for product in products(world)[brand])):
        draws = Draws(world.seed, "catalogue", product.product_id)
        yield from deliver(draws, product, max(product.updated_at, 0))
        if draws.chance(0.15):
            moment = max(product.listed, 0) * DAY + draws.between(1, 60) * DAY + 10 * HOUR
            renamed = product._replace(name=product.name + "（升级版）", updated_at=moment)
            yield from deliver(draws, renamed, moment)


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
        price=draws.between(29, 599) * 100 + 90,
        listed=listed,
        updated_at=listed * DAY + 9 * HOUR,
    )
