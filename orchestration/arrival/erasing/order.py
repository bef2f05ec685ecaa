"""The order of the erasure at work: the keys as they are, which the list must not know, until its end."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any

from orchestration.core.files import write_json
from orchestration.core.privacy.erased import Key, erasures_folder, parse_key
from orchestration.core.settings import Settings
from orchestration.core.versions import FORMAT, require_known

ORDER_FORMAT = 1
KEYS = ("asked", "keys", "shared")


@dataclass(frozen=True)
class Order:
    """An erasure that is at work: the keys asked for, and all keys of the person.

    `shared` are visitors of theirs that other persons used as well. `unknown` are keys that no mart knows:
    they may stand in rows that count for nobody, or be mistyped. `documents` were found to be theirs so far.
    """

    erasure_id: str
    asked: frozenset[Key]
    keys: frozenset[Key]
    shared: frozenset[Key] = frozenset()
    unknown: frozenset[Key] = frozenset()
    documents: frozenset[Key] = frozenset()


def order_file(settings: Settings) -> Path:
    """Where the order is; gone once the erasure has ended."""
    return erasures_folder(settings) / "order.json"


def read_order(settings: Settings) -> Order | None:
    """The erasure that is at work or was killed, if there is one.

    Raises EnvironmentStop when a newer program wrote it.
    """
    path = order_file(settings)
    if not path.exists():
        return None
    told: dict[str, Any] = json.loads(path.read_text())
    require_known(path, told, ORDER_FORMAT)
    keys = {name: frozenset(map(parse_key, told[name])) for name in KEYS}
    documents = frozenset(Key(*document) for document in told["documents"])
    return Order(told["erasure_id"], **keys, documents=documents)


def write_order(settings: Settings, order: Order) -> None:
    """Remember an order, for the eyes of its owner alone."""
    erasures_folder(settings).mkdir(mode=0o700, parents=True, exist_ok=True)
    told = {name: sorted(key.text for key in getattr(order, name)) for name in KEYS}
    documents = [astuple(document) for document in sorted(order.documents)]
    content = {FORMAT: ORDER_FORMAT, "erasure_id": order.erasure_id, **told, "documents": documents}
    write_json(order_file(settings), content)
    order_file(settings).chmod(0o600)


def add_documents(settings: Settings, documents: Iterable[Key]) -> None:
    """Remember documents before their rows go: what is written of them is to be found after a kill too."""
    order = read_order(settings)
    if order is not None and not order.documents.issuperset(documents):
        write_order(settings, replace(order, documents=order.documents | frozenset(documents)))
