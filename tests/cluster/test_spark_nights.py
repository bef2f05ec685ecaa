"""Nights on a cluster: its marts are DuckDB's row for row, also where a worker dies while it builds."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest
import yaml
from commands import aipl, said
from compare_homes import differing

from cluster.spark_server import Cluster, needs_spark, spark_cluster
from orchestration.core.settings import PROJECT_ROOT

pytestmark = [needs_spark, pytest.mark.slow]

PERSONS, DAYS = 60, 36
FIRST = date(2024, 9, 1)
LATE = [FIRST + timedelta(days=DAYS - back) for back in (0, 1)]
SOURCES = ("sample_shop", "manual")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with spark_cluster(tmp_path_factory.mktemp("spark"), workers=2) as running:
        yield running


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two homes with the same first night on DuckDB; the last two loads have not come yet."""
    home = tmp_path_factory.mktemp("spark_home") / "one"
    home.mkdir()
    said(home, "sample-shop", "--persons", str(PERSONS), "--days", str(DAYS))
    declared = yaml.safe_load((PROJECT_ROOT / "sources.yml").read_text())
    declared["sources"] = {name: one for name, one in declared["sources"].items() if name in SOURCES}
    declared["sources"]["sample_shop"]["ends_on"] = FIRST + timedelta(days=DAYS - 1)
    (home / "sources.yml").write_text(yaml.safe_dump(declared))
    for file in late_files(home):
        file.rename(home / file.name)
    run(home)
    other = home.with_name("other")
    shutil.copytree(home, other, symlinks=True)
    return home, other


def late_files(home: Path) -> list[Path]:
    return [file for day in LATE for file in (home / "dumps" / "sample_shop").glob(f"*-{day}.*")]


def run(home: Path, **environment: str) -> str:
    answer = aipl(home, "run", AIPL_SOURCES=str(home / "sources.yml"), **environment)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


def deliver(home: Path) -> None:
    """What a later night brings: two more loads, orders with other amounts, and dumps with rows withdrawn."""
    dumps = home / "dumps" / "sample_shop"
    for file in [one for day in LATE for one in home.glob(f"*-{day}.*")]:
        file.rename(dumps / file.name)
    orders = dumps / f"orders-{FIRST + timedelta(days=20)}.jsonl"
    rows = [json.loads(line) for line in orders.read_text().splitlines()]
    for row in rows[::2]:
        row["amount"] = f"{float(row['amount']) + 1:.2f}"
    orders.write_text("".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows))
    for table in ("refunds", "memberships", "identity_links"):
        (file,) = dumps.glob(f"{table}-{FIRST + timedelta(days=25)}.*")
        lines = file.read_text().splitlines(keepends=True)
        file.write_text("".join(lines[:1] + lines[2:]))


def on(cluster: Cluster) -> dict[str, str]:
    return {"AIPL_ENGINE": "spark", "SPARK_REMOTE": cluster.remote}


def released(home: Path, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(home / "published" / "current" / "marts.duckdb"), read_only=True) as connection:
        return connection.execute(query).fetchall()


def kill_in_the_middle(home: Path, cluster: Cluster) -> threading.Thread:
    """Kill a worker, with its executor, once some tables of a layer have been written."""

    def wait_and_kill() -> None:
        while len(list((home / "warehouse" / "spark" / "intermediate").glob("*/*.parquet"))) < 10:
            time.sleep(0.2)
        cluster.workers[0].kill()

    killer = threading.Thread(target=wait_and_kill, daemon=True)
    killer.start()
    return killer


def test_nights_on_a_cluster_are_those_of_duckdb(cluster: Cluster, homes: tuple[Path, Path]) -> None:
    home, other = homes
    killer = kill_in_the_middle(home, cluster)
    run(home, **on(cluster))
    killer.join(timeout=1)
    assert cluster.workers[0].poll() is not None, "a worker died while it built"
    lines, tables, rows = differing(home, other)
    assert lines == [] and tables > 80 and rows > 100_000
    # The same numbers from another engine restate nothing.
    assert released(home, "select count(*) from fct_aipl_ledger") == [(0,)]
    newest = (
        "select distinct engine from dim_release where created_at = (select max(created_at) from dim_release)"
    )
    assert released(home, newest) == [("spark",)]
    assert "spark" in aipl(home, "status", AIPL_SOURCES=str(home / "sources.yml")).stdout

    for one in homes:
        deliver(one)
    told = run(home, **on(cluster))
    assert "in full" not in told
    run(other)
    assert differing(home, other)[0] == []
