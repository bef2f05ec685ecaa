"""The nightly job on a tiny project: what it builds, and what each failure stops."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import click
import dagster as dg
import pytest
from test_dagster_run import run as aipl_run
from tiny_project import deliver, money, run
from unit.test_lock import held
from verdicts import judge_with, verdict

from orchestration.arrival import receive as arrival
from orchestration.arrival.configured import read_arrival
from orchestration.arrival.file_versions import State
from orchestration.arrival.manifest import LoadManifest
from orchestration.build.state import is_untouched, read_build, read_gate
from orchestration.commands.tools import dbt_command
from orchestration.core.lock import writer_lock
from orchestration.core.progress import Reporter, reporting_to
from orchestration.core.settings import Settings
from orchestration.defs.instance import prepare_dagster_home
from orchestration.monitoring.work import find_unpublished
from orchestration.publish.release import publish, read_current


def failed_steps(result: dg.ExecuteInProcessResult) -> set[str | None]:
    return {event.step_key for event in result.all_events if event.is_step_failure}


def ran(result: dg.ExecuteInProcessResult, step: str) -> bool:
    return any(event.step_key == step and event.is_step_success for event in result.all_events)


def failure(result: dg.ExecuteInProcessResult) -> Any:
    """What the first failed step tells."""
    event = next(event for event in result.all_events if event.is_step_failure)
    return event.step_failure_data.user_failure_data


def test_a_range_is_one_run_from_dumps_to_release(settings: Settings) -> None:
    class Watcher(Reporter):
        def __init__(self) -> None:
            self.steps: list[str] = []

        def step(self, text: str) -> None:
            self.steps.append(text)

    watcher = Watcher()
    with reporting_to(watcher):
        result = run(settings, 2, 3)
    assert result.success
    assert {"dim_brand", "fct_fast", "aipl_rules"} <= set(watcher.steps), "each as it is built"
    assert money(settings) == {"east": 60, "west": 10}
    release = read_current(settings)
    assert release is not None
    assert release.manifest["horizon"] == {"east": "2024-01-03", "west": "2024-01-03"}
    assert len(release.manifest["loads"]) == 4
    assert release.manifest["gates"]["marts"]["results"][0]["name"] == "money_known"
    pulled = [
        event.materialization.partition
        for event in result.get_asset_materialization_events()
        if event.asset_key == dg.AssetKey(["raw", "east"])
    ]
    assert pulled == ["2024-01-02", "2024-01-03"]
    state = json.loads(settings.build_state.read_text())
    named = {"fingerprint", "build_id", "rules", "laws", "in_full", "beside_files", "project", "engine"}
    assert set(state) == {"format", "state", "warehouse", "proved_on", *named}
    assert state["state"] == "complete"

    again = run(settings, 2, 3)
    assert again.success
    assert read_current(settings) == release
    assert money(settings) == {"east": 60, "west": 10}
    unchanged = {
        event.asset_key.path[-1]
        for event in again.get_asset_materialization_events()
        if event.asset_key and "Unchanged" in event.materialization.metadata
    }
    assert unchanged == {"aipl_presets", "aipl_stages", "aipl_rules", "touch_kinds"}, "seeds reach nothing"


def test_a_shut_mart_gate_skips_the_release_and_leaves_the_old_one(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge_with(monkeypatch, "error")
    result = run(settings, 2, 2)
    assert failed_steps(result) == {"mart_gate"} and not ran(result, "release")
    assert read_current(settings) is None, "an error is no verdict"
    assert "the suite broke" in failure(result).description
    assert failure(result).metadata["exit_code"].value == 1

    judge_with(monkeypatch)
    assert run(settings, 2, 2).success
    before = read_current(settings)
    assert before is not None
    judge_with(monkeypatch, "failed")
    result = run(settings, 3, 3)
    assert failed_steps(result) == {"mart_gate"} and not ran(result, "release")
    assert read_current(settings) == before
    gate = read_gate(settings)
    assert gate is not None and not gate.passed
    checks = {
        check.asset_key.path[-1]: check.passed
        for check in result.get_asset_check_evaluations()
        if check.check_name == "mart_gate"
    }
    assert checks["dim_brand"] is False
    with pytest.raises(Exception, match="stopped the present build"):
        publish(settings)

    deliver(settings, "east", 4, [1])
    code, text = aipl_run(settings)
    assert code == 3
    for said in ("money_known", "dim_brand", "1 of 2 rows", "brand_id=east", before.release_id):
        assert said in text
    assert read_current(settings) == before


def test_a_refused_load_holds_back_its_source_and_an_error_of_the_arrival_gate_decides_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(arrival, "run_arrival", lambda tables: verdict(tables[0].name, status="error"))
        result = run(settings, 2, 3, ["east"])
    assert failed_steps(result) == {"raw__east"} and not ran(result, "warehouse")
    with LoadManifest(settings.manifest) as manifest:
        assert {load.state for load in manifest.deliveries("east").loads} == {State.ARRIVED}

    def judge(tables: list[arrival.ArrivalTable]) -> object:
        east = tables[0].source_id == "east"
        return verdict(tables[0].name, status="failed" if east else "passed")

    with monkeypatch.context() as refusing:
        refusing.setattr(arrival, "run_arrival", judge)
        result = run(settings, 2, 3)
    assert result.success
    assert money(settings) == {"east": None, "west": 10}
    release = read_current(settings)
    assert release is not None
    assert "2024-01-02 refused" in release.manifest["stale_sources"]["east"]
    checks = {
        check.asset_key.path[-1]: check.passed
        for check in result.get_asset_check_evaluations()
        if check.check_name == "arrival_gate"
    }
    assert checks == {"east": False, "west": True}


def test_a_broken_law_stops_the_build_with_name_and_rows_and_fails_its_check(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(settings, 2, 2).success
    before = read_current(settings)
    deliver(settings, "east", 3, [-100])
    result = run(settings, 3, 3)
    assert failed_steps(result) == {"warehouse"}
    told = failure(result)
    row = "    brand_id=east, horizon=2024-01-03, money=-70\n"
    assert f"dim_brand.money_is_owed_to_us: 1 row\n{row}" in f"{told.description}\n"
    assert "  money_is_not_negative: 1 row\n    brand_id=east, money=-70" in told.description
    assert told.metadata["exit_code"].value == 3
    judged = {check.check_name: check for check in result.get_asset_check_evaluations()}
    laws = {name for name, check in judged.items() if check.asset_key == dg.AssetKey(["marts", "dim_brand"])}
    assert laws == {"brand_is_named", "money_is_owed_to_us", "money_is_not_negative"}
    assert {name for name in laws if not judged[name].passed} == laws - {"brand_is_named"}
    assert judged["not_null_stg_east__orders_order_id"].passed
    assert judged["money_is_owed_to_us"].metadata["examples"].value == [row.strip()]
    assert read_current(settings) == before
    build = read_build(settings)
    assert build is not None and build.state == "building"

    code, text = aipl_run(settings)
    assert code == 3
    assert "money_is_not_negative" in text and "brand_id=east, money=-70" in text
    capsys.readouterr()
    assert dbt_command(settings, ["test", "--select", "dim_brand_laws"]) == 1
    assert capsys.readouterr().out.endswith(f"  dim_brand.money_is_owed_to_us: 1 row\n{row}")
    with pytest.raises(click.UsageError):
        dbt_command(settings, ["test", "--select", "dim_brand_laws", "--no-such-option"])
    assert capsys.readouterr().out == ""
    deliver(settings, "east", 3, [1])
    assert run(settings, 3, 3).success
    assert money(settings)["east"] == 31

    (settings.dbt_project / "models" / "marts" / "dim_brand.sql").write_text("select 1 as x from nowhere")
    code, text = aipl_run(settings)
    assert code == 1
    assert "nowhere" in text and "log" in text


def test_whatever_is_clicked_in_the_ui_leaves_a_whole_warehouse(settings: Settings) -> None:
    from orchestration.defs.composition import build_definitions

    def materialize(selection: dg.AssetSelection, day: int | None = None) -> dg.ExecuteInProcessResult:
        definitions = build_definitions(settings)
        keys = selection.resolve(definitions.resolve_asset_graph())
        tags = {"dagster/partition": f"2024-01-{day:02}"} if day else {}
        job = definitions.resolve_implicit_global_asset_job_def()
        return job.execute_in_process(asset_selection=list(keys), tags=tags, raise_on_error=False)

    brand = dg.AssetSelection.assets("marts/dim_brand")
    assert run(settings, 2, 3).success
    before, release = read_build(settings), read_current(settings)
    with pytest.raises(dg.DagsterInvalidSubsetError):
        # As the UI sends it only after it has named the others.
        materialize(brand)
    one = materialize(brand.required_multi_asset_neighbors())
    assert one.success and ran(one, "mart_gate") and not ran(one, "release")
    after = read_build(settings)
    assert before is not None and after is not None and is_untouched(settings, after)
    assert replace(after, warehouse="", in_full="") == replace(before, warehouse="", in_full="")

    deliver(settings, "east", 4, [7])
    assert materialize(dg.AssetSelection.assets("raw/east"), day=4).success
    assert materialize(brand.required_multi_asset_neighbors()).success, "of what `arrival` wrote last"
    assert is_untouched(settings, read_build(settings))
    assert read_current(settings) == release and find_unpublished(settings, read_arrival(settings)).loads
    for group in ("publish", "raw", "marts", None):
        chosen = dg.AssetSelection.groups(group) if group else dg.AssetSelection.all()
        assert materialize(chosen.required_multi_asset_neighbors(), day=4).success, group
        assert is_untouched(settings, read_build(settings)), group
    assert money(settings)["east"] == 67
    assert not find_unpublished(settings, read_arrival(settings)).reason


def test_the_job_without_a_range_brings_in_all_that_is_new(settings: Settings) -> None:
    from orchestration.defs.composition import build_definitions

    prepare_dagster_home(settings.dagster_home)
    with dg.DagsterInstance.from_config(str(settings.dagster_home), "aipl.yaml") as instance:
        job = build_definitions(settings).resolve_job_def("nightly")
        assert job.execute_in_process(instance=instance).success
        assert money(settings) == {"east": 60, "west": 10}
        assert not find_unpublished(settings, read_arrival(settings)).reason
        seen = {"2024-01-02", "2024-01-03"}
        assert instance.get_materialized_partitions(dg.AssetKey(["raw", "east"])) == seen


def test_a_changed_law_judges_all_rows_in_the_next_run(settings: Settings) -> None:
    assert run(settings, 2, 3).success
    release = read_current(settings)
    law = settings.dbt_project / "tests" / "money_is_not_negative.sql"
    law.write_text(law.read_text().replace("money < 0", "money < 11"))
    code, text = aipl_run(settings)
    assert code == 3 and "money_is_not_negative" in text, "the law found west, which nothing had changed"
    law.write_text(law.read_text().replace("money < 11", "money < 1"))
    assert aipl_run(settings)[0] == 0
    assert read_current(settings) == release, "the same rows are the same build"
    code, text = aipl_run(settings)
    assert code == 0 and "Nothing is new" in text


def test_a_second_writer_is_turned_away_with_a_message(settings: Settings) -> None:
    with held(settings.home) as holder:
        result = run(settings, 2, 2)
    assert not result.success
    assert any(f"process {holder.pid}" in str(event.event_specific_data) for event in result.all_events)
    with writer_lock(settings.home):
        pass
