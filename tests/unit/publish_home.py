"""A home with a tiny finished build in it, for the tests of what comes after dbt."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from expectations.results import ExpectationResult, GateResult
from orchestration.arrival.dbt_inputs import forget_applied
from orchestration.build.state import Build, GateRecord, write_build, write_gate
from orchestration.core.settings import PROJECT_ROOT, Settings
from orchestration.publish.release import Release, publish

NOON = datetime(2024, 2, 1, 12, tzinfo=UTC)


class Killed(BaseException):
    """Stands for a kill: no handler of the program may catch it."""


@contextmanager
def killed_at(module: object, step: str) -> Iterator[None]:
    """Kill what the block does at its first call of a function of a module."""

    def kill(*_: object, **__: object) -> None:
        raise Killed

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        patch.setattr(module, step, kill)
        yield


@dataclass(frozen=True)
class HomeSettings(Settings):
    """Settings whose dbt project lies in the home as well."""

    @property
    def dbt_project(self) -> Path:
        """A project of this test alone."""
        return self.home / "project"


def make_home(home: Path) -> Settings:
    """A home with rules, what dbt is told of arrival, and a built warehouse that no gate has seen."""
    settings = HomeSettings(home, home / "sources.yml")
    seeds = settings.dbt_project / "seeds"
    seeds.mkdir(parents=True)
    for name in ("aipl_presets", "aipl_stages", "aipl_rules"):
        (seeds / f"{name}.csv").write_text("preset\nconsumer_asset\n")
    marts = PROJECT_ROOT / "dbt_project" / "models" / "marts"
    shutil.copytree(
        marts, settings.dbt_project / "models" / "marts", ignore=shutil.ignore_patterns("*.sql", "*.py")
    )
    shutil.copy(PROJECT_ROOT / "dbt_project" / "dbt_project.yml", settings.dbt_project)
    settings.arrival.mkdir(parents=True)
    told = {
        "files": "select 'shop' as source_id, 'orders' as table_name, 'a.csv' as file,"
        " date '2024-01-02' as load_date, 'v' as version, 3::bigint as row_count,"
        " 1::bigint as unreadable_count",
        "sources": "select 'shop' as source_id, false as is_stale, null::varchar as stale_reason"
        " union all select 'old_shop', true, 'no dump since 2024-01-01'",
        "brands": "select 'shop' as source_id, 'lumen' as brand_id",
    }
    for name, rows in told.items():
        duckdb.sql(rows).write_parquet(str(settings.arrival / f"{name}.parquet"))
    forget_applied(settings)
    settings.warehouse.parent.mkdir(parents=True)
    build(settings, "1" * 64, persons=7)
    return settings


def build(settings: Settings, build_id: str, persons: int) -> None:
    """Replace the warehouse by a build whose stock is `persons`."""
    settings.warehouse.unlink(missing_ok=True)
    with duckdb.connect(str(settings.warehouse)) as connection:
        # The gate compares a ledger with stages and stock: nobody is in any stage.
        connection.execute(f"""
            create schema marts;
            create schema intermediate;
            create table intermediate.int_hidden as select 1 as x;
            create table marts.dim_brand as select 'lumen' as brand_id, date '2024-01-31' as horizon;
            comment on column marts.dim_brand.horizon is 'the brand''s last day';
            create table marts.fct_fast as
            select 'consumer_asset' as preset, unnest([{persons}, 0]) as persons;
            create table marts.dim_aipl_stage as
            select 'consumer_asset' as preset, 'O' as stage, 0 as stage_rank;
            create table marts.fct_aipl_daily (
                preset varchar, brand_id varchar, as_of_date date, stage varchar, stage_rank integer,
                persons bigint
            );
        """)
    write_build(settings, Build("complete", "program", build_id, rules="rules that were built"))


def let_through(settings: Settings, build_id: str, *, passed: bool = True) -> None:
    """Write the mart gate's verdict on a build."""
    at = datetime(2024, 2, 1, tzinfo=UTC)
    found = ExpectationResult(
        table="fct_fast",
        name="persons_present",
        description="every count of persons is known",
        column="persons",
        severity="critical",
        owner="tests",
        status="passed" if passed else "failed",
    )
    results = json.loads(GateResult("marts", "warehouse.duckdb", at, at, (found,)).to_json())
    write_gate(settings, GateRecord(build_id, passed, "2024-02-01T00:00:00Z", results))


def publish_build(
    settings: Settings, number: int, hours: float = 0, marts: str = "", sources: str = ""
) -> Release:
    """Publish a build whose stock is its number, so many hours after noon.

    `marts` is SQL that makes some of its own, `sources` what its id says of stale ones.
    """
    build_id = f"{number:064d}"[::-1] + sources
    build(settings, build_id, persons=number)
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute(marts)
    let_through(settings, build_id)
    return publish(settings, NOON + timedelta(hours=hours))


def query(release: Path, sql: str) -> list[tuple[object, ...]]:
    """Rows of a query on the database of a release folder."""
    with duckdb.connect(str(release / "marts.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def stock(release: Path) -> object:
    """The number that a build was made with, as its release tells it."""
    return query(release, "select max(persons) from fct_fast")[0][0]
