"""Each law as a check on its table, whichever test of dbt judges it."""

from collections.abc import Mapping, Sequence
from typing import Any

from dagster import AssetCheckKey, AssetCheckResult, AssetCheckSeverity, AssetCheckSpec, AssetKey

from orchestration.lib.build.laws import BrokenLaw, Law


def law_checks(
    manifest: Mapping[str, Any], laws: Mapping[str, Sequence[Law]], tables: Mapping[str, AssetKey]
) -> list[AssetCheckSpec]:
    """A check for each law of each test of a dbt manifest; `tables` are models and seeds by name."""
    nodes = manifest["nodes"]
    return [
        AssetCheckSpec(
            name=law.name,
            asset=tables[law.table],
            description=law.description,
            additional_deps={
                tables[nodes[read]["name"]]
                for read in nodes[test]["depends_on"]["nodes"]
                if read in nodes and nodes[read]["name"] in tables.keys() - {law.table}
            },
            blocking=law.is_error,
            # By this Dagster finds the test to run when somebody asks for this check alone.
            metadata={"dagster_dbt/unique_id": test, "runbook": law.anchor},
        )
        for test, of_test in laws.items()
        for law in of_test
    ]


def law_check_result(law: Law, broken: BrokenLaw | None, key: AssetCheckKey) -> AssetCheckResult:
    """The verdict on a law, with rows that break it."""
    return AssetCheckResult(
        asset_key=key.asset_key,
        check_name=key.name,
        passed=broken is None,
        severity=AssetCheckSeverity.ERROR if law.is_error else AssetCheckSeverity.WARN,
        metadata={"rows": broken.failures, "examples": broken.example_lines} if broken else {},
    )
