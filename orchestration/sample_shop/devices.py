"""What the shop is visited with: a visitor key, and the user agent that goes with it."""

from __future__ import annotations

from typing import NamedTuple

from orchestration.sample_shop.draws import Draws, token
from orchestration.sample_shop.world import World

_IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
_ANDROID = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko)"
_WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
_PHONES = (
    ("SampleShop/5.2.1 (iOS 17.5; Scale/3.00)", 0.3),
    ("SampleShop/5.2.0 (Android 14)", 0.3),
    (f"{_IPHONE} Version/17.5 Mobile/15E148 Safari/604.1", 0.2),
    (f"{_ANDROID} Chrome/126.0.0.0 Mobile Safari/537.36", 0.2),
)
_COMPUTERS = (
    (f"{_WINDOWS} AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36", 0.6),
    (f"{_WINDOWS[:-1]}; rv:127.0) Gecko/20100101 Firefox/127.0", 0.4),
)
_CRAWLERS = (
    "Mozilla/5.0 (compatible; PriceBot/2.1; +https://pricebot.example/about)",
    "ShopSpider/1.4 (+https://shopspider.example)",
    "Mozilla/5.0 (compatible; Findbot-Image/1.0; +https://findbot.example)",
)


class Device(NamedTuple):
    """A phone, a computer or a program; `visitor` is its key in the dumps."""

    visitor: str
    agent: str


def phone(world: World, *owner: object) -> Device:
    """The phone of an owner."""
    return _device(world, "phone", owner, _PHONES)


def computer(world: World, *owner: object) -> Device:
    """The computer, tablet or kiosk of an owner."""
    return _device(world, "computer", owner, _COMPUTERS)


def crawlers(world: World) -> tuple[Device, ...]:
    """The programs that read the shop and say so."""
    return tuple(Device(token(world.seed, "crawler", agent), agent) for agent in _CRAWLERS)


def _device(
    world: World, kind: str, owner: tuple[object, ...], agents: tuple[tuple[str, float], ...]
) -> Device:
    visitor = token(world.seed, kind, *owner)
    return Device(visitor, Draws(world.seed, "agent", visitor).weighted(agents))
