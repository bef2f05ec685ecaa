"""Which nights a service elsewhere hears of, of the command line and of Dagster, and which are on record."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from tiny_project import deliver
from tiny_project import run as run_in_dagster
from unit.heartbeat_service import Heart, heart
from verdicts import judge_with

from orchestration.arrival.pending import Request
from orchestration.core.settings import Settings
from orchestration.defs.composition import build_definitions
from orchestration.monitoring.heartbeat import VARIABLE
from orchestration.monitoring.nights import read_nights
from orchestration.nightly.run import run_new

MORNING = datetime(2024, 1, 3, 2, 30, tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Heart]:
    with heart() as served:
        monkeypatch.setenv(VARIABLE, served.url)
        yield served


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Shops that have delivered all that they ever will: a release of it is as fresh as promised."""
    text = settings.sources_file.read_text()
    ended = text.replace("starts_on: 2024-01-01", "starts_on: 2024-01-01\n    ends_on: 2024-01-02")
    settings.sources_file.write_text(ended)
    return settings


def aipl_run(settings: Settings, **asked: object) -> int:
    return run_new(settings, Request(**asked), lambda _: None)  # type: ignore[arg-type]


def test_each_night_of_the_command_line_is_heard_of_also_one_with_nothing_new(
    settings: Settings, service: Heart, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert aipl_run(settings) == 0
    assert service.heard() == ["ok"]
    assert aipl_run(settings) == 0
    assert service.heard() == ["ok"]
    assert [night.in_full for night in read_nights(settings)] == [True], (
        "nothing new is no night to learn from"
    )
    # Somebody sits at a run that asks for something.
    deliver(settings, "east", 3, [11])
    assert aipl_run(settings, source="east") == 0
    assert service.heard() == []
    judge_with(monkeypatch, "failed")
    deliver(settings, "east", 3, [12])
    assert aipl_run(settings) == 3
    ((path, body),) = service.beats
    assert path.endswith("/fail") and "money_known" in body and "exit code 3" in body
    service.beats.clear()
    judge_with(monkeypatch)
    assert aipl_run(settings) == 0
    assert service.heard() == ["ok"]
    nights = read_nights(settings)
    assert [night.in_full for night in nights] == [True, False, False]
    assert all(0 <= night.seconds < 600 and night.free > 0 for night in nights)


def test_a_night_without_a_dump_that_is_due_is_not_as_it_should_be(
    settings: Settings, service: Heart
) -> None:
    (settings.home / "dumps" / "west" / "orders-2024-01-03.csv").unlink()
    assert aipl_run(settings) == 0
    ((path, body),) = service.beats
    assert path.endswith("/fail") and "west: the marts are not fresh" in body


def test_of_dagster_the_run_with_the_release_is_heard_of_and_a_quiet_night(
    settings: Settings, service: Heart
) -> None:
    definitions = build_definitions(settings)
    repository = definitions.get_repository_def()
    sensors = {sensor.name: sensor for sensor in repository.sensor_defs}
    (schedule,) = repository.schedule_defs
    job = definitions.resolve_job_def("nightly")

    def ended(name: str, result: dg.ExecuteInProcessResult) -> None:
        """What the sensor does at the end of a run."""
        event = dg.DagsterEvent("PIPELINE_SUCCESS", job_name="nightly")
        with dg.DagsterInstance.from_config(str(settings.dagster_home), "aipl.yaml") as instance:
            context = dg.build_run_status_sensor_context(name, event, instance, result.dagster_run)
            sensor: Callable[..., object] = sensors[name]
            sensor(context.for_run_failure() if name == "nightly_failed" else context)

    def scheduled(moment: datetime) -> str | None:
        with dg.DagsterInstance.from_config(str(settings.dagster_home), "aipl.yaml") as instance:
            tick = schedule.evaluate_tick(
                dg.build_schedule_context(instance, scheduled_execution_time=moment)
            )
        return tick.skip_message

    def part(day: int) -> dg.ExecuteInProcessResult:
        """A stretch of load dates that is not the last of its night."""
        with dg.DagsterInstance.from_config(str(settings.dagster_home), "aipl.yaml") as instance:
            return job.execute_in_process(
                instance=instance,
                asset_selection=[dg.AssetKey(["raw", "east"])],
                tags={"dagster/partition": f"2024-01-{day:02}"},
            )

    full = run_in_dagster(settings, 2, 3)
    assert full.success
    ended("nightly_succeeded", full)
    assert service.heard() == ["ok"]
    deliver(settings, "east", 2, [1])
    half = part(2)
    assert half.success
    ended("nightly_succeeded", half)
    assert service.heard() == [], "the night goes on with another run"
    assert run_in_dagster(settings, 2, 3).success
    assert scheduled(MORNING) == "No source has new dumps"
    assert service.heard() == ["ok"]

    (settings.home / "dumps" / "west" / "orders-2024-01-03.csv").unlink()
    broken = settings.dbt_project / "models" / "marts" / "dim_brand.sql"
    broken.write_text("select 1 as x from nowhere")
    failed = run_in_dagster(settings, 2, 3)
    assert not failed.success
    ended("nightly_failed", failed)
    ((path, body),) = service.beats
    assert path.endswith("/fail") and body.startswith("nightly run stopped at warehouse: dbt could not build")


def test_a_night_that_waits_for_a_dump_is_not_over(settings: Settings, service: Heart) -> None:
    assert aipl_run(settings) == 0
    service.beats.clear()
    text = settings.sources_file.read_text()
    settings.sources_file.write_text(text.replace("ends_on: 2024-01-02", "ends_on: 2024-01-03"))
    (schedule,) = build_definitions(settings).get_repository_def().schedule_defs
    with dg.DagsterInstance.from_config(str(settings.dagster_home), "aipl.yaml") as instance:
        moment = MORNING.replace(day=4)
        tick = schedule.evaluate_tick(dg.build_schedule_context(instance, scheduled_execution_time=moment))
    assert tick.skip_message == "The loads of 2024-01-04 wait for east, west, until 06:00"
    assert service.beats == []
