"""Alert sensors: finished runs, and alerts that are due."""

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
from orchestration.alerts.incidents import suppress_alerting_errors
from orchestration.arrival.configured import read_arrival
from orchestration.core.printable import counted
from orchestration.core.settings import Settings
from orchestration.defs.outcomes import observe_latest_run
from orchestration.monitoring.gates import observe_gates

EVERY_SECONDS = 60


def alert_sensors(settings: Settings, job: UnresolvedAssetJobDefinition) -> list[SensorDefinition]:
    """The sensors that watch the nightly job and send the alerts in the outbox."""

    @run_failure_sensor(
        name="nightly_failed", monitored_jobs=[job], default_status=DefaultSensorStatus.RUNNING
    )
    def nightly_failed(context: RunFailureSensorContext) -> None:
        """Open incidents for a run that failed or died."""
        # The manifest may be what is damaged; that the run failed is told all the same.
        with suppress_alerting_errors():
            observe_gates(settings, read_arrival(settings, {}))
        observe_latest_run(settings, context.instance)

    @run_status_sensor(
        name="nightly_succeeded",
        run_status=DagsterRunStatus.SUCCESS,
        monitored_jobs=[job],
        default_status=DefaultSensorStatus.RUNNING,
    )
    def nightly_succeeded(context: RunStatusSensorContext) -> None:
        """Resolve the incidents of earlier runs."""
        observe_latest_run(settings, context.instance)

    @sensor(name="alerts", minimum_interval_seconds=EVERY_SECONDS, default_status=DefaultSensorStatus.RUNNING)
    def alerts() -> SkipReason:
        """Send the alerts that are due; failed deliveries are retried later."""
        sent = deliver(settings, datetime.now(UTC))
        told = [f"{one.route}: {counted(one.alerts, 'alert')} {one.reason or 'delivered'}" for one in sent]
        return SkipReason("; ".join(told) or "Nothing is due.")

    return [nightly_failed, nightly_succeeded, alerts]
