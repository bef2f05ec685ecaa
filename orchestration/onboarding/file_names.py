"""Names of dumps to `files` patterns: where the load date stands, and which files differ by a number only."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from orchestration.sources.file_pattern import compile_pattern, match_file

_YEAR, _MONTH, _DAY = r"(?:19|20)\d\d", r"(?:0[1-9]|1[0-2])", r"(?:0[1-9]|[12]\d|3[01])"
# Forms of a date in a name, the surest first. Where day and month can be told apart by no name, day first.
DATE_FORMATS = {
    "%Y-%m-%d": rf"{_YEAR}-{_MONTH}-{_DAY}",
    "%Y_%m_%d": rf"{_YEAR}_{_MONTH}_{_DAY}",
    "%Y.%m.%d": rf"{_YEAR}\.{_MONTH}\.{_DAY}",
    "%Y/%m/%d": rf"{_YEAR}/{_MONTH}/{_DAY}",
    "%d-%m-%Y": rf"{_DAY}-{_MONTH}-{_YEAR}",
    "%d.%m.%Y": rf"{_DAY}\.{_MONTH}\.{_YEAR}",
    "%d_%m_%Y": rf"{_DAY}_{_MONTH}_{_YEAR}",
    "%m-%d-%Y": rf"{_MONTH}-{_DAY}-{_YEAR}",
    "%m_%d_%Y": rf"{_MONTH}_{_DAY}_{_YEAR}",
    # A time of day may follow at once.
    "%Y%m%d": rf"{_YEAR}{_MONTH}{_DAY}(?=(?:\d\d(?:\d\d){{1,2}})?(?!\d))",
    "%d%m%Y": rf"{_DAY}{_MONTH}{_YEAR}(?!\d)",
}
_NUMBER = re.compile(r"\{[^{}]*\}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d+")


@dataclass(frozen=True)
class FileGroup:
    """Dumps of one table: the pattern that matches them, and their names."""

    pattern: str
    names: tuple[str, ...]

    @property
    def load_dates(self) -> dict[str, date]:
        """Load date of each file that has one in its name."""
        found = {name: match_file(self.pattern, name) for name in self.names}
        return {name: match.load_date for name, match in found.items() if match and match.load_date}


def group_files(names: Sequence[str]) -> list[FileGroup]:
    """Group dumps by their name without its date."""
    grouped: dict[str, list[str]] = {}
    date_format = _format_of_all(names)
    for name in sorted(names):
        grouped.setdefault(_with_placeholder(name, date_format), []).append(name)
    return [FileGroup(pattern, tuple(members)) for pattern, members in grouped.items()]


def numbers_as_stars(pattern: str) -> str:
    """A pattern in which each number that is not part of a placeholder is `*`."""
    return _NUMBER.sub(lambda found: found[0] if found[0].startswith("{") else "*", pattern)


def joined_pattern(groups: Sequence[FileGroup], others: Iterable[str]) -> str | None:
    """One pattern for several groups that matches none of the other names; `None` if there is none."""
    first, *rest = [group.pattern for group in groups]
    starred = {numbers_as_stars(pattern) for pattern in [first, *rest]}
    common = starred.pop() if len(starred) == 1 else _around_star(first, rest)
    names = [name for group in groups for name in group.names]
    if common is None or not all(match_file(common, name) for name in names):
        return None
    return None if any(match_file(common, name) for name in others) else common


def _around_star(first: str, rest: Sequence[str]) -> str | None:
    """What all patterns begin and end with, around one `*`; `None` if that leaves no name to go by."""
    head = next((n for n in range(len(first)) if any(p[: n + 1] != first[: n + 1] for p in rest)), len(first))
    tail = next((n for n in range(len(first) - head) if any(p[-n - 1 :] != first[-n - 1 :] for p in rest)), 0)
    common = f"{first[:head]}*{first[len(first) - tail :]}"
    is_broken = any(common.count(mark) % 2 for mark in "{}") or "{" in first[head : len(first) - tail]
    crosses = any("/" in pattern[head : len(pattern) - tail] for pattern in [first, *rest])
    return None if is_broken or crosses else common


def _format_of_all(names: Sequence[str]) -> str | None:
    """The form of a date that most names have, and none contradicts; day before month where both fit."""
    counts = {form: sum(any(_dates(name, form)) for name in names) for form in DATE_FORMATS}
    most = max(counts.values(), default=0)
    return next((form for form, count in counts.items() if count == most), None) if most else None


def _dates(name: str, date_format: str) -> Iterator[re.Match[str]]:
    for found in re.finditer(rf"(?<!\d){DATE_FORMATS[date_format]}", name):
        try:
            datetime.strptime(found[0], date_format)
        except ValueError:
            continue
        yield found


def _with_placeholder(name: str, preferred: str | None) -> str:
    forms = dict.fromkeys([*([preferred] if preferred else []), *DATE_FORMATS])
    for form in forms:
        if found := list(_dates(name, form)):
            # A name with several dates tells the span of its rows: it was made after the last.
            placeholder = "{load_date}" if form == "%Y-%m-%d" else f"{{load_date:{form}}}"
            pattern = name.replace(found[-1][0], placeholder)
            if _compiles(pattern) and match_file(pattern, name):
                return pattern
    return name


def _compiles(pattern: str) -> bool:
    try:
        compile_pattern(pattern)
    except ValueError:
        return False
    return True
