"""What Dagster is told: keys, checks, job and schedule, of the real project and of a tiny one."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
import yaml
from laws_page import declared_laws
from tiny_project import deliver, run
from verdicts import judge_with

from expectations.contracts import read_contracts
from orchestration.arrival.configured import configured_sources
from orchestration.core.settings import PROJECT_ROOT, Settings
from orchestration.defs.automation.run_requests import run_requests
from orchestration.defs.composition import build_definitions

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
        # The rules are seeds: nothing has to arrive for them.
        if key.path[0] == "marts" and key.path[-1] not in ("dim_aipl_rule", "dim_aipl_stage"):
            assert dg.AssetKey("arrival") in graph.get_ancestor_asset_keys(key), key
    gates = [key for key in graph.asset_check_keys if key.name == "mart_gate"]
    assert {key.asset_key.path[-1] for key in gates} == MARTS
    assert all(graph.get_check_spec(key).blocking for key in gates)


def test_each_law_is_a_check_that_blocks_and_has_an_anchor(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    checks = {(key.asset_key.path[-1], key.name): graph.get_check_spec(key) for key in graph.asset_check_keys}
    for law in declared_laws(PROJECT_ROOT / "dbt_project"):
        check = checks[law.table, law.name]
        assert check.blocking
        assert (check.description, check.metadata["runbook"]) == (law.description, law.anchor)


def test_one_job_and_one_schedule_in_one_zone_over_days_since_the_first(definitions: dg.Definitions) -> None:
    repository = definitions.get_repository_def()
    assert [name for name in repository.job_names if not name.startswith("__")] == ["nightly"]
    (schedule,) = repository.schedule_defs
    when = (schedule.name, schedule.cron_schedule, schedule.execution_timezone)
    assert when == ("nightly", "30 2 * * *", "Asia/Shanghai")
    node = definitions.resolve_asset_graph().get(dg.AssetKey(["raw", "sample_shop"]))
    assert node.partitions_def is not None
    keys = node.partitions_def.get_partition_keys()
    assert "2010-12-01" in keys
    assert date.today().isoformat() in keys or len(keys) > 5000
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


def test_schedule_and_sensor_ask_for_what_is_new_and_the_sensor_once(
    tiny: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge_with(monkeypatch)
    for shop in ("east", "west"):
        (tiny.home / "dumps" / shop).mkdir(parents=True)
    sources = configured_sources(tiny)
    now = datetime(2024, 1, 7, 7, tzinfo=ZoneInfo("Asia/Shanghai"))

    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:

        def scheduled() -> dg.ScheduleExecutionData:
            (schedule,) = build_definitions(tiny).get_repository_def().schedule_defs
            return schedule.evaluate_tick(dg.build_schedule_context(instance, scheduled_execution_time=now))

        def wanted(moment: datetime = now) -> list[Any]:
            return list(run_requests(instance, tiny, sources, [dg.AssetKey("release")], moment, once=True))

        def days(request: dg.RunRequest) -> list[str]:
            return [request.tags[f"dagster/asset_partition_range_{end}"] for end in ("start", "end")]

        assert scheduled().skip_message == "No source has new dumps"
        deliver(tiny, "east", 7, [1])
        (early,) = wanted(now.replace(hour=3))
        assert early.skip_message == "The loads of 2024-01-07 wait for west, until 06:00"
        for day in (2, 3, 4, 5, 6):
            deliver(tiny, "east", day, [1])
        (request,) = scheduled().run_requests or []
        assert days(request) == ["2024-01-02", "2024-01-07"]
        asked = {key.to_user_string() for key in request.asset_selection or []}
        assert {"raw/east", "arrival", "marts/dim_brand", "release"} <= asked
        assert "raw/west" not in asked

        (night,) = wanted()
        assert run(tiny, 2, 7, ["east"]).success
        assert scheduled().skip_message == "No source has new dumps"
        (skip,) = wanted()
        assert isinstance(skip, dg.SkipReason)

        deliver(tiny, "east", 4, [2])
        (changed,) = wanted()
        assert days(changed) == ["2024-01-04", "2024-01-04"]
        assert changed.run_key == wanted()[0].run_key != night.run_key
        deliver(tiny, "east", 4, [3, 4])
        assert wanted()[0].run_key != changed.run_key

        under_way = instance.create_run_for_job(build_definitions(tiny).resolve_job_def("nightly"))
        (skip,) = wanted()
        assert "in progress" in skip.skip_message
        instance.report_run_failed(under_way)
        assert isinstance(wanted()[0], dg.RunRequest)
