"""Raw assets, one per source and partitioned by load date; and `arrival`, which waits for all of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetMaterialization,
    AssetsDefinition,
    BackfillPolicy,
    Config,
    DailyPartitionsDefinition,
    MaterializeResult,
    asset,
)

from orchestration.arrival.configured import configured_schedule, read_arrival
from orchestration.arrival.pending import ALL, Request, find_pending
from orchestration.arrival.receive import Received, receive
from orchestration.build.around_dbt import write_dbt_inputs
from orchestration.core.printable import counted
from orchestration.core.progress import reporter
from orchestration.core.settings import Settings
from orchestration.core.under_way import begin_step
from orchestration.defs.resources import WriterLock, explained
from orchestration.monitoring.gates import observe_arrival_gate
from orchestration.quality.new_loads import judge_staging
from orchestration.sources.calendar import first_expected
from orchestration.sources.source import Source

ARRIVAL_GATE = "arrival_gate"
SHOWN_WARNINGS = 5


def load_dates(settings: Settings, sources: Mapping[str, Source]) -> DailyPartitionsDefinition:
    """One partition a load date, from the first that any source with dumps has or owes until today.

    All assets of one job share their partitions.
    """
    times, arrival = configured_schedule(settings), read_arrival(settings, sources)
    came = [load.load_date for load in arrival.loads]
    owed = [first_expected(source) for source in arrival.fed().sources.values()]
    start = min([*came, *filter(None, owed)], default=times.today()).isoformat()
    return DailyPartitionsDefinition(start_date=start, timezone=times.timezone, end_offset=1)


class RawConfig(Config):
    """Where the dumps of this run are (default: as in the sources file); `only` restricts the files.

    `load_dates` are those to bring in. Without them it is the partitions of the run, and in a run without
    partitions all that is new.
    """

    dumps: str | None = None
    only: list[str] | None = None
    load_dates: list[str] | None = None


def raw_config(load_dates: Mapping[str, Sequence[date]], request: Request = ALL) -> dict[str, Any]:
    """Run config of the job for these load dates, by source."""
    return {
        "ops": {
            f"raw__{source}": {
                "config": {
                    "dumps": request.dumps,
                    "only": request.files_of(source),
                    "load_dates": [day.isoformat() for day in days],
                }
            }
            for source, days in load_dates.items()
        }
    }


def raw_asset(
    settings: Settings, source: Source, dbt_sources: str, partitions: DailyPartitionsDefinition
) -> AssetsDefinition:
    """The asset `raw/<source>`. Its arrival gate warns but does not block, so other sources continue."""
    key = AssetKey(["raw", source.source_id])
    stage = partial(judge_staging, settings, dbt_sources)

    @asset(
        key=key,
        description=source.description or None,
        partitions_def=partitions,
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
        begin_step(f"pull {source.source_id}")
        with explained():
            today = configured_schedule(settings).today()
            days = _asked(context, config) or _pending(settings, source, config, today)
            try:
                received = receive(settings, source, days, config.dumps, today, only=config.only, stage=stage)
            finally:
                observe_arrival_gate(settings, source.source_id)
        for warning in received.report.warnings:
            context.log.warning(warning)
        warnings = [*received.report.warnings[:SHOWN_WARNINGS], *_warnings(received)]
        reporter().done("\n  ".join([_told(received), *warnings]))
        context.log.info(_told(received))
        if not _partitions(context):
            # Dagster would record none of the days of a run that it did not give them.
            for day in received.accepted:
                context.log_event(AssetMaterialization(key, partition=day.isoformat()))
        yield MaterializeResult(metadata=_metadata(received), check_results=[_check(received)])

    return raw


def _partitions(context: AssetExecutionContext) -> list[str]:
    has_any = context.has_partition_key or context.has_partition_key_range
    return list(context.partition_keys) if has_any else []


def _asked(context: AssetExecutionContext, config: RawConfig) -> set[date]:
    named = config.load_dates if config.load_dates is not None else _partitions(context)
    return {date.fromisoformat(day) for day in named}


def _pending(settings: Settings, source: Source, config: RawConfig, today: date) -> set[date]:
    request = Request(dumps=config.dumps)
    arrival = read_arrival(settings, {source.source_id: source})
    return set(find_pending(settings, arrival, request, today).load_dates.get(source.source_id, ()))


def arrival_asset(settings: Settings, sources: Mapping[str, Source]) -> AssetsDefinition:
    """What the warehouse is built from; it waits for every source that is being pulled."""

    @asset(
        name="arrival",
        deps=[AssetKey(["raw", source_id]) for source_id in sources],
        group_name="raw",
        kinds={"parquet"},
    )
    def arrival(context: AssetExecutionContext, lock: WriterLock) -> MaterializeResult[None]:
        """Accepted loads moved into raw; files, sources and brands as dbt reads them."""
        with explained():
            retired = write_dbt_inputs(settings, sources)
        for told in retired:
            begin_step("retention")
            reporter().done(told)
            context.log.info(told)
        return MaterializeResult()

    return arrival


def _told(received: Received) -> str:
    rows = sum(version.row_count or 0 for version in received.report.arrived)
    files = len(received.report.arrived) + len(received.report.refused)
    verdict = f"{counted(len(received.accepted), 'load')} accepted, {len(received.refused)} refused"
    return f"{counted(files, 'file')}, {counted(rows, 'row')}; {verdict}"


def _warnings(received: Received) -> list[str]:
    """What the arrival gate warns of, a few; not of loads that it refused, whose reasons say more."""
    gate, refused = received.gate, set(received.refused)
    told = [one for one in gate.warnings if set(one.load_dates) - refused] if gate else []
    lines = replace(gate, results=tuple(told)).warning_lines() if gate else []
    more = [f"warning: {len(lines) - SHOWN_WARNINGS} more"] if len(lines) > SHOWN_WARNINGS else []
    return [*(f"warning: {line}" for line in lines[:SHOWN_WARNINGS]), *more]


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
        severity=AssetCheckSeverity.ERROR,
        metadata={
            "accepted": len(received.accepted) if received else 0,
            "refused": refused,
            "findings": gate.summary_lines() if gate else [],
        },
    )
