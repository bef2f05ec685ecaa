"""The entry of a new source in the sources file, with its guesses marked."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import yaml

from orchestration.onboarding.columns import Kind
from orchestration.onboarding.survey import Calendar, FoundTable, Survey, missing_days
from orchestration.sources.table import Format

WIDTH = 108
# Code of ISO 4217 for "no currency": it is in no sum of any other.
NO_CURRENCY = "XXX"
MOST_BRANDS = 50


def entry_text(source_id: str, location: str, survey: Survey) -> str:
    """The entry, indented by two, to stand under `sources`."""
    tables = survey.tables
    lines = [
        f"  {source_id}:",
        "    # guess: says what the dumps are, for people.",
        f"    description: {scalar(f'Dumps of {source_id}.')}",
        f"    dumps: {scalar(location)}",
        *_calendar_lines(survey.calendar),
        *_guess(_zone_reason(survey)),
        f"    timezone: {guessed_zone(survey)}",
        *_guess(_currency_reason(survey)),
        f"    currency: {guessed_currency(survey)}",
        "    # guess: "
        + ("those in the column of the brand." if brand_words(tables) else "a shop of one brand."),
        "    brands:",
        *(
            f"      {scalar(brand)}: {{name: {flow([name])[1:-1]}}}"
            for brand, name in _brands(source_id, tables)
        ),
        "    tables:",
    ]
    for table in tables:
        lines += _table_lines(table, survey)
    return "\n".join(lines) + "\n"


def add_entry(text: str, entry: str) -> str:
    """A sources file with one more entry, after the others; all else stays as it is."""
    node = yaml.compose(text) if text.strip() else None
    keys = node.value if isinstance(node, yaml.MappingNode) else []
    found = next(((key, value) for key, value in keys if key.value == "sources"), None)
    if found is None:
        return f"{text.rstrip()}\n\nsources:\n{entry}".lstrip()
    key, sources = found
    lines = text.splitlines()
    last, depth = key.start_mark.line + 1, 2
    if isinstance(sources, yaml.MappingNode) and sources.value:
        depth = sources.value[0][0].start_mark.column
        # The mark of the end is where the next key begins, after the comments that belong to that.
        last = sources.end_mark.line if sources.end_mark.column == 0 else len(lines)
        while not lines[last - 1].strip() or lines[last - 1].startswith("#"):
            last -= 1
    added = textwrap.indent(textwrap.dedent(entry), " " * depth)
    before = "\n".join(lines[:last]) + ("\n\n" if last > key.start_mark.line + 1 else "\n")
    after = "\n".join(lines[last:]).strip("\n")
    return before + added + (f"\n{after}\n" if after else "")


def scalar(value: str) -> str:
    """A text as YAML writes it on one line."""
    return yaml.safe_dump(value, allow_unicode=True, width=10_000).removesuffix("\n").removesuffix("\n...")


def flow(values: Iterable[str]) -> str:
    """Texts as a YAML list on one line."""
    shown = yaml.safe_dump(list(values), allow_unicode=True, width=10_000, default_flow_style=True)
    return shown.removesuffix("\n")


def guessed_zone(survey: Survey) -> str:
    """Zone of the dumps, if anything hints at one."""
    return "Asia/Shanghai" if survey.is_chinese else "UTC"


def guessed_currency(survey: Survey) -> str:
    """Currency that most rows name; else no currency."""
    counts: dict[str, int] = {}
    for table in survey.tables:
        for word, count in ((table.meant["currency"] and table.meant["currency"].words) or {}).items():
            counts[word.strip().upper()] = counts.get(word.strip().upper(), 0) + count
    codes = [code for code in counts if re.fullmatch("[A-Z]{3}", code)]
    return max(codes, key=lambda code: counts[code], default=NO_CURRENCY)


def brand_words(tables: Sequence[FoundTable]) -> dict[str, int]:
    """Values of the columns of brands, where they are few."""
    words: dict[str, int] = {}
    for table in tables:
        for word, count in ((table.meant["brand"] and table.meant["brand"].words) or {}).items():
            words[word.strip()] = words.get(word.strip(), 0) + count
    return words


def is_declared_brand(word: str) -> bool:
    """Whether the sources file can name a brand so."""
    return not set(word) & set("'\"\\") and word.lower() not in ("null", "none", "nan", "n/a", "-")


def _brands(source_id: str, tables: Sequence[FoundTable]) -> list[tuple[str, str]]:
    words = [word for word in brand_words(tables) if is_declared_brand(word)]
    if words:
        return [(word, word) for word in sorted(words)[:MOST_BRANDS]]
    return [(source_id, source_id.replace("_", " ").title())]


def _guess(reason: str) -> Iterator[str]:
    return _comment(f"guess: {reason}", 4) if reason else iter(())


def _comment(text: str, indent: int) -> Iterator[str]:
    lead = " " * indent + "# "
    wrapper = textwrap.TextWrapper(WIDTH, lead, lead, break_on_hyphens=False, break_long_words=False)
    return iter(wrapper.wrap(text))


def _zone_reason(survey: Survey) -> str:
    times = [c for t in survey.tables for c in t.columns if c.kind is Kind.TIME]
    if times and all(column.has_zone for column in times):
        return "all times say their own zone, so this one only divides the days."
    return "the dumps do not say in which zone their times are."


def _currency_reason(survey: Survey) -> str:
    if guessed_currency(survey) == NO_CURRENCY:
        return (
            f"the dumps name no currency; {NO_CURRENCY} is the code for none, and is never added to another."
        )
    return "the one that most rows name."


def _calendar_lines(calendar: Calendar) -> Iterator[str]:
    if calendar.feed == "static":
        yield from _guess("one set of files, which is replaced as a whole; `daily` if each day adds a file.")
        yield "    feed: static"
        return
    yield from _guess("each day adds a file.")
    yield "    feed: daily"
    yield from _guess("the newest times in the files, against the dates in their names.")
    yield f"    covers: {calendar.covers}"
    if calendar.closed_weekdays:
        yield from _guess("these weekdays have no file.")
        yield f"    closed: {{weekdays: {flow(calendar.closed_weekdays)}}}"


def _table_lines(table: FoundTable, survey: Survey) -> Iterator[str]:
    sample, meant = table.sample, table.meant
    yield f"      {table.name}:"
    if not meant.entities:
        yield "        # No staging model reads it: nothing shows what it is."
    yield f"        files: {scalar(table.group.pattern)}"
    yield from _format_lines(table)
    if survey.calendar.feed == "daily" and missing_days(table, survey.tables):
        yield "        # guess: some days have no file of it."
        yield "        may_be_empty: true"
    yield "        columns:"
    yield from _list("required", sample.always or sample.columns[:1], 10)
    if rest := [name for name in sample.columns if name not in (sample.always or sample.columns[:1])]:
        yield from _list("optional", rest, 10)
    if not meant.entities:
        return
    yield from _list("not_null", _never_null(table), 8)
    vocabulary = {
        column.name: column.words
        for meaning in ("kind", "status")
        if (column := meant[meaning]) and column.words and not column.within
    }
    if vocabulary:
        yield "        # guess: the words of the files that were looked at are all."
        yield "        vocabulary:"
        for name, words in vocabulary.items():
            yield from _list(scalar(name), words, 10)
    identifiers = {
        kind: column.name
        for kind in ("member", "visitor", "order")
        if (column := meant[kind]) is not None and not column.within
    }
    if identifiers:
        named = ", ".join(f"{kind}: {flow([name])}" for kind, name in identifiers.items())
        yield f"        identifiers: {{{named}}}"
    time = meant["updated_at"] or meant["created_at"]
    if time and not time.within:
        if time.other_format:
            yield from _comment(f"guess: it may as well be {time.other_format}.", 8)
        shown = f"column: {flow([time.name])[1:-1]}"
        shown += "" if time.format == "iso" else f", format: {quote(time.format)}"
        yield f"        event_time: {{{shown}}}"


def _format_lines(table: FoundTable) -> Iterator[str]:
    sample = table.sample
    yield f"        format: {sample.format}"
    if sample.encoding != "utf-8":
        yield f"        encoding: {sample.encoding}"
    if sample.format is Format.CSV and sample.delimiter != ",":
        yield f'        delimiter: "{sample.delimiter.replace(chr(9), chr(92) + "t")}"'
    if table.decimal_mark:
        yield f'        decimal_mark: "{table.decimal_mark}"'
    if sample.format is Format.CSV and not sample.has_header:
        yield "        # guess: the first row is no header; give the columns their names."
        yield "        header: false"


def quote(text: str) -> str:
    """A text in double quotation marks, as YAML reads it, where it needs any."""
    return text if text.isidentifier() else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _never_null(table: FoundTable) -> list[str]:
    meanings = ("order", "event", "refund", "review", "membership", "product", "created_at", "kind", "status")
    needed = meanings[:-4] if "products" not in table.meant.entities else ("product",)
    found = [table.meant[meaning] for meaning in (*needed, "created_at", "kind", "status")]
    names = [column.name for column in found if column and column.is_full and not column.within]
    return list(dict.fromkeys(names))


def _list(key: str, values: Iterable[str] | Mapping[str, int], indent: int) -> Iterator[str]:
    shown = flow(values)
    if shown == "[]":
        return iter(())
    lead = f"{' ' * indent}{key}: "
    # Wrapped after commas only, where YAML reads the same list.
    pieces = [piece if n == 0 else f" {piece}" for n, piece in enumerate(_pieces(list(values)))]
    lines, line = [], lead
    for piece in pieces:
        if len(line) + len(piece) > WIDTH and line.strip() != lead.strip():
            lines.append(line.rstrip())
            line = " " * (indent + 2) + piece.strip()
        else:
            line += piece
    return iter([*lines, line])


def _pieces(values: Sequence[str]) -> list[str]:
    shown = [flow([value])[1:-1] for value in values]
    return [
        ("[" if n == 0 else "") + text + ("]" if n == len(shown) - 1 else ",") for n, text in enumerate(shown)
    ]


def location_text(folder: Path, sources_file: Path) -> str:
    """Folder of the dumps as the entry names it: relative where it lies below the sources file."""
    resolved = folder.expanduser().resolve()
    below = sources_file.parent
    return str(resolved.relative_to(below) if resolved.is_relative_to(below) else resolved)
