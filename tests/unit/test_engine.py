"""The seam between a build and where its tables are made."""

from __future__ import annotations

import socket
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from unit.publish_home import NOON, let_through, make_home, query

from orchestration.build.engine.chosen import engine_of
from orchestration.build.engine.facade import query_of
from orchestration.build.engine.on_spark import OnSpark
from orchestration.build.state import Build, read_build, why_in_full, write_build
from orchestration.core.database import connect
from orchestration.core.errors import EnvironmentStop, InputError
from orchestration.core.settings import Settings
from orchestration.publish.release import publish


def test_duckdb_builds_unless_another_engine_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIPL_ENGINE", raising=False)
    monkeypatch.setenv("SPARK_REMOTE", "sc://cluster")
    assert engine_of(Settings.from_environment()).name == "duckdb"
    monkeypatch.setenv("AIPL_ENGINE", "spark")
    assert engine_of(Settings.from_environment()).name == "spark"


@pytest.mark.parametrize(
    ("engine", "remote", "told"),
    [
        ("trino", "", "AIPL_ENGINE is 'trino'"),
        ("spark", "", "SPARK_REMOTE"),
        ("spark", "local", "SPARK_REMOTE"),
    ],
)
def test_an_engine_that_is_none_is_told(
    monkeypatch: pytest.MonkeyPatch, engine: str, remote: str, told: str
) -> None:
    monkeypatch.setenv("AIPL_ENGINE", engine)
    monkeypatch.setenv("SPARK_REMOTE", remote)
    with pytest.raises(InputError, match=told):
        Settings.from_environment()


def test_a_cluster_that_does_not_answer_is_told_at_once(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("localhost", 0))
        nobody = OnSpark(f"sc://localhost:{free.getsockname()[1]}")
        with pytest.raises(EnvironmentStop, match="Spark does not answer at sc://localhost"):
            nobody.why_in_full(Settings(tmp_path, tmp_path / "sources.yml"), "")


def test_a_switch_of_engine_builds_in_full(tmp_path: Path) -> None:
    settings = Settings(tmp_path, tmp_path / "sources.yml")
    last = Build("complete", "program", "id", laws="laws")
    assert why_in_full(settings, last, replace(last, engine="spark")) == "the last build was made on duckdb"


def test_an_instant_is_shown_as_a_time_in_utc(tmp_path: Path) -> None:
    moment = datetime(2024, 1, 5, 10, tzinfo=UTC)
    rows = pa.table({"at": pa.array([moment], pa.timestamp("us", tz="UTC")), "n": [1]})
    pq.write_table(rows, tmp_path / "part.parquet")
    with connect() as connection:
        connection.execute("set TimeZone = 'America/New_York'")
        shown = connection.sql(query_of(connection, tmp_path))
        assert [str(kind) for kind in shown.types] == ["TIMESTAMP", "BIGINT"]
        assert shown.fetchall() == [(moment.replace(tzinfo=None), 1)]


def test_a_release_says_where_it_was_built(tmp_path: Path) -> None:
    settings = make_home(tmp_path)
    build = read_build(settings)
    assert build is not None
    write_build(settings, replace(build, engine="spark"))
    let_through(settings, build.build_id)
    release = publish(settings, NOON)
    assert release.manifest["engine"] == "spark"
    assert query(release.folder, "select distinct engine from dim_release") == [("spark",)]
