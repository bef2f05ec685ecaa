"""What is no error and yet hardly meant: tables and brands declared and not there, or the reverse."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping

from orchestration.arrival.configured import Arrival
from orchestration.build.state import read_build
from orchestration.build.warehouse import TABLES, open_warehouse
from orchestration.core.printable import counted
from orchestration.core.settings import Settings
from orchestration.publish.marts import open_marts
from orchestration.publish.release import Release
from orchestration.sources.source import Source

SHOWN = 5
BRANDS = "select brand_id, string_split(source_ids, ', ') from dim_brand where not is_unbranded"
IS_THERE = (
    f"select 1 from ({TABLES}) where schema_name = 'intermediate' and table_name = 'int_orders_settled'"
)
ORDERS = "select 1 from intermediate.int_orders_settled where source_id = $source"
# Each ends at the first row that it finds.
HAS_ORDERS, HAS_BUYERS = f"{ORDERS} limit 1", f"{ORDERS} and person_id is not null limit 1"


def notes(settings: Settings, arrival: Arrival, release: Release | None) -> list[str]:
    """A line each for what is worth a look in the loads and the brands of a release, by source."""
    lines = [*missing_tables(arrival), *unread_tables(arrival, read_by_staging(settings))]
    if release is not None:
        lines += brand_notes(arrival.sources, release)
    return lines


def buyer_notes(settings: Settings, sources: Iterable[str]) -> list[str]:
    """A line for each source of whose orders none has a person, by the last build: releases do not say.

    Nothing before the first build, and after one that did not finish.
    """
    build = read_build(settings)
    if build is None or build.state != "complete":
        return []
    with open_warehouse(settings) as connection:
        if not connection.execute(IS_THERE).fetchone():
            return []
        anonymous = [
            source
            for source in sources
            if connection.execute(HAS_ORDERS, {"source": source}).fetchone()
            and not connection.execute(HAS_BUYERS, {"source": source}).fetchone()
        ]
    return [
        f"{source}: none of its orders has a person: they count as money, and nobody is in P or L by them."
        f" If the dumps name buyers, map member_id or visitor_id in stg_{source}__orders"
        for source in anonymous
    ]


def missing_tables(arrival: Arrival) -> Iterator[str]:
    """Tables that a static source declares and nobody has delivered, though it has others."""
    for source_id, source in arrival.sources.items():
        came = {version.table_name for version in arrival.of(source_id).effective_of(source.tables)}
        missing = [name for name, table in source.tables.items() if name not in came | _may_lack(source)]
        if source.feed == "static" and came and missing:
            yield f"{source_id}: no dump of {_some(missing)} came, which the sources file declares"


def unread_tables(arrival: Arrival, read: Mapping[str, Collection[str]]) -> Iterator[str]:
    """Delivered tables that no staging model of their source reads; `read` are those that one does."""
    for source_id, source in arrival.sources.items():
        rows: dict[str, int] = {}
        for version in arrival.of(source_id).effective_of(source.tables):
            rows[version.table_name] = rows.get(version.table_name, 0) + (version.row_count or 0)
        for name, count in rows.items():
            if source_id in read and name not in read[source_id]:
                yield f"{source_id}: no staging model reads {name}: its {counted(count, 'row')} feed nothing"


def read_by_staging(settings: Settings) -> dict[str, set[str]]:
    """Tables of raw that staging reads, by source, as dbt parsed the project; empty before it did.

    So are those that it is not meant to read: `meta: {unread: true}` where it declares them.
    """
    try:
        manifest = json.loads((settings.dbt_target / "manifest.json").read_text())
    except (FileNotFoundError, ValueError):
        return {}
    read: dict[str, set[str]] = {}
    for node in manifest["nodes"].values():
        if not node["original_file_path"].startswith("models/staging/"):
            continue
        for key in node["depends_on"]["nodes"]:
            if key in manifest["sources"]:
                table = manifest["sources"][key]
                read.setdefault(table["source_name"], set()).add(table["identifier"])
    for table in manifest["sources"].values():
        if table["config"].get("meta", {}).get("unread"):
            read.setdefault(table["source_name"], set()).add(table["identifier"])
    return read


def brand_notes(sources: Mapping[str, Source], release: Release) -> Iterator[str]:
    """Brands of a release that their source does not declare, and declared ones that it has not."""
    with open_marts(release.folder) as connection:
        columns = {name for name, *_ in connection.execute("describe dim_brand").fetchall()}
        if "source_ids" not in columns:
            # A release of an older program.
            return
        found = {brand: set(of) for brand, of in connection.execute(BRANDS).fetchall()}
    for source_id, source in sources.items():
        own = sorted(brand for brand, of in found.items() if source_id in of)
        if own and source.brands:
            unknown = [brand for brand in own if brand not in source.brands]
            empty = [brand for brand in source.brands if brand not in found]
            yield from _of_brands(source_id, unknown, empty)


def _of_brands(source_id: str, unknown: list[str], empty: list[str]) -> Iterator[str]:
    cure = f"Correct `brands` of {source_id} in the sources file"
    if unknown:
        none = f"; {_some(empty)} has none" if empty else ""
        yield f"{source_id}: rows of brand {_some(unknown)}, which is not declared{none}. {cure}"
    elif empty:
        yield f"{source_id}: no rows of brand {_some(empty)}, which is declared. {cure} unless it is new"


def _may_lack(source: Source) -> set[str]:
    return {name for name, table in source.tables.items() if table.may_be_empty}


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - SHOWN:,} more" if len(listed) > SHOWN else ""
    return ", ".join(listed[:SHOWN]) + more
