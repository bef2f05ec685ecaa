"""File patterns of the sources file: `*`, `**/` and `{load_date}` become a regular expression."""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import cache
from typing import NamedTuple

DATE_PARTS = {"Y": r"\d{4}", "m": r"\d{2}", "d": r"\d{2}", "j": r"\d{3}", "y": r"\d{2}", "%": "%"}


class FileMatch(NamedTuple):
    """A dump that a pattern matches, with the load date in its name, if the pattern has one."""

    load_date: date | None


def match_file(files: str, relative_path: str) -> FileMatch | None:
    """Match a path relative to the dumps; a date that no calendar has (2024-13-45) is no match."""
    expression, date_format = compile_pattern(files)
    found = expression.fullmatch(relative_path)
    if found is None or date_format is None:
        return found and FileMatch(None)
    try:
        return FileMatch(datetime.strptime(found["load_date"], date_format).date())
    except ValueError:
        return None


@cache
def compile_pattern(files: str) -> tuple[re.Pattern[str], str | None]:
    """Turn a `files` pattern into a regular expression and the format of its load date, if it has one.

    Raises:
        ValueError: a placeholder is unknown, or the load date is not a whole day.
    """
    pattern, date_format = "", None
    for piece in re.split(r"(\{[^{}]*\}|\*\*/|\*)", files):
        if piece == "**/":
            pattern += "(?:.*/)?"
        elif piece == "*":
            pattern += "[^/]*"
        elif piece.startswith("{"):
            this_format = _date_format(piece)
            if date_format not in (None, this_format):
                raise ValueError(f"files: {files} writes the load date in two ways; use one")
            pattern += "(?P=load_date)" if date_format else f"(?P<load_date>{_date_pattern(this_format)})"
            date_format = this_format
        else:
            pattern += re.escape(piece)
    return re.compile(pattern), date_format


def _date_format(placeholder: str) -> str:
    if placeholder == "{load_date}":
        return "%Y-%m-%d"
    if placeholder.startswith("{load_date:%") and len(placeholder) > len("{load_date:%}"):
        return placeholder[len("{load_date:") : -1]
    raise ValueError(f"files: {placeholder} is not known; write {{load_date}} or {{load_date:%Y%m%d}}")


def _date_pattern(date_format: str) -> str:
    pattern, parts = "", set()
    for code, text in re.findall(r"%(.)|([^%]+)", date_format):
        if code and code not in DATE_PARTS:
            raise ValueError(f"files: %{code} is not known in a load date; use %Y, %m and %d")
        parts.add(code)
        pattern += DATE_PARTS[code] if code else re.escape(text)
    if not (parts & {"Y", "y"} and ({"m", "d"} <= parts or "j" in parts)):
        raise ValueError(f"files: {date_format} does not name a whole day; use %Y, %m and %d")
    return pattern
