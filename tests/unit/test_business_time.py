"""Local times to UTC and business days: the macros of staging against Python's own zones."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import duckdb
import jinja2
import pytest

from orchestration.core.settings import PROJECT_ROOT

ZONES = ["America/Sao_Paulo", "Europe/London", "Asia/Shanghai", "UTC"]
# Around them clocks are put forward and back, a leap day ends, years and ages begin.
MOMENTS = ["2018-11-04", "2018-02-18", "2024-03-31T01", "2024-10-27T01", "2024-02-29", "2024-03-01"]
MOMENTS += ["1970-01-01", "2000-01-01", "9999-12-30"]
BEYOND = ["0001-01-01 00:00:00", "10000-01-01 00:00:00", "294247-01-10 04:00:54", "infinity", "-infinity"]
BEYOND += [
    "290308-12-22 (BC) 00:00:00",
    "2023-02-29 10:00:00",
    "2024-13-01",
    "",
    "'; drop table x; --",
    "=now()",
]


def macro(name: str, zone: str, *arguments: str) -> str:
    """SQL of a macro of staging, for a source in a zone."""
    macros = PROJECT_ROOT / "dbt_project" / "macros"
    files = ("staging/business_time.sql", "engine/functions.sql")
    source = "\n".join((macros / file).read_text() for file in files)
    environment = jinja2.Environment(extensions=["jinja2.ext.do"])
    module = None
    environment.globals["return"] = lambda value: value
    environment.globals["source_setting"] = lambda _, key: zone if key == "timezone" else {}
    dispatch = lambda name: getattr(module, f"duckdb__{name}")  # noqa: E731
    environment.globals["adapter"] = SimpleNamespace(dispatch=dispatch)
    module = environment.from_string(source).module
    return str(getattr(module, name)(*arguments))


def converted(zone: str, texts: list[str]) -> list[tuple[datetime | None, date | None]]:
    utc = macro("utc_from_local", zone, "t", "shop")
    day = macro("business_date", zone, "utc", "shop")
    with duckdb.connect() as connection:
        return connection.execute(
            f"select utc, {day} from (select n, {utc} as utc from"
            " (select unnest($texts) as t, unnest(range(len($texts))) as n)) order by n",
            {"texts": texts},
        ).fetchall()


def expected(local: datetime, zone: ZoneInfo) -> datetime:
    """Of a time that clocks show twice the later one; of a skipped one what the old offset gives."""
    both = [local.replace(tzinfo=zone, fold=fold).astimezone(UTC).replace(tzinfo=None) for fold in (0, 1)]
    shown = [
        moment for moment in both if moment.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None) == local
    ]
    return max(shown) if shown else both[0]


@pytest.mark.parametrize("zone", ZONES)
def test_clock_changes_leap_days_and_ages(zone: str) -> None:
    minutes = [timedelta(minutes=15 * step) for step in range(-16, 17)]
    locals_ = [datetime.fromisoformat(moment) + minute for moment in MOMENTS for minute in minutes]
    found = converted(zone, [f"{local:%Y-%m-%d %H:%M:%S}" for local in locals_])
    for local, (utc, day) in zip(locals_, found, strict=True):
        assert utc == expected(local, ZoneInfo(zone)), local
        back = utc.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        assert day == back.date()
        # A clock that was put forward at midnight skips no day.
        assert day == local.date()


@pytest.mark.parametrize("zone", ZONES)
def test_what_is_no_time_of_any_age_is_null(zone: str) -> None:
    assert converted(zone, BEYOND) == [(None, None)] * len(BEYOND)


def test_unix_seconds_from_the_first_to_the_last_year() -> None:
    sql = macro("utc_from_unix", "UTC", "t")
    expected = {
        "0": datetime(1970, 1, 1),
        "-1": datetime(1969, 12, 31, 23, 59, 59),
        "1709164800": datetime(2024, 2, 29),
        "253402300799": datetime(9999, 12, 31, 23, 59, 59),
    } | dict.fromkeys(["253402300800", "9223372036854775807", "1e400", "x", ""])
    with duckdb.connect() as connection:
        found = connection.execute(f"select t, {sql} from (select unnest($1) as t)", [list(expected)])
        assert dict(found.fetchall()) == expected
