"""The seam between a build and where its tables are made."""

from __future__ import annotations

import json
import socket
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from unit.publish_home import NOON, let_through, make_home, query

from orchestration.build.engine import on_spark
from orchestration.build.engine.chosen import engine_of
from orchestration.build.engine.contract import Order
from orchestration.build.engine.facade import query_of, views_over
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
    ("engine", "remote", "tables", "told"),
    [
        ("trino", "", "", "AIPL_ENGINE is 'trino'"),
        ("spark", "", "", "SPARK_REMOTE"),
        ("spark", "local", "", "SPARK_REMOTE"),
        ("spark", "sc://cluster", "orc", "AIPL_SPARK_FORMAT is 'orc'. It is one of parquet, delta, iceberg"),
    ],
)
def test_an_engine_that_is_none_is_told(
    monkeypatch: pytest.MonkeyPatch, engine: str, remote: str, tables: str, told: str
) -> None:
    monkeypatch.setenv("AIPL_ENGINE", engine)
    monkeypatch.setenv("SPARK_REMOTE", remote)
    monkeypatch.setenv("AIPL_SPARK_FORMAT", tables)
    with pytest.raises(InputError, match=told):
        Settings.from_environment()


def test_a_cluster_that_does_not_answer_is_told_at_once(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("localhost", 0))
        nobody = OnSpark(f"sc://localhost:{free.getsockname()[1]}")
        with pytest.raises(EnvironmentStop, match="Spark does not answer at sc://localhost"):
            nobody.why_in_full(Settings(tmp_path, tmp_path / "sources.yml"), "")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"rows": [["id"]]}, ""),
        ({"rows": [["another"]]}, "Spark has tables of another build"),
        ({"error": "no such table", "condition": "TABLE_OR_VIEW_NOT_FOUND"}, "Spark has no tables"),
        ({"error": "no such schema", "condition": "SCHEMA_NOT_FOUND"}, "Spark has no tables"),
    ],
)
def test_tables_of_another_build_are_built_in_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: dict[str, object], told: str
) -> None:
    monkeypatch.setattr(OnSpark, "_require", lambda _: None)
    monkeypatch.setattr(OnSpark, "_answer", lambda *_: answer)
    reason = OnSpark("sc://cluster").why_in_full(Settings(tmp_path, tmp_path / "sources.yml"), "id")
    assert reason.startswith(told) and bool(reason) == bool(told)


def test_what_the_cluster_cannot_do_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OnSpark, "_require", lambda _: None)
    monkeypatch.setattr(OnSpark, "_answer", lambda *_: {"error": "no space left", "condition": ""})
    with pytest.raises(EnvironmentStop, match="Spark at cluster cannot do it: no space left"):
        OnSpark("sc://cluster").why_in_full(Settings(tmp_path, tmp_path / "sources.yml"), "id")


def test_the_error_that_ended_dbt_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = "Runtime Error\n  [PARQUET_TYPE_ILLEGAL] Illegal Parquet type"
    event = {"info": {"name": "E", "level": "error", "msg": f"{told}\n\n  JVM stacktrace:\n  at org.apache"}}
    script = tmp_path / "script.py"
    script.write_text(f"print('a warning of a library'); print({json.dumps(json.dumps(event))})")
    monkeypatch.setattr(on_spark, "SCRIPT", script)
    monkeypatch.setattr(OnSpark, "_python", sys.executable)
    order = Order("", (), None, True, tmp_path / "target", {})
    ran, _ = OnSpark("sc://cluster")._step(
        Settings(tmp_path, tmp_path / "sources.yml"), order, models=None, left_out=set(), on_node=print
    )
    assert not ran.success and str(ran.exception) == told


def test_without_its_packages_the_command_that_installs_them_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    with pytest.raises(InputError, match="make spark"):
        OnSpark("sc://cluster").versions()


def test_views_are_shown_whose_tables_are_there() -> None:
    made_from = {
        "table": ["source"],
        "other": [],
        "view": ["table"],
        "above": ["view", "other"],
        "staged": [],
    }
    kinds = {"table": "table", "other": "incremental"}
    nodes = {
        f"model.aipl.{name}": {"name": name, "config": {"materialized": kinds.get(name, "view")}}
        for name in made_from
    }
    parents = {
        f"model.aipl.{name}": ["source.aipl.s.t" if p == "source" else f"model.aipl.{p}" for p in parents]
        for name, parents in made_from.items()
    }
    # An operation at the start of a run is a view to dbt.
    nodes["operation.aipl.start"] = {"name": "start", "config": {"materialized": "view"}}
    manifest = {"nodes": nodes, "parent_map": {**parents, "operation.aipl.start": []}}
    assert views_over(manifest, {"model.aipl.table"}) == ["staged", "view"]
    assert views_over(manifest, {"model.aipl.table", "model.aipl.other"}) == ["above", "staged", "view"]


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
        shown = connection.sql(query_of(connection, [str(tmp_path / "*.parquet")]))
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
