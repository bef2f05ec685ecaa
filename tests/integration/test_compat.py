"""What relies on private parts of a library is still needed, and still does what the library does.

Where a test of need fails, the library has changed: remove what stands in for it, or measure it again.
"""

# No annotations from the future: Dagster reads those of an asset.
import inspect
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import dagster as dg
import duckdb
import pytest
from dagster._core.storage.event_log import SqliteEventLogStorage
from duckdb_sqlalchemy import DuckDBExecutionContext

from expectations.compat.duckdb_dialect import BufferedDialect
from expectations.runner import run_marts
from expectations.suites.rule import Suite, no_rows
from orchestration.compat.dagster_event_log import NoOpComputeLogManager, OpenEventLog
from orchestration.defs.instance import prepare_dagster_home

ENDING = """
import atexit, sys
from orchestration.compat.quick_exit import leave
class Freed:
    def __del__(self): print("freed")
kept = Freed()
atexit.register(print, "at exit")
sys.stdout.write("said ")
{end}(7)
"""


def ended(end: str) -> subprocess.CompletedProcess[str]:
    code = ENDING.format(end=end)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_a_quick_exit_is_an_exit_that_frees_nothing() -> None:
    quick, usual = ended("leave"), ended("sys.exit")
    assert (quick.returncode, quick.stdout) == (7, "said at exit\n")
    assert (usual.returncode, usual.stdout) == (7, "said at exit\nfreed\n"), "Python no longer frees: use it"


def test_dagster_still_opens_its_database_for_each_event() -> None:
    assert "create_engine(" in inspect.getsource(SqliteEventLogStorage._connect)


@pytest.mark.parametrize(
    ("package", "kind"),
    [("duckdb", "table"), ("duckdb", "incremental"), ("global_project", "models/view")],
)
def test_dbt_duckdb_still_swaps_names_in_place_of_making_a_table(package: str, kind: str) -> None:
    macros = files(f"dbt.include.{package}") / "macros" / "materializations" / f"{kind}.sql"
    assert "rename_relation" in macros.read_text(), "measure what macros/engine/materializations.sql saves"


def test_great_expectations_still_fetches_from_a_closed_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(database)) as connection:
        connection.execute("create schema marts; create table marts.dim_a as select 1 as a")
    rule = no_rows("is_known", "each a is known", "select a from {batch} where a is null")
    suite = Suite("dim_a", "us", ("a",), (rule,))
    assert run_marts(database, [suite]).outcome == "passed"
    monkeypatch.setattr(BufferedDialect, "execution_ctx_cls", DuckDBExecutionContext)
    assert run_marts(database, [suite]).outcome == "error", "rows need no buffer any more: use the dialect"


PARTS = dg.AssetKey(["marts", "parts"])


@dg.asset(key=PARTS, check_specs=[dg.AssetCheckSpec("whole", asset=PARTS)])
def parts() -> dg.MaterializeResult:
    return dg.MaterializeResult(
        metadata={"rows": 3}, check_results=[dg.AssetCheckResult(passed=False, check_name="whole")]
    )


def test_services_read_what_a_run_at_the_door_tells(tmp_path: Path) -> None:
    home = tmp_path / "home of {one}"
    prepare_dagster_home(home)
    with dg.DagsterInstance.from_config(str(home), "aipl.yaml") as door:
        assert isinstance(door.event_log_storage, OpenEventLog)
        assert isinstance(door.compute_log_manager, NoOpComputeLogManager)
        run = dg.materialize([parts], instance=door)
        told = [(entry.dagster_event_type, entry.user_message) for entry in door.all_logs(run.run_id)]
    assert not list(home.rglob("*.db-wal"))
    with dg.DagsterInstance.from_config(str(home), "dagster.yaml") as served:
        assert not isinstance(served.event_log_storage, OpenEventLog)
        assert [
            (entry.dagster_event_type, entry.user_message) for entry in served.all_logs(run.run_id)
        ] == told
        latest = served.get_latest_materialization_event(PARTS)
        assert latest and latest.run_id == run.run_id
        check = dg.AssetCheckKey(PARTS, "whole")
        records = served.event_log_storage.get_latest_asset_check_execution_by_key([check])
        assert records[check].status.value == "FAILED"
    assert dg.DagsterEventType.RUN_SUCCESS in {kind for kind, _ in told}
