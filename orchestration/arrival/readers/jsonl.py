"""JSON lines: one object a line; scalars keep their text, nested values become compact JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from orchestration.arrival.readers.base import Chunk, StartAgain, check_count, check_names
from orchestration.arrival.readers.chunks import Gathering, text_chunk
from orchestration.arrival.readers.text import exact_lines, flaw, opened, without_end
from orchestration.sources.table import Table


class Number(str):
    """A number as it is written in the dump."""

    __slots__ = ()


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


DECODER = json.JSONDecoder(parse_float=Number, parse_int=Number, parse_constant=_refuse_constant)


def read_jsonl(path: Path, file: str, table: Table, extra: tuple[str, ...] | None = None) -> Iterator[Chunk]:
    """Read JSON lines: the declared columns, then the other keys in the order they first appear.

    `extra` names the other keys beforehand; without it they are those of the first chunk.

    Raises:
        UnreadableDump: no object has a required key, or keys differ only in capitals.
        StartAgain: a key appears that was not known at the first chunk.
    """
    names = dict.fromkeys([*table.columns.declared, *extra]) if extra is not None else None
    seen: dict[str, None] = {}
    gathered = Gathering[dict[str, str | None]]()

    def chunk() -> Chunk:
        nonlocal names
        names = names or dict.fromkeys([*table.columns.declared, *seen])
        if not seen.keys() <= names.keys():
            raise StartAgain(partial(read_jsonl, extra=_all_keys(path, file, table)))
        records = [[record.get(name) for name in names] for record in gathered.records]
        return text_chunk(list(names), records, gathered.rows, gathered.rejects)

    for row, (text, parsed) in enumerate(_records(path, file, table), 1):
        gathered.add(row, text, parsed)
        if not isinstance(parsed, str):
            seen.update(dict.fromkeys(parsed))
            check_count(file, len(seen))
        if gathered.is_full(len(names or seen)):
            yield chunk()
            gathered = Gathering[dict[str, str | None]]()
    if seen:
        check_names(file, list(seen), table)
    yield chunk()


def _all_keys(path: Path, file: str, table: Table) -> tuple[str, ...]:
    keys: dict[str, None] = {}
    for _, parsed in _records(path, file, table):
        if not isinstance(parsed, str):
            keys.update(dict.fromkeys(parsed))
            check_count(file, len(keys))
    return tuple(keys)


def _records(path: Path, file: str, table: Table) -> Iterator[tuple[str, dict[str, str | None] | str]]:
    """Text of each line that is not blank, with its object, or the reason why there is none."""
    names = _Names(table)
    with opened(path, file) as stream:
        for line in exact_lines(stream, file, table.encoding):
            text = without_end(line)
            if text.strip():
                yield text, flaw(text, table.encoding) or _object(text, names)


class _Names(dict[str, str]):
    """Today's name of each key, found once."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def __missing__(self, key: str) -> str:
        self[key] = self._table.column(key)
        return self[key]


def _object(text: str, names: _Names) -> dict[str, str | None] | str:
    try:
        parsed = DECODER.decode(text)
        if not isinstance(parsed, dict):
            return "not a JSON object"
        record = _named(parsed, names)
    except json.JSONDecodeError as error:
        # Without the position, so that rejects of one kind have one reason.
        return f"not JSON: {error.msg}"
    except RecursionError:
        return "nested too deeply"
    except ValueError as error:
        return f"not JSON: {error}"
    if not isinstance(record, str) and "\\u" in text:
        return _unstorable("".join([*record, *filter(None, record.values())])) or record
    return record


def _named(parsed: dict[str, Any], names: _Names) -> dict[str, str | None] | str:
    """The values by today's names of their columns, or why there are none."""
    record: dict[str, str | None] = {}
    for key, value in parsed.items():
        name, text = names[key], _as_text(value)
        # While a column is being renamed, exports have it under both names, and under one it is empty.
        if record.get(name) and text:
            return f"{name} under two names"
        record[name] = text or record.get(name)
    return record


def _unstorable(text: str) -> str | None:
    """Why a text that came from `\\u` escapes cannot be stored."""
    if "\0" in text:
        return "a NUL character"
    return "half of a surrogate pair" if any("\ud800" <= letter <= "\udfff" for letter in text) else None


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return _compact(value)


def _compact(value: Any) -> str:
    """Compact JSON of a parsed value, its numbers as they were written."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{_compact(key)}:{_compact(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_compact, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
