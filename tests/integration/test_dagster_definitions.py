"""What Dagster is told: keys, checks, job and schedule, of the real project and of a tiny one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
import yaml
from dagster import DagsterEventType
from dagster._core.execution.plan.objects import StepFailureData
from dagster_shared.error import SerializableErrorInfo
from laws_page import declared_laws
from tiny_project import deliver, run
from unit.test_lock import held
from verdicts import judge_with

from expectations.contracts import read_contracts
from expectations.suites.load import read_suites
from orchestration.arrival.configured import configured_schedule, configured_sources, read_arrival
from orchestration.build.state import forget_build
from orchestration.core.settings import PROJECT_ROOT, Settings
from orchestration.defs.automation.nightly import release_policy
from orchestration.defs.automation.run_requests import MOST_DEATHS, prompt_request
from orchestration.defs.composition import build_definitions
from orchestration.defs.instance import prepare_dagster_home
from orchestration.defs.outcomes import latest_endings, latest_outcome
from orchestration.monitoring.work import find_unpublished

MARTS = {
    name
    for name, contract in read_contracts(PROJECT_ROOT / "dbt_project").items()
    if not contract.made_at_publish
}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(tmp_path_factory.mktemp("home"), PROJECT_ROOT / "sources.yml")


@pytest.fixture(scope="module")
def definitions(settings: Settings) -> dg.Definitions:
    return build_definitions(settings)


def test_every_mart_waits_for_raw_and_the_release_for_every_mart_and_its_gate(
    definitions: dg.Definitions,
) -> None:
    graph = definitions.resolve_asset_graph()
    keys = graph.get_all_asset_keys()
    declared = yaml.safe_load((PROJECT_ROOT / "sources.yml").read_text())["sources"]
    # The others have no file yet.
    sources = {name for name, source in declared.items() if not source.get("optional")}
    assert {key.path[1] for key in keys if key.path[0] == "raw"} == sources
    assert {key.path[1] for key in keys if key.path[0] == "marts"} == MARTS
    folders = {"arrival", "intermediate", "marts", "raw", "release", "seeds", "staging"}
    assert {key.path[0] for key in keys} == folders
    assert {key.path[-1] for key in graph.get(dg.AssetKey("release")).parent_keys} == MARTS
    for key in keys:
        # The rules are seeds, and measures are written down: nothing has to arrive for them.
        if key.path[0] == "marts" and key.path[-1] not in ("dim_aipl_rule", "dim_aipl_stage", "dim_measure"):
            assert dg.AssetKey("arrival") in graph.get_ancestor_asset_keys(key), key
    gates = [key for key in graph.asset_check_keys if key.name == "mart_gate"]
    assert {key.asset_key.path[-1] for key in gates} == MARTS
    assert all(graph.get_check_spec(key).blocking for key in gates)


def test_every_table_has_its_area_and_its_owner(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    found = {
        key.path[-1]: (graph.get(key).group_name, [*graph.get(key).owners])
        for key in graph.get_all_asset_keys()
        if key.path[0] in ("marts", "intermediate", "staging")
    }
    assert found["fct_scorecard"] == ("marts_scorecard", ["team:trade_analytics"])
    assert found["int_visits"] == ("intermediate_traffic", ["team:data_platform"])
    assert found["stg_sample_shop__events"] == ("staging_sample_shop", ["team:data_platform"])
    assert all(len(owners) == 1 for _, owners in found.values())


def test_on_call_sees_when_a_release_is_owed_and_what_the_gate_expects(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    policy = graph.get(dg.AssetKey("release")).freshness_policy
    assert (policy.deadline_cron, policy.timezone) == ("0 9 * * *", "Asia/Shanghai")
    assert policy.lower_bound_delta == timedelta(hours=6, minutes=30)
    told = graph.get_check_spec(dg.AssetCheckKey(dg.AssetKey(["marts", "fct_fast"]), "mart_gate")).description
    suites = read_suites(PROJECT_ROOT / "dbt_project")
    for rule in suites["fct_fast"].suite.rules:
        assert f"- `{rule.name}` ({rule.severity}): {rule.reason}" in told
    schedule = configured_schedule(Settings(PROJECT_ROOT, PROJECT_ROOT / "sources.yml"))
    assert release_policy(schedule, {}) is None


def test_each_law_is_a_check_that_blocks_and_has_an_anchor(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    checks = {(key.asset_key.path[-1], key.name): graph.get_check_spec(key) for key in graph.asset_check_keys}
    for law in declared_laws(PROJECT_ROOT / "dbt_project"):
        check = checks[law.table, law.name]
        assert check.blocking
        assert (check.description, check.metadata["runbook"]) == (law.description, law.anchor)


def test_one_job_and_one_schedule_in_one_zone_over_days_since_the_first_source_began(
    definitions: dg.Definitions,
) -> None:
    repository = definitions.get_repository_def()
    assert [name for name in repository.job_names if not name.startswith("__")] == ["nightly"]
    (schedule,) = repository.schedule_defs
    when = (schedule.name, schedule.cron_schedule, schedule.execution_timezone)
    assert when == ("nightly", "30 2 * * *", "Asia/Shanghai")
    node = definitions.resolve_asset_graph().get(dg.AssetKey(["raw", "sample_shop"]))
    assert node.partitions_def is not None
    keys = node.partitions_def.get_partition_keys()
    assert keys[0] == "2024-09-02", "what the one shop with dumps owes first"
    assert date.today() - date.fromisoformat(keys[-1]) <= timedelta(days=1)
    assert node.backfill_policy == dg.BackfillPolicy.single_run()


def test_definitions_load_without_dbt_once_the_manifest_is_prepared(
    definitions: dg.Definitions, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_dbt(*_: object) -> None:
        raise FileNotFoundError("/no/dbt")

    monkeypatch.setattr("orchestration.build.prepared.run_dbt", no_dbt)
    build_definitions(settings)
    (settings.dbt_target / "prepared").unlink()
    with pytest.raises(FileNotFoundError, match="/no/dbt"):
        build_definitions(settings)


class Tick:
    """Schedule and sensor of the tiny project on an instance, at one moment of a night."""

    def __init__(self, settings: Settings, instance: dg.DagsterInstance) -> None:
        self.settings, self.instance = settings, instance
        self.sources = configured_sources(settings)
        self.now = datetime(2024, 1, 7, 7, tzinfo=ZoneInfo("Asia/Shanghai"))

    def schedule(self) -> dg.RunRequest | str:
        (schedule,) = build_definitions(self.settings).get_repository_def().schedule_defs
        context = dg.build_schedule_context(self.instance, scheduled_execution_time=self.now)
        ticked = schedule.evaluate_tick(context)
        return ticked.run_requests[0] if ticked.run_requests else str(ticked.skip_message)

    def sensor(self) -> dg.RunRequest | str:
        rest = [dg.AssetKey("release")]
        asked = prompt_request(self.instance, self.settings, self.sources, rest, self.now)
        return asked if isinstance(asked, dg.RunRequest) else str(asked.skip_message)

    def turned_away(self) -> None:
        """A run of the job while another process writes."""
        with held(self.settings.home):
            job = build_definitions(self.settings).resolve_job_def("nightly")
            assert not job.execute_in_process(instance=self.instance, raise_on_error=False).success

    def ended(self, status: dg.DagsterRunStatus, *, failed_step: str | None = None) -> dg.DagsterRun:
        """A run of the job that came to this end."""
        run = self.instance.create_run_for_job(build_definitions(self.settings).resolve_job_def("nightly"))
        if failed_step:
            error = SerializableErrorInfo("dbt", [], "Failure")
            event = dg.DagsterEvent(
                DagsterEventType.STEP_FAILURE.value,
                "nightly",
                step_key=failed_step,
                event_specific_data=StepFailureData(error=error, user_failure_data=None),
            )
            self.instance.report_dagster_event(event, run.run_id)
        if status is dg.DagsterRunStatus.FAILURE:
            self.instance.report_run_failed(run)
        elif status is dg.DagsterRunStatus.CANCELED:
            self.instance.report_run_canceled(run)
        return run


@pytest.fixture
def tick(tiny: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tick]:
    judge_with(monkeypatch)
    for shop in ("east", "west"):
        (tiny.home / "dumps" / shop).mkdir(parents=True)
    prepare_dagster_home(tiny.dagster_home)
    with dg.DagsterInstance.from_config(str(tiny.dagster_home), "aipl.yaml") as instance:
        yield Tick(tiny, instance)


def days(asked: dg.RunRequest | str) -> dict[str, list[str]]:
    assert isinstance(asked, dg.RunRequest), asked
    ops = asked.run_config["ops"]
    return {name.removeprefix("raw__"): op["config"]["load_dates"] for name, op in ops.items()}


def key(asked: dg.RunRequest | str) -> str | None:
    assert isinstance(asked, dg.RunRequest), asked
    return asked.run_key


def test_schedule_and_sensor_ask_for_what_is_new_and_the_sensor_once(tick: Tick) -> None:
    tiny = tick.settings
    assert tick.schedule() == "No source has new dumps"
    deliver(tiny, "east", 7, [1])
    tick.now = tick.now.replace(hour=3)
    assert tick.sensor() == "The loads of 2024-01-07 wait for west, until 06:00"
    tick.now = tick.now.replace(hour=7)
    for day in (2, 3, 4, 5, 6):
        deliver(tiny, "east", day, [1])
    request = tick.schedule()
    assert days(request) == {"east": [f"2024-01-0{day}" for day in range(2, 8)]}
    assert isinstance(request, dg.RunRequest)
    asked = {key.to_user_string() for key in request.asset_selection or []}
    assert {"raw/east", "arrival", "marts/dim_brand", "release"} <= asked
    assert "raw/west" not in asked

    night = tick.sensor()
    assert run(tiny, 2, 7, ["east"]).success
    assert tick.schedule() == tick.sensor() == "No source has new dumps"

    deliver(tiny, "east", 4, [2])
    changed = tick.sensor()
    assert days(changed) == {"east": ["2024-01-04"]}
    assert key(changed) == key(tick.sensor()) != key(night)
    deliver(tiny, "east", 4, [3, 4])
    assert key(tick.sensor()) != key(changed)

    under_way = tick.instance.create_run_for_job(build_definitions(tiny).resolve_job_def("nightly"))
    assert "in progress" in str(tick.sensor()) and "in progress" in str(tick.schedule())
    tick.instance.report_run_failed(under_way)
    assert days(tick.sensor())


def test_another_time_of_the_night_is_obeyed_without_a_restart(tick: Tick) -> None:
    deliver(tick.settings, "east", 7, [1])
    deliver(tick.settings, "west", 7, [1])
    assert days(tick.sensor())
    declared = tick.settings.sources_file.read_text()
    later = "schedule: {starts_at: '07:30', deadline: '08:00'}"
    tick.settings.sources_file.write_text(f"{later}\n{declared}")
    assert "wait for 07:30" in str(tick.sensor()) and "wait for 07:30" in str(tick.schedule())
    tick.now = tick.now.replace(minute=30)
    assert days(tick.sensor()) and days(tick.schedule())


def test_what_was_loaded_and_not_published_is_work(tick: Tick, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny = tick.settings
    deliver(tiny, "east", 2, [1])
    assert run(tiny, 2, 2, ["east"]).success
    for day in (3, 4, 5):
        deliver(tiny, "east", day, [1])
    job = build_definitions(tiny).resolve_implicit_global_asset_job_def()
    ends = {"start": "2024-01-03", "end": "2024-01-05"}
    range_of = {f"dagster/asset_partition_range_{end}": day for end, day in ends.items()}
    backfill = job.execute_in_process(
        instance=tick.instance, asset_selection=[dg.AssetKey(["raw", "east"])], tags=range_of
    )
    assert backfill.success
    left = find_unpublished(tiny, read_arrival(tiny))
    assert left.is_cut_short and left.loads == {"east": [date(2024, 1, day) for day in (3, 4, 5)]}
    asked = tick.sensor()
    assert days(asked) == {} and isinstance(asked, dg.RunRequest)
    assert [key.path for key in asked.asset_selection or []] == [["release"]]
    assert days(tick.schedule()) == {}

    nightly = build_definitions(tiny).resolve_job_def("nightly")
    rest = [key for key in nightly.asset_layer.selected_asset_keys if key.path[0] != "raw"]
    judge_with(monkeypatch, "failed")
    stopped = nightly.execute_in_process(instance=tick.instance, asset_selection=rest, raise_on_error=False)
    assert not stopped.success
    assert tick.sensor() == "No source has new dumps", "the same data would fail again"
    assert days(tick.schedule()) == {}, "the night tries again"
    judge_with(monkeypatch)
    assert nightly.execute_in_process(instance=tick.instance, asset_selection=rest).success
    assert tick.schedule() == tick.sensor() == "No source has new dumps"


def test_a_changed_program_waits_for_the_night_and_a_cut_build_does_not(tick: Tick) -> None:
    tiny = tick.settings
    deliver(tiny, "east", 2, [1])
    assert run(tiny, 2, 2, ["east"]).success
    brand = tiny.dbt_project / "models" / "marts" / "dim_brand.sql"
    brand.write_text(brand.read_text() + " -- as before")
    assert tick.sensor() == "No source has new dumps"
    assert days(tick.schedule()) == {}
    brand.write_text(brand.read_text().removesuffix(" -- as before"))
    assert tick.schedule() == "No source has new dumps"
    forget_build(tiny)
    assert days(tick.sensor()) == {} and days(tick.schedule()) == {}


def test_a_run_that_was_killed_is_started_again_a_few_times_and_a_cancelled_one_is_not(tick: Tick) -> None:
    deliver(tick.settings, "east", 2, [1])
    keys = [key(tick.sensor())]
    for _ in range(MOST_DEATHS - 1):
        tick.ended(dg.DagsterRunStatus.FAILURE)
        keys.append(key(tick.sensor()))
    assert len(set(keys)) == MOST_DEATHS, "each time a new run"
    last = tick.ended(dg.DagsterRunStatus.FAILURE)
    assert f"3 runs in a row died, the last was {last.run_id}" in str(tick.sensor())
    assert days(tick.schedule()) == {"east": ["2024-01-02"]}, "the night tries in any case"

    tick.ended(dg.DagsterRunStatus.FAILURE, failed_step="warehouse")
    assert key(tick.sensor()) == keys[0], "what Dagster has seen, and does not start again"
    cancelled = tick.ended(dg.DagsterRunStatus.CANCELED)
    assert f"{cancelled.run_id} was cancelled" in str(tick.sensor())
    assert days(tick.schedule()) == {"east": ["2024-01-02"]}


def test_a_run_that_another_one_turned_away_neither_failed_nor_died(tick: Tick) -> None:
    deliver(tick.settings, "east", 2, [1])
    tick.ended(dg.DagsterRunStatus.FAILURE)
    before = tick.sensor(), latest_outcome(tick.instance), latest_endings(tick.instance)
    tick.turned_away()
    assert latest_endings(tick.instance).deaths == 1
    assert (tick.sensor(), latest_outcome(tick.instance), latest_endings(tick.instance)) == before


def test_a_run_that_died_a_minute_ago_costs_no_night(tick: Tick, monkeypatch: pytest.MonkeyPatch) -> None:
    deliver(tick.settings, "east", 2, [1])
    job = build_definitions(tick.settings).resolve_job_def("nightly")
    dead = tick.instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    created = tick.instance.create_run_for_job(job, status=dg.DagsterRunStatus.NOT_STARTED)
    assert "in progress" in str(tick.schedule()), "it may be about to take the lock"
    later = time.time() + 70
    monkeypatch.setattr("orchestration.defs.orphaned_runs.time.time", lambda: later)
    assert days(tick.schedule()) == {"east": ["2024-01-02"]}
    for run_id in (dead.run_id, created.run_id):
        ended = tick.instance.get_run_by_id(run_id)
        assert ended is not None and ended.status is dg.DagsterRunStatus.FAILURE
