"""What a gate found, without Great Expectations, which takes most of a small night."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from expectations.results import ExpectationResult, GateResult
from expectations.suites.rule import Suite
from orchestration.quality import mart_gate as gate


def verdict(*tables: str, status: Any = "passed") -> GateResult:
    """The same of every table; one with a dot in its name is judged on arrival, any other is a mart."""
    now = datetime.now(UTC)
    results = (
        ExpectationResult(
            table=table,
            name="money_known",
            description="money is known",
            column="money",
            severity="critical",
            owner="tests",
            status=status,
            observed="1 of 2 rows",
            examples=({"brand_id": "east"},),
            error="the suite broke" if status == "error" else None,
            load_dates=(date(2024, 1, 2),) if "." in table and status == "failed" else (),
        )
        for table in tables
    )
    return GateResult("arrival" if "." in tables[0] else "marts", tables[0], now, now, tuple(results))


def judge_with(patch: pytest.MonkeyPatch, status: Any = "passed") -> None:
    """Have the mart gate say this of every table that it is asked for."""

    def judge(_: Path, suites: Sequence[Suite], **more: Any) -> GateResult:
        # The tiny shops have marts without suites.
        names = [suite.table for suite in suites] or ["dim_release" if "previous" in more else "dim_brand"]
        return verdict(*names, status=status)

    patch.setattr(gate, "run_marts", judge)
