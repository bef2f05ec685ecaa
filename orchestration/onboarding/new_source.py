"""`aipl new-source`: write the entry and the staging of a new source from its dumps, and ask what is left."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from orchestration.arrival.dumps import open_dumps
from orchestration.core.atomic import replacing
from orchestration.core.errors import InputError
from orchestration.core.printable import counted, shortened
from orchestration.core.redact import refuse_credentials
from orchestration.core.settings import Settings
from orchestration.onboarding.columns import Kind
from orchestration.onboarding.entry import (
    NO_CURRENCY,
    add_entry,
    brand_words,
    entry_text,
    guessed_currency,
    guessed_zone,
    location_text,
)
from orchestration.onboarding.staging import staging_files
from orchestration.onboarding.survey import FoundTable, Survey, missing_days, survey
from orchestration.sources.source import load_sources

NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


@dataclass(frozen=True)
class Written:
    """The files that were written, and what is told of them."""

    files: list[Path]
    lines: list[str]


def new_source(settings: Settings, source_id: str, location: str, variables: dict[str, str]) -> Written:
    """Look at the dumps and write the source's entry and staging folder; nothing existing is overwritten.

    `variables` are those that the sources file may name.

    Raises InputError where the name is taken or no dump can be read.
    """
    if not NAME.fullmatch(source_id):
        raise InputError(f"{source_id} is no name of a source. Write small letters, digits and single `_`.")
    refuse_credentials(location, "The location of the dumps")
    path, text = settings.sources_file, ""
    if path.exists():
        text = path.read_text(encoding="utf-8")
        if re.search(r"^sources:", text, re.MULTILINE) and source_id in load_sources(path, variables):
            raise InputError(f"{path} declares a source {source_id}. Take another name, or remove it there.")
    folder = settings.dbt_project / "models" / "staging" / source_id
    if folder.exists():
        raise InputError(f"{folder} exists. Take another name, or remove the folder.")
    found = survey(source_id, open_dumps(location))
    if not found.tables:
        reasons = [f"  {name}: {reason}" for name, reason in list(found.not_read.items())[:10]]
        raise InputError("\n".join([f"{location} has no dump that can be read.", *reasons]))
    where = location if "://" in location else location_text(Path(location), path)
    declared = add_entry(text, entry_text(source_id, where, found))
    staging = staging_files(source_id, found)
    with replacing(path) as part:
        part.write_text(declared, encoding="utf-8")
        # It replaces the old one only if it can be read, and the folder is there.
        load_sources(part, variables)
        folder.mkdir(parents=True)
        for name, content in staging.items():
            (folder / name).write_text(content, encoding="utf-8")
    files = [path, *(folder / name for name in staging)]
    return Written(files, list(_report(settings, source_id, found, files)))


def _report(settings: Settings, source_id: str, found: Survey, files: list[Path]) -> Iterator[str]:
    for table in found.tables:
        yield from _about(table)
    for name, reason in list(found.not_read.items())[:10]:
        yield f"{name} is not read: {reason}."
    yield from found.warnings
    yield ""
    yield f"Wrote the entry of {source_id} in {files[0]}, and in {files[-1].parent}:"
    yield from (f"  {path.name}" for path in files[1:])
    yield ""
    yield "Guesses are marked `guess:`. Questions that the dumps do not answer:"
    yield from (f"{number}. {text}" for number, text in enumerate(questions(source_id, found), 1))
    yield ""
    yield f"Next: `aipl try-source {source_id}` stages it in a throw-away place; then `aipl run`."


def _about(table: FoundTable) -> Iterator[str]:
    sample, names = table.sample, table.group.names
    days = sorted(table.group.load_dates.values())
    span = f" of {days[0]} to {days[-1]}" if days else ""
    form = str(sample.format)
    if sample.format == "csv":
        form += f", delimiter {sample.delimiter!r}" + ("" if sample.has_header else ", no header")
    feeds = ", ".join(table.meant.entities) or "nothing"
    many = counted(len(names), "file")
    yield f"{table.name}: {many}{span} ({table.group.pattern}), {form}, {sample.encoding}"
    yield f"  feeds {feeds}; unique: {_unique(table)}"
    for column in table.columns:
        shown = ", ".join(shortened(text, 30) for text in column.samples)
        kind = f"{column.kind}" + (f" {column.format}" if column.format else "")
        kind += " with its zone" if column.has_zone else ""
        share = "" if column.is_full else f", filled in {column.filled / max(column.rows, 1):.0%}"
        yield f"  {column.name}: {kind}{share}: {shown}"


def _unique(table: FoundTable) -> str:
    return ", ".join(c.name for c in table.columns if c.is_unique and not c.format) or "no column"


def questions(source_id: str, found: Survey) -> Iterator[str]:
    """What only a person can answer."""
    yield from _about_source(found)
    if not brand_words(found.tables):
        yield f"Is it a shop of one brand? `brands` says {source_id}, and so does each staging model."
    for table in found.tables:
        yield from _about_table(table, found)


def _about_source(found: Survey) -> Iterator[str]:
    times = [c for t in found.tables for c in t.columns if c.kind is Kind.TIME]
    local = [column for column in times if not column.has_zone]
    if local or not times:
        example = f" {local[0].samples[0]!r} says none." if local else ""
        yield f"In which time zone are the times?{example} `timezone` says {guessed_zone(found)}."
    if guessed_currency(found) == NO_CURRENCY:
        yield f"In which currency is the money? `currency` says {NO_CURRENCY}, no currency."
    calendar = found.calendar
    if calendar.feed == "static":
        yield "Are these files replaced as a whole (`feed: static`), or does each day add one (`daily`)?"
        return
    yield f"Which day is complete with the file of a day? `covers` says {calendar.covers}."
    yield f"Since which day are they complete? `starts_on` does not say; the first is of {calendar.first}."
    if calendar.missing:
        days = _days(list(calendar.missing))
        yield f"Are files missing? There is none of {days}. Days without a file go under `closed`."


def _about_table(table: FoundTable, found: Survey) -> Iterator[str]:
    meant, name = table.meant, table.name
    for entity in meant.also:
        yield f"{name}: it looks like {entity} too, which another table feeds. Is it to be added there?"
    if not meant.entities:
        if not meant.also:
            yield f"{name}: what is it? No staging model reads it."
        return
    if found.calendar.feed == "daily" and (without := missing_days(table, found.tables)):
        yield f"{name}: may a day have none? There is no file of {_days(without)}."
    yield from _about_columns(table)
    if meant["kind"] and "events" in meant.entities:
        kinds = [f"{word} is {touch}" for word, touch in meant.touch_kinds.items()]
        kinds += [f"{word} is an order" for word in meant.purchases]
        kinds += [f"{word} is unknown, and rejected" for word in meant.unknown_kinds]
        yield f"{name}: what do the words in {meant['kind'].name} mean? {'; '.join(kinds)}."
    elif "events" in meant.entities:
        yield f"{name}: what did people do? No column says it, so all events are one kind."
    if "orders" in meant.entities:
        yield from _about_orders(table)
    branded = {"events", "order_lines", "reviews", "memberships", "products"} & set(meant.entities)
    if branded and not meant["brand"] and brand_words(found.tables):
        yield f"{name}: which brand are its rows of? Only other tables name brands."
    person = meant["member"] or meant["visitor"]
    if person is None and {"events", "orders", "reviews"} & set(meant.entities):
        yield f"{name}: who is the person? No column says it, so its rows are of nobody."
    elif person is not None:
        role = "member (an account)" if meant["member"] else "visitor (a device or cookie)"
        yield f"{name}: is {person.name} the {role}, with one number for one person?"


def _about_columns(table: FoundTable) -> Iterator[str]:
    name = table.name
    for column in table.columns:
        read = [one.within for one in table.meant.columns.values() if one.within]
        if column.kind in (Kind.OBJECT, Kind.LIST) and column.name not in read:
            yield f"{name}: what is in {column.name}? It holds a {column.kind}, which no staging model reads."
        if column.other_format:
            yield (
                f"{name}: is {column.name} {column.samples[0]!r} {column.format} or {column.other_format}?"
                " No day after the 12th tells."
            )
    if not table.sample.has_header:
        yield f"{name}: what are the names of its {len(table.columns)} columns? It has no header."


def _about_orders(table: FoundTable) -> Iterator[str]:
    meant, name = table.meant, table.name
    status = meant["status"]
    if meant["paid_at"]:
        yield f"{name}: is {meant['paid_at'].name} the time of payment?"
    elif status is None:
        yield f"{name}: is each row an order that was paid? No column tells of a payment or a state."
    else:
        states = [word for word in status.words or () if word not in (*meant.paid, *meant.cancelled)]
        yield (
            f"{name}: which words in {status.name} mean paid, which cancelled? Paid: {_or_none(meant.paid)};"
            f" cancelled: {_or_none(meant.cancelled)}; neither: {_or_none(states)}."
        )
    if table.repeats == "lines":
        total = "repeat its total" if table.has_order_totals else "are summed"
        yield f"{name}: an order has several rows; they {total}. Is that so?"


def _or_none(words: list[str] | tuple[str, ...]) -> str:
    return ", ".join(words) or "none"


def _days(days: list[date]) -> str:
    shown = ", ".join(str(day) for day in days[:5])
    return shown if len(days) <= 5 else f"{shown} and {len(days) - 5} more"
