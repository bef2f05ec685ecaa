"""What columns and tables may mean, guessed from their names and values in several languages."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from orchestration.onboarding.columns import Column, Kind

TIMES = {Kind.TIME, Kind.DAY}
KINDS = {
    "times": TIMES,
    "numbers": {Kind.NUMBER, Kind.COMMA_NUMBER},
    "texts": {Kind.TEXT},
    "ids": {Kind.NUMBER, Kind.COMMA_NUMBER, Kind.TEXT, Kind.FLAG},
}


# What an order says of itself, and what it says of its goods.
GOODS = {"order", "amount", "unit_price", "quantity", "line", "status"}
OF_ORDERS = {"order", "amount", "currency", "status", "paid_at", "cancelled_at", "updated_at"}


@cache
def words() -> dict[str, Any]:
    """The lists of words.yml."""
    content = yaml.safe_load(files(__package__).joinpath("words.yml").read_text("utf-8"))
    divided: dict[str, Any] = _divided(content)
    return divided


def _divided(lists: Any) -> Any:
    return lists.split() if isinstance(lists, str) else {name: _divided(text) for name, text in lists.items()}


def first_fitting(lists: Mapping[str, Sequence[str]], text: str) -> str | None:
    """The first key with an expression that a text has."""
    return next((key for key, patterns in lists.items() if has_any(patterns, text)), None)


def has_any(patterns: Sequence[str], text: str) -> bool:
    """Whether a text, folded, has any of some expressions."""
    return any(re.search(pattern, folded(text)) for pattern in patterns)


def folded(text: str) -> str:
    """A name in small letters without accents, its words divided by `_`."""
    divided = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", text.strip())
    plain = unicodedata.normalize("NFKD", divided.lower())
    return re.sub(
        r"[\s\-./:]+", "_", "".join(letter for letter in plain if not unicodedata.combining(letter))
    )


@dataclass(frozen=True)
class Meant:
    """Guesses about one table: columns by meaning, and the canonical entities that it feeds."""

    columns: Mapping[str, Column]
    entities: tuple[str, ...]
    # Entities that it looks like too, which another table feeds.
    also: tuple[str, ...] = ()
    # Event kinds that are purchases: their rows are orders, not events.
    purchases: tuple[str, ...] = ()
    touch_kinds: Mapping[str, str] = field(default_factory=dict)
    unknown_kinds: tuple[str, ...] = ()
    paid: tuple[str, ...] = ()
    cancelled: tuple[str, ...] = ()

    def __getitem__(self, meaning: str) -> Column | None:
        return self.columns.get(meaning)


def meanings(columns: Sequence[Column]) -> dict[str, Column]:
    """The column of each meaning that is found."""
    left = {column.name: column for column in columns if column.kind is not Kind.EMPTY}
    found: dict[str, Column] = {}
    for meaning, wanted in words()["columns"].items():
        fitting = (
            name
            for pattern in wanted["names"]
            for name, column in left.items()
            if column.kind in KINDS[wanted["of"][0]] and re.search(pattern, folded(name))
        )
        if name := next(fitting, None):
            found[meaning] = left.pop(name)
    if "amount" not in found and "unit_price" in found and "quantity" not in found:
        found["amount"] = found.pop("unit_price")
    return found


def is_order(fields: Sequence[Column]) -> bool:
    """Whether JSON objects with these fields look like orders."""
    found = _of_order(fields)
    has_list = any(field_.kind is Kind.LIST for field_ in fields)
    return "order" in found and ("amount" in found or has_list)


def _of_order(fields: Sequence[Column]) -> dict[str, Column]:
    """Meanings of the fields of an order, whose own id need not say of what it is."""
    found = meanings(fields)
    ids = (one for one in fields if one.kind in KINDS["ids"] and has_any(words()["own_id"], one.name))
    own = found.get("order") or next(ids, None)
    return {**found, "order": own} if own else found


def is_line(fields: Sequence[Column]) -> bool:
    """Whether JSON objects with these fields look like the lines of an order."""
    found = meanings(fields)
    return "product" in found and bool(found.keys() & {"quantity", "amount", "unit_price"})


def guess(table: str, pattern: str, columns: Sequence[Column], order: Sequence[Column] = ()) -> Meant:
    """Guess what a table's columns are, and which entities it feeds.

    `order` are the fields of a column of JSON that looks like an order.
    """
    found = meanings(columns)
    if order:
        # What the row says of goods is said of the event.
        found = {name: column for name, column in found.items() if name not in GOODS}
        found |= {name: column for name, column in _of_order(order).items() if name in OF_ORDERS}
    hints = [entity for entity, names in words()["tables"].items() if has_any(names, f"{table} {pattern}")]
    if "kind" not in found and (unnamed := _of_words(columns, found)):
        found["kind"] = unnamed
    said = list(found["kind"].words or ()) if "kind" in found else []
    purchases = tuple(word for word in said if is_purchase(word))
    touches = {word: touch for word in said if word not in purchases and (touch := touch_kind(word))}
    time = "created_at" in found
    person = "member" in found or "visitor" in found
    entities: tuple[str, ...] = ()
    if "rating" in found and (time or "reviewed_at" in found):
        entities = ("reviews",)
    elif ("refund" in found or "refunds" in hints) and "amount" in found and (time or "refunded_at" in found):
        entities = ("refunds",)
    elif time and (touches or (said and hints[:1] == ["events"])):
        bought = purchases and ("order" in found or "amount" in found or "unit_price" in found)
        entities = ("events", *(_orders(found) if bought else ()))
    elif "joined_at" in found and person and "memberships" in hints:
        entities = ("memberships",)
    elif "order" in found and (time or "paid_at" in found) and _has_goods(found):
        entities = _orders(found)
    elif "order" in found and ("product" in found or "line" in found):
        entities = ("order_lines",)
    elif "product" in found and found["product"].is_unique and not time and "order" not in found:
        entities = ("products",)
    elif time and "amount" in found and "orders" in hints:
        entities = _orders(found)
    elif time and person and "events" in hints:
        entities = ("events",)
    if "orders" not in entities:
        purchases = ()
    status = list((found["status"].words or {}) if "status" in found else {})
    return Meant(
        found,
        entities,
        purchases=purchases,
        touch_kinds=touches,
        unknown_kinds=tuple(word for word in said if word not in touches and word not in purchases),
        paid=tuple(word for word in status if is_paid(word)),
        cancelled=tuple(word for word in status if has_any(words()["cancelled"], word)),
    )


def touch_kind(word: str) -> str | None:
    """Touch kind that a word may stand for."""
    found = first_fitting(words()["touch_kinds"], word)
    return found if found == "remove_from_cart" or not has_any(words()["no_touch"], word) else None


def is_purchase(word: str) -> bool:
    """Whether a word for what people do may stand for a purchase."""
    return has_any(words()["purchase"], word) and not has_any(words()["no_touch"], word)


def is_paid(word: str) -> bool:
    """Whether a word for the state of an order may mean that it was paid."""
    others = [*words()["not_paid"], *words()["cancelled"]]
    return has_any(words()["paid"], word) and not has_any(others, word)


def _of_words(columns: Sequence[Column], found: Mapping[str, Column]) -> Column | None:
    """A column, whatever its name, most words of which people use for what is done in a shop."""
    for column in columns:
        words_ = list(column.words or ()) if column not in found.values() else []
        known = [word for word in words_ if touch_kind(word) or is_purchase(word)]
        if len(words_) > 1 and len(known) > len(words_) / 2:
            return column
    return None


def _has_goods(found: Mapping[str, Column]) -> bool:
    return any(meaning in found for meaning in ("amount", "unit_price", "status", "product", "quantity"))


def _orders(found: Mapping[str, Column]) -> tuple[str, ...]:
    return ("orders", "order_lines") if "product" in found or "brand" in found else ("orders",)
