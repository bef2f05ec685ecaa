"""State of an older program is upgraded or made anew, state of a newer one is refused; neither is misread."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from unit.publish_home import let_through, make_home

from orchestration.alerts.outbox import SCHEMA as OUTBOX_0
from orchestration.alerts.outbox import Outbox
from orchestration.arrival.dbt_inputs import FILES, forget_applied, write_arrival
from orchestration.arrival.erasing.order import read_order
from orchestration.arrival.manifest import FORMATS, LoadManifest, State
from orchestration.build.state import GateRecord, read_build, read_gate
from orchestration.core.errors import EnvironmentStop
from orchestration.core.privacy.erased import read_erased
from orchestration.core.settings import Settings
from orchestration.core.versions import migrate
from orchestration.publish.query import run_query
from orchestration.publish.release import publish, read_current
from orchestration.publish.rollback import rollbacks

# As version 0.1.0 made it.
LOADS_0_1_0 = (Path(__file__).parent / "old_state" / "loads-0.1.0.sql").read_text()
ROW = (
    "insert into file_versions values (7, 'shop', 'orders', 'a.csv', '2024-09-02', 'v', 'c', '{}', 10, 2,"
    " 'accepted', null, 1, 'contract')"
)


def sqlite(path: Path, script: str) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)
    return path


def user_version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("pragma user_version").fetchone()[0]


def test_a_manifest_of_0_1_0_is_upgraded_and_keeps_every_row(tmp_path: Path) -> None:
    path = sqlite(tmp_path / "loads.sqlite", f"{LOADS_0_1_0}; {ROW}")
    assert user_version(path) == 0
    for _ in range(2):
        with LoadManifest(path) as manifest:
            (version,) = manifest.versions("shop")
        assert (version.version_id, version.row_count, version.unreadable_count) == (7, 10, 2)
        assert (version.state, version.load_date) == (State.ACCEPTED, date(2024, 9, 2))
        assert version.erased_count == 0 and user_version(path) == len(FORMATS)


def test_an_upgraded_manifest_is_the_same_as_a_new_one(tmp_path: Path) -> None:
    old, new = sqlite(tmp_path / "old.sqlite", LOADS_0_1_0), tmp_path / "new.sqlite"
    tables = []
    for path in (old, new):
        LoadManifest(path).close()
        with closing(sqlite3.connect(path)) as connection:
            tables.append(
                connection.execute(
                    "select m.name, c.* from sqlite_master m, pragma_table_info(m.name) c"
                ).fetchall()
            )
    assert tables[0] == tables[1] and len(tables[0]) > 20


def test_an_upgrade_that_does_not_end_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = sqlite(tmp_path / "loads.sqlite", f"{LOADS_0_1_0}; {ROW}")
    steps = (*FORMATS, "create table added (x integer); insert into file_versions values (1)")
    with (
        closing(sqlite3.connect(path, isolation_level=None)) as connection,
        pytest.raises(sqlite3.OperationalError, match="file_versions has"),
    ):
        migrate(connection, path, steps)
    assert user_version(path) == len(FORMATS)
    with LoadManifest(path) as manifest:
        assert len(manifest.versions("shop")) == 1
    with closing(sqlite3.connect(path)) as connection:
        assert not connection.execute("select 1 from sqlite_master where name = 'added'").fetchall()


def test_an_outbox_without_a_number_is_upgraded(tmp_path: Path) -> None:
    path = sqlite(tmp_path / "alerts.sqlite", OUTBOX_0)
    with Outbox(path) as outbox:
        assert outbox.open_incidents() == []
    assert user_version(path) == 1


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = make_home(tmp_path)
    let_through(settings, "1" * 64)
    publish(settings, datetime(2024, 2, 1, tzinfo=UTC))
    return settings


def put_format(path: Path) -> None:
    content = json.loads(path.read_text())
    path.chmod(0o644)
    path.write_text(json.dumps({**content, "format": 99}))


def newer_manifest(settings: Settings) -> Path:
    LoadManifest(settings.manifest).close()
    return sqlite(settings.manifest, "pragma user_version = 99")


def newer_outbox(settings: Settings) -> Path:
    return sqlite(settings.alerts, "pragma user_version = 99")


def newer_json(name: str) -> Callable[[Settings], Path]:
    def make(settings: Settings) -> Path:
        path = settings.home / name
        path.parent.mkdir(exist_ok=True)
        if not path.exists():
            path.write_text('{"erasures": []}')
        put_format(path)
        return path

    return make


@pytest.mark.parametrize(
    ("make", "read"),
    [
        (newer_manifest, lambda settings: LoadManifest(settings.manifest)),
        (newer_outbox, lambda settings: Outbox(settings.alerts)),
        (newer_json("warehouse/state.json"), read_build),
        (newer_json("warehouse/gate.json"), read_gate),
        (newer_json("published/current/manifest.json"), read_current),
        (newer_json("published/current/manifest.json"), lambda settings: run_query(settings, "select 1")),
        (newer_json("published/rollbacks.json"), rollbacks),
        (newer_json("erasures/list.json"), read_erased),
        (newer_json("erasures/order.json"), read_order),
    ],
)
def test_what_a_newer_program_wrote_is_refused_with_the_way_out(
    settings: Settings, make: Callable[[Settings], Path], read: Callable[[Settings], object]
) -> None:
    path = make(settings)
    content = path.read_bytes()
    with pytest.raises(EnvironmentStop, match=r"has format 99; this program knows formats up to \d") as told:
        read(settings)
    assert str(path.name) in str(told.value) and "Run that version or a later one" in str(told.value)
    assert told.value.exit_code == 2 and path.read_bytes() == content


@pytest.mark.parametrize("content", ["[", '{"format": 2}', "[1]", "7", '{"format": 2, "rollbacks": [{}]}'])
def test_a_damaged_record_of_rollbacks_is_told(settings: Settings, content: str) -> None:
    (settings.published / "rollbacks.json").write_text(content)
    with pytest.raises(EnvironmentStop, match=r"rollbacks.json is damaged"):
        rollbacks(settings)


def test_a_build_of_0_1_0_is_known_and_made_anew(settings: Settings) -> None:
    settings.build_state.write_text('{"state": "complete", "fingerprint": "f", "build_id": "b"}')
    found = read_build(settings)
    assert found is not None and (found.state, found.rules, found.warehouse) == ("complete", "", "")
    gate = {"build_id": "b", "passed": True, "finished_at": "2024-01-01T00:00:00+00:00", "results": {}}
    settings.build_state.with_name("gate.json").write_text(json.dumps(gate))
    assert read_gate(settings) == GateRecord(**gate)


def test_a_list_of_applied_files_of_another_format_is_begun_anew(settings: Settings) -> None:
    applied = settings.arrival / "applied.parquet"
    forget_applied(settings)
    before = applied.stat().st_mtime_ns
    write_arrival(settings, {})
    assert applied.stat().st_mtime_ns == before
    # Of a program that knew no unreadable rows.
    duckdb.sql("select 'shop' as source_id, 'a.csv' as file").write_parquet(str(applied))
    os.utime(applied, ns=(before, before))
    write_arrival(settings, {})
    assert pq.read_schema(applied).equals(FILES) and pq.read_metadata(applied).num_rows == 0
