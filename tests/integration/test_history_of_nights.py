"""Dagster's history after many nights: as large as the runs that are kept, whatever came before."""

import os
import shutil
import sqlite3
from collections import namedtuple
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.scheduler.instigation import TickStatus

from orchestration.compat import dagster_leftovers
from orchestration.defs.history import prune_history
from orchestration.defs.instance import KEPT_FAILED_RUNS, KEPT_RUNS, prepare_dagster_home

NOW = datetime.now(UTC)
NIGHT = timedelta(days=1)


@dg.asset
def mart(config: dict[str, bool]) -> dg.MaterializeResult[None]:
    """Stands for all that a night builds; its metadata give a run a size that can be told apart."""
    if config["fails"]:
        raise dg.Failure("a rule is broken")
    return dg.MaterializeResult(metadata={"text": "x" * 60_000})


@dg.asset_check(asset=mart)
def law() -> dg.AssetCheckResult:
    """Stands for the laws."""
    return dg.AssetCheckResult(passed=True, metadata={"examples": "y" * 20_000})


JOB = dg.Definitions(
    assets=[mart], asset_checks=[law], jobs=[dg.define_asset_job("nightly")]
).resolve_job_def("nightly")


def of_mart(*, fails: bool) -> dict[str, object]:
    return {"ops": {"mart": {"config": {"fails": fails}}}}


class History:
    """The history below a home, whose runs were made on nights of a test's choice."""

    def __init__(self, home: Path, instance: dg.DagsterInstance) -> None:
        self.home, self.instance = home, instance

    def night(self, moment: datetime, *, fails: bool = False) -> str:
        """A run of that moment, as `aipl run` makes it, with the captured output of one from the UI."""
        result = JOB.execute_in_process(of_mart(fails=fails), self.instance, raise_on_error=False)
        assert result.success is not fails
        folder = self.home / "storage" / result.run_id / "compute_logs"
        folder.mkdir(parents=True)
        (folder / "step.out").write_bytes(b"z" * 10_000)
        with closing(sqlite3.connect(self.home / "history" / "runs.db", isolation_level=None)) as runs:
            runs.execute(
                "update runs set create_timestamp = ? where run_id = ?",
                (moment.strftime("%Y-%m-%d %H:%M:%S.%f"), result.run_id),
            )
        return result.run_id

    def prune(self, moment: datetime = NOW) -> int:
        return prune_history(self.instance, self.home, moment)

    @property
    def ids(self) -> set[str]:
        return set(self.instance.get_run_ids())

    @property
    def files(self) -> set[str]:
        """Ids of runs that have a file or a folder."""
        places = [*(self.home / "history" / "runs").glob("*.db"), *(self.home / "storage").iterdir()]
        return {path.name.removesuffix(".db") for path in places} - {"index"}

    @property
    def checked(self) -> set[str]:
        """Ids of runs with results of checks."""
        with closing(sqlite3.connect(self.home / "history" / "runs" / "index.db")) as index:
            return {run for (run,) in index.execute("select run_id from asset_check_executions")}

    @property
    def size(self) -> int:
        return sum(path.stat().st_size for path in self.home.rglob("*") if path.is_file())


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[History]:
    monkeypatch.setitem(os.environ, "DAGSTER_HOME", "")
    prepare_dagster_home(tmp_path)
    with dg.DagsterInstance.from_config(str(tmp_path), "aipl.yaml") as instance:
        yield History(tmp_path, instance)


def test_after_sixty_nights_the_history_is_as_large_as_after_thirty(history: History) -> None:
    sizes = []
    for number in range(60):
        moment = NOW + number * NIGHT
        history.night(moment)
        history.prune(moment + timedelta(minutes=5))
        sizes.append(history.size)
    assert len(history.ids) == KEPT_RUNS.days
    assert history.files == history.checked == history.ids
    assert sizes[29] > 2 * sizes[9], "each night takes its part of what is kept"
    assert sizes[59] < 1.1 * sizes[29]


def test_failures_are_kept_longer_and_a_run_under_way_for_ever(history: History) -> None:
    failed, good = history.night(NOW, fails=True), history.night(NOW)
    under_way = history.instance.create_run_for_job(
        JOB, run_config=of_mart(fails=False), status=dg.DagsterRunStatus.STARTED
    ).run_id
    assert history.prune(NOW + KEPT_RUNS - NIGHT) == 0
    assert history.prune(NOW + KEPT_RUNS + NIGHT) == 1
    assert history.ids == {failed, under_way} and good not in history.files
    assert history.prune(NOW + KEPT_FAILED_RUNS + NIGHT) == 1
    assert history.ids == {under_way}


def test_what_earlier_versions_left_of_deleted_runs_goes_and_its_space_is_given_back(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dagster_leftovers, "WORTH_A_VACUUM", 100_000)
    deleted, kept = [history.night(NOW) for _ in range(6)], history.night(NOW)
    for run_id in deleted:
        history.instance.delete_run(run_id)
    assert history.files == history.checked == {*deleted, kept}, "Dagster cleans up itself: use it"
    before = history.size
    assert history.prune() == 0
    assert history.files == history.checked == history.ids == {kept}
    assert history.size < before / 3
    # The databases are whole: the next night writes to them.
    history.night(NOW)


def test_a_full_disk_gets_no_vacuum_which_takes_room_itself(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dagster_leftovers, "WORTH_A_VACUUM", 0)
    full = namedtuple("Usage", "total used free")(10**9, 10**9, 10_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    for run_id in [history.night(NOW) for _ in range(3)]:
        history.instance.delete_run(run_id)
    history.prune()
    assert history.checked == set()
    large = history.size
    monkeypatch.undo()
    monkeypatch.setattr(dagster_leftovers, "WORTH_A_VACUUM", 0)
    history.prune()
    assert history.size < large / 2


def test_sensors_that_found_nothing_are_forgotten_after_a_day(history: History) -> None:
    settings = yaml.safe_load((history.home / "dagster.yaml").read_text())
    assert settings["retention"]["sensor"]["purge_after_days"]["skipped"] == 1
    with dg.DagsterInstance.from_config(str(history.home), "dagster.yaml") as instance:
        kept = {kind: instance.get_tick_retention_settings(kind) for kind in InstigatorType}
    assert kept[InstigatorType.SENSOR][TickStatus.SKIPPED] == 1
    assert all(days > 0 for kind in ("SCHEDULE", "SENSOR") for days in kept[InstigatorType[kind]].values())
