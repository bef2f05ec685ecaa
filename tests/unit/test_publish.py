"""Publishing: what a release holds, who is let through, and what a kill leaves."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

import duckdb
import pytest
from unit.publish_home import (
    NOON,
    build,
    killed_at,
    let_through,
    make_home,
    query,
    stock,
)

from expectations.contracts import read_contracts
from expectations.results import GateResult
from orchestration.build.state import Build, read_build, write_build
from orchestration.core.errors import EnvironmentStop, QualityStop
from orchestration.core.files import sha256
from orchestration.core.privacy.person_key import require_person_key
from orchestration.core.settings import Settings
from orchestration.publish import release as publishing
from orchestration.publish import release_files as publish_release
from orchestration.publish.difference import difference
from orchestration.publish.release import publish, read_current

FIRST, SECOND = "1" * 64, "2" * 64
VIEW = "fct_aipl_stage_history_to_horizon"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A home whose build the gate let through."""
    settings = make_home(tmp_path)
    let_through(settings, FIRST)
    return settings


def test_a_release_holds_the_marts_and_says_what_they_are(settings: Settings) -> None:
    release = publish(settings, NOON)

    assert release.is_new
    assert release.release_id == "20240201T120000Z-11111111"
    files = {path.name: path for path in release.folder.iterdir()}
    manifest = release.manifest
    assert manifest["horizon"] == {"lumen": "2024-01-31"}
    dimensions = {"dim_aipl_stage": 1, "dim_brand": 1, "dim_release": 1}
    assert manifest["rows"] == dimensions | {"fct_aipl_daily": 0, "fct_aipl_ledger": 0, "fct_fast": 2}
    parquet = {f"{mart}.parquet" for mart in manifest["rows"]}
    assert files.keys() == parquet | {"manifest.json", "marts.duckdb", "notes.md"}
    assert manifest["rules"] == {"presets": ["consumer_asset"], "sha256": "rules that were built"}
    assert manifest["stale_sources"] == {"old_shop": "no dump since 2024-01-01"}
    assert manifest["loads"] == [
        {"source": "shop", "load_date": "2024-01-02", "files": 1, "rows": 3, "unreadable": 1}
    ]
    judged = GateResult.from_json(json.dumps(manifest["gates"]["marts"]))
    assert {one.table for one in judged.passes} == {"fct_fast", "dim_release", "fct_aipl_ledger"}
    assert len(judged.passes) == len(judged.results)
    assert set(manifest["sha256"]) == files.keys() - {"manifest.json"}
    for name, checksum in manifest["sha256"].items():
        assert sha256(files[name]) == checksum
        assert files[name].stat().st_mode & 0o222 == 0

    again = publish(settings)
    assert (again.release_id, again.is_new) == (release.release_id, False)
    assert len(list((settings.published / "releases").iterdir())) == 1
    pointer = settings.published / "current"
    assert not pointer.readlink().is_absolute(), "else it would not move with the home"
    assert json.loads((pointer / "manifest.json").read_text()) == manifest


def comments(release: Path, mart: str) -> dict[object, object]:
    return dict(
        query(release, f"select column_name, comment from duckdb_columns() where table_name = '{mart}'")
    )


def test_marts_are_sorted_tables_with_the_descriptions_of_their_files(settings: Settings) -> None:
    contracts = read_contracts(settings.dbt_project)
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute("create view marts.fct_person_states as select 'shop:m:1' as person_id")
    folder = publish(settings).folder
    assert query(folder, "select persons from fct_fast") == [(0,), (7,)]
    brand, state = (
        {column.name: column.description for column in contracts[mart].columns}
        for mart in ("dim_brand", "fct_person_states")
    )
    assert comments(folder, "dim_brand") == {name: brand[name] for name in ("brand_id", "horizon")}
    hashed = {"person_id": f"{state['person_id']} Here a keyed hash of it."}
    assert comments(folder, "fct_person_states") == hashed
    of_table = "select comment from duckdb_tables() where table_name = 'fct_person_states'"
    assert query(folder, of_table) == [(contracts["fct_person_states"].description,)]


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
    folder = publish(settings).folder

    key = require_person_key(settings)
    expected = [(brand, person and key.person_hash(person), *rest) for brand, person, *rest in rows]
    # Bytes of a text, as the engine compares them, and NULL behind all.
    expected.sort(key=lambda row: [(value is None, str(value or "").encode()) for value in row])
    assert query(folder, "from fct_person_days") == expected
    assert duckdb.read_parquet(str(folder / "fct_person_days.parquet")).fetchall() == expected


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
            f"create view marts.{VIEW} as"
            " select brand_id, person_id, valid_from, least(valid_to, horizon + 1) as valid_to"
            f" from {reads} inner join warehouse.marts.dim_brand using (brand_id) where valid_from <= horizon"
        )


def test_a_declared_view_is_one_of_the_release_wherever_its_file_is(
    settings: Settings, tmp_path: Path
) -> None:
    add_view(settings, "warehouse.marts.fct_person_days")
    release = publish(settings, NOON)
    settings.warehouse.unlink()
    moved = tmp_path / "moved"
    shutil.copytree(release.folder, moved)

    key = require_person_key(settings)
    expected = sorted(
        ("lumen", key.person_hash(f"shop:v:{day}"), date(2024, 1, 1 + day), date(2024, 2, 1))
        for day in range(31)
    )
    assert duckdb.read_parquet(str(release.folder / f"{VIEW}.parquet")).fetchall() == expected
    assert release.manifest["rows"][VIEW] == len(expected)
    assert query(moved, f"from {VIEW} order by all") == expected
    contract = read_contracts(settings.dbt_project)[VIEW]
    told = f"select table_type, table_comment from information_schema.tables where table_name = '{VIEW}'"
    assert query(moved, told) == [("VIEW", contract.description)]
    described = {column.name: column.description for column in contract.columns}
    assert comments(moved, VIEW)["valid_to"] == described["valid_to"]


def test_views_alone_have_no_rows_of_their_own_and_may_read_each_other(
    settings: Settings, tmp_path: Path
) -> None:
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute(
            "create view marts.fct_comparison as select persons as value, 'sum' as unit"
            " from warehouse.marts.fct_fast"
        )
        connection.execute(
            "create view marts.campaign_effect as select value as lift from warehouse.marts.fct_comparison"
        )
    release = publish(settings, NOON)
    settings.warehouse.unlink()

    moved = tmp_path / "moved"
    shutil.copytree(release.folder, moved)
    assert query(moved, "from campaign_effect order by all") == [(0,), (7,)]
    told = "select table_name, table_type from information_schema.tables where table_type = 'VIEW' order by 1"
    assert query(moved, told) == [("campaign_effect", "VIEW"), ("fct_comparison", "VIEW")]
    contract = read_contracts(settings.dbt_project)["campaign_effect"]
    (lift,) = (column.description for column in contract.columns if column.name == "lift")
    assert comments(moved, "campaign_effect") == {"lift": lift}
    counted = {mart for mart, *_ in difference(moved, release.folder)[0]["rows"].rows}
    assert "fct_fast" in counted
    assert counted == release.manifest["rows"].keys() == {file.stem for file in moved.glob("*.parquet")}
    assert not {"campaign_effect", "fct_comparison"} & counted


def test_a_declared_view_that_reads_more_than_marts_is_not_published(settings: Settings) -> None:
    add_view(settings, "warehouse.intermediate.int_days")
    with pytest.raises(RuntimeError, match=f"{VIEW} cannot be a view of a release"):
        publish(settings, NOON)
    assert read_current(settings) is None


def test_only_a_finished_build_that_the_gate_let_through_is_published(settings: Settings) -> None:
    def refused(message: str) -> None:
        with pytest.raises(QualityStop, match=message):
            publish(settings)
        assert read_current(settings) is None

    write_build(settings, Build("building", "rules", FIRST))
    refused("no finished build")
    build(settings, FIRST, persons=7)
    let_through(settings, FIRST, passed=False)
    refused("stopped")
    let_through(settings, SECOND)
    refused("has not checked")
    settings.build_state.with_name("gate.json").unlink()
    refused("has not checked")


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
def test_a_kill_at_any_step_leaves_the_old_release(settings: Settings, module: object, step: str) -> None:
    old = publish(settings, NOON)
    build(settings, SECOND, persons=8)
    let_through(settings, SECOND)

    with killed_at(module, step):
        publish(settings, NOON.replace(hour=13))
    current = settings.published / "current"
    assert current.resolve() == old.folder and stock(current) == 7

    new = publish(settings, NOON.replace(hour=14))
    assert current.resolve() == new.folder and new.manifest["build_id"] == SECOND
    assert {*(settings.published / "releases").iterdir()} == {old.folder, new.folder}


def test_a_damaged_block_is_told_and_built_anew(settings: Settings) -> None:
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute(
            "create table marts.dim_date as select md5(range::varchar) as d from range(200000)"
        )
    with settings.warehouse.open("r+b") as stream:
        stream.seek(settings.warehouse.stat().st_size // 2)
        stream.write(b"noise" * 20_000)
    with pytest.raises(EnvironmentStop, match=r"is damaged: .*checksum(.|\n)*`aipl run` rebuilds"):
        publish(settings)
    build = read_build(settings)
    assert build is not None and build.state == "building", "the next run would add to it"
    assert not list((settings.published / "releases").iterdir())
