"""The event log of a run from the command line, as Dagster's services read it."""

# No annotations from the future: Dagster reads those of an asset.
from pathlib import Path

import dagster as dg

from orchestration.compat.dagster_event_log import OpenEventLog
from orchestration.defs.instance import prepare_dagster_home

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
