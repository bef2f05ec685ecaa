"""How much an erasure would take, told before it begins, and the guard against one that takes too much."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from orchestration.arrival.configured import configured_sources
from orchestration.arrival.erasing.order import Order
from orchestration.arrival.erasing.sweep import count_rows
from orchestration.arrival.manifest import LoadManifest
from orchestration.build.state import is_untouched, read_build
from orchestration.build.warehouse import open_warehouse
from orchestration.core.errors import InputError
from orchestration.core.printable import counted
from orchestration.core.privacy.erased import Erasure, Key, read_erased
from orchestration.core.settings import Settings
from orchestration.nightly.erasing.links import count_persons, uniting_links
from orchestration.publish.releases import release_folders
from orchestration.sources.source import Source

# One person has a few accounts and some dozens of devices. More, and not named one by one, is usually a wrong
# link: one bad link file had a single key erase 61 members.
MOST = {"member": 5, "visitor": 50}
SHOWN = 3


@dataclass(frozen=True)
class Extent:
    """What an order would take: keys by kind, persons (None: the warehouse cannot tell), rows and releases.

    `linked` are keys by kind that nobody named, `links` numbers of current links that make their members one
    person, by source and dump.
    """

    keys: Counter[str]
    linked: Counter[str]
    persons: int | None
    records: int
    releases: int
    links: Counter[str]

    @property
    def text(self) -> str:
        """One line for display."""
        persons = "an unknown number of persons" if self.persons is None else counted(self.persons, "person")
        keys = " and ".join(counted(count, kind) for kind, count in sorted(self.keys.items()))
        return (
            f"That is {counted(self.keys.total(), 'key')} ({keys}) of {persons}, with"
            f" {counted(self.records, 'record')} in raw; {counted(self.releases, 'release')} will be deleted."
        )


def extent_of(settings: Settings, order: Order) -> Extent:
    """Count what an order would take; nothing is changed. It reads raw once or twice, as the erasure does."""
    keys, linked = _by_kind(order.keys), _by_kind(order.keys - order.asked)
    texts = sorted(key.text for key in order.keys)
    sources = [s for s in configured_sources(settings).values() if s.identity_space in _spaces(order)]
    persons, links = None, Counter[str]()
    if is_untouched(settings, read_build(settings)):
        with open_warehouse(settings) as connection:
            persons = count_persons(connection, texts)
            links = uniting_links(connection, order.keys, [source.source_id for source in sources])
    return Extent(
        keys, linked, persons, _records(settings, order, sources), len(release_folders(settings)), links
    )


def require_expected(extent: Extent, expected: int | None) -> None:
    """Raise InputError when an erasure takes another number of keys than expected, or suspiciously many."""
    total = extent.keys.total()
    if expected is not None and expected != total:
        raise InputError(
            f"This would erase {counted(total, 'key')}, not the {expected:,} of --expect; nothing was erased."
            " Check the list: links may have come or gone since you looked."
        )
    if expected is not None or not (many := {k: n for k, n in extent.linked.items() if n > MOST[k]}):
        return
    told = " and ".join(
        f"{counted(count, kind)} (usually up to {MOST[kind]})" for kind, count in many.items()
    )
    raise InputError(
        f"Nothing was erased: links add {told} that you did not name, which is rarely one person."
        f"{_links(extent)} If a link is wrong, have it withdrawn or delivered correctly, run `aipl run`, then"
        " erase again; or add --only-these to erase just the keys that you name. If all of them are the"
        f" person's, add --expect {total}."
    )


def _links(extent: Extent) -> str:
    if not extent.links:
        return ""
    places = [f"{count:,} in {place}" for place, count in extent.links.most_common(SHOWN)]
    more = [f"{len(extent.links) - SHOWN:,} more dumps"] if len(extent.links) > SHOWN else []
    return (
        f" {counted(extent.links.total(), 'link')} between members unite them: {', '.join([*places, *more])}."
    )


def _by_kind(keys: Collection[Key]) -> Counter[str]:
    return Counter(key.kind for key in keys)


def _spaces(order: Order) -> set[str]:
    return {key.scope for key in order.keys}


def _records(settings: Settings, order: Order, sources: Collection[Source]) -> int:
    erased = read_erased(settings)
    asked = Erasure(order.erasure_id, "", None, tuple(sorted(map(erased.digest, order.keys))))
    with LoadManifest(settings.manifest) as manifest:
        return sum(count_rows(settings, manifest, source, erased.having(asked)) for source in sources)
