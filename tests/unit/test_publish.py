"""Publishing: what a release holds, who is let through, and what a kill leaves."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from unit.publish_home import build, let_through, make_home

from expectations.results import GateResult
from orchestration.build.state import Build, read_build, write_build
from orchestration.core.errors import EnvironmentStop, QualityStop
from orchestration.core.files import sha256
from orchestration.core.lock import writer_lock
from orchestration.core.privacy.person_key import require_person_key
from orchestration.core.settings import Settings
from orchestration.publish import release as publishing
from orchestration.publish import release_files as publish_release
from orchestration.publish.marts import mart_names
from orchestration.publish.release import publish, read_current

FIRST, SECOND = "1" * 64, "2" * 64
NOON = datetime(2024, 2, 1, 12, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return make_home(tmp_path)


def stock(database: Path) -> int:
    with duckdb.connect(str(database), read_only=True) as connection:
        row = connection.execute("select max(persons) from fct_fast").fetchone()
    assert row is not None
    return int(row[0])


def test_a_release_holds_the_marts_and_says_what_they_are(settings: Settings) -> None:
    let_through(settings, FIRST)
    release = publish(settings, NOON)

    assert release.is_new
    assert release.release_id == "20240201T120000Z-11111111"
    assert sorted(path.name for path in release.folder.iterdir()) == [
        "dim_aipl_stage.parquet",
        "dim_brand.parquet",
        "dim_release.parquet",
        "fct_aipl_daily.parquet",
        "fct_aipl_ledger.parquet",
        "fct_fast.parquet",
        "manifest.json",
        "marts.duckdb",
        "notes.md",
    ]
    manifest = release.manifest
    assert manifest["horizon"] == {"lumen": "2024-01-31"}
    assert manifest["rows"] == {
        "dim_aipl_stage": 1,
        "dim_brand": 1,
        "dim_release": 1,
        "fct_aipl_daily": 0,
        "fct_aipl_ledger": 0,
        "fct_fast": 2,
    }
    assert manifest["rules"] == {"presets": ["consumer_asset"], "sha256": "rules that were built"}
    assert manifest["stale_sources"] == {"old_shop": "no dump since 2024-01-01"}
    assert manifest["loads"] == [
        {"source": "shop", "load_date": "2024-01-02", "files": 1, "rows": 3, "unreadable": 1}
    ]
    judged = GateResult.from_json(json.dumps(manifest["gates"]["marts"]))
    assert {one.table for one in judged.passes} == {"fct_fast", "dim_release", "fct_aipl_ledger"}
    assert len(judged.passes) == len(judged.results)
    assert set(manifest["sha256"]) == {path.name for path in release.folder.iterdir()} - {"manifest.json"}
    for name, checksum in manifest["sha256"].items():
        assert sha256(release.folder / name) == checksum
        assert (release.folder / name).stat().st_mode & 0o222 == 0


def test_marts_are_sorted_and_keep_their_comments(settings: Settings) -> None:
    let_through(settings, FIRST)
    release = publish(settings)
    with duckdb.connect(str(release.folder / "marts.duckdb"), read_only=True) as connection:
        assert connection.execute("select persons from fct_fast").fetchall() == [(0,), (7,)]
        comments = connection.execute(
            "select comment from duckdb_columns() where comment is not null and table_name = 'dim_brand'"
        ).fetchall()
    assert comments == [("the brand's last day",)]


def test_rows_with_persons_are_in_the_order_of_all_columns(settings: Settings) -> None:
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute(
            "create table marts.fct_person_days as select"
            " ['o''neil', 'Zed', 'zed', 'ähnlich', '', null][cast(1 + hash(range) % 6 as integer)]"
            " as brand_id,"
            " case when range % 7 > 0 then 'shop:v:' || hash(range) % 40 end as person_id,"
            " 'many' || hash(range) % 150 as touch_kind, cast(hash(range + 1) % 3 as integer) as max_rating"
            " from range(5000)"
        )
        rows = connection.execute("from marts.fct_person_days").fetchall()
    let_through(settings, FIRST)
    release = publish(settings)

    key = require_person_key(settings)
    expected = [(brand, person and key.person_hash(person), *rest) for brand, person, *rest in rows]
    # Bytes of a text, as the engine compares them, and NULL behind all.
    expected.sort(key=lambda row: [(value is None, str(value or "").encode()) for value in row])
    with duckdb.connect(str(release.folder / "marts.duckdb"), read_only=True) as connection:
        assert connection.execute("from fct_person_days").fetchall() == expected
    parquet = duckdb.read_parquet(str(release.folder / "fct_person_days.parquet"))
    assert parquet.fetchall() == expected


def test_a_view_keeps_its_description_as_a_table(settings: Settings) -> None:
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute("create view marts.fct_seen as select 1 as x")
        connection.execute("comment on view marts.fct_seen is 'One row.'")
    let_through(settings, FIRST)
    release = publish(settings)
    with duckdb.connect(str(release.folder / "marts.duckdb"), read_only=True) as connection:
        described = "select comment from duckdb_tables() where table_name = 'fct_seen'"
        assert connection.execute(described).fetchall() == [("One row.",)]


def add_view(settings: Settings, reads: str) -> None:
    """The mart that is declared a view of releases, cut at the horizon."""
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute(
            "create table marts.fct_person_days as select 'lumen' as brand_id,"
            " 'shop:v:' || range as person_id,"
            " date '2024-01-01' + range::integer as valid_from, date '2024-02-20' as valid_to from range(40)"
        )
        connection.execute("create view intermediate.int_days as from warehouse.marts.fct_person_days")
        connection.execute(
            "create view marts.fct_aipl_stage_history_to_horizon as"
            " select brand_id, person_id, valid_from, least(valid_to, horizon + 1) as valid_to"
            f" from {reads} inner join warehouse.marts.dim_brand using (brand_id) where valid_from <= horizon"
        )
        connection.execute("comment on view marts.fct_aipl_stage_history_to_horizon is 'To the horizon.'")
        connection.execute("comment on column marts.fct_aipl_stage_history_to_horizon.valid_to is 'Its end.'")


def test_a_declared_view_is_one_of_the_release_wherever_its_file_is(
    settings: Settings, tmp_path: Path
) -> None:
    add_view(settings, "warehouse.marts.fct_person_days")
    let_through(settings, FIRST)
    release = publish(settings, NOON)
    settings.warehouse.unlink()
    moved = shutil.copy(release.folder / "marts.duckdb", tmp_path / "moved.duckdb")

    key = require_person_key(settings)
    expected = sorted(
        ("lumen", key.person_hash(f"shop:v:{day}"), date(2024, 1, 1 + day), date(2024, 2, 1))
        for day in range(31)
    )
    parquet = release.folder / "fct_aipl_stage_history_to_horizon.parquet"
    assert duckdb.read_parquet(str(parquet)).fetchall() == expected
    assert release.manifest["rows"]["fct_aipl_stage_history_to_horizon"] == len(expected)
    with duckdb.connect() as connection:
        connection.execute(f"attach '{moved}' as another (read_only)")
        found = connection.execute("from another.fct_aipl_stage_history_to_horizon order by all").fetchall()
        assert found == expected
        told = connection.execute(
            "select table_type, table_comment from information_schema.tables"
            " where table_name = 'fct_aipl_stage_history_to_horizon'"
        ).fetchall()
        assert told == [("VIEW", "To the horizon.")]
        comments = connection.execute(
            "select comment from duckdb_columns()"
            " where table_name = 'fct_aipl_stage_history_to_horizon' and comment is not null"
        ).fetchall()
        assert comments == [("Its end.",)]
        assert "fct_aipl_stage_history_to_horizon" in mart_names(connection, "another")


def test_a_declared_view_that_reads_more_than_marts_is_not_published(settings: Settings) -> None:
    add_view(settings, "warehouse.intermediate.int_days")
    let_through(settings, FIRST)
    with pytest.raises(RuntimeError, match="fct_aipl_stage_history_to_horizon cannot be a view of a release"):
        publish(settings, NOON)
    assert read_current(settings) is None


def test_the_same_build_is_published_once(settings: Settings) -> None:
    let_through(settings, FIRST)
    first = publish(settings)
    again = publish(settings)
    assert not again.is_new
    assert again.release_id == first.release_id
    assert len(list((settings.published / "releases").iterdir())) == 1


@pytest.mark.parametrize(
    ("passed", "seen", "message"),
    [(False, FIRST, "stopped"), (True, SECOND, "has not checked")],
)
def test_only_the_build_that_the_gate_let_through_is_published(
    settings: Settings, passed: bool, seen: str, message: str
) -> None:
    let_through(settings, seen, passed=passed)
    with pytest.raises(QualityStop, match=message):
        publish(settings)
    assert read_current(settings) is None


def test_a_build_without_verdict_or_end_is_not_published(settings: Settings) -> None:
    with pytest.raises(QualityStop, match="has not checked"):
        publish(settings)
    let_through(settings, FIRST)
    write_build(settings, Build("building", "rules", FIRST))
    with pytest.raises(QualityStop, match="no finished build"):
        publish(settings)


def test_a_reader_keeps_the_release_that_it_opened(settings: Settings) -> None:
    let_through(settings, FIRST)
    old = publish(settings)
    with duckdb.connect(str(settings.published / "current" / "marts.duckdb"), read_only=True) as reader:
        build(settings, SECOND, persons=8)
        let_through(settings, SECOND)
        new = publish(settings)
        assert new.release_id != old.release_id
        assert reader.execute("select max(persons) from fct_fast").fetchall() == [(7,)]
    assert stock(old.folder / "marts.duckdb") == 7
    assert stock(new.folder / "marts.duckdb") == 8


class Killed(BaseException):
    """Stands for a kill: no handler of the program may catch it."""


@pytest.mark.parametrize(
    ("module", "step"),
    [
        (publish_release, "copy_marts"),
        (publish_release, "write_ledger"),
        (publish_release, "sha256"),
        (publish_release, "flush_to_disk"),
        (publishing, "flush_to_disk"),
        (publishing, "point_to"),
    ],
)
def test_a_kill_at_any_step_leaves_the_old_release(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, module: object, step: str
) -> None:
    let_through(settings, FIRST)
    old = publish(settings, NOON)
    build(settings, SECOND, persons=8)
    let_through(settings, SECOND)

    def kill(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(module, step, kill)
        with pytest.raises(Killed):
            publish(settings, NOON.replace(hour=13))
    assert (settings.published / "current").resolve() == old.folder
    assert stock(settings.published / "current" / "marts.duckdb") == 7

    new = publish(settings, NOON.replace(hour=14))
    assert (settings.published / "current").resolve() == new.folder
    assert new.manifest["build_id"] == SECOND
    assert [
        path.name for path in (settings.published / "releases").iterdir() if path.name.startswith(".")
    ] == []
    assert len(list((settings.published / "releases").iterdir())) == 2


def test_the_pointer_is_relative_so_that_a_home_can_move(settings: Settings, tmp_path: Path) -> None:
    let_through(settings, FIRST)
    release = publish(settings)
    target = (settings.published / "current").readlink()
    assert not target.is_absolute()
    assert json.loads((settings.published / "current" / "manifest.json").read_text()) == release.manifest


def test_a_damaged_block_is_told_and_built_anew(settings: Settings) -> None:
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute(
            "create table marts.dim_date as select md5(range::varchar) as d from range(200000)"
        )
    let_through(settings, FIRST)
    with settings.warehouse.open("r+b") as stream:
        stream.seek(settings.warehouse.stat().st_size // 2)
        stream.write(b"noise" * 20_000)
    with pytest.raises(EnvironmentStop, match=r"is damaged: .*checksum(.|\n)*`aipl run` rebuilds"):
        publish(settings)
    build = read_build(settings)
    assert build is not None and build.state == "building", "the next run would add to it"
    assert not list((settings.published / "releases").iterdir())


def test_who_was_taken_for_dead_publishes_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_through(settings, FIRST)
    write = publishing.write_release

    def write_while_another_takes_over(*arguments: Any, **keywords: Any) -> None:
        write(*arguments, **keywords)
        (settings.home / ".writer.token").write_text(str(2**63))

    monkeypatch.setattr(publishing, "write_release", write_while_another_takes_over)
    with pytest.raises(EnvironmentStop, match="taken for dead"), writer_lock(settings.home):
        publish(settings)
    assert read_current(settings) is None
