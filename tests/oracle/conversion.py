"""From an opening act to a closing act within a window, by rule."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta


@dataclass(frozen=True)
class Rule:
    """What opens, what closes, whose it is, and the window; `closes_on` is `any` unless another is said."""

    rule_id: str
    opens: str
    closes: str
    unit: str
    days: int
    closes_on: str = "any"


RULES = (
    Rule("cart_to_pay_7d", "add_to_cart", "paid_order", "person_product", 7),
    Rule("cart_to_pay_7d_person", "add_to_cart", "paid_order", "person", 7),
    Rule("favorite_to_pay_7d", "favorite", "paid_order", "person_product", 7),
    Rule("view_to_cart_1d", "view", "add_to_cart", "person_product", 1),
    Rule("view_to_pay_1d", "view", "paid_order", "person", 1),
    Rule("view_to_pay_15d", "view", "paid_order", "person", 15),
    Rule("order_to_pay_3d", "order", "paid_order", "order", 3, "same_document"),
    Rule("repurchase_30d", "paid_order", "paid_order", "person", 30, "later_day"),
    Rule("repurchase_90d", "paid_order", "paid_order", "person", 90, "later_day"),
    Rule("repurchase_365d", "paid_order", "paid_order", "person", 365, "later_day"),
    Rule("sample_to_buy_30d", "free_order", "paid_order", "person", 30, "other_document"),
)


@dataclass(frozen=True)
class Deed:
    """Something that opens or closes: by whom, with which product, in which order."""

    kind: str
    at: datetime
    person: str | None = None
    product: str | None = None
    order: str | None = None

    def unit(self, kind: str) -> tuple[str, ...] | None:
        """Whose opportunity it is; None where a part of that is unknown."""
        parts = {
            "person": (self.person,),
            "person_product": (self.person, self.product),
            "order": (self.order,),
        }[kind]
        return tuple(part for part in parts if part) if all(parts) else None


@dataclass(frozen=True)
class Converted:
    """Opportunities of a rule and day."""

    opened: int
    converted: int
    persons_opened: int
    persons_converted: int
    days_sum: int


def conversion(
    deeds: Iterable[Deed], first: date, horizon: date, rules: Sequence[Rule] = RULES
) -> dict[tuple[str, date], Converted]:
    """Closed opening days by rule."""
    deeds, found = list(deeds), {}
    for rule in rules:
        opened: dict[tuple[date, tuple[str, ...]], list[Deed]] = defaultdict(list)
        closing: dict[tuple[str, ...], list[Deed]] = defaultdict(list)
        for deed in deeds:
            unit = deed.unit(rule.unit)
            if unit is not None and deed.kind == rule.opens:
                opened[deed.at.date(), unit].append(deed)
            if unit is not None and deed.kind == rule.closes:
                closing[unit].append(deed)
        days: dict[date, list[tuple[Deed, int | None]]] = defaultdict(list)
        for (day, unit), own in opened.items():
            if first <= day and day + timedelta(days=rule.days - 1) <= horizon:
                opening = min(own, key=lambda deed: deed.at)
                later = [
                    (close.at.date() - day).days for close in closing[unit] if _closes(rule, opening, close)
                ]
                days[day].append((opening, min(later, default=None)))
        for day, its in days.items():
            taken = [(opening, after) for opening, after in its if after is not None]
            found[rule.rule_id, day] = Converted(
                *(len(its), len(taken)),
                *(len({opening.person for opening, _ in own if opening.person}) for own in (its, taken)),
                sum(after for _, after in taken),
            )
    return found


def _closes(rule: Rule, opening: Deed, close: Deed) -> bool:
    day = opening.at.date()
    if not day <= close.at.date() < day + timedelta(days=rule.days):
        return False
    if rule.closes_on == "later_day":
        return close.at.date() > day
    if rule.closes_on == "other_document" and close.order == opening.order:
        return False
    return close.at >= opening.at
