"""From a basket to an order's end: payment, presale, cancellation, refunds and reviews."""

from __future__ import annotations

from collections.abc import Iterator

from orchestration.sample_shop import calendar
from orchestration.sample_shop.catalogue import GIFT_WRAP, back_on, cost, usual_price
from orchestration.sample_shop.persons import Person
from orchestration.sample_shop.rows import (
    Delivery,
    Event,
    Order,
    OrderLine,
    Refund,
    Review,
    deliver,
    lateness,
)
from orchestration.sample_shop.visits import Visit, page_after
from orchestration.sample_shop.world import DAY, HOUR, MINUTE, SECOND, Draws, World

_TEXTS = (
    "很好，包装也用心。",
    "第一次买，质量不错！\n会再来。",
    '客服说"三天到"，其实五天。',
    "Great value, arrived early",
    "一般般\n\n颜色和图片有差别, 不过能用",
    "",
)
_REASONS = ("七天无理由", "质量问题", "少件/漏发", "不想要了")
_RATINGS = ((5, 0.6), (4, 0.2), (3, 0.1), (2, 0.04), (1, 0.06))


def purchase(world: World, person: Person, visit: Visit) -> tuple[list[Delivery], int | None]:
    """The order of a visit with a basket, told to its end, and when it was paid; None if never in full."""
    draws = Draws(world.seed, "order", person.number, visit.day, visit.number)
    order_id = f"O{world.date_of(visit.day):%Y%m%d}{person.number:05d}{visit.number}"
    lines = _lines(world, visit, order_id, draws)
    states = _states(world, visit, order_id, lines, draws)
    deliveries: list[Delivery] = []
    for page in _pages(visit, states[-1]):
        deliveries += deliver(Draws(page.event_id), page, page.at)
    for state in states:
        late = lateness(draws, 0.015)
        deliveries += deliver(draws, state, state.updated_at, late)
        if state.status == "created":
            for line in lines:
                deliveries += deliver(draws, line, state.updated_at, late)
    last = states[-1]
    if last.paid_at is not None and last.amount:
        refunds = _refunds(last, lines, draws)
        after: list[Refund | Review] = [*refunds, *_goodwill(last, draws)]
        after += _reviews(last, lines, refunds, draws)
        for row in after:
            deliveries += deliver(draws, row, row.at, lateness(draws, 0.01))
    return deliveries, last.paid_at


def _lines(world: World, visit: Visit, order_id: str, draws: Draws) -> list[OrderLine]:
    sample = draws.chance(0.025)
    percent = 0 if sample else calendar.discount(world.date_of(visit.day))
    basket = visit.basket[:1] if sample else visit.basket
    if not sample and draws.chance(0.015):
        basket = (*basket, GIFT_WRAP)
    lines = []
    for number, product in enumerate(basket, start=1):
        quantity = 1 if draws.chance(0.8) else draws.between(2, 4)
        price = usual_price(product) * percent // 100
        head = (order_id, number, product.brand, product.product_id, product.name)
        told = (quantity * price, quantity * product.price, quantity * cost(world, product))
        lines.append(OrderLine(*head, quantity, price, *told, "fee" if product is GIFT_WRAP else "goods"))
    return lines


def _states(world: World, visit: Visit, order_id: str, lines: list[OrderLine], draws: Draws) -> list[Order]:
    """The order's states in the order of time; the last one is its end."""
    goods = sum(line.amount for line in lines)
    discount = sum(line.listed for line in lines) - goods
    freight = 0 if goods >= 9900 or not goods else 800
    # Guest checkout with tracking refused is an order without a person.
    is_hidden = not visit.member and draws.chance(0.03)
    created_at = visit.ended_at + draws.between(20, 300) * SECOND
    created = Order(
        updated_at=created_at,
        order_id=order_id,
        visitor="" if is_hidden else visit.visitor,
        member=visit.member,
        status="created",
        created_at=created_at,
        paid_at=None,
        cancelled_at=None,
        session=visit.events[-1].session,
        device=visit.events[-1].device,
        channel=visit.events[-1].channel,
        campaign=visit.events[-1].campaign,
        region=visit.events[-1].region,
        deposit=0,
        freight=freight,
        discount=discount,
        coupon=_coupon(world, order_id, discount) if goods else 0,
        amount=goods + freight,
    )
    today = world.date_of(visit.day)
    if goods and draws.chance(0.5 if calendar.is_presale(today) else 0.02):
        return [created, *_presale(world, created, lines, draws)]
    if not goods:
        return [created, _paid(created, created_at + SECOND)]
    if draws.chance(0.87):
        wait = draws.between(1, 20) * MINUTE if draws.chance(0.9) else draws.between(1, 23) * HOUR
        return [created, _paid(created, created_at + wait)]
    return [created, _cancelled(created, created_at + DAY)] if draws.chance(0.8) else [created]


def _coupon(world: World, order_id: str, discount: int) -> int:
    """What a coupon makes of the discount; 0 for an order without one."""
    draws = Draws(world.seed, "coupon", order_id)
    return discount * draws.between(20, 60) // 100 if draws.chance(0.35) else 0


def _pages(visit: Visit, end: Order) -> Iterator[Event]:
    """The checkout page, and the paid page of who pays within half an hour; with tracking refused, none."""
    if not end.visitor:
        return
    at_basket = visit.events[-1]._replace(brand=visit.basket[0].brand)
    yield page_after(at_basket, "checkout", visit.ended_at + 10 * SECOND)
    if end.paid_at is not None and end.paid_at - end.created_at < 30 * MINUTE:
        yield page_after(at_basket, "paid", end.paid_at + 2 * SECOND)


def _presale(world: World, created: Order, lines: list[OrderLine], draws: Draws) -> Iterator[Order]:
    """A deposit, then the balance (which is when the order is paid), or a cancellation without one."""
    deposit_at = created.created_at + draws.between(1, 10) * MINUTE
    deposited = created._replace(status="deposit_paid", updated_at=deposit_at, deposit=created.amount // 10)
    yield deposited
    day = created.created_at // DAY
    double_eleven = world.date_of(day).replace(month=11, day=11)
    wait = (double_eleven - world.date_of(day)).days if calendar.is_presale(world.date_of(day)) else 5
    # The balance is asked for when the shop has everything.
    ready = max(back_on(world, line.product, day + wait) for line in lines)
    due = ready * DAY + draws.between(MINUTE, 6 * HOUR)
    yield _paid(deposited, due) if draws.chance(0.9) else _cancelled(deposited, due + DAY)


def _paid(order: Order, moment: int) -> Order:
    return order._replace(status="paid", updated_at=moment, paid_at=moment)


def _cancelled(order: Order, moment: int) -> Order:
    return order._replace(status="cancelled", updated_at=moment, cancelled_at=moment)


def _refunds(order: Order, lines: list[OrderLine], draws: Draws) -> list[Refund]:
    """No refund, a part of the money, all of it, or all of it in two parts; a fifth on the paid day.

    A part that no line is too small for may be that line's.
    """
    if order.paid_at is None or not draws.chance(0.09):
        return []
    end_of_day = (order.paid_at // DAY + 1) * DAY - 1
    late = order.paid_at + draws.between(1, 14) * DAY + draws.between(0, 5 * HOUR)
    moment = draws.between(order.paid_at, end_of_day) if draws.chance(0.2) else late
    reason = draws.pick(_REASONS)
    if draws.chance(0.45):
        parts = [order.amount * draws.between(10, 60) // 100]
    elif draws.chance(0.85):
        parts = [order.amount]
    else:
        parts = [order.amount // 3, order.amount - order.amount // 3]
    line = None
    if len(parts) == 1 and parts[0] < order.amount and Draws("line", order.order_id).chance(0.6):
        line = next((line.line for line in lines if line.amount >= parts[0]), None)
    return [
        Refund(
            f"R{order.order_id}-{number + 1}", order.order_id, line, moment + 2 * DAY * number, part, reason
        )
        for number, part in enumerate(parts)
    ]


def _goodwill(order: Order, draws: Draws) -> list[Refund]:
    """Rarely a gesture that names no order."""
    if order.paid_at is None or not draws.chance(0.01):
        return []
    moment = order.paid_at + draws.between(1, 20) * DAY
    return [Refund(f"R{order.order_id}-G", "", None, moment, draws.between(5, 20) * 100, "补偿")]


def _reviews(order: Order, lines: list[OrderLine], refunds: list[Refund], draws: Draws) -> list[Review]:
    """A quarter of those who kept something review one product; some reviews name only the order."""
    if order.paid_at is None or sum(refund.amount for refund in refunds) == order.amount:
        return []
    if not draws.chance(0.25):
        return []
    moment = order.paid_at + draws.between(2, 20) * DAY + draws.between(0, 3 * HOUR)
    by_order_only = draws.chance(0.1)
    line = draws.pick([line for line in lines if line.brand])
    return [
        Review(
            review_id=f"V{order.order_id}",
            brand=line.brand,
            product=line.product,
            order_id=order.order_id,
            visitor="" if by_order_only else order.visitor,
            member="" if by_order_only else order.member,
            at=moment,
            rating=draws.weighted(_RATINGS),
            text=draws.pick(_TEXTS),
        )
    ]
