"""The nightly job, and the schedule and sensors that start and watch it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from orchestration.alerts.delivery import deliver
from orchestration.alerts.incidents import suppress_alerting_errors
from orchestration.arrival.configured import configured_schedule, read_arrival
from orchestration.core.printable import counted
from orchestration.core.settings import Settings
from orchestration.defs.automation.run_requests import nightly_request, prompt_request
from orchestration.defs.names import NIGHTLY
from orchestration.defs.orphaned_runs import fail_orphaned_runs_if_idle
from orchestration.defs.outcomes import makes_release, observe_latest_run
from orchestration.monitoring.gates import observe_gates
from orchestration.monitoring.heartbeat import conclude_night
from orchestration.monitoring.watch import watch
from orchestration.sources.schedule import Schedule
from orchestration.sources.source import Source

EVERY_SECONDS = 60
WATCH_EVERY_SECONDS = 300
RUNNING = dg.DefaultSensorStatus.RUNNING


def release_policy(schedule: Schedule, sources: Mapping[str, Source]) -> dg.FreshnessPolicy | None:
    """A release each day, between the start of the night and the time by which it is owed.

    None where no source delivers daily: then no release is owed.
    """
    if all(source.feed != "daily" for source in sources.values()):
        return None
    starts_at, fresh_by = (
        datetime.combine(date.min, clock) for clock in (schedule.starts_at, schedule.fresh_by)
    )
    return dg.FreshnessPolicy.cron(
        deadline_cron=f"{schedule.fresh_by.minute} {schedule.fresh_by.hour} * * *",
        lower_bound_delta=max(fresh_by - starts_at, timedelta(minutes=1)),
        timezone=schedule.timezone,
    )


def automation(
    settings: Settings, sources: Mapping[str, Source], rest: Sequence[dg.AssetKey]
) -> dg.Definitions:
    """The job `nightly` with its schedule and sensors; `rest` are its assets other than raw."""
    job = dg.define_asset_job(
        NIGHTLY,
        selection=dg.AssetSelection.all(),
        description="Pull new dumps, build the warehouse, run the mart gate, publish a release.",
    )
    times = configured_schedule(settings)

    @dg.schedule(
        name="nightly",
        job=job,
        cron_schedule=times.cron,
        execution_timezone=times.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    def nightly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        """Look for new dumps and for what earlier runs left; wait for those that are owed."""
        return nightly_request(context.instance, settings, sources, rest, context.scheduled_execution_time)

    @dg.sensor(name="arrivals", job=job, minimum_interval_seconds=EVERY_SECONDS, default_status=RUNNING)
    def arrivals(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        """Run what has news or was cut short; the same is asked for once, whatever becomes of it."""
        return prompt_request(context.instance, settings, sources, rest, datetime.now(UTC))

    @dg.sensor(name="dead_runs", minimum_interval_seconds=EVERY_SECONDS, default_status=RUNNING)
    def dead_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        """Runs that were killed are marked as failed."""
        failed = fail_orphaned_runs_if_idle(settings, context.instance)
        return dg.SkipReason(f"Marked as failed: {', '.join(failed)}." if failed else "No dead runs.")

    @dg.sensor(name="watch", minimum_interval_seconds=WATCH_EVERY_SECONDS, default_status=RUNNING)
    def watching(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        """Open and close incidents; the sensor `alerts` delivers what there is to tell."""
        watch(settings, datetime.now(UTC))
        return dg.SkipReason("Arrival and freshness checked; `aipl status` shows open incidents.")

    @dg.run_failure_sensor(name="nightly_failed", monitored_jobs=[job], default_status=RUNNING)
    def nightly_failed(context: dg.RunFailureSensorContext) -> None:
        """Open incidents for a run that failed or died."""
        # The manifest may be what is damaged; that the run failed is told all the same.
        with suppress_alerting_errors():
            observe_gates(settings, read_arrival(settings, {}))
        observe_latest_run(settings, context.instance)
        conclude_night(settings)

    @dg.run_status_sensor(
        name="nightly_succeeded",
        run_status=dg.DagsterRunStatus.SUCCESS,
        monitored_jobs=[job],
        default_status=RUNNING,
    )
    def nightly_succeeded(context: dg.RunStatusSensorContext) -> None:
        """Resolve the incidents of earlier runs."""
        observe_latest_run(settings, context.instance)
        if makes_release(context.dagster_run):
            conclude_night(settings)

    @dg.run_status_sensor(
        name="nightly_cancelled",
        run_status=dg.DagsterRunStatus.CANCELED,
        monitored_jobs=[job],
        default_status=RUNNING,
    )
    def nightly_cancelled(context: dg.RunStatusSensorContext) -> None:
        """Say that somebody cancelled a run: what it left waits for the night."""
        observe_latest_run(settings, context.instance)

    @dg.sensor(name="alerts", minimum_interval_seconds=EVERY_SECONDS, default_status=RUNNING)
    def alerts() -> dg.SkipReason:
        """Send the alerts that are due; failed deliveries are retried later."""
        sent = deliver(settings, datetime.now(UTC))
        told = [f"{one.route}: {counted(one.alerts, 'alert')} {one.reason or 'delivered'}" for one in sent]
        return dg.SkipReason("; ".join(told) or "Nothing is due.")

    return dg.Definitions(
        jobs=[job],
        schedules=[nightly],
        sensors=[arrivals, dead_runs, watching, nightly_failed, nightly_succeeded, nightly_cancelled, alerts],
    )
