"""Who a person is: devices, account, habits; and what else the shop is visited with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from orchestration.sample_shop.world import BRANDS, Draws, World, token

_IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
_ANDROID = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko)"
_WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
_AGENTS = {
    "phone": (
        ("SampleShop/5.2.1 (iOS 17.5; Scale/3.00)", 0.3),
        ("SampleShop/5.2.0 (Android 14)", 0.3),
        (f"{_IPHONE} Version/17.5 Mobile/15E148 Safari/604.1", 0.2),
        (f"{_ANDROID} Chrome/126.0.0.0 Mobile Safari/537.36", 0.2),
    ),
    "computer": (
        (f"{_WINDOWS} AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36", 0.6),
        (f"{_WINDOWS[:-1]}; rv:127.0) Gecko/20100101 Firefox/127.0", 0.4),
    ),
}
_CRAWLERS = (
    "Mozilla/5.0 (compatible; PriceBot/2.1; +https://pricebot.example/about)",
    "ShopSpider/1.4 (+https://shopspider.example)",
    "Mozilla/5.0 (compatible; Findbot-Image/1.0; +https://findbot.example)",
)


# Where people live: in eight provinces, three or four of the first persons and nobody else.
_LARGE = (
    *(("广东", 0.12), ("江苏", 0.09), ("浙江", 0.09), ("山东", 0.08), ("河南", 0.07), ("四川", 0.07)),
    *(("湖北", 0.06), ("河北", 0.05), ("湖南", 0.05), ("上海", 0.05), ("北京", 0.05), ("安徽", 0.04)),
    *(("福建", 0.04), ("辽宁", 0.03), ("陕西", 0.03), ("江西", 0.02), ("重庆", 0.02), ("广西", 0.01)),
    *(("云南", 0.01), ("山西", 0.007), ("黑龙江", 0.008), ("天津", 0.003), ("贵州", 0.002)),
)
_SMALL = ("吉林", "内蒙古", "新疆", "甘肃", "海南", "宁夏", "青海", "西藏")
_IN_SMALL = 28
PROVINCES = (*_SMALL, *(province for province, _ in _LARGE))
# Of the tablets and the kiosk.
SHOP_PROVINCE = "上海"


class Device(NamedTuple):
    """A phone, a computer or a program; `visitor` is its key in the dumps."""

    visitor: str
    agent: str

    @property
    def kind(self) -> str:
        """The app, a browser on a phone or one on a computer, as the shop writes it; of a program `other`."""
        if self.agent.startswith("SampleShop"):
            return "app"
        if not self.agent.startswith("Mozilla/5.0 (") or "compatible;" in self.agent:
            return "other"
        return "mobile_web" if "Mobile" in self.agent else "desktop"


@dataclass(frozen=True)
class Person:
    """One person; `account_day` is the day of registration, None for a guest for ever.

    `activity` and `exposure` are the chances of a visit and of only seeing ads on an ordinary day; `affinity`
    gives each brand's share of the visits, the favourite first.
    """

    number: int
    devices: tuple[Device, ...]
    member_id: str
    account_day: int | None
    first_day: int
    last_day: int
    activity: float
    exposure: float
    affinity: tuple[tuple[str, float], ...]
    province: str

    def has_account(self, day: int) -> bool:
        """Whether the person has registered by that day."""
        return self.account_day is not None and self.account_day <= day


def person(world: World, number: int) -> Person:
    """The person with that number; habits depend on the seed and the number only."""
    draws = Draws(world.seed, "person", number)
    first_day = -1000 if draws.chance(0.55) else draws.between(0, 120)
    stays = draws.between(5, 400)
    skewed = draws.unit()
    favourite = draws.between(0, len(BRANDS) - 1)
    order = BRANDS[favourite:] + BRANDS[:favourite]
    account_day = None
    if draws.chance(0.6):
        account_day = first_day if draws.chance(0.5) else max(first_day, 0) + draws.between(0, 60)
    return Person(
        number=number,
        devices=_devices(world, number, draws),
        member_id=f"m{100000 + number}",
        account_day=account_day,
        first_day=first_day,
        last_day=max(first_day, 0) + stays,
        activity=0.03 + 0.45 * skewed * skewed * skewed,
        exposure=0.02 + 0.1 * draws.unit(),
        affinity=tuple(zip(order, (0.7, 0.2, 0.1), strict=True)),
        province=_province(world, number),
    )


def _province(world: World, number: int) -> str:
    if number < _IN_SMALL:
        return _SMALL[number % len(_SMALL)]
    return Draws(world.seed, "province", number).weighted(_LARGE)


def account(world: World, day: int, draws: Draws, other_than: str = "") -> str:
    """The account of a person drawn from those who have one by that day; empty where none is found soon."""
    for _ in range(100):
        drawn = person(world, draws.between(0, world.persons - 1))
        if drawn.has_account(day) and drawn.member_id != other_than:
            return drawn.member_id
    return ""


def _devices(world: World, number: int, draws: Draws) -> tuple[Device, ...]:
    own = device(world, "phone", number)
    if draws.chance(0.75):
        return (own,)
    # Two persons of a household may use one computer.
    household = Draws(world.seed, "household", number // 2)
    owner = f"household {number // 2}" if household.chance(0.2) else number
    return (own, device(world, "computer", owner))


def device(world: World, kind: str, *owner: object) -> Device:
    """The phone of an owner, or the computer, tablet or kiosk (all of the kind `computer`)."""
    visitor = token(world.seed, kind, *owner)
    return Device(visitor, Draws(world.seed, "agent", visitor).weighted(_AGENTS[kind]))


def crawlers(world: World) -> tuple[Device, ...]:
    """The programs that read the shop and say so."""
    return tuple(Device(token(world.seed, "crawler", agent), agent) for agent in _CRAWLERS)
