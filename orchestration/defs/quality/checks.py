"""The mart gate as blocking asset checks: one per mart, all decided by one run of the suites."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from dagster import (
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetChecksDefinition,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetKey,
    multi_asset_check,
)

from expectations.results import GateResult
from orchestration.build.again import build_again
from orchestration.build.dbt import run_target
from orchestration.core.printable import counted
from orchestration.core.progress import reporter
from orchestration.core.settings import Settings
from orchestration.core.under_way import begin_step
from orchestration.defs.names import MART_GATE
from orchestration.defs.resources import WriterLock, explained
from orchestration.monitoring.gates import observe_arrival_gate, observe_mart_gate
from orchestration.publish.holding import concerned, hold, let_go
from orchestration.quality.mart_gate import described_expectations, judge_marts, keep_verdict
from orchestration.sources.source import Source


def mart_gate(
    settings: Settings, sources: Mapping[str, Source], dbt_sources: str, marts: Sequence[AssetKey]
) -> AssetChecksDefinition:
    """A blocking check on each mart: downstream assets are skipped when one fails.

    A finding that is traced to sources holds their new loads back, once: the others are judged without them.
    """
    told = described_expectations(settings)
    specs = [
        AssetCheckSpec(MART_GATE, asset=key, blocking=True, description=told.get(key.path[-1]))
        for key in marts
    ]

    @multi_asset_check(name=MART_GATE, specs=specs, can_subset=True)
    def check(context: AssetCheckExecutionContext, lock: WriterLock) -> Iterator[AssetCheckResult]:
        """Run the Great Expectations suites on the marts that are about to be published."""
        begin_step("mart gate")
        with explained():
            try:
                result = judge_marts(settings)
                if result.outcome == "failed" and (reasons := concerned(settings, result)):
                    reporter().done(f"failed, held back new loads of {', '.join(sorted(reasons))}")
                    result = _without(reasons, result, run_target(settings, f"{context.run.run_id}-again"))
                    for source_id in reasons:
                        observe_arrival_gate(settings, source_id)
            finally:
                observe_mart_gate(settings)
        context.log.info("\n".join(result.summary_lines()))
        if result.outcome == "passed":
            reporter().done(f"passed, {counted(len(result.warnings), 'warning')}")
        asked = {key.asset_key for key in context.selected_asset_check_keys}
        yield from (found for found in check_results(result, marts) if found.asset_key in asked)

    def _without(reasons: Mapping[str, str], first: GateResult, target: Path) -> GateResult:
        """The verdict on the marts without what is held; the first, and nothing held, if it is no better."""
        held = hold(settings, reasons)
        if all(held.values()):
            begin_step("warehouse, without what is held back")
            build_again(settings, sources, dbt_sources, target)
            reporter().done("")
            begin_step("mart gate")
            second = judge_marts(settings)
            if second.outcome == "passed":
                return second
        let_go(settings, held)
        keep_verdict(settings, first)
        return first

    return check


def check_results(result: GateResult, marts: Sequence[AssetKey]) -> Iterator[AssetCheckResult]:
    """One result per mart; a failure that belongs to no known mart fails all of them."""
    names = {key.path[-1] for key in marts}
    stray = any(failure.table not in names for failure in result.failures)
    for key in marts:
        own = [found for found in result.results if found.table == key.path[-1]]
        passed = not stray and not any(found.blocks for found in own)
        yield AssetCheckResult(
            asset_key=key,
            check_name=MART_GATE,
            passed=passed,
            severity=AssetCheckSeverity.ERROR,
            description=None if passed else "\n".join(result.summary_lines()),
            metadata={
                "expectations": len(own),
                "failed": [found.name for found in own if found.blocks],
                "warnings": [found.name for found in own if found.status == "failed" and not found.blocks],
            },
        )
