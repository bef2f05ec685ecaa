"""What staging tells of words that it does not know, and of devices: the macros, without dbt."""

from __future__ import annotations

import duckdb
import pytest
from sql_macros import duckdb_macros

from orchestration.sample_shop import World
from orchestration.sample_shop.persons import crawlers, device

MACROS = duckdb_macros("staging/devices.sql", "staging/roles.sql")
WORLD = World()
SHOPPERS = {device(WORLD, kind, number) for kind in ("phone", "computer") for number in range(200)}
AGENTS = {
    "": None,
    "okhttp/4.12.0": "app",
    "Dalvik/2.1.0 (Linux; U; Android 13)": "app",
    "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)": "mobile_web",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/17.5 Safari/605": "desktop",
    "SomeTool/1.0": "other",
    **{one.agent: one.kind for one in SHOPPERS},
}


def test_a_user_agent_tells_the_device() -> None:
    assert len(AGENTS) > 10 and {one.kind for one in crawlers(WORLD)} == {"other"}
    found = duckdb.execute(
        f"select agent, {MACROS.device_of_agent('agent')} from (select unnest($agents) as agent)",
        {"agents": list(AGENTS)},
    ).fetchall()
    assert dict(found) == AGENTS
    assert duckdb.sql(f"select {MACROS.device_of_agent('null::varchar')}").fetchall() == [(None,)]


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("toaster", "currency spelling, device unknown: toaster"),
        ("tv, wall", "currency spelling, device unknown: tv  wall"),
        ("x" * 99, f"currency spelling, device unknown: {'x' * 40}"),
        ("app", "currency spelling"),
    ],
)
def test_an_unknown_word_is_told_short_and_without_a_comma(word: str, told: str) -> None:
    changes = [("true", "currency spelling"), ("word <> 'app'", "device unknown", "word")]
    sql = f"select {MACROS.changes_of_row(changes)} from (select $word as word)"
    assert duckdb.execute(sql, {"word": word}).fetchall() == [(told,)]
