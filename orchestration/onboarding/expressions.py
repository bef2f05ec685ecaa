"""Columns of dumps as SQL and Jinja write them in staging models."""

from __future__ import annotations

import re
from functools import cache

from orchestration.core.database import connect
from orchestration.onboarding.columns import Column, json_path, quoted

# Words that the linter of SQL cannot read as names although the engine can.
MORE_RESERVED = {"date", "time", "timestamp", "interval", "row", "rows", "values", "value", "index", "key"}


def identifier(name: str) -> str:
    """A column in SQL, quoted where it must be."""
    is_plain = re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name) is not None
    return name if is_plain and name.lower() not in _reserved() else quoted(name)


@cache
def _reserved() -> frozenset[str]:
    with connect() as connection:
        found = connection.sql(
            "select keyword_name from duckdb_keywords() where keyword_category <> 'unreserved'"
        )
        return frozenset(MORE_RESERVED | {name for (name,) in found.fetchall()})


def jinja(text: str) -> str:
    """A text as a literal of Jinja."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def sql(text: str) -> str:
    """A text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def plain(column: Column) -> str:
    """A column, or a field of one of JSON, in SQL."""
    return f"{{{{ {_json(column)} }}}}" if column.within else identifier(column.name)


def argument(column: Column) -> str:
    """The same as an argument of a macro."""
    return _json(column) if column.within else jinja(identifier(column.name))


def _json(column: Column) -> str:
    return f"json_text({jinja(identifier(column.within))}, {jinja(json_path(column.name))})"


def moment(column: Column, source_id: str) -> str:
    """Jinja of the UTC time of a column."""
    name = argument(column)
    if column.format == "iso":
        return f"{{{{ utc_from_local({name}, '{source_id}') }}}}"
    return f"{{{{ utc_from_text({name}, '{source_id}', {jinja(column.format)}) }}}}"
