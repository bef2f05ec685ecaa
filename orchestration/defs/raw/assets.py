"""Raw assets: one per source, partitioned by load date; a range runs in one go."""

from collections.abc import Iterator
from datetime import date

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    BackfillPolicy,
    Config,
    DailyPartitionsDefinition,
    MaterializeResult,
    asset,
)

from orchestration.arrival.configured import configured_schedule
from orchestration.arrival.receive import Received, receive
from orchestration.core.printable import counted
from orchestration.core.progress import reporter
from orchestration.core.settings import Settings
from orchestration.defs.resources import WriterLock, explained
from orchestration.monitoring.gates import observe_arrival_gate
from orchestration.sources.source import Source

ARRIVAL_GATE = "arrival_gate"
SHOWN_WARNINGS = 5


class RawConfig(Config):
    """Where the dumps of this run are (default: as in the sources file); `only` restricts the files."""

    dumps: str | None = None
    only: list[str] | None = None


def raw_asset(settings: Settings, source: Source, days: DailyPartitionsDefinition) -> AssetsDefinition:
    """The asset `raw/<source>`. Its arrival gate warns but does not block, so other sources continue."""
    key = AssetKey(["raw", source.source_id])

    @asset(
        key=key,
        description=source.description or None,
        partitions_def=days,
        backfill_policy=BackfillPolicy.single_run(),
        group_name="raw",
        kinds={"parquet"},
        check_specs=[AssetCheckSpec(ARRIVAL_GATE, asset=key)],
    )
    def raw(
        context: AssetExecutionContext, config: RawConfig, lock: WriterLock
    ) -> Iterator[MaterializeResult[None]]:
        """The dumps of these load dates: pulled, checked by the arrival gate, then accepted or refused."""
        if not (config.dumps or source.dumps):
            context.log.info("%s declares no dumps and none were given: nothing to pull", source.source_id)
            yield MaterializeResult(check_results=[_check(None)])
            return
        reporter().start(f"pull {source.source_id}")
        with explained():
            load_dates = {date.fromisoformat(key) for key in context.partition_keys}
            today = configured_schedule(settings).today()
            try:
                received = receive(settings, source, load_dates, config.dumps, today, only=config.only)
            finally:
                observe_arrival_gate(settings, source.source_id)
        for warning in received.report.warnings:
            context.log.warning(warning)
        reporter().done("\n  ".join([_told(received), *received.report.warnings[:SHOWN_WARNINGS]]))
        context.log.info(_told(received))
        yield MaterializeResult(metadata=_metadata(received), check_results=[_check(received)])

    return raw


def _told(received: Received) -> str:
    rows = sum(version.row_count or 0 for version in received.report.arrived)
    files = len(received.report.arrived) + len(received.report.refused)
    verdict = f"{counted(len(received.accepted), 'load')} accepted, {len(received.refused)} refused"
    return f"{counted(files, 'file')}, {counted(rows, 'row')}; {verdict}"


def _metadata(received: Received) -> dict[str, int]:
    report = received.report
    return {
        "files": len(report.arrived),
        "unreadable_files": len(report.refused),
        "rows": sum(version.row_count or 0 for version in report.arrived),
        "unreadable_rows": sum(version.unreadable_count for version in report.arrived),
    }


def _check(received: Received | None) -> AssetCheckResult:
    refused = [day.isoformat() for day in received.refused] if received else []
    gate = received.gate if received else None
    return AssetCheckResult(
        check_name=ARRIVAL_GATE,
        passed=not refused,
        severity=AssetCheckSeverity.WARN,
        metadata={
            "accepted": len(received.accepted) if received else 0,
            "refused": refused,
            "findings": gate.summary_lines() if gate else [],
        },
    )
