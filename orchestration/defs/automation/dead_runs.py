"""A sensor that declares dead runs failed, so that the queue goes on."""

from dagster import DefaultSensorStatus, SensorDefinition, SensorEvaluationContext, SkipReason, sensor

from orchestration.core.settings import Settings
from orchestration.defs.orphaned_runs import fail_orphaned_runs_if_idle


def dead_runs_sensor(settings: Settings) -> SensorDefinition:
    """Look once a minute; Dagster's own monitor cannot see whether a local process is alive."""

    @sensor(name="dead_runs", minimum_interval_seconds=60, default_status=DefaultSensorStatus.RUNNING)
    def dead_runs(context: SensorEvaluationContext) -> SkipReason:
        """Runs that were killed are marked as failed."""
        failed = fail_orphaned_runs_if_idle(settings, context.instance)
        return SkipReason(f"Marked as failed: {', '.join(failed)}." if failed else "No dead runs.")

    return dead_runs
