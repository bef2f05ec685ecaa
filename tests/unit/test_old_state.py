"""State of another program: upgraded, made anew or refused, and never misread."""

from __future__ import annotations

import json
import os
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from unit.publish_home import let_through, make_home

from orchestration.alerts.findings import RECOVERED, Subject
from orchestration.alerts.outbox import Outbox
from orchestration.arrival.configured import read_arrival
from orchestration.arrival.dbt_inputs import FILES, forget_applied, write_arrival
from orchestration.arrival.erasing.order import read_order
from orchestration.arrival.file_versions import State
from orchestration.arrival.manifest import FORMAT, SCHEMA, LoadManifest
from orchestration.build.state import read_build, read_gate
from orchestration.core.errors import EnvironmentStop
from orchestration.core.privacy.erased import read_erased
from orchestration.core.settings import Settings
from orchestration.core.versions import migrate
from orchestration.nightly.status import status_text
from orchestration.publish.query import run_query
from orchestration.publish.rejects.listing import Selection, find_rejects
from orchestration.publish.release import publish, read_current
from orchestration.publish.rollback import rollbacks

ROW = (
    "insert into file_versions values (7, 'shop', 'orders', 'a.csv', '2024-09-02', 'v', 'c', '{}', 10, 2,"
    " 'accepted', null, 1, 'contract')"
)
RETIRED = "create table retired_before (source_id text primary key, kept_from text not null) strict"


def sqlite(path: Path, script: str) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)
    return path


def version_and_tables(path: Path) -> tuple[int, dict[str, list[str]]]:
    with closing(sqlite3.connect(path)) as connection:
        ((version,),) = connection.execute("pragma user_version")
        made = connection.execute("select name, sql from sqlite_master where type = 'table'")
        return version, {name: re.findall(r"\w+|[^\s\w]", sql) for name, sql in made}


def test_a_manifest_of_format_3_is_upgraded_whole_or_not_at_all(tmp_path: Path) -> None:
    new, old = tmp_path / "new.sqlite", tmp_path / "old.sqlite"
    LoadManifest(new).close()
    schema = SCHEMA.replace(",\n    decided_at text", "").replace(
        RETIRED, "create table retirements (source_id text, kept_from text)"
    )
    taken = "insert into retirements values ('shop', '2024-01-01'), ('shop', '2024-02-01')"
    sqlite(old, f"{schema}; create table first_pulls (x text); {ROW}; {taken}; pragma user_version = 3")
    cut = {3: "drop table first_pulls; insert into file_versions values (1)"}
    with (
        closing(sqlite3.connect(old, isolation_level=None)) as connection,
        pytest.raises(sqlite3.OperationalError, match="file_versions has"),
    ):
        migrate(connection, old, FORMAT, SCHEMA, cut)
    version, tables = version_and_tables(old)
    assert version == 3 and "first_pulls" in tables
    for _ in range(2):
        with LoadManifest(old) as manifest:
            (load,) = manifest.versions("shop")
            assert manifest.retired_before() == {"shop": date(2024, 2, 1)}
        assert (load.version_id, load.row_count, load.unreadable_count) == (7, 10, 2)
        assert (load.state, load.load_date) == (State.ACCEPTED, date(2024, 9, 2))
        assert version_and_tables(old) == version_and_tables(new)


OLD_ALERTS = """
create table incidents (
    incident_id integer primary key, scope text not null, key text not null, kind text not null,
    severity text not null, owner text not null, title text not null, text text not null, link text,
    runbook text, opened_at text not null, seen_at text not null, recovered_at text
) strict;
create unique index one_open_incident on incidents (scope, key) where recovered_at is null;
create table alerts (
    alert_id integer primary key, incident_id integer not null references incidents, event text not null,
    created_at text not null, is_routed integer not null default 0
) strict;
create index alerts_of_incident on alerts (incident_id);
create table deliveries (
    alert_id integer not null references alerts, route text not null, state text not null,
    tries integer not null, next_try_at text not null, reason text, delivered_at text,
    primary key (alert_id, route)
) strict;
create index deliveries_of_route on deliveries (route, state, next_try_at);
insert into incidents values
(1, 'run', 'warehouse', 'run_failed', 'critical', 'p', 'stopped', 't', null, null,
 '2026-01-01T00:00:00+00:00', '2026-01-01T00:00:00+00:00', '2026-01-02T00:00:00+00:00'),
(2, 'gate/marts', 'm.r', 'gate_failed', 'warning', 'p', 'off', 't', 'page', 'book',
 '2026-01-01T00:00:00+00:00', '2026-01-01T00:00:00+00:00', null);
insert into alerts values (1, 1, 'recovered', '2026-01-02T00:00:00+00:00', 1),
(2, 2, 'opened', '2026-01-01T00:00:00+00:00', 1);
insert into deliveries values (1, 'team', 'pending', 1, '2026-01-02T00:00:00+00:00', 'down', null),
(2, 'team', 'delivered', 1, '2026-01-01T00:00:00+00:00', null, '2026-01-01T00:05:00+00:00');
pragma user_version = 1
"""


def test_alerts_of_format_1_are_upgraded_with_all_that_they_knew(tmp_path: Path) -> None:
    new, old = tmp_path / "new.sqlite", sqlite(tmp_path / "old.sqlite", OLD_ALERTS)
    Outbox(new).close()
    for _ in range(2):
        with Outbox(old) as outbox:
            (incident,) = outbox.open_incidents()
            (pending,) = outbox.deliveries("pending")
            told = outbox.told(2), outbox.heard_at(2)
            name = outbox.warehouse
        assert (incident.incident_id, incident.finding.key, incident.finding.runbook) == (2, "m.r", "book")
        assert (incident.finding.subject, incident.finding.patience) == (Subject(), timedelta())
        assert (pending.alert.event, pending.reason) == ("closed", "down")
        assert pending.alert.incident.end == RECOVERED
        assert told == (["team"], datetime(2026, 1, 1, 0, 5, tzinfo=UTC))
        version, tables = version_and_tables(old)
        assert (version, tables) == version_and_tables(new)
    with Outbox(old) as outbox:
        assert outbox.warehouse == name
        outbox.observe("gate/marts", [], datetime(2026, 1, 3, tzinfo=UTC), lambda _: RECOVERED)
        assert outbox.open_incidents() == []


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = make_home(tmp_path)
    let_through(settings, "1" * 64)
    publish(settings, datetime(2024, 2, 1, tzinfo=UTC))
    return settings


def put_format(settings: Settings, name: str) -> Path:
    """Give a state file a format that a newer program may have."""
    path = settings.home / name
    if path.suffix == ".sqlite":
        return sqlite(path, "pragma user_version = 99")
    path.parent.mkdir(exist_ok=True)
    content = json.loads(path.read_text()) if path.exists() else {"erasures": []}
    if path.exists():
        path.chmod(0o644)
    path.write_text(json.dumps({**content, "format": 99}))
    return path


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("loads.sqlite", lambda settings: LoadManifest(settings.manifest)),
        ("alerts.sqlite", lambda settings: Outbox(settings.alerts)),
        ("warehouse/state.json", read_build),
        ("warehouse/gate.json", read_gate),
        ("published/current/manifest.json", read_current),
        ("published/current/manifest.json", lambda settings: run_query(settings, "select 1")),
        ("published/rollbacks.json", rollbacks),
        ("erasures/list.json", read_erased),
        ("erasures/order.json", read_order),
    ],
)
def test_what_a_newer_program_wrote_is_refused_with_the_way_out(
    settings: Settings, name: str, read: Callable[[Settings], object]
) -> None:
    path = put_format(settings, name)
    content = path.read_bytes()
    with pytest.raises(EnvironmentStop, match=r"has format 99; this program knows formats up to \d") as told:
        read(settings)
    assert path.name in str(told.value) and "Run that version or a later one" in str(told.value)
    assert told.value.exit_code == 2 and path.read_bytes() == content


def test_a_manifest_of_an_old_program_is_refused_with_the_way_out(tmp_path: Path) -> None:
    path = sqlite(tmp_path / "loads.sqlite", "create table file_versions (x text)")
    with pytest.raises(EnvironmentStop, match=r"has format 0, .* knows formats from 3. .* AIPL_HOME"):
        LoadManifest(path)
    assert version_and_tables(path)[0] == 0


@pytest.mark.parametrize("content", ["[", '{"format": 2}', "[1]", "7", '{"format": 2, "rollbacks": [{}]}'])
def test_a_damaged_record_of_rollbacks_is_told(settings: Settings, content: str) -> None:
    (settings.published / "rollbacks.json").write_text(content)
    with pytest.raises(EnvironmentStop, match=r"rollbacks.json is damaged"):
        rollbacks(settings)


def test_a_list_of_applied_files_of_another_format_is_begun_anew(settings: Settings) -> None:
    applied = settings.arrival / "applied.parquet"
    forget_applied(settings)
    before = applied.stat().st_mtime_ns
    write_arrival(settings, read_arrival(settings, {}))
    assert applied.stat().st_mtime_ns == before
    duckdb.sql("select 'shop' as source_id, 'a.csv' as file").write_parquet(str(applied))
    os.utime(applied, ns=(before, before))
    write_arrival(settings, read_arrival(settings, {}))
    assert pq.read_schema(applied).equals(FILES) and pq.read_metadata(applied).num_rows == 0


def test_a_lost_manifest_is_not_made_anew_by_a_look_at_it(settings: Settings) -> None:
    (settings.landing / "shop" / "0123456789ab").mkdir(parents=True)
    for look in (status_text, lambda settings: find_rejects(settings, Selection())):
        with pytest.raises(EnvironmentStop, match=r"loads.sqlite is damaged: it is gone or empty"):
            look(settings)
    assert not settings.manifest.exists()
