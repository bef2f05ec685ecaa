"""What a folder of dumps holds: its tables, each with its files, its columns and what they may mean."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import PurePosixPath

import pyarrow as pa

from orchestration.arrival.dumps import Dump, Dumps
from orchestration.core.database import connect
from orchestration.onboarding.columns import Column, Kind, describe, describe_fields, json_path, quoted
from orchestration.onboarding.file_names import FileGroup, group_files, joined_pattern, numbers_as_stars
from orchestration.onboarding.meanings import Meant, folded, guess, is_line, is_order, meanings
from orchestration.onboarding.samples import NotRead, Sample, take_sample
from orchestration.sources.calendar import WEEKDAYS
from orchestration.sources.table import Format

# Files of a table that are looked at: its first, its last, and some between.
LOOKED_AT = 4
# The column that identifies a row of an entity.
KEYS = {
    "events": "event",
    "orders": "order",
    "order_lines": "order",
    "refunds": "refund",
    "reviews": "review",
    "memberships": "membership",
    "products": "product",
}
NUMBERS = {"amount", "unit_price", "quantity", "rating"}
NOT_NAMES = {"dataset", "dump", "dumps", "export", "exports", "data", "table", "tbl", "csv", "full", "daily"}


@dataclass(frozen=True)
class Items:
    """Lines of an order as a list of JSON: the column, the path in it, and its fields by meaning."""

    column: str
    path: str
    fields: Mapping[str, Column]


@dataclass(frozen=True)
class FoundTable:
    """A table in the dumps.

    `repeats` says why an order has several rows: `lines` (its products), `versions` (its states), or nothing.
    `has_order_totals` means that the rows of an order repeat one amount, that of the whole order.
    """

    name: str
    group: FileGroup
    sample: Sample
    columns: tuple[Column, ...]
    meant: Meant
    repeats: str = ""
    has_order_totals: bool = False
    items: Items | None = None

    @property
    def decimal_mark(self) -> str | None:
        """The comma, if its numbers have one and none has a point: then its entry declares it."""
        columns = [*self.meant.columns.items(), *(self.items.fields.items() if self.items else ())]
        numbers = [column for meaning, column in columns if meaning in NUMBERS]
        has_comma = any(column.kind is Kind.COMMA_NUMBER for column in numbers)
        return "," if has_comma and not any(column.has_point for column in numbers) else None

    def column(self, name: str) -> Column:
        """A column by its name."""
        return next(column for column in self.columns if column.name == name)


@dataclass(frozen=True)
class Calendar:
    """When files come: the load dates, and what a file of one day holds."""

    feed: str
    covers: str = ""
    first: date | None = None
    last: date | None = None
    closed_weekdays: tuple[str, ...] = ()
    missing: tuple[date, ...] = ()


@dataclass(frozen=True)
class Survey:
    """Tables, files that no table takes with the reason, the calendar, and the letters that texts have."""

    tables: list[FoundTable]
    not_read: dict[str, str]
    calendar: Calendar
    is_chinese: bool = False
    warnings: list[str] = field(default_factory=list)


def survey(source_id: str, place: Dumps) -> Survey:
    """Look at the dumps: at the names of all, and at the beginning of a few of each table."""
    dumps, warnings = place.files()
    by_name = {dump.name: dump for dump in dumps}
    samples: dict[str, list[Sample]] = {}
    groups: list[FileGroup] = []
    not_read: dict[str, str] = {}
    alike: dict[str, list[FileGroup]] = {}
    for group in group_files(list(by_name)):
        alike.setdefault(numbers_as_stars(group.pattern), []).append(group)
    for found in alike.values():
        # Of thousands of parts a few are looked at.
        first = None
        for position, group in enumerate(found):
            if position < LOOKED_AT or first is None:
                try:
                    first = take_sample(place, by_name[group.names[0]])
                except NotRead as error:
                    not_read |= {name: str(error) for name in group.names}
                    continue
            samples[group.pattern] = [first]
            groups.append(group)
    groups = _join_parts(groups, samples, list(by_name))
    tables: list[FoundTable] = []
    names = _table_names(source_id, groups)
    for group in groups:
        first = samples[group.pattern][0]
        more = _some(group.names)[1:]
        looked_at = [first, *(_like(first, place, by_name[name], not_read) for name in more)]
        tables.append(_table(names[group.pattern], group, [one for one in looked_at if one]))
    tables = _named_by_meaning(_one_table_of_each_entity(tables))
    texts = " ".join(
        text for table in tables for column in table.columns for text in (column.name, *column.samples)
    )
    return Survey(tables, not_read, _calendar(tables), bool(re.search("[\u4e00-\u9fff]{2}", texts)), warnings)


def _some(names: Sequence[str]) -> list[str]:
    step = max(1, (len(names) - 1) // (LOOKED_AT - 1))
    return list(dict.fromkeys([*names[::step][: LOOKED_AT - 1], names[-1]]))


def _like(first: Sample, place: Dumps, dump: Dump, not_read: dict[str, str]) -> Sample | None:
    try:
        sample = take_sample(place, dump, first)
    except NotRead as error:
        not_read[dump.name] = str(error)
        return None
    return sample if sample.format is first.format else None


def _join_parts(
    groups: list[FileGroup], samples: dict[str, list[Sample]], names: Sequence[str]
) -> list[FileGroup]:
    """Join groups that differ by a number or a part of the name, where their columns are the same."""
    joined: list[FileGroup] = []
    by_layout: dict[tuple[object, ...], list[FileGroup]] = {}
    for group in groups:
        sample = samples[group.pattern][0]
        keys = sample.layout if sample.has_header and sample.format is not Format.JSONL else (group.pattern,)
        by_layout.setdefault(keys, []).append(group)
    for alike in by_layout.values():
        own = {name for group in alike for name in group.names}
        pattern = joined_pattern(alike, [name for name in names if name not in own]) if alike[1:] else None
        if pattern is None:
            joined += alike
            continue
        samples[pattern] = samples[alike[0].pattern]
        joined.append(FileGroup(pattern, tuple(sorted(own))))
    return joined


def _table_names(source_id: str, groups: Sequence[FileGroup]) -> dict[str, str]:
    """A name for each pattern, of the words that only it has."""
    words = {group.pattern: _words(group.pattern) for group in groups}
    common = Counter(word for found in words.values() for word in set(found))
    everywhere = {word for word, count in common.items() if count == len(words) > 1}
    dropped = NOT_NAMES | everywhere | set(source_id.split("_"))
    names: dict[str, str] = {}
    for pattern, found in words.items():
        own = [word for word in found if word not in dropped] or found
        name = "_".join(own)
        name = name if re.match("[a-z]", name) else f"table_{name}".rstrip("_")
        taken = set(names.values())
        names[pattern] = next(
            candidate
            for candidate in [name, *(f"{name}_{number}" for number in range(2, 1000))]
            if candidate not in taken
        )
    return names


def _words(pattern: str) -> list[str]:
    plain = re.sub(r"\{[^{}]*\}|\*", " ", pattern)
    stem = PurePosixPath(plain).name.split(".")[0] or plain
    found = re.findall("[a-z]+[0-9]*|[0-9]+", folded(stem))
    return found or re.findall("[a-z]+[0-9]*", folded(str(PurePosixPath(plain).parent)))


def _one_table_of_each_entity(tables: list[FoundTable]) -> list[FoundTable]:
    """Where several tables look like one entity, the one that says most of it feeds it."""
    best: dict[str, FoundTable] = {}
    for table in tables:
        for entity in table.meant.entities:
            if entity not in best or _says_more(entity, table) > _says_more(entity, best[entity]):
                best[entity] = table
    return [
        replace(table, meant=replace(table.meant, entities=kept, also=left))
        for table in tables
        for kept in [tuple(entity for entity in table.meant.entities if best[entity] is table)]
        for left in [tuple(entity for entity in table.meant.entities if best[entity] is not table)]
    ]


def _says_more(entity: str, table: FoundTable) -> tuple[bool, ...]:
    meant, key = table.meant, table.meant[KEYS[entity]]
    is_whole = key is not None and (key.is_unique or entity == "order_lines")
    is_told = any(meant[one] for one in ("status", "paid_at", "line", "product_name"))
    return is_whole, is_told, bool(meant["member"] or meant["visitor"]), bool(meant["amount"])


def _named_by_meaning(tables: list[FoundTable]) -> list[FoundTable]:
    """A table whose files have no name in Latin letters is called after its first entity."""
    taken = {table.name for table in tables}
    named = []
    for table in tables:
        name = table.meant.entities[0] if table.meant.entities else ""
        is_nameless = table.name.startswith("table") and name and name not in taken
        named.append(replace(table, name=name) if is_nameless else table)
        taken.add(named[-1].name)
    return named


def _table(name: str, group: FileGroup, samples: Sequence[Sample]) -> FoundTable:
    rows = pa.concat_tables([sample.rows for sample in samples], promote_options="default")
    always = tuple(
        column for column in samples[0].always if all(column in sample.always for sample in samples[1:])
    )
    first = replace(
        samples[0],
        columns=tuple(rows.column_names),
        always=always,
        is_whole=all(sample.is_whole for sample in samples),
    )
    newest = max(group.load_dates.values(), default=None)
    columns = describe(rows, newest)
    inside = {
        column.name: describe_fields(rows, column.name, newest)
        for column in columns
        if column.kind in (Kind.OBJECT, Kind.LIST)
    }
    orders = [column for column in columns if column.kind is Kind.OBJECT and is_order(inside[column.name])]
    meant = guess(name, group.pattern, columns, inside[orders[0].name] if orders else ())
    repeats, has_totals = _repeats(rows, meant)
    items = _items(rows, columns, orders[0].name if orders else "", inside)
    if items and "orders" in meant.entities:
        meant = replace(meant, entities=tuple(dict.fromkeys([*meant.entities, "order_lines"])))
    return FoundTable(name, group, first, tuple(columns), meant, repeats, has_totals, items)


def _items(
    rows: pa.Table, columns: Sequence[Column], order: str, inside: Mapping[str, list[Column]]
) -> Items | None:
    """The list of the lines of an order: a column of its own, or inside the order."""
    for column in columns:
        if column.kind is Kind.LIST and is_line(inside[column.name]):
            return Items(column.name, "$", _as_items(inside[column.name]))
    for field_ in inside.get(order, ()):
        if field_.kind is Kind.LIST:
            lists = [_field(text, field_.name) for text in rows.column(order).to_pylist()]
            fields = describe_fields(pa.table({field_.name: lists}), field_.name)
            if is_line(fields):
                return Items(order, json_path(field_.name), _as_items(fields))
    return None


def _field(text: str | None, name: str) -> str | None:
    try:
        return json.dumps(json.loads(text or "null")[name])
    except (ValueError, KeyError, TypeError):
        return None


def _as_items(fields: Sequence[Column]) -> dict[str, Column]:
    return {meaning: replace(field_, within="item") for meaning, field_ in meanings(fields).items()}


def _repeats(rows: pa.Table, meant: Meant) -> tuple[str, bool]:
    order, product, amount = meant["order"], meant["product"] or meant["line"], meant["amount"]
    if order is None or "orders" not in meant.entities or order.is_unique or order.within:
        return "", False
    wanted = {"goods": product, "amount": amount}
    counts = ", ".join(
        f"count(distinct {quoted(column.name)})" if column else "0" for column in wanted.values()
    )
    with connect() as connection:
        connection.register("rows", rows)
        found = connection.sql(
            f"select count(*), {counts} from rows where {quoted(order.name)} is not null"
            f" group by {quoted(order.name)} having count(*) > 1"
        ).fetchall()
    if not found:
        return "", False
    if not any(goods > 1 for _, goods, _ in found):
        return "versions", False
    return "lines", amount is not None and all(amounts == 1 for _, _, amounts in found)


def _calendar(tables: Sequence[FoundTable]) -> Calendar:
    dated = {table.name: set(table.group.load_dates.values()) for table in tables}
    days = sorted({day for found in dated.values() for day in found})
    if len(days) < 2 or not all(dated.values()):
        return Calendar("static")
    behind: Counter[int] = Counter()
    for table in tables:
        time = table.meant["updated_at"] or table.meant["created_at"]
        if time and time.kind in (Kind.TIME, Kind.DAY):
            newest = date.fromisoformat(time.usual_last[:10])
            behind[(max(dated[table.name]) - newest).days] += 1
    covers = "same_day" if behind and behind.most_common(1)[0][0] <= 0 else "previous_day"
    expected = {days[0] + timedelta(days=n) for n in range((days[-1] - days[0]).days + 1)}
    missing = expected - set(days)
    closed = tuple(
        name
        for number, name in enumerate(WEEKDAYS)
        if (on := {day for day in expected if day.weekday() == number}) and on <= missing and len(on) > 1
    )
    left = sorted(day for day in missing if WEEKDAYS[day.weekday()] not in closed)
    return Calendar("daily", covers, days[0], days[-1], closed, tuple(left))


def missing_days(table: FoundTable, tables: Sequence[FoundTable]) -> list[date]:
    """Load dates of which other tables have a file and this one has none."""
    all_days: Mapping[date, None] = dict.fromkeys(
        sorted({day for one in tables for day in one.group.load_dates.values()})
    )
    own = set(table.group.load_dates.values())
    return [day for day in all_days if day not in own]
