"""Alerts from Dagster's services: runs that ended, and what is due to be sent."""

from __future__ import annotations

from datetime import UTC, datetime

from dagster import (
    DagsterRunStatus,
    DefaultSensorStatus,
    RunFailureSensorContext,
    RunStatusSensorContext,
    SensorDefinition,
    SkipReason,
    run_failure_sensor,
    run_status_sensor,
    sensor,
)
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from orchestration.alerts.delivery import deliver
from orchestration.arrival.configured import configured_sources
from orchestration.core.settings import Settings
from orchestration.defs.outcomes import observe_latest_run
from orchestration.monitoring.gates import observe_gates

EVERY_SECONDS = 60


def alert_sensors(settings: Settings, job: UnresolvedAssetJobDefinition) -> list[SensorDefinition]:
    """The sensors that watch the nightly job and empty the outbox."""

    @run_failure_sensor(
        name="nightly_failed", monitored_jobs=[job], default_status=DefaultSensorStatus.RUNNING
    )
    def nightly_failed(context: RunFailureSensorContext) -> None:
        """Open incidents for a run that failed, or that died before it could."""
        observe_gates(settings, configured_sources(settings))
        observe_latest_run(settings, context.instance)

    @run_status_sensor(
        name="nightly_succeeded",
        run_status=DagsterRunStatus.SUCCESS,
        monitored_jobs=[job],
        default_status=DefaultSensorStatus.RUNNING,
    )
    def nightly_succeeded(context: RunStatusSensorContext) -> None:
        """Close them again."""
        observe_latest_run(settings, context.instance)

    @sensor(name="alerts", minimum_interval_seconds=EVERY_SECONDS, default_status=DefaultSensorStatus.RUNNING)
    def alerts() -> SkipReason:
        """Send what is due; what does not arrive is tried again later."""
        sent = deliver(settings, datetime.now(UTC))
        told = [f"{one.route}: {one.alerts} alerts {one.reason or 'delivered'}" for one in sent]
        return SkipReason("; ".join(told) or "Nothing is due.")

    return [nightly_failed, nightly_succeeded, alerts]
